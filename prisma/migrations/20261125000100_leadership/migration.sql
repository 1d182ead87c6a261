-- Leadership: one region at a time writes single-leader entities. docs/FAILOVER.md says how and why.
--
-- Every region's database is an acceptor. An epoch is led by the region to which a majority of acceptors
-- promised it, and a promise is also a refusal to extend the lease of any earlier epoch. The leader's database
-- holds its lease, by its own clock. No two clocks are ever compared: a candidate that saw an acceptor's count
-- of grants stand still for longer than a lease, by its own monotonic clock, knows that no lease which that
-- acceptor helped to extend is left; the acceptor promises only if the count is still the same.

CREATE TABLE mr.acceptor (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    -- The lease of a lower epoch is not extended any more, and this one is promised to no other region.
    promised_epoch bigint NOT NULL,
    promised_to text NOT NULL,
    -- Whose promise it is: asking again for the same attempt is harmless.
    attempt text NOT NULL DEFAULT '',
    -- Counts every extension of a lease.
    grants bigint NOT NULL DEFAULT 0,
    -- The boot of this database in which it may vote, and the peers that have confirmed in it that it is no
    -- old copy: an acceptor that has forgotten a promise could give it twice.
    boot text,
    confirmed_by text[] NOT NULL DEFAULT '{}',
    -- A leader that this region's worker cannot reach, and when it last said so.
    suspect text,
    suspected_at timestamptz
);

-- Only the row of the leader's database counts.
CREATE TABLE mr.lease (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    epoch bigint NOT NULL DEFAULT 0,
    granted_at timestamptz NOT NULL DEFAULT '-infinity',
    valid_until timestamptz NOT NULL DEFAULT '-infinity',
    -- The latest time that this database's clock has shown: before it, the clock was set back.
    seen_at timestamptz NOT NULL DEFAULT '-infinity',
    -- Start of the server that it was granted to.
    server_start timestamptz NOT NULL DEFAULT '-infinity',
    renewals bigint NOT NULL DEFAULT 0
);
INSERT INTO mr.lease DEFAULT VALUES;

-- Epochs up to its value have been given up by this region. A sequence, because its value is seen at once by
-- every transaction, also by one with an older snapshot.
CREATE SEQUENCE mr.released MINVALUE 0 START 0;

