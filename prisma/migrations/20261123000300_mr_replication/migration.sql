-- The `mr` schema, part two: capture, outbox, cursors and apply.
--
-- mr.replicate(table, topology) makes a table replicated: it creates the table's typed outbox, its
-- triggers, and its functions to read and to apply. The SQL that it generates is in this file.

CREATE TABLE mr.entity (
    name text PRIMARY KEY,
    topology text NOT NULL CHECK (topology IN ('single-leader', 'multi-leader', 'leaderless')),
    -- Raised by each call of mr.replicate that finds other columns.
    version integer NOT NULL DEFAULT 1,
    columns text[] NOT NULL
);

-- How far each origin has been applied here. The row moves in the transaction that applies.
CREATE TABLE mr.cursor (
    actor text PRIMARY KEY,
    position bigint NOT NULL DEFAULT 0,
    -- Everything that was committed at the origin at this time, by its clock, has been applied.
    complete_at timestamptz,
    -- From the origin's reading of the newest batch or heartbeat to its application here.
    transit_ms real,
    batches bigint NOT NULL DEFAULT 0,
    events bigint NOT NULL DEFAULT 0
);

-- What this region last saw of every region (itself included), by asking that region's database.
CREATE TABLE mr.peer (
    region text PRIMARY KEY,
    actor text NOT NULL,
    head bigint NOT NULL,
    last_event bigint NOT NULL,
    schema_version integer NOT NULL,
    -- Events of that region that this one has not applied, counted up to a limit.
    pending integer NOT NULL,
    latency_ms real NOT NULL,
    clock_offset_ms real NOT NULL,
    observed_at timestamptz NOT NULL,
    -- Set while asking fails; the rest of the row then keeps what was last seen.
    failed_since timestamptz,
    failure text
);

CREATE TABLE mr.peer_cursor (
    region text NOT NULL,
    actor text NOT NULL,
    position bigint NOT NULL,
    PRIMARY KEY (region, actor)
);

-- What the worker of this region last said of itself.
CREATE TABLE mr.worker (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    -- 'redis', or 'degraded' while events are announced by NOTIFY.
    bus text NOT NULL,
    seen_at timestamptz NOT NULL
);

-- Why a stream into this region does not move. A row exists only while it does not.
CREATE TABLE mr.stall (
    actor text PRIMARY KEY,
    reason text NOT NULL,
    detail text NOT NULL,
    since timestamptz NOT NULL DEFAULT now()
);

CREATE FUNCTION mr.schema_version() RETURNS integer
    LANGUAGE sql STABLE AS $$ SELECT coalesce(sum(version), 0)::integer FROM mr.entity $$;

-- Positions are 64-bit transaction ids of the origin's cluster. `head` is the first one that has
-- not been assigned; everything below `horizon` has ended, so a reader that stops there skips
-- nothing, however late a transaction commits.
CREATE FUNCTION mr.head() RETURNS bigint
    LANGUAGE sql VOLATILE AS $$ SELECT txid_snapshot_xmax(txid_current_snapshot()) $$;
CREATE FUNCTION mr.horizon() RETURNS bigint
    LANGUAGE sql VOLATILE AS $$ SELECT txid_snapshot_xmin(txid_current_snapshot()) $$;

CREATE FUNCTION mr.ms_since(p_time timestamptz) RETURNS double precision
    LANGUAGE sql VOLATILE AS $$ SELECT date_part('epoch', clock_timestamp() - p_time) * 1000 $$;

-- Everything that this endpoint shows, by actor. On a primary a region's own committed writes are
-- all visible; on a physical replica only what has been replayed.
CREATE FUNCTION mr.applied() RETURNS TABLE (actor text, "position" bigint)
    LANGUAGE sql VOLATILE AS $$
    SELECT c.actor, c.position FROM mr.cursor c
    UNION ALL
    SELECT mr.local_actor(), CASE WHEN pg_is_in_recovery() THEN mr.horizon() ELSE mr.head() END - 1
$$;

