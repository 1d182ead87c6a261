-- A first lease of an epoch that is over when it comes begins nothing: the database was stopped while it was on its
-- way, its promotion has been given up, and others may have been elected since.

CREATE OR REPLACE FUNCTION mr.hold_lease(p_epoch bigint, p_start timestamptz, p_boot text, p_duration_ms integer, p_begin boolean) RETURNS text
    LANGUAGE plpgsql AS $$
DECLARE
    v_lease mr.lease;
    v_until timestamptz := p_start + make_interval(secs => p_duration_ms / 1000.0);
BEGIN
    PERFORM FROM mr.lease FOR UPDATE;
    PERFORM mr.note_clock();
    SELECT * INTO STRICT v_lease FROM mr.lease;
    IF p_epoch < v_lease.epoch OR p_epoch <= (SELECT last_value FROM mr.released)
        OR p_epoch < (SELECT promised_epoch FROM mr.acceptor) THEN
        RETURN 'superseded';
    ELSIF p_epoch > v_lease.epoch AND NOT p_begin THEN
        RETURN 'not-begun';
    ELSIF p_boot <> mr.boot() || '/' || v_lease.set_backs THEN
        RETURN 'restarted';
    ELSIF (SELECT state FROM mr.local) <> 'ready' THEN
        RETURN 'unready';
    ELSIF clock_timestamp() < p_start THEN
        RETURN 'clock';
    ELSIF p_epoch > v_lease.epoch AND clock_timestamp() >= v_until THEN
        RETURN 'late';
    END IF;
    UPDATE mr.lease SET epoch = p_epoch, granted_at = p_start,
        -- Two that renew at once: the later start counts, in whatever order they come.
        valid_until = CASE WHEN epoch = p_epoch AND server_start = pg_postmaster_start_time()
            THEN greatest(valid_until, v_until) ELSE v_until END,
        seen_at = greatest(seen_at, clock_timestamp()), server_start = pg_postmaster_start_time(), renewals = renewals + 1;
    RETURN 'held';
END
$$;
