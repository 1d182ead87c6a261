-- Two ways in which two regions could lead at once, found by simulation.

-- ---------------------------------------------------------------------------------------------
-- A lease was void while the clock of its database was set back, and valid again once that had caught up:
-- perhaps long after another region had begun to lead.
-- ---------------------------------------------------------------------------------------------

-- How often the clock has been seen to be set back. What was held, or asked for, before that is void for good.
ALTER TABLE mr.lease ADD COLUMN set_backs bigint NOT NULL DEFAULT 0;

-- Looks at the clock. To be called with the row locked: who waits for the lock has to look later than who had it.
CREATE FUNCTION mr.note_clock() RETURNS void
    LANGUAGE sql VOLATILE AS $$
    UPDATE mr.lease SET set_backs = set_backs + 1, valid_until = '-infinity', seen_at = clock_timestamp()
    WHERE clock_timestamp() < seen_at
$$;

-- `boot`: in which a lease has to be held that is asked for now.
CREATE OR REPLACE FUNCTION mr.control() RETURNS jsonb
    LANGUAGE sql VOLATILE AS $$
    SELECT jsonb_build_object(
        'region', mr.local_region(), 'actor', mr.local_actor(), 'state', o.state, 'boot', mr.boot() || '/' || l.set_backs,
        'votes', mr.may_vote(), 'regions', (SELECT jsonb_agg(id ORDER BY id) FROM mr.region),
        'promisedEpoch', a.promised_epoch::text, 'promisedTo', a.promised_to, 'grants', a.grants::text,
        'epoch', s.epoch::text, 'leader', s.leader, 'leaderActor', s.actor,
        'leaseEpoch', l.epoch::text, 'released', r.last_value::text,
        'leading', mr.leading()::text,
        'heldMs', CASE WHEN mr.leading() IS NOT NULL
            THEN (date_part('epoch', l.valid_until - clock_timestamp()) * 1000)::float8 END,
        'suspects', CASE WHEN a.suspected_at > clock_timestamp() - interval '2 s' THEN a.suspect END,
        'pauseVersion', m.version::text, 'paused', m.paused,
        'cursors', (SELECT coalesce(jsonb_object_agg(c.actor, c.position::text), '{}') FROM mr.cursor c),
        'stalled', (SELECT coalesce(jsonb_agg(t.actor), '[]') FROM mr.stall t),
        'lastEvent', mr.last_event()::text,
        'request', (SELECT f.id FROM mr.failover_attempt f
            WHERE f.status = 'initiated' AND f.to_region = mr.local_region() ORDER BY f.requested_at LIMIT 1),
        'now', to_jsonb(clock_timestamp()))
    FROM mr.local o, mr.acceptor a, mr.leadership s, mr.lease l, mr.released r, mr.maintenance m
$$;

CREATE OR REPLACE FUNCTION mr.probe() RETURNS jsonb
    LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM mr.lease FOR UPDATE;
    PERFORM mr.note_clock();
    UPDATE mr.lease SET seen_at = greatest(seen_at, clock_timestamp());
    RETURN mr.control();
END
$$;

CREATE OR REPLACE FUNCTION mr.hold_lease(p_epoch bigint, p_start timestamptz, p_boot text, p_duration_ms integer, p_begin boolean) RETURNS text
    LANGUAGE plpgsql AS $$
DECLARE
    v_lease mr.lease;
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
    END IF;
    UPDATE mr.lease SET epoch = p_epoch, granted_at = p_start,
        -- Two that renew at once: the later start counts, in whatever order they come.
        valid_until = CASE WHEN epoch = p_epoch AND server_start = pg_postmaster_start_time()
            THEN greatest(valid_until, p_start + make_interval(secs => p_duration_ms / 1000.0))
            ELSE p_start + make_interval(secs => p_duration_ms / 1000.0) END,
        seen_at = greatest(seen_at, clock_timestamp()), server_start = pg_postmaster_start_time(), renewals = renewals + 1;
    RETURN 'held';
END
$$;

-- ---------------------------------------------------------------------------------------------
-- A leader hands over by giving up its lease. Who asked for that could be late: another region had been elected
-- after it had looked, and this one's lease was nobody's to give up.
-- ---------------------------------------------------------------------------------------------

-- Once promised, also whom this region has followed until then. Of a majority, the latest is the only one that can
-- have a lease: a majority granted it, and none of a lower epoch is granted by those that have promised.
CREATE OR REPLACE PROCEDURE mr.promise_and_tell(
        p_epoch bigint, p_region text, p_attempt text, p_actor text, p_grants bigint, p_own text, p_held jsonb,
        INOUT answer jsonb)
    LANGUAGE plpgsql AS $$
DECLARE
    v_outcome text := mr.promise_epoch(p_epoch, p_region, p_attempt, p_actor, p_grants);
BEGIN
    COMMIT;
    answer := jsonb_build_object('outcome', v_outcome);
    IF v_outcome = 'promised' THEN
        answer := answer
            || (SELECT jsonb_build_object('epoch', s.epoch::text, 'leader', s.leader) FROM mr.leadership s)
            || jsonb_build_object('rows',
            (SELECT coalesce(jsonb_agg(jsonb_build_object(
                'entity', r.entity, 'events', r.events, 'payload', encode(r.payload, 'base64'))), '[]')
             FROM mr.rows_beyond(p_own, p_held) r));
    END IF;
END
$$;

REVOKE EXECUTE ON FUNCTION mr.note_clock FROM PUBLIC;
