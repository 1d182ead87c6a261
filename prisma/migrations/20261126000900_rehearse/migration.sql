-- What a session does for the first time takes it 10 to 40 ms, for it has functions to compile and catalogues to read.
-- A hand-over does three such things while nobody leads; the connections that workers keep open for it have done
-- them before, without effect.

-- What single-leader entities were written here past a position. All of it is committed, if nobody writes.
CREATE FUNCTION mr.written_past(p_after bigint) RETURNS SETOF mr.rows_part
    LANGUAGE plpgsql AS $$
DECLARE
    v_entity text;
BEGIN
    FOR v_entity IN SELECT mr.single_leader_entities() LOOP
        RETURN QUERY EXECUTE format('
            SELECT %2$L::text, count(*)::integer, mr.array_elements(array_agg(o.event)) FROM (
                SELECT e AS event, (row_number() OVER () - 1) / 250 AS part FROM mr.%1$I e WHERE e.position > $1) o
            GROUP BY o.part', 'outbox_' || v_entity, v_entity) USING p_after;
    END LOOP;
END
$$;

CREATE OR REPLACE FUNCTION mr.release_lease(p_epoch bigint, p_after bigint, p_wait_ms integer) RETURNS SETOF mr.rows_part
    LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('lock_timeout', p_wait_ms || 'ms', true);
    PERFORM pg_advisory_xact_lock(727073, 3);
    PERFORM setval('mr.released', greatest(p_epoch, (SELECT last_value FROM mr.released)));
    UPDATE mr.lease SET valid_until = '-infinity' WHERE epoch <= p_epoch;
    PERFORM mr.refuse_trimmed(p_after);
    RETURN QUERY SELECT * FROM mr.written_past(p_after);
END
$$;

-- Of release, drain and serve, what can be done with no effect: no rows are read or merged, and no lease of epoch 0
-- is given. A worker calls it on a connection that is new.
CREATE FUNCTION mr.rehearse() RETURNS void
    LANGUAGE plpgsql AS $$
DECLARE
    v_entity text;
BEGIN
    PERFORM mr.refuse_trimmed(mr.head());
    PERFORM FROM mr.written_past(mr.head());
    FOR v_entity IN SELECT mr.single_leader_entities() LOOP
        EXECUTE format('SELECT mr.merge_copied(%L, ARRAY[]::mr.%I[])', v_entity, 'outbox_' || v_entity);
    END LOOP;
    PERFORM mr.hold_lease(0, clock_timestamp(), '', 0, false);
END
$$;

REVOKE EXECUTE ON FUNCTION mr.written_past, mr.rehearse FROM PUBLIC;