-- ---------------------------------------------------------------------------------------------
-- Triggers of a replicated table.
-- ---------------------------------------------------------------------------------------------

-- Stamps a version. Whatever the writer put into these columns is overwritten.
CREATE FUNCTION mr.stamp() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        NEW.clock := jsonb_build_object(mr.local_actor(), 1);
        NEW.hlc := mr.hlc_now();
    ELSE
        IF NEW.id <> OLD.id THEN
            RAISE EXCEPTION 'The id of a replicated row cannot change' USING ERRCODE = 'MR003';
        END IF;
        NEW.clock := OLD.clock || jsonb_build_object(
            mr.local_actor(), coalesce((OLD.clock ->> mr.local_actor())::bigint, 0) + 1);
        NEW.hlc := greatest(mr.hlc_now(), OLD.hlc + 1);
    END IF;
    NEW.origin := mr.local_actor();
    NEW.position := txid_current();
    RETURN NEW;
END
$$;

-- A single-leader entity is written in the leading region alone.
CREATE FUNCTION mr.fence() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    v_leader text;
BEGIN
    SELECT leader INTO STRICT v_leader FROM mr.leadership;
    IF v_leader <> mr.local_region() THEN
        RAISE EXCEPTION '% is written in the leading region %, not in %',
            TG_TABLE_NAME, v_leader, mr.local_region()
            USING ERRCODE = 'MR001', DETAIL = v_leader;
    END IF;
    RETURN NULL;
END
$$;

-- A deleted row must be told to the other regions, so it stays as a tombstone.
CREATE FUNCTION mr.refuse_delete() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'Rows of % are replicated: set "deletedAt" instead of deleting', TG_TABLE_NAME
        USING ERRCODE = 'MR002';
END
$$;

-- ---------------------------------------------------------------------------------------------
-- Batches. An event is a row of the outbox as PostgreSQL's binary composite: source and target
-- neither parse nor build text. A payload is the elements of an array of them without the array's
-- 20-byte header, because that header holds the element type's oid, which differs per database.
-- ---------------------------------------------------------------------------------------------

CREATE FUNCTION mr.array_elements(p_array anyarray) RETURNS bytea
    LANGUAGE sql STABLE AS $$ SELECT substring(array_send(p_array) FROM 21) $$;

-- `complete`: there was nothing committed past `upto` at `source_time`.
CREATE TYPE mr.outbox_batch AS (
    entity text, events integer, payload bytea, upto bigint, source_time timestamptz, complete boolean);

CREATE FUNCTION mr.last_event() RETURNS bigint
    LANGUAGE sql STABLE RETURN 0::bigint;

-- Generated for the entities that there are by mr.rebuild_batch_functions; see there.
--   mr.last_event() RETURNS bigint
--   mr.read_outbox(p_after bigint, p_limit integer) RETURNS SETOF mr.outbox_batch
--   mr.apply_batch(p_actor, p_prev, p_upto, p_schema_version, p_source_time, p_complete, one array per entity)

CREATE TYPE mr.apply_outcome AS ENUM ('applied', 'duplicate', 'gap', 'schema', 'clock-ahead');

-- Takes the stream's cursor for this transaction and says what to do with a batch (prev, upto].
CREATE FUNCTION mr.lock_cursor(p_actor text, p_prev bigint, p_upto bigint, p_schema_version integer)
    RETURNS mr.apply_outcome
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    v_position bigint;
BEGIN
    SELECT position INTO v_position FROM mr.cursor WHERE actor = p_actor FOR UPDATE;
    IF NOT FOUND THEN
        INSERT INTO mr.cursor (actor) VALUES (p_actor) ON CONFLICT DO NOTHING;
        SELECT position INTO v_position FROM mr.cursor WHERE actor = p_actor FOR UPDATE;
    END IF;
    RETURN CASE
        WHEN p_upto <= v_position THEN 'duplicate'
        -- Equal, not merely no less: a batch that begins before the cursor would be applied in part
        -- for the second time, which is harmless, but nothing then counts to exactly once.
        WHEN p_prev <> v_position THEN 'gap'
        WHEN p_schema_version <> mr.schema_version() THEN 'schema'
        ELSE 'applied' END::mr.apply_outcome;