-- No automatic failover while paused. The highest version among the regions counts.
CREATE TABLE mr.maintenance (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    version bigint NOT NULL DEFAULT 0,
    paused boolean NOT NULL DEFAULT false,
    reason text NOT NULL DEFAULT '',
    requested_by text NOT NULL DEFAULT '',
    at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO mr.maintenance DEFAULT VALUES;

-- Every attempt to change the leader. It is worked on in the database of the region that is to lead, and copied
-- to the others.
CREATE TABLE mr.failover_attempt (
    id text PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('automatic', 'failover', 'switchover')),
    from_region text,
    to_region text NOT NULL,
    epoch bigint,
    reason text NOT NULL,
    requested_by text NOT NULL,
    status text NOT NULL DEFAULT 'initiated'
        CHECK (status IN ('initiated', 'in_progress', 'completed', 'failed', 'rolled_back')),
    -- [{ "name", "startedMs", "ms", "detail" }], in ms since started_at
    steps jsonb NOT NULL DEFAULT '[]',
    error_code text,
    error text,
    -- { actor: position }: what the new leader had of every other one when it began to lead.
    cut jsonb NOT NULL DEFAULT '{}',
    requested_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    started_at timestamptz,
    completed_at timestamptz,
    -- When whoever works on it last said so.
    seen_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Writes of a former leader that the next one did not have when it began to lead, and what became of them
-- once the former leader was back.
CREATE TABLE mr.stranded_write (
    actor text NOT NULL,
    position bigint NOT NULL,
    entity text NOT NULL,
    entity_id text NOT NULL,
    -- The epoch that began without it.
    epoch bigint NOT NULL,
    -- merged: it is, or is part of, what all regions have now. superseded: a later version was made without
    -- it, and a conflict record holds it. sibling: both are kept, for somebody to choose.
    outcome text NOT NULL CHECK (outcome IN ('merged', 'superseded', 'sibling')),
    conflict_id text,
    found_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (actor, position, entity, entity_id)
);

-- The leader's actor, by which its events are known: leadership is of the acceptor's last grant.
ALTER TABLE mr.leadership
    ADD COLUMN actor text,
    ADD COLUMN since timestamptz NOT NULL DEFAULT clock_timestamp();
INSERT INTO mr.acceptor (promised_epoch, promised_to) SELECT epoch, leader FROM mr.leadership;

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

    v_actor := p_region || CASE WHEN v_local.incarnation > 0 THEN '#' || v_local.incarnation ELSE '' END;
    IF mr.local_actor() IS DISTINCT FROM v_actor THEN
        EXECUTE format('CREATE OR REPLACE FUNCTION mr.local_region() RETURNS text
            LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN %L::text', p_region);
        EXECUTE format('CREATE OR REPLACE FUNCTION mr.local_actor() RETURNS text
            LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN %L::text', v_actor);
    END IF;
END
$$;

-- ---------------------------------------------------------------------------------------------
-- The fence.
-- ---------------------------------------------------------------------------------------------

-- The epoch in which this database may write single-leader entities now; null when it may not.
-- clock_timestamp(), not now(): that is when the transaction began, and would let it write after the lease.
CREATE FUNCTION mr.leading() RETURNS bigint
    LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT l.epoch FROM mr.lease l, mr.released r
    WHERE l.epoch > r.last_value AND l.server_start = pg_postmaster_start_time()
        AND clock_timestamp() >= l.seen_at AND clock_timestamp() < l.valid_until
$$;

-- MR001: another region leads; its name is the DETAIL. MR007: this one does, but has no lease now.
CREATE FUNCTION mr.refuse_unless_leading(p_table text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    v_leader text;
BEGIN
    IF mr.leading() IS NOT NULL THEN
        RETURN;
    END IF;
    SELECT leader INTO STRICT v_leader FROM mr.leadership;
    IF v_leader <> mr.local_region() THEN
        RAISE EXCEPTION '% is written in the leading region %, not in %', p_table, v_leader, mr.local_region()
            USING ERRCODE = 'MR001', DETAIL = v_leader;
    END IF;
    RAISE EXCEPTION '% cannot be written: % has no lease from a majority of the regions', p_table, v_leader
        USING ERRCODE = 'MR007', DETAIL = v_leader;
END
$$;

-- A single-leader entity is written in the leading region alone. Whoever gives up the lease takes the lock
-- exclusively, and so waits for the transactions that passed here.
CREATE OR REPLACE FUNCTION mr.fence() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(727073, 3);
    PERFORM mr.refuse_unless_leading(TG_TABLE_NAME);
    RETURN NULL;
END
$$;

-- Once more at commit: a transaction may have been open for longer than the lease.
CREATE FUNCTION mr.fence_at_commit() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    PERFORM mr.refuse_unless_leading(TG_TABLE_NAME);
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION mr.rebuild_triggers(p_table text, p_topology text, p_columns text[]) RETURNS void
    LANGUAGE plpgsql AS $$
DECLARE
    v_list text := (SELECT string_agg(format('%I', c), ', ') FROM unnest(p_columns) c);
    v_capture text := format('mr.%I', 'capture_' || p_table);
    v_stamp text := CASE WHEN (SELECT mr.has_state(policy) FROM mr.entity WHERE name = p_table)
        THEN format('mr.%I', 'stamp_' || p_table) ELSE 'mr.stamp' END;
    v_trigger text;
BEGIN
    EXECUTE format($sql$
        CREATE OR REPLACE FUNCTION %1$s() RETURNS trigger
            LANGUAGE plpgsql SECURITY DEFINER AS $body$
        BEGIN
            INSERT INTO mr.%2$I (%3$s) SELECT %3$s FROM written;
            RETURN NULL;
        END
        $body$
    $sql$, v_capture, 'outbox_' || p_table, v_list);
    -- Who may execute it could put it on a table of their own, and with that any rows into the outbox.
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', v_capture);

    EXECUTE format($sql$
        CREATE OR REPLACE TRIGGER mr_stamp BEFORE INSERT OR UPDATE ON public.%1$I
            FOR EACH ROW WHEN (current_user <> 'mr_apply') EXECUTE FUNCTION %3$s();
        CREATE OR REPLACE TRIGGER mr_capture_insert AFTER INSERT ON public.%1$I
            REFERENCING NEW TABLE AS written
            FOR EACH STATEMENT WHEN (current_user <> 'mr_apply') EXECUTE FUNCTION %2$s();
        CREATE OR REPLACE TRIGGER mr_capture_update AFTER UPDATE ON public.%1$I
            REFERENCING NEW TABLE AS written
            FOR EACH STATEMENT WHEN (current_user <> 'mr_apply') EXECUTE FUNCTION %2$s();
        CREATE OR REPLACE TRIGGER mr_refuse_delete BEFORE DELETE OR TRUNCATE ON public.%1$I
            FOR EACH STATEMENT WHEN (current_user <> 'mr_apply') EXECUTE FUNCTION mr.refuse_delete();
    $sql$, p_table, v_capture, v_stamp);
    FOREACH v_trigger IN ARRAY ARRAY['mr_fence', 'mr_fence_at_commit'] LOOP
        -- A constraint trigger cannot be replaced.
        EXECUTE format('DROP TRIGGER IF EXISTS %I ON public.%I', v_trigger, p_table);
    END LOOP;
    IF p_topology = 'single-leader' THEN
        EXECUTE format($sql$
            CREATE TRIGGER mr_fence BEFORE INSERT OR UPDATE ON public.%1$I
                FOR EACH STATEMENT WHEN (current_user <> 'mr_apply') EXECUTE FUNCTION mr.fence();
            CREATE CONSTRAINT TRIGGER mr_fence_at_commit AFTER INSERT OR UPDATE ON public.%1$I
                DEFERRABLE INITIALLY DEFERRED
                FOR EACH ROW WHEN (current_user <> 'mr_apply') EXECUTE FUNCTION mr.fence_at_commit();
        $sql$, p_table);
    END IF;
END
$$;

-- ---------------------------------------------------------------------------------------------
-- What a controller sees.
-- ---------------------------------------------------------------------------------------------

-- Whether this database may vote.
CREATE FUNCTION mr.may_vote() RETURNS boolean
    LANGUAGE sql VOLATILE AS $$
    SELECT l.state = 'ready' AND (r.n = 1
        -- It has nothing to forget yet.
        OR a.grants = 0 AND a.promised_epoch = 1
        OR a.boot IS NOT DISTINCT FROM mr.boot() AND cardinality(a.confirmed_by) >= r.n / 2)
    FROM mr.local l, mr.acceptor a, (SELECT count(*) AS n FROM mr.region) r
$$;

-- A peer has been asked, and does not know more of this database than the database does.
CREATE FUNCTION mr.confirm_acceptor(p_peer text) RETURNS void
    LANGUAGE sql VOLATILE AS $$
    UPDATE mr.acceptor SET boot = mr.boot(),
        confirmed_by = CASE WHEN boot IS NOT DISTINCT FROM mr.boot() THEN array_append(confirmed_by, p_peer) ELSE ARRAY[p_peer] END
    WHERE boot IS DISTINCT FROM mr.boot() OR p_peer <> ALL (confirmed_by)
$$;

-- One object: all that a controller wants to know of a region. bigint as text. `heldMs`: what is left of the
-- lease, by this database's clock; null without one.
CREATE FUNCTION mr.control() RETURNS jsonb
    LANGUAGE sql VOLATILE AS $$
    SELECT jsonb_build_object(
        'region', mr.local_region(), 'actor', mr.local_actor(), 'state', o.state, 'boot', mr.boot(),
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

-- The same after a durable write. `now` is what a lease that is asked for next may start from.
CREATE FUNCTION mr.probe() RETURNS jsonb
    LANGUAGE plpgsql AS $$
BEGIN
    -- A clock that was set back does not lower it: the lease is void until the next one is held.
    UPDATE mr.lease SET seen_at = greatest(seen_at, clock_timestamp());
    RETURN mr.control();
END
$$;

-- ---------------------------------------------------------------------------------------------
-- Acceptors. Each returns what it did: anything but 'granted' or 'promised' is a refusal.
-- ---------------------------------------------------------------------------------------------

-- Extends the lease of an epoch, for as long after this as whoever asks says to the leader's database. The
-- first grant of an epoch is also how this region hears of its leader.
CREATE FUNCTION mr.grant_lease(p_epoch bigint, p_leader text, p_actor text) RETURNS text
    LANGUAGE plpgsql AS $$
DECLARE
    v_acceptor mr.acceptor;
BEGIN
    SELECT * INTO STRICT v_acceptor FROM mr.acceptor FOR UPDATE;
    IF p_epoch < v_acceptor.promised_epoch
        OR (p_epoch = v_acceptor.promised_epoch AND p_leader <> v_acceptor.promised_to) THEN
        RETURN 'superseded';
    ELSIF NOT mr.may_vote() THEN
        RETURN 'unready';
    ELSIF v_acceptor.suspect = p_leader AND v_acceptor.suspected_at > clock_timestamp() - interval '2 s'
        -- A leader that most regions cannot reach is of no use; a new one may prove itself.
        AND EXISTS (SELECT FROM mr.leadership WHERE epoch = p_epoch AND leader = p_leader AND p_leader <> mr.local_region()) THEN
        RETURN 'suspect';
    END IF;
    UPDATE mr.acceptor SET grants = grants + 1, promised_epoch = p_epoch, promised_to = p_leader;
    UPDATE mr.leadership SET epoch = p_epoch, leader = p_leader, actor = p_actor,
        since = CASE WHEN epoch = p_epoch THEN since ELSE clock_timestamp() END
    WHERE (epoch, leader, actor) IS DISTINCT FROM (p_epoch, p_leader, p_actor);
    RETURN 'granted';
END
$$;

-- Promises an epoch to a region. p_grants: how many grants the candidate has seen here, and has seen stand
-- still for longer than a lease; null when it will wait, or have the lease given up, before it leads.
CREATE FUNCTION mr.promise_epoch(p_epoch bigint, p_region text, p_attempt text, p_actor text, p_grants bigint) RETURNS text
    LANGUAGE plpgsql AS $$
DECLARE
    v_acceptor mr.acceptor;
BEGIN
    SELECT * INTO STRICT v_acceptor FROM mr.acceptor FOR UPDATE;
    IF v_acceptor.promised_epoch = p_epoch AND v_acceptor.attempt = p_attempt THEN
        RETURN 'promised';
    ELSIF p_epoch <= v_acceptor.promised_epoch THEN
        RETURN 'superseded';
    ELSIF NOT mr.may_vote() THEN
        RETURN 'unready';
    -- Under another actor its count began anew.
    ELSIF p_grants IS NOT NULL AND (v_acceptor.grants <> p_grants OR p_actor <> mr.local_actor()) THEN
        RETURN 'renewed';
    END IF;
    UPDATE mr.acceptor SET promised_epoch = p_epoch, promised_to = p_region, attempt = p_attempt;
    RETURN 'promised';
END
$$;

-- This region's worker cannot reach the leader; null: it can.
CREATE FUNCTION mr.suspect(p_leader text) RETURNS void
    LANGUAGE sql VOLATILE AS $$
    UPDATE mr.acceptor SET suspect = p_leader, suspected_at = CASE WHEN p_leader IS NOT NULL THEN clock_timestamp() END
    WHERE p_leader IS NOT NULL OR suspect IS NOT NULL
$$;

-- ---------------------------------------------------------------------------------------------
-- The leader's database.
-- ---------------------------------------------------------------------------------------------

-- Holds a lease that a majority has granted since p_start, which mr.probe said in the same boot, for
-- p_duration_ms from then.
CREATE FUNCTION mr.hold_lease(p_epoch bigint, p_start timestamptz, p_boot text, p_duration_ms integer) RETURNS text
    LANGUAGE plpgsql AS $$
DECLARE
    v_lease mr.lease;
BEGIN
    SELECT * INTO STRICT v_lease FROM mr.lease FOR UPDATE;
    IF p_epoch < v_lease.epoch OR p_epoch <= (SELECT last_value FROM mr.released)
        OR p_epoch < (SELECT promised_epoch FROM mr.acceptor) THEN
        RETURN 'superseded';
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

-- A stretch of events or rows of one entity, as elements of a binary array.
CREATE TYPE mr.rows_part AS (entity text, events integer, payload bytea);

CREATE FUNCTION mr.single_leader_entities() RETURNS SETOF text
    LANGUAGE sql STABLE AS $$ SELECT name FROM mr.entity WHERE topology = 'single-leader' ORDER BY name $$;

-- Gives up the lease of an epoch for good, once the transactions that passed the fence have ended, and returns
-- what single-leader entities were written here past p_after. All of it is committed, whatever other
-- transactions hold the horizon back.
CREATE FUNCTION mr.release_lease(p_epoch bigint, p_after bigint, p_wait_ms integer) RETURNS SETOF mr.rows_part
    LANGUAGE plpgsql AS $$
DECLARE
    v_entity text;
BEGIN
    PERFORM set_config('lock_timeout', p_wait_ms || 'ms', true);
    PERFORM pg_advisory_xact_lock(727073, 3);
    PERFORM setval('mr.released', greatest(p_epoch, (SELECT last_value FROM mr.released)));
    UPDATE mr.lease SET valid_until = '-infinity' WHERE epoch <= p_epoch;
    PERFORM mr.refuse_trimmed(p_after);
    FOR v_entity IN SELECT mr.single_leader_entities() LOOP
        RETURN QUERY EXECUTE format('
            SELECT %2$L::text, count(*)::integer, mr.array_elements(array_agg(o.event)) FROM (
                SELECT e AS event, (row_number() OVER () - 1) / 250 AS part FROM mr.%1$I e WHERE e.position > $1) o
            GROUP BY o.part', 'outbox_' || v_entity, v_entity) USING p_after;
    END LOOP;
END
$$;

-- Rows of single-leader entities that an actor wrote past a position, as this region has them.
CREATE FUNCTION mr.rows_of_actor(p_actor text, p_after bigint) RETURNS SETOF mr.rows_part
    LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_entity text;
    v_ids text[];
BEGIN
    FOR v_entity IN SELECT mr.single_leader_entities() LOOP
        EXECUTE format('SELECT array_agg(id) FROM public.%I WHERE origin = $1 AND position > $2', v_entity)
            INTO v_ids USING p_actor, p_after;
        IF v_ids IS NOT NULL THEN
            RETURN QUERY SELECT v_entity, r.events, r.payload FROM mr.read_rows(v_entity, v_ids) r;
        END IF;
    END LOOP;
END
$$;

-- How many writes of single-leader entities here are past a position: what would be stranded.
CREATE FUNCTION mr.count_unseen(p_after bigint) RETURNS integer
    LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_entity text;
    v_count integer;
    v_sum integer := 0;
BEGIN
    FOR v_entity IN SELECT mr.single_leader_entities() LOOP
        EXECUTE format('SELECT count(*) FROM (SELECT FROM mr.%I WHERE position > $1 LIMIT 10000) o', 'outbox_' || v_entity)
            INTO v_count USING p_after;
        v_sum := v_sum + v_count;
    END LOOP;
    RETURN v_sum;
END
$$;

-- The single-leader events past a position, without their content.
CREATE FUNCTION mr.unseen_events(p_after bigint)
    RETURNS TABLE (entity text, entity_id text, "position" bigint, origin text, hlc bigint, clock jsonb)
    LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_entity text;
BEGIN
    FOR v_entity IN SELECT mr.single_leader_entities() LOOP
        RETURN QUERY EXECUTE format(
            'SELECT %2$L::text, e.id, e.position, e.origin, e.hlc, e.clock FROM mr.%1$I e WHERE e.position > $1 ORDER BY e.position',
            'outbox_' || v_entity, v_entity) USING p_after;
    END LOOP;
END
$$;

-- What became here of a version of a row, once its stream has been applied past it. A version with the same
-- stamp, or one that includes it and has no record of having been chosen over it, is merged.
CREATE FUNCTION mr.note_stranded(
        p_epoch bigint, p_entity text, p_id text, p_position bigint, p_origin text, p_hlc bigint, p_clock jsonb) RETURNS text
    LANGUAGE plpgsql AS $$
DECLARE
    v_conflict record;
    v_outcome text := 'merged';
BEGIN
    SELECT c.id, r.strategy INTO v_conflict FROM public."Conflict" c, LATERAL (SELECT c.strategy) r
    WHERE c."entityType" = p_entity AND c."entityId" = p_id
        AND EXISTS (SELECT FROM jsonb_array_elements(to_jsonb(c) -> 'versions') v
            WHERE (v.value -> 'won') IS DISTINCT FROM 'true'::jsonb AND (v.value -> 'clock') @> jsonb_build_object(p_origin, p_clock -> p_origin))
    ORDER BY c.id LIMIT 1;
    IF FOUND THEN
        v_outcome := CASE v_conflict.strategy WHEN 'manual' THEN 'sibling' ELSE 'superseded' END;
    END IF;
    INSERT INTO mr.stranded_write (actor, position, entity, entity_id, epoch, outcome, conflict_id)
    VALUES (p_origin, p_position, p_entity, p_id, p_epoch, v_outcome, v_conflict.id)
    ON CONFLICT DO NOTHING;
    RETURN v_outcome;
END
$$;

-- ---------------------------------------------------------------------------------------------
-- Requests and history.
-- ---------------------------------------------------------------------------------------------

-- Asks this region's worker to lead. 'running' while another attempt is open here.
CREATE FUNCTION mr.request_leadership(p_id text, p_kind text, p_from text, p_reason text, p_by text) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    IF p_kind NOT IN ('failover', 'switchover') OR p_id !~ '^[0-9a-f-]{36}$' OR length(p_reason) > 500 OR length(p_by) > 200 THEN
        RAISE EXCEPTION 'This is no request for a failover' USING ERRCODE = '22023';
    END IF;
    PERFORM pg_advisory_xact_lock(727073, 4);
    -- Nobody works on it any more.
    UPDATE mr.failover_attempt SET status = 'failed', error_code = 'abandoned',
        error = 'Whoever worked on it stopped doing so.', completed_at = clock_timestamp()
    WHERE status IN ('initiated', 'in_progress') AND seen_at < clock_timestamp() - interval '15 s';
    IF EXISTS (SELECT FROM mr.failover_attempt WHERE status IN ('initiated', 'in_progress')) THEN
        RETURN 'running';
    END IF;
    INSERT INTO mr.failover_attempt (id, kind, from_region, to_region, reason, requested_by)
    VALUES (p_id, p_kind, p_from, mr.local_region(), p_reason, p_by) ON CONFLICT DO NOTHING;
    RETURN 'requested';
END
$$;

-- Puts an attempt as somebody else has it, unless this region has it further.
CREATE FUNCTION mr.put_attempt(p_attempt jsonb) RETURNS void
    LANGUAGE sql VOLATILE AS $$
    INSERT INTO mr.failover_attempt AS a SELECT * FROM jsonb_populate_record(NULL::mr.failover_attempt, p_attempt)
    ON CONFLICT (id) DO UPDATE SET (epoch, from_region, status, steps, error_code, error, cut, started_at, completed_at, seen_at)
        = (EXCLUDED.epoch, EXCLUDED.from_region, EXCLUDED.status, EXCLUDED.steps, EXCLUDED.error_code, EXCLUDED.error,
           EXCLUDED.cut, EXCLUDED.started_at, EXCLUDED.completed_at, clock_timestamp())
    WHERE a.completed_at IS NULL
$$;

-- Returns whether it was taken: a lower version than what is known is not.
CREATE FUNCTION mr.set_pause(p_version bigint, p_paused boolean, p_reason text, p_by text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    UPDATE mr.maintenance SET version = p_version, paused = p_paused, reason = left(p_reason, 500),
        requested_by = left(p_by, 200), at = clock_timestamp()
    WHERE version < p_version;
    RETURN FOUND;
END
$$;

-- ---------------------------------------------------------------------------------------------
-- Quorum durability.
-- ---------------------------------------------------------------------------------------------

-- Whether this region has applied an actor's write, waiting for it. p_led: the write is one of a leader, and
-- counts only while this region has promised to nobody else: a candidate that is promised to measures what is
-- here afterwards, and so will have it. 'held', 'deposed' or 'timeout'.
CREATE FUNCTION mr.await_held(p_actor text, p_position bigint, p_led boolean, p_timeout_ms integer) RETURNS text
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    v_until timestamptz := clock_timestamp() + make_interval(secs => least(p_timeout_ms, 10000) / 1000.0);
    v_held boolean;
    v_led boolean;
BEGIN
    LOOP
        -- One statement, so one snapshot.
        SELECT EXISTS (SELECT FROM mr.cursor c WHERE c.actor = p_actor AND c.position >= p_position),
            a.promised_epoch = s.epoch AND a.promised_to = s.leader AND s.leader = split_part(p_actor, '#', 1)
            INTO v_held, v_led
        FROM mr.acceptor a, mr.leadership s;
        IF p_led AND NOT v_led THEN
            RETURN 'deposed';
        ELSIF v_held THEN
            RETURN 'held';
        ELSIF clock_timestamp() >= v_until THEN
            RETURN 'timeout';
        END IF;
        PERFORM pg_sleep(0.003);
    END LOOP;
END
$$;

REVOKE EXECUTE ON FUNCTION mr.leading, mr.refuse_unless_leading, mr.fence_at_commit, mr.may_vote, mr.confirm_acceptor, mr.control,
    mr.probe, mr.grant_lease, mr.promise_epoch, mr.suspect, mr.hold_lease, mr.single_leader_entities, mr.release_lease,
    mr.rows_of_actor, mr.count_unseen, mr.unseen_events, mr.note_stranded, mr.request_leadership, mr.put_attempt, mr.set_pause,
    mr.await_held FROM PUBLIC;
GRANT EXECUTE ON FUNCTION mr.leading, mr.request_leadership, mr.set_pause, mr.await_held TO meridian_app;
GRANT SELECT ON mr.acceptor, mr.lease, mr.released, mr.maintenance, mr.failover_attempt, mr.stranded_write TO meridian_app;

DO $$
BEGIN
    PERFORM mr.redeclare(name) FROM mr.entity;
END
$$;
