-- What an operator has to know before the leader is changed, and the orders that are given then.
-- docs/FAILOVER.md says what the numbers mean.

-- All that this region knows of leadership, for the application's role, in one object; bigint as text.
-- `staleness`: everything up to so many ms ago, by the clocks of this region and the origin, has been applied.
-- `open`: an attempt of this region that somebody works on.
CREATE FUNCTION mr.failover_report() RETURNS jsonb
    LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT mr.control() || jsonb_build_object(
        'staleness', (SELECT coalesce(jsonb_object_agg(c.actor, mr.ms_since(c.complete_at)), '{}') FROM mr.cursor c),
        'peers', (SELECT coalesce(jsonb_agg(jsonb_build_object(
            'region', p.region, 'actor', p.actor, 'lastEvent', p.last_event::text, 'latencyMs', p.latency_ms,
            'clockOffsetMs', p.clock_offset_ms, 'ageMs', mr.ms_since(p.observed_at),
            'failing', p.failed_since IS NOT NULL)), '[]') FROM mr.peer p),
        'workerAgeMs', (SELECT mr.ms_since(w.seen_at) FROM mr.worker w),
        'pauseReason', (SELECT m.reason FROM mr.maintenance m),
        'pausedBy', (SELECT m.requested_by FROM mr.maintenance m),
        'open', (SELECT f.id FROM mr.failover_attempt f
            WHERE f.status IN ('initiated', 'in_progress') AND f.seen_at > clock_timestamp() - interval '15 s'
            ORDER BY f.requested_at LIMIT 1))
$$;

-- mr.count_unseen for the application's role, which reads no outbox.
CREATE FUNCTION mr.count_unseen_writes(p_after bigint) RETURNS integer
    LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$ SELECT mr.count_unseen(p_after) $$;

-- mr.request_leadership with an audit of who asked and what was answered, in one transaction. p_epoch: the newest
-- one that whoever asks has seen. 'already-leader' or 'leader-changed' where it has been overtaken meanwhile: the
-- second of two clicks must not end the epoch that the first began.
CREATE FUNCTION mr.order_leadership(p_id text, p_kind text, p_from text, p_epoch bigint, p_reason text, p_by text) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    v_answer text;
BEGIN
    PERFORM pg_advisory_xact_lock(727073, 4);
    v_answer := CASE
        WHEN mr.leading() IS NOT NULL THEN 'already-leader'
        WHEN (SELECT epoch FROM mr.leadership) > p_epoch THEN 'leader-changed'
        ELSE mr.request_leadership(p_id, p_kind, p_from, p_reason, p_by) END;
    PERFORM mr.write_audit(p_by, 'leadership.' || p_kind, mr.local_region(),
        jsonb_build_object('attempt', p_id, 'from', p_from, 'reason', p_reason),
        CASE v_answer WHEN 'requested' THEN v_answer ELSE 'refused: ' || v_answer END);
    RETURN v_answer;
END
$$;

CREATE FUNCTION mr.order_pause(p_version bigint, p_paused boolean, p_reason text, p_by text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    v_taken boolean := mr.set_pause(p_version, p_paused, p_reason, p_by);
BEGIN
    PERFORM mr.write_audit(p_by, CASE WHEN p_paused THEN 'leadership.pause' ELSE 'leadership.resume' END, mr.local_region(),
        jsonb_build_object('version', p_version::text, 'reason', left(p_reason, 500)),
        CASE WHEN v_taken THEN 'done' ELSE 'outdated' END);
    RETURN v_taken;
END
$$;

REVOKE EXECUTE ON FUNCTION mr.failover_report, mr.count_unseen_writes, mr.order_leadership, mr.order_pause
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION mr.failover_report, mr.count_unseen_writes, mr.order_leadership, mr.order_pause TO meridian_app;