END
$$;

CREATE FUNCTION mr.move_cursor(
        p_actor text, p_upto bigint, p_source_time timestamptz, p_complete boolean, p_events bigint)
    RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
    UPDATE mr.cursor
    SET position = p_upto,
        complete_at = CASE WHEN p_complete THEN greatest(complete_at, p_source_time) ELSE complete_at END,
        transit_ms = mr.ms_since(p_source_time), batches = batches + 1, events = events + p_events
    WHERE actor = p_actor
$$;

-- ---------------------------------------------------------------------------------------------
-- Generators.
-- ---------------------------------------------------------------------------------------------

CREATE FUNCTION mr.replicate(p_table text, p_topology text) RETURNS void
    LANGUAGE plpgsql AS $$
DECLARE
    v_columns text[];
    v_missing text;
    v_outbox text := format('mr.%I', 'outbox_' || p_table);
    v_column record;
BEGIN
    SELECT array_agg(column_name::text ORDER BY ordinal_position) INTO v_columns
    FROM information_schema.columns WHERE table_schema = 'public' AND table_name = p_table;
    SELECT string_agg(c, ', ') INTO v_missing
    FROM unnest(ARRAY['id', 'deletedAt', 'clock', 'hlc', 'origin', 'position']) c
    WHERE c <> ALL (coalesce(v_columns, '{}'));
    IF v_missing IS NOT NULL THEN
        RAISE EXCEPTION 'Table % cannot be replicated: it lacks %', p_table, v_missing;
    END IF;

    -- A table of its own, not a column of the table's row type: PostgreSQL refuses to alter a
    -- table while another one has a column of its type.
    IF to_regclass(v_outbox) IS NULL THEN
        EXECUTE format('CREATE TABLE %s (LIKE public.%I)', v_outbox, p_table);
        EXECUTE format('CREATE INDEX %I ON %s (position)', 'outbox_' || p_table || '_position', v_outbox);
        -- The table checks its rows itself. A constraint copied from it would outlive the one there,
        -- and a column that is dropped there stays here: both would refuse every write.
        FOR v_column IN
            SELECT a.attname FROM pg_attribute a
            WHERE a.attrelid = v_outbox::regclass AND a.attnum > 0 AND a.attnotnull
        LOOP
            EXECUTE format('ALTER TABLE %s ALTER COLUMN %I DROP NOT NULL', v_outbox, v_column.attname);
        END LOOP;
    END IF;
    FOR v_column IN
        SELECT a.attname, format_type(a.atttypid, a.atttypmod) AS type,
            coalesce(' DEFAULT ' || pg_get_expr(d.adbin, d.adrelid), '') AS fallback
        FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        WHERE a.attrelid = format('public.%I', p_table)::regclass AND a.attnum > 0 AND NOT a.attisdropped
          AND NOT EXISTS (SELECT FROM pg_attribute o WHERE o.attrelid = v_outbox::regclass
                          AND o.attname = a.attname AND NOT o.attisdropped)
        ORDER BY a.attnum
    LOOP
        -- Events that are still here get what the rows of the table got.
        EXECUTE format('ALTER TABLE %s ADD COLUMN %I %s%s', v_outbox, v_column.attname, v_column.type, v_column.fallback);
        EXECUTE format('ALTER TABLE %s ALTER COLUMN %I DROP DEFAULT', v_outbox, v_column.attname);
    END LOOP;

    INSERT INTO mr.entity AS e (name, topology, columns) VALUES (p_table, p_topology, v_columns)
    ON CONFLICT (name) DO UPDATE SET topology = EXCLUDED.topology, columns = EXCLUDED.columns,
        version = e.version + (e.columns <> EXCLUDED.columns)::integer;

    PERFORM mr.rebuild_triggers(p_table, p_topology, v_columns);
    PERFORM mr.rebuild_apply(p_table, v_columns);
    PERFORM mr.rebuild_batch_functions();

    EXECUTE format('GRANT SELECT, INSERT, UPDATE ON public.%I TO mr_apply', p_table);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE ON public.%I TO meridian_app', p_table);
