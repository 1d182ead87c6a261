-- A promotion in fewer round trips, and a lease that only a promotion begins.

-- What an actor wrote past a position is looked up while nobody leads.
CREATE INDEX "User_origin_position_idx" ON "User" (origin, position);

-- ---------------------------------------------------------------------------------------------
-- Acceptors.
-- ---------------------------------------------------------------------------------------------

-- Rows of single-leader entities that this region has and another one has not: by every actor past where p_held
-- ({ actor: position }) ends, whatever the cursors say, since rows that a promotion pulled moved none. Not what
-- p_own, the other region's actor, wrote itself.
CREATE FUNCTION mr.rows_beyond(p_own text, p_held jsonb) RETURNS SETOF mr.rows_part
    LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_entity text;
    v_ids text[];
BEGIN
    FOR v_entity IN SELECT mr.single_leader_entities() LOOP
        EXECUTE format('
            SELECT array_agg(t.id) FROM (
                SELECT mr.local_actor() UNION SELECT actor FROM mr.cursor UNION SELECT jsonb_object_keys($2)) a (actor)
            CROSS JOIN LATERAL (SELECT id FROM public.%I
                WHERE origin = a.actor AND position > coalesce(($2 ->> a.actor)::bigint, 0)) t
            WHERE a.actor <> $1', v_entity)
            INTO v_ids USING p_own, p_held;
        IF v_ids IS NOT NULL THEN
            RETURN QUERY SELECT v_entity, r.events, r.payload FROM mr.read_rows(v_entity, v_ids) r;
        END IF;
    END LOOP;
END
$$;

DROP FUNCTION mr.rows_of_actor(text, bigint);

-- mr.promise_epoch, and once promised: what this region has and the candidate lacks. Committed in between: until
-- everybody sees the promise, mr.await_held may answer for a write that came after the measuring.
CREATE PROCEDURE mr.promise_and_tell(
        p_epoch bigint, p_region text, p_attempt text, p_actor text, p_grants bigint, p_own text, p_held jsonb,
        INOUT answer jsonb)
    LANGUAGE plpgsql AS $$
DECLARE
    v_outcome text := mr.promise_epoch(p_epoch, p_region, p_attempt, p_actor, p_grants);
BEGIN
    COMMIT;
    answer := jsonb_build_object('outcome', v_outcome);
    IF v_outcome = 'promised' THEN
        answer := answer || jsonb_build_object('rows',
            (SELECT coalesce(jsonb_agg(jsonb_build_object(
                'entity', r.entity, 'events', r.events, 'payload', encode(r.payload, 'base64'))), '[]')
             FROM mr.rows_beyond(p_own, p_held) r));
    END IF;
END
$$;

-- What a peer's acceptor has promised, to one that has forgotten its own promises with its database: it must not
-- go back on them. p_region is empty where not all peers could be asked: then nobody is promised to.
CREATE FUNCTION mr.adopt_promise(p_epoch bigint, p_region text) RETURNS void
    LANGUAGE sql VOLATILE AS $$
    UPDATE mr.acceptor SET promised_epoch = p_epoch, promised_to = p_region, attempt = '' WHERE promised_epoch < p_epoch
$$;

-- ---------------------------------------------------------------------------------------------
-- The leader's database.
-- ---------------------------------------------------------------------------------------------

DROP FUNCTION mr.hold_lease(bigint, timestamptz, text, integer);

-- Holds a lease that a majority has granted since p_start, which mr.probe said in the same boot, for
-- p_duration_ms from then. p_begin: the first one of an epoch, which is for the promotion alone to hold. When a
-- leader hands over, the new one is known to all before the former one has given up its lease: whoever renewed the
-- new one's then would let both lead.
CREATE FUNCTION mr.hold_lease(p_epoch bigint, p_start timestamptz, p_boot text, p_duration_ms integer, p_begin boolean) RETURNS text
    LANGUAGE plpgsql AS $$
DECLARE
    v_lease mr.lease;
BEGIN
    SELECT * INTO STRICT v_lease FROM mr.lease FOR UPDATE;
    IF p_epoch < v_lease.epoch OR p_epoch <= (SELECT last_value FROM mr.released)
        OR p_epoch < (SELECT promised_epoch FROM mr.acceptor) THEN
        RETURN 'superseded';
    ELSIF p_epoch > v_lease.epoch AND NOT p_begin THEN
        RETURN 'not-begun';
    ELSIF p_boot <> mr.boot() THEN
        RETURN 'restarted';
    ELSIF (SELECT state FROM mr.local) <> 'ready' THEN
        RETURN 'unready';
    ELSIF clock_timestamp() < p_start THEN
        RETURN 'clock';
    END IF;
    UPDATE mr.lease SET epoch = p_epoch, granted_at = p_start,
        -- Two that renew at once: the later start counts, in whatever order they come. Not across a clock
        -- that was set back: what was held before is void.
        valid_until = CASE WHEN epoch = p_epoch AND server_start = pg_postmaster_start_time() AND clock_timestamp() >= seen_at
            THEN greatest(valid_until, p_start + make_interval(secs => p_duration_ms / 1000.0))
            ELSE p_start + make_interval(secs => p_duration_ms / 1000.0) END,
        seen_at = clock_timestamp(), server_start = pg_postmaster_start_time(), renewals = renewals + 1;
    RETURN 'held';
END
$$;

-- The first epoch is begun by configuration. A region that was rebuilt has no memory of having led, and has to be
-- elected.
CREATE FUNCTION mr.begin_first_epoch() RETURNS void
    LANGUAGE sql VOLATILE AS $$
    UPDATE mr.lease SET epoch = 1 FROM mr.leadership s, mr.local o
    WHERE mr.lease.epoch = 0 AND s.epoch = 1 AND s.leader = o.region AND o.incarnation = 0
$$;

CREATE OR REPLACE FUNCTION mr.init_region(p_region text, p_leader text, p_regions text[]) RETURNS void
    LANGUAGE plpgsql AS $$
DECLARE
    v_local mr.local;
    v_actor text;
BEGIN
    IF p_region !~ '^[a-z0-9][a-z0-9-]{0,30}$' THEN
        RAISE EXCEPTION 'Region id "%" must be lower case letters, digits and hyphens', p_region;
    END IF;
    INSERT INTO mr.local (region) VALUES (p_region) ON CONFLICT DO NOTHING;
    SELECT * INTO v_local FROM mr.local;
    IF v_local.region <> p_region THEN
        RAISE EXCEPTION 'This database belongs to region %, not to %', v_local.region, p_region;
    END IF;
    INSERT INTO mr.region (id) SELECT unnest(p_regions) ON CONFLICT DO NOTHING;
    INSERT INTO mr.leadership (epoch, leader) VALUES (1, p_leader) ON CONFLICT DO NOTHING;
    INSERT INTO mr.acceptor (promised_epoch, promised_to) SELECT epoch, leader FROM mr.leadership ON CONFLICT DO NOTHING;
    PERFORM mr.begin_first_epoch();

    v_actor := p_region || CASE WHEN v_local.incarnation > 0 THEN '#' || v_local.incarnation ELSE '' END;
    IF mr.local_actor() IS DISTINCT FROM v_actor THEN
        EXECUTE format('CREATE OR REPLACE FUNCTION mr.local_region() RETURNS text
            LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN %L::text', p_region);
        EXECUTE format('CREATE OR REPLACE FUNCTION mr.local_actor() RETURNS text
            LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN %L::text', v_actor);
    END IF;
END
$$;

SELECT mr.begin_first_epoch();

REVOKE EXECUTE ON FUNCTION mr.rows_beyond, mr.adopt_promise, mr.hold_lease, mr.begin_first_epoch FROM PUBLIC;
REVOKE EXECUTE ON PROCEDURE mr.promise_and_tell FROM PUBLIC;
