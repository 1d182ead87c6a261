-- Leaderless entities: a write is acknowledged by W regions, a read asks R of them, and what it finds out of date
-- is brought up to date. docs/TOPOLOGIES.md says what that promises.
--
-- Whoever reads is the application, and must not be believed about a row's content. So it only notes that this
-- region lacks something that another one has; the region's worker fetches the row from that region's database
-- and merges it as it merges any event: lib/db/replication/row-syncer.ts.

CREATE OR REPLACE FUNCTION mr.normal_policy(p_policy jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE
    RETURN '{"topology": "multi-leader", "durability": "region", "write": null, "read": null, "residency": null,
        "strategy": "last-write-wins", "deletion": "last-write", "record": true, "author": null, "collect": false,
        "fields": {}}'::jsonb || p_policy;

-- ---------------------------------------------------------------------------------------------
-- Reading a version.
-- ---------------------------------------------------------------------------------------------

-- What this region has of a row, null for nothing, and how far it has applied each region's writes: of one
-- snapshot, so that what the row lacks is not said to have been applied. Of its own writes it has all that were
-- acknowledged before it was asked. bigint as text. STABLE, so that all of it sees the caller's snapshot; for the
-- same reason it does not call mr.applied, which is not. Not ready: a rebuilt region may lack what it acknowledged
-- in its former incarnation, and an old copy what it acknowledged since, so neither counts as one that was asked.
CREATE FUNCTION mr.read_version(p_entity text, p_id text) RETURNS TABLE (version text, applied text, ready boolean)
    LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM mr.entity WHERE name = p_entity) THEN
        RAISE EXCEPTION 'No such entity' USING ERRCODE = '22023';
    END IF;
    EXECUTE format('SELECT (mr.json_of(t) || jsonb_build_object(''hlc'', t.hlc::text, ''position'', t.position::text))::text
        FROM public.%I t WHERE t.id = $1', p_entity) INTO version USING p_id;
    applied := (SELECT coalesce(jsonb_object_agg(a.actor, a.position::text), '{}') FROM (
        SELECT c.actor, c.position FROM mr.cursor c WHERE c.actor <> mr.local_actor()
        UNION ALL SELECT mr.local_actor(), txid_snapshot_xmax(txid_current_snapshot()) - 1) a)::text;
    ready := (SELECT state = 'ready' FROM mr.local);
    RETURN NEXT;
END
$$;

-- ---------------------------------------------------------------------------------------------
-- Wishes: rows of which another region has more. Bounded, and worth nothing to whoever cannot write
-- in that other region.
-- ---------------------------------------------------------------------------------------------

CREATE TABLE mr.sync_wish (
    entity text NOT NULL,
    entity_id text NOT NULL,
    source text NOT NULL,
    -- What the reader saw there. A region that has come to include it needs nothing more.
    clock jsonb NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    due_at timestamptz NOT NULL,
    PRIMARY KEY (entity, entity_id, source)
);

-- 'noted', also when it was noted already. 'full': there are as many as are kept; replication will bring the row.
-- 'refused': no leaderless entity, no other region, or no clock. It is due a moment later: most of what a read finds
-- missing is under way, and a row that has arrived by then is not fetched.
CREATE FUNCTION mr.request_sync(p_entity text, p_id text, p_source text, p_clock jsonb) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    IF length(p_id) > 500 OR p_source = mr.local_region()
        OR jsonb_typeof(p_clock) IS DISTINCT FROM 'object' OR length(p_clock::text) > 4000
        OR EXISTS (SELECT FROM jsonb_each(p_clock) c WHERE c.value::text !~ '^[0-9]{1,15}$')
        OR NOT EXISTS (SELECT FROM mr.region WHERE id = p_source)
        OR NOT EXISTS (SELECT FROM mr.entity WHERE name = p_entity AND topology = 'leaderless') THEN
        RETURN 'refused';
    ELSIF (SELECT count(*) FROM (SELECT FROM mr.sync_wish LIMIT 1000) w) >= 1000 THEN
        RETURN 'full';
    END IF;
    INSERT INTO mr.sync_wish AS w (entity, entity_id, source, clock, due_at)
    VALUES (p_entity, p_id, p_source, p_clock, clock_timestamp() + interval '300 ms')
    ON CONFLICT (entity, entity_id, source) DO UPDATE SET clock = EXCLUDED.clock WHERE NOT mr.clock_covers(w.clock, EXCLUDED.clock);
    RETURN 'noted';
END
$$;

-- Hands out wishes that are due, each to one worker, and drops those that have come true. They are gone then: a
-- wish that is noted while this one is carried out may be of a later version.
CREATE FUNCTION mr.take_sync_wishes(p_limit integer) RETURNS SETOF mr.sync_wish
    LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_wish mr.sync_wish;
    v_clock jsonb;
BEGIN
    FOR v_wish IN
        DELETE FROM mr.sync_wish w USING (
            SELECT s.entity, s.entity_id, s.source FROM mr.sync_wish s WHERE s.due_at <= clock_timestamp()
            ORDER BY s.due_at LIMIT p_limit FOR UPDATE SKIP LOCKED) d
        WHERE (w.entity, w.entity_id, w.source) = (d.entity, d.entity_id, d.source)
        RETURNING w.*
    LOOP
        EXECUTE format('SELECT clock FROM public.%I WHERE id = $1', v_wish.entity) INTO v_clock USING v_wish.entity_id;
        IF v_clock IS NULL OR NOT mr.clock_covers(v_clock, v_wish.clock) THEN
            RETURN NEXT v_wish;
        END IF;
    END LOOP;
END
$$;

-- Puts one back that could not be carried out: later each time, and at most eight times.
CREATE FUNCTION mr.postpone_sync_wish(p_wish jsonb) RETURNS void
    LANGUAGE sql VOLATILE AS $$
    INSERT INTO mr.sync_wish (entity, entity_id, source, clock, attempts, due_at)
    SELECT w.entity, w.entity_id, w.source, w.clock, w.attempts + 1, clock_timestamp() + make_interval(secs => 0.3 * 2 ^ w.attempts)
    FROM jsonb_populate_record(NULL::mr.sync_wish, p_wish) w WHERE w.attempts < 8
    ON CONFLICT DO NOTHING
$$;

REVOKE EXECUTE ON FUNCTION mr.read_version, mr.request_sync, mr.take_sync_wishes, mr.postpone_sync_wish FROM PUBLIC;
GRANT EXECUTE ON FUNCTION mr.read_version, mr.request_sync TO meridian_app;
GRANT SELECT ON mr.sync_wish TO meridian_app;

-- With the policies' new parts: a region that is new and one that was there before agree.
DO $$
BEGIN
    PERFORM mr.redeclare(name) FROM mr.entity;
END
$$;