END
$$;

CREATE FUNCTION mr.rebuild_triggers(p_table text, p_topology text, p_columns text[]) RETURNS void
    LANGUAGE plpgsql AS $$
DECLARE
    v_list text := (SELECT string_agg(format('%I', c), ', ') FROM unnest(p_columns) c);
    v_capture text := format('mr.%I', 'capture_' || p_table);
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

    EXECUTE format($sql$
        CREATE OR REPLACE TRIGGER mr_stamp BEFORE INSERT OR UPDATE ON public.%1$I
            FOR EACH ROW WHEN (current_user <> 'mr_apply') EXECUTE FUNCTION mr.stamp();
        CREATE OR REPLACE TRIGGER mr_capture_insert AFTER INSERT ON public.%1$I
            REFERENCING NEW TABLE AS written
            FOR EACH STATEMENT WHEN (current_user <> 'mr_apply') EXECUTE FUNCTION %2$s();
        CREATE OR REPLACE TRIGGER mr_capture_update AFTER UPDATE ON public.%1$I
            REFERENCING NEW TABLE AS written
            FOR EACH STATEMENT WHEN (current_user <> 'mr_apply') EXECUTE FUNCTION %2$s();
        CREATE OR REPLACE TRIGGER mr_refuse_delete BEFORE DELETE OR TRUNCATE ON public.%1$I
            FOR EACH STATEMENT EXECUTE FUNCTION mr.refuse_delete();
    $sql$, p_table, v_capture);
    IF p_topology = 'single-leader' THEN
        EXECUTE format($sql$
            CREATE OR REPLACE TRIGGER mr_fence BEFORE INSERT OR UPDATE ON public.%1$I
                FOR EACH STATEMENT WHEN (current_user <> 'mr_apply') EXECUTE FUNCTION mr.fence()
        $sql$, p_table);
    ELSIF EXISTS (SELECT FROM pg_trigger
                  WHERE tgname = 'mr_fence' AND tgrelid = format('public.%I', p_table)::regclass) THEN
        EXECUTE format('DROP TRIGGER mr_fence ON public.%I', p_table);
    END IF;
END
$$;

-- Merges rows of one origin into the table, last write wins by (HLC, origin). Origins compare by their
-- bytes, because two databases may have different collations.
--
-- * Events of one origin: the HLC of a row grows from version to version, and positions do not
--   (transactions that wait for a row commit in another order than they got their ids), so a row
--   that occurs twice is coalesced by HLC.
-- * An event carries its own dot, clock[origin]. A row whose clock has that dot has seen the event
--   and all that the event had seen, because rows only change by whole versions and joins. So one
--   look-up tells a duplicate or superseded event.
-- * Otherwise the event is newer or concurrent. HLC order agrees with causal order, so taking the
--   greater (HLC, origin) is right in both cases; the clock becomes the join of both.
CREATE FUNCTION mr.rebuild_apply(p_table text, p_columns text[]) RETURNS void
    LANGUAGE plpgsql AS $$
DECLARE
    v_list text := (SELECT string_agg(format('%I', c), ', ') FROM unnest(p_columns) c);
    v_set text := (
        SELECT string_agg(format(
            '%1$I = CASE WHEN (EXCLUDED.hlc, EXCLUDED.origin COLLATE "C") > (t.hlc, t.origin COLLATE "C")
                THEN EXCLUDED.%1$I ELSE t.%1$I END',
            c), ', ')
        FROM unnest(p_columns) c WHERE c NOT IN ('id', 'clock'));
