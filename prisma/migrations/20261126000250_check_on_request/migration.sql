-- Comparing the regions on request: the application asks, and the worker of the region that was asked does it, for
-- it alone reaches all databases as their owner.

CREATE TABLE mr.repair_check (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    requested_by text NOT NULL,
    requested_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- Renewed while it runs: one whose worker died is taken up by the next.
    started_at timestamptz,
    ended_at timestamptz,
    report jsonb,
    error text
);

-- The one that is under way, if there is one: asking twice is asking once.
CREATE FUNCTION mr.request_check(p_by text) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    v_id bigint;
BEGIN
    LOCK TABLE mr.repair_check IN SHARE ROW EXCLUSIVE MODE;
    SELECT id INTO v_id FROM mr.repair_check WHERE ended_at IS NULL ORDER BY id LIMIT 1;
    IF v_id IS NULL THEN
        INSERT INTO mr.repair_check (requested_by) VALUES (p_by) RETURNING id INTO v_id;
        PERFORM mr.write_audit(p_by, 'repair.check', mr.local_region(), jsonb_build_object('check', v_id), 'requested');
        DELETE FROM mr.repair_check WHERE id <= v_id - 20 AND ended_at IS NOT NULL;
    END IF;
    RETURN v_id;
END
$$;

CREATE FUNCTION mr.newest_check() RETURNS jsonb
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT jsonb_build_object('id', id::text, 'requestedBy', requested_by, 'requestedAt', requested_at,
        'startedAt', started_at, 'endedAt', ended_at, 'report', report, 'error', error)
    FROM mr.repair_check ORDER BY id DESC LIMIT 1
$$;

-- For the worker. Null: nothing to do, or another worker does it.
CREATE FUNCTION mr.take_check() RETURNS bigint
    LANGUAGE sql VOLATILE AS $$
    UPDATE mr.repair_check SET started_at = clock_timestamp()
    WHERE id = (SELECT id FROM mr.repair_check
        WHERE ended_at IS NULL AND coalesce(started_at, '-infinity') < clock_timestamp() - interval '30 s'
        ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING id
$$;

CREATE FUNCTION mr.end_check(p_id bigint, p_report jsonb, p_error text, p_result text) RETURNS void
    LANGUAGE sql VOLATILE AS $$
    WITH ended AS (
        UPDATE mr.repair_check SET ended_at = clock_timestamp(), report = p_report, error = p_error
        WHERE id = p_id AND ended_at IS NULL RETURNING requested_by)
    SELECT mr.write_audit(requested_by, 'repair.check', mr.local_region(), jsonb_build_object('check', p_id), p_result) FROM ended
$$;

REVOKE EXECUTE ON FUNCTION mr.request_check, mr.newest_check, mr.take_check, mr.end_check FROM PUBLIC;
GRANT EXECUTE ON FUNCTION mr.request_check, mr.newest_check TO meridian_app;
