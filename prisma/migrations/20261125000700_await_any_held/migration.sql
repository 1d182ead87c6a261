-- One question for all writes that a process waits for. A question each held a connection each, and 50 writes a
-- second with quorum durability took all of both cores of a machine: half of them were not confirmed in time.

DROP FUNCTION mr.await_held(text, bigint, boolean, integer);

-- Waits until this region has applied any of some writes ({ actor: position }). p_led: the leader that some of them
-- are of. They count only while this region has promised to nobody else: a candidate that is promised to measures
-- what is here afterwards, and so will have it. Returns { cursors, follows } as they are then, also after the time
-- or when this region follows another leader than p_led; `follows` is null after a promise.
CREATE FUNCTION mr.await_any_held(p_marks jsonb, p_led text, p_timeout_ms integer) RETURNS jsonb
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    v_until timestamptz := clock_timestamp() + make_interval(secs => least(p_timeout_ms, 10000) / 1000.0);
    v_pause double precision := 0.002;
    v_answer jsonb;
    v_any boolean;
    v_follows text;
BEGIN
    LOOP
        -- One statement, so one snapshot.
        SELECT coalesce(jsonb_object_agg(c.actor, c.position::text) FILTER (WHERE c.actor IS NOT NULL), '{}'),
            coalesce(bool_or(c.position >= m.value::bigint), false),
            min(CASE WHEN a.promised_epoch = s.epoch AND a.promised_to = s.leader THEN s.leader END)
            INTO v_answer, v_any, v_follows
        FROM mr.acceptor a CROSS JOIN mr.leadership s CROSS JOIN jsonb_each_text(p_marks) m LEFT JOIN mr.cursor c ON c.actor = m.key;
        IF v_any OR (p_led IS NOT NULL AND v_follows IS DISTINCT FROM p_led) OR clock_timestamp() >= v_until THEN
            RETURN jsonb_build_object('cursors', v_answer, 'follows', v_follows);
        END IF;
        PERFORM pg_sleep(v_pause);
        v_pause := least(v_pause * 2, 0.016);
    END LOOP;
END
$$;

REVOKE EXECUTE ON FUNCTION mr.await_any_held FROM PUBLIC;
GRANT EXECUTE ON FUNCTION mr.await_any_held TO meridian_app;