BEGIN
    EXECUTE format($sql$
        CREATE OR REPLACE FUNCTION mr.%1$I(p_rows mr.%2$I[]) RETURNS void
            LANGUAGE plpgsql SECURITY DEFINER AS $body$
        BEGIN
            INSERT INTO public.%3$I AS t (%4$s)
            SELECT DISTINCT ON (id) %4$s FROM unnest(p_rows) ORDER BY id, hlc DESC
            ON CONFLICT (id) DO UPDATE SET %5$s, clock = mr.clock_join(t.clock, EXCLUDED.clock)
            WHERE coalesce((t.clock ->> EXCLUDED.origin)::bigint, 0) < (EXCLUDED.clock ->> EXCLUDED.origin)::bigint;
        END
        $body$
    $sql$, 'apply_' || p_table, 'outbox_' || p_table, p_table, v_list, v_set);
    EXECUTE format('ALTER FUNCTION mr.%I OWNER TO mr_apply', 'apply_' || p_table);
    EXECUTE format('REVOKE ALL ON FUNCTION mr.%I FROM PUBLIC', 'apply_' || p_table);
    EXECUTE format('GRANT EXECUTE ON FUNCTION mr.%I TO %I', 'apply_' || p_table, current_user);
END
$$;

-- mr.last_event(): the position of the newest event of this region that the snapshot shows, or 0.
--
-- mr.read_outbox(after, limit): the next events of this region, at most about `limit` of them per
-- entity, never a part of a transaction. One row for each 250 events of an entity, because a client
-- cannot take more than half a gigabyte in one value; without any, one row with a null entity.
-- `upto` is the position of the last event, not the horizon, so that pushed and pulled batches meet at
-- the same positions.
--
-- mr.apply_batch(...): merges a batch and moves the cursor, in one transaction.
CREATE FUNCTION mr.rebuild_batch_functions() RETURNS void
    LANGUAGE plpgsql AS $$
DECLARE
    v_entities text[] := (SELECT array_agg(name ORDER BY name) FROM mr.entity);
    v_cut text;
    v_last text;
    v_newest text;
    v_read text;
    v_parameters text;
    v_apply text;
    v_ahead text;
    v_old regprocedure;
BEGIN
    SELECT
        string_agg(format($f$
            SELECT o.position INTO v_next FROM mr.%1$I o
            WHERE o.position > p_after AND o.position < v_horizon
            ORDER BY o.position OFFSET p_limit LIMIT 1;
            v_cut := least(v_cut, v_next);$f$, 'outbox_' || e), ''),
        string_agg(format($f$
            SELECT max(o.position) INTO v_next FROM mr.%1$I o
            WHERE o.position > p_after AND o.position < v_cut;
            v_upto := greatest(v_upto, v_next);$f$, 'outbox_' || e), ''),
        string_agg(format('(SELECT max(position) FROM mr.%I)', 'outbox_' || e), ', '),
        string_agg(format($f$
            RETURN QUERY SELECT %2$L::text, count(*)::integer, mr.array_elements(array_agg(o.event)), v_upto, v_time, v_complete
            FROM (SELECT e AS event, (row_number() OVER () - 1) / 250 AS part FROM mr.%1$I e
                  WHERE e.position > p_after AND e.position <= v_upto) o GROUP BY o.part;$f$, 'outbox_' || e, e), ''),
        string_agg(format(', %1$I mr.%2$I[] DEFAULT NULL', 'p_' || e, 'outbox_' || e), ''),
        string_agg(format($f$
            IF %1$I IS NOT NULL THEN
                PERFORM mr.%2$I(%1$I);
                v_events := v_events + cardinality(%1$I);
            END IF;$f$, 'p_' || e, 'apply_' || e), ''),
        string_agg(format($f$(SELECT max(hlc) FROM unnest(%1$I))$f$, 'p_' || e), ', ')
    INTO v_cut, v_last, v_newest, v_read, v_parameters, v_apply, v_ahead
    FROM unnest(v_entities) e;

    EXECUTE format($sql$
        CREATE OR REPLACE FUNCTION mr.last_event() RETURNS bigint
            LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $body$
        BEGIN
            RETURN coalesce(greatest(%1$s), 0);
        END
        $body$
    $sql$, v_newest);

    EXECUTE format($sql$
        CREATE OR REPLACE FUNCTION mr.read_outbox(p_after bigint, p_limit integer) RETURNS SETOF mr.outbox_batch
            LANGUAGE plpgsql STABLE ROWS 4 AS $body$
        DECLARE
            -- STABLE, and no call of mr.horizon(), which would take a snapshot of its own: every
            -- statement in here sees the one snapshot that the horizon is of.
            v_horizon bigint := txid_snapshot_xmin(txid_current_snapshot());
            -- Before the snapshot was taken: a commit between the two would be claimed as seen.
            v_time timestamptz := transaction_timestamp();
            v_cut bigint := v_horizon;
            v_upto bigint := p_after;
            v_next bigint;
            v_complete boolean;
        BEGIN
            %1$s
            -- The transaction in which the limit falls is left for the next batch, unless the batch
            -- would then be empty: a transaction larger than the limit is read whole.
            %2$s
            IF v_upto = p_after AND v_cut < v_horizon THEN
                v_upto := v_cut;
            END IF;
            v_complete := mr.last_event() <= v_upto;
            IF v_upto = p_after THEN
                RETURN NEXT ROW(NULL::text, 0, NULL::bytea, p_after, v_time, v_complete)::mr.outbox_batch;
                RETURN;
            END IF;
            %3$s
        END
        $body$
    $sql$, v_cut, v_last, v_read);

    FOR v_old IN SELECT oid::regprocedure FROM pg_proc
        WHERE proname = 'apply_batch' AND pronamespace = 'mr'::regnamespace
    LOOP
        EXECUTE format('DROP FUNCTION %s', v_old);
    END LOOP;
    EXECUTE format($sql$
        CREATE FUNCTION mr.apply_batch(
            p_actor text, p_prev bigint, p_upto bigint, p_schema_version integer, p_source_time timestamptz,
            p_complete boolean%1$s
        ) RETURNS mr.apply_outcome LANGUAGE plpgsql AS $body$
        DECLARE
            v_outcome mr.apply_outcome := mr.lock_cursor(p_actor, p_prev, p_upto, p_schema_version);
            v_events bigint := 0;
        BEGIN
            IF v_outcome <> 'applied' THEN
                RETURN v_outcome;
            END IF;
            -- A clock that runs ahead would win every conflict until ours caught up with it.
            IF greatest(%3$s) > mr.hlc_now() + (500::bigint << 16) THEN
                RETURN 'clock-ahead';
            END IF;
            SET CONSTRAINTS ALL DEFERRED;
            %2$s
            PERFORM mr.move_cursor(p_actor, p_upto, p_source_time, p_complete, v_events);
            RETURN 'applied';
        END
        $body$
    $sql$, v_parameters, v_apply, v_ahead);
    REVOKE ALL ON FUNCTION mr.read_outbox FROM PUBLIC;
    REVOKE ALL ON FUNCTION mr.apply_batch FROM PUBLIC;
END
$$;

-- ---------------------------------------------------------------------------------------------
-- What regions tell each other, and the end of an event's life.
-- ---------------------------------------------------------------------------------------------

-- What a reader of this endpoint may have seen, by actor: its session must not go back behind it.
CREATE FUNCTION mr.shown() RETURNS TABLE (actor text, "position" bigint)
    LANGUAGE sql VOLATILE AS $$
    SELECT c.actor, c.position FROM mr.cursor c
    UNION ALL SELECT mr.local_actor(), mr.last_event()
$$;

-- Events of this region past a position, counted up to a limit.
CREATE FUNCTION mr.pending(p_after bigint, p_limit integer) RETURNS integer
    LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_entity text;
    v_count integer;
    v_sum integer := 0;
BEGIN
    FOR v_entity IN SELECT name FROM mr.entity LOOP
        EXECUTE format('SELECT count(*) FROM (SELECT FROM mr.%I WHERE position > $1 LIMIT $2) o',
            'outbox_' || v_entity) INTO v_count USING p_after, p_limit - v_sum;
        v_sum := v_sum + v_count;
        EXIT WHEN v_sum >= p_limit;
    END LOOP;
    RETURN v_sum;
END
$$;

-- One row: everything a peer wants to know of this region, for one round trip. `p_after` is how far
-- the peer has applied this region's events.
CREATE FUNCTION mr.status(p_after bigint) RETURNS TABLE (
        region text, actor text, head bigint, last_event bigint, pending integer, schema_version integer,
        now timestamptz, cursors jsonb)
    LANGUAGE sql VOLATILE AS $$
    SELECT mr.local_region(), mr.local_actor(), mr.head(), mr.last_event(), mr.pending(p_after, 10000),
        mr.schema_version(), clock_timestamp(),
        (SELECT coalesce(jsonb_object_agg(c.actor, c.position::text), '{}') FROM mr.cursor c)
$$;

-- Stores what a peer's mr.status said. Positions only grow: a late answer changes nothing.
CREATE FUNCTION mr.observe_peer(
        p_region text, p_actor text, p_head bigint, p_last_event bigint, p_pending integer,
        p_schema_version integer, p_latency_ms real, p_clock_offset_ms real, p_cursors jsonb) RETURNS void
    LANGUAGE sql VOLATILE AS $$
    INSERT INTO mr.peer_cursor AS c (region, actor, position)
    SELECT p_region, e.key, e.value::bigint FROM jsonb_each_text(p_cursors) e
    ON CONFLICT (region, actor) DO UPDATE SET position = EXCLUDED.position
    WHERE EXCLUDED.position > c.position;
    INSERT INTO mr.peer (region, actor, head, last_event, pending, schema_version, latency_ms,
        clock_offset_ms, observed_at)
    VALUES (p_region, p_actor, p_head, p_last_event, p_pending, p_schema_version, p_latency_ms,
        p_clock_offset_ms, clock_timestamp())
    ON CONFLICT (region) DO UPDATE SET (actor, head, last_event, pending, schema_version, latency_ms,
        clock_offset_ms, observed_at, failed_since, failure)
        = (EXCLUDED.actor, EXCLUDED.head, EXCLUDED.last_event, EXCLUDED.pending, EXCLUDED.schema_version,
           EXCLUDED.latency_ms, EXCLUDED.clock_offset_ms, EXCLUDED.observed_at, NULL, NULL);
$$;

CREATE FUNCTION mr.observe_peer_failure(p_region text, p_failure text) RETURNS void
    LANGUAGE sql VOLATILE AS $$
    UPDATE mr.peer SET failed_since = coalesce(failed_since, clock_timestamp()), failure = p_failure
    WHERE region = p_region
$$;

-- Drops events that every registered region has applied. Without a cursor of each of them nothing
-- is dropped: an unknown cursor is at zero.
CREATE FUNCTION mr.trim_outbox(p_limit integer) RETURNS integer
    LANGUAGE plpgsql AS $$
DECLARE
    v_entity text;
    v_below bigint;
    v_count integer;
    v_sum integer := 0;
BEGIN
    SELECT min(coalesce(c.position, 0)) INTO v_below
    FROM mr.region r LEFT JOIN mr.peer_cursor c ON c.region = r.id AND c.actor = mr.local_actor()
    WHERE r.id <> mr.local_region();
    FOR v_entity IN SELECT name FROM mr.entity LOOP
        EXECUTE format('DELETE FROM mr.%1$I WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM mr.%1$I WHERE position <= $1 ORDER BY position LIMIT $2))', 'outbox_' || v_entity)
            USING coalesce(v_below, mr.horizon() - 1), p_limit;
        GET DIAGNOSTICS v_count = ROW_COUNT;
        v_sum := v_sum + v_count;
    END LOOP;
    RETURN v_sum;
END
$$;

GRANT SELECT ON mr.local, mr.region, mr.leadership, mr.entity, mr.cursor, mr.peer, mr.peer_cursor, mr.worker, mr.stall
    TO meridian_app;
