-- Residency: which regions may have a row. "Placement" says it of a document, and of all that belongs to it: no
-- content, only who and where, so it is in every region. A row that must not be in a region is not taken there,
-- not told to it and, after a move, taken away from it: docs/RESIDENCY.md.
--
-- A policy's residency, { "entity": "Document", "by": "documentId" }, names the column that says whose placement
-- a row has. Where entity is null the column has the placement's whole id.

CREATE TABLE "Placement" (
    -- <entity>/<id>
    "id" TEXT NOT NULL,
    "entity" TEXT NOT NULL,
    "entityId" TEXT NOT NULL,
    "ownerId" TEXT NOT NULL,
    -- The rule it was placed by, as configured then. Null: none.
    "residency" TEXT,
    -- Where it may be. Empty: everywhere.
    "regions" TEXT[] NOT NULL DEFAULT '{}',
    "updatedBy" TEXT NOT NULL,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "deletedAt" TIMESTAMPTZ(3),
    "clock" JSONB NOT NULL DEFAULT '{}',
    "hlc" BIGINT NOT NULL DEFAULT 0,
    "origin" TEXT NOT NULL DEFAULT '',
    "position" BIGINT NOT NULL DEFAULT 0,

    CONSTRAINT "Placement_pkey" PRIMARY KEY ("id")
);
CREATE INDEX "Placement_ownerId_idx" ON "Placement" ("ownerId");

-- A record of a choice quotes the versions that it chose from.
ALTER TABLE "Conflict" ADD COLUMN "placement" TEXT;
ALTER TABLE "ConflictResolution" ADD COLUMN "placement" TEXT;
CREATE INDEX "Conflict_placement_idx" ON "Conflict" ("placement");
CREATE INDEX "ConflictResolution_placement_idx" ON "ConflictResolution" ("placement");

-- Up to which version of a placement this region has done what it says.
CREATE TABLE mr.placement_done (
    id text PRIMARY KEY,
    hlc bigint NOT NULL,
    origin text NOT NULL
);

-- ---------------------------------------------------------------------------------------------
-- Whose placement a row has, as SQL.
-- ---------------------------------------------------------------------------------------------

-- The id of the placement of row p_row (an alias, or NEW).
CREATE FUNCTION mr.placement_sql(p_policy jsonb, p_row text) RETURNS text
    LANGUAGE sql IMMUTABLE
    RETURN coalesce(quote_literal((p_policy -> 'residency' ->> 'entity') || '/') || ' || ', '')
        || format('%s.%I', p_row, p_policy -> 'residency' ->> 'by');

-- Whether a row must not be seen by one of the readers, an SQL text[]. One that is NULL stands for everybody.
CREATE FUNCTION mr.excluded_sql(p_policy jsonb, p_row text, p_readers text) RETURNS text
    LANGUAGE sql IMMUTABLE
    RETURN CASE WHEN p_policy -> 'residency' ->> 'by' IS NULL THEN 'false' ELSE format(
        'EXISTS (SELECT FROM public."Placement" pl WHERE pl.id = %s AND pl.regions <> ''{}'' AND NOT pl.regions @> (%s))',
        mr.placement_sql(p_policy, p_row), p_readers) END;

-- Whether row p_row is of placement $1. The bare column is compared, so that its index serves.
CREATE FUNCTION mr.placed_sql(p_policy jsonb, p_row text) RETURNS text
    LANGUAGE sql IMMUTABLE
    RETURN CASE WHEN p_policy -> 'residency' ->> 'entity' IS NULL
        THEN format('%s.%I = $1', p_row, p_policy -> 'residency' ->> 'by')
        ELSE format('starts_with($1, %L) AND %s.%I = substr($1, %s)', (p_policy -> 'residency' ->> 'entity') || '/',
            p_row, p_policy -> 'residency' ->> 'by', length(p_policy -> 'residency' ->> 'entity') + 2) END;

CREATE FUNCTION mr.placement_of(p_entity text, p_id text) RETURNS text
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    v_policy jsonb := (SELECT policy FROM mr.entity WHERE name = p_entity);
    v_placement text;
BEGIN
    IF v_policy -> 'residency' ->> 'by' IS NOT NULL THEN
        EXECUTE format('SELECT %s FROM public.%I t WHERE t.id = $1', mr.placement_sql(v_policy, 't'), p_entity)
            INTO v_placement USING p_id;
    END IF;
    RETURN v_placement;
END
$$;

CREATE FUNCTION mr.place_conflict() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    NEW.placement := mr.placement_of(NEW."entityType", NEW."entityId");
    RETURN NEW;
END
$$;
CREATE TRIGGER mr_place BEFORE INSERT ON "Conflict"
    FOR EACH ROW WHEN (current_user <> 'mr_apply') EXECUTE FUNCTION mr.place_conflict();

CREATE FUNCTION mr.place_resolution() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    NEW.placement := (SELECT c.placement FROM public."Conflict" c WHERE c.id = NEW.id);
    RETURN NEW;
END
$$;
CREATE TRIGGER mr_place BEFORE INSERT OR UPDATE ON "ConflictResolution"
    FOR EACH ROW WHEN (current_user <> 'mr_apply') EXECUTE FUNCTION mr.place_resolution();

-- ---------------------------------------------------------------------------------------------
-- Writing: refused where the row must not be. By the time that a region hears of a placement its writes may be
-- under way; those are told to the regions that may have the row, and taken away here, like all others.
-- ---------------------------------------------------------------------------------------------

CREATE FUNCTION mr.rebuild_residency(p_table text) RETURNS void
    LANGUAGE plpgsql AS $$
DECLARE
    v_policy jsonb := (SELECT policy FROM mr.entity WHERE name = p_table);
BEGIN
    IF v_policy -> 'residency' ->> 'by' IS NULL THEN
        EXECUTE format('DROP TRIGGER IF EXISTS mr_reside ON public.%I', p_table);
        RETURN;
    END IF;
    EXECUTE format($sql$
        CREATE OR REPLACE FUNCTION mr.%1$I() RETURNS trigger
            LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $body$
        BEGIN
            IF %2$s THEN
                RAISE EXCEPTION '%% must not be in %%', %3$s, mr.local_region() USING ERRCODE = 'MR014';
            END IF;
            RETURN NEW;
        END
        $body$
    $sql$, 'reside_' || p_table, mr.excluded_sql(v_policy, 'NEW', 'ARRAY[mr.local_region()]'), mr.placement_sql(v_policy, 'NEW'));
    EXECUTE format('REVOKE ALL ON FUNCTION mr.%I FROM PUBLIC', 'reside_' || p_table);
    EXECUTE format($sql$
        CREATE OR REPLACE TRIGGER mr_reside BEFORE INSERT OR UPDATE ON public.%1$I
            FOR EACH ROW WHEN (current_user <> 'mr_apply') EXECUTE FUNCTION mr.%2$I();
    $sql$, p_table, 'reside_' || p_table);
END
$$;

CREATE OR REPLACE FUNCTION mr.declare(p_table text, p_policy jsonb) RETURNS void
    LANGUAGE plpgsql AS $$
DECLARE
    v_policy jsonb := mr.normal_policy(p_policy);
    v_columns text[];
    v_missing text;
    v_outbox text := format('mr.%I', 'outbox_' || p_table);
    v_column record;
BEGIN
    SELECT array_agg(column_name::text ORDER BY ordinal_position) INTO v_columns
    FROM information_schema.columns WHERE table_schema = 'public' AND table_name = p_table;
    SELECT string_agg(c, ', ') INTO v_missing
    FROM (SELECT unnest(ARRAY['id', 'deletedAt', 'clock', 'hlc', 'origin', 'position'])
          UNION ALL SELECT 'merge' WHERE mr.has_state(v_policy)
          UNION ALL SELECT v_policy ->> 'author' WHERE v_policy ->> 'author' IS NOT NULL
          UNION ALL SELECT v_policy -> 'residency' ->> 'by' WHERE v_policy -> 'residency' ->> 'by' IS NOT NULL
          UNION ALL SELECT jsonb_object_keys(v_policy -> 'fields')
          UNION ALL SELECT f.key || 'Head' FROM jsonb_each(v_policy -> 'fields') f WHERE f.value ->> 'strategy' = 'text') n (c)
    WHERE c <> ALL (coalesce(v_columns, '{}'));
    IF v_missing IS NOT NULL THEN
        RAISE EXCEPTION 'Table % cannot be replicated: it lacks %', p_table, v_missing;
    END IF;
    -- A computed column cannot be applied, json and xml cannot be compared, and in "merge" such a name is the
    -- row's own bookkeeping.
    SELECT string_agg(c.column_name, ', ') INTO v_missing FROM information_schema.columns c
    WHERE c.table_schema = 'public' AND c.table_name = p_table
        AND (c.is_generated = 'ALWAYS' OR c.identity_generation = 'ALWAYS'
             OR mr.has_state(v_policy) AND (c.data_type IN ('json', 'xml') OR c.column_name ~ '^[$*]'));
    IF v_missing IS NOT NULL THEN
        RAISE EXCEPTION 'Table % cannot be replicated with a column such as %', p_table, v_missing;
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

    INSERT INTO mr.entity AS e (name, topology, columns, policy, registers)
    VALUES (p_table, v_policy ->> 'topology', v_columns, v_policy, mr.registers_of(p_table, v_policy, v_columns))
    ON CONFLICT (name) DO UPDATE SET topology = EXCLUDED.topology, columns = EXCLUDED.columns, policy = EXCLUDED.policy,
        registers = EXCLUDED.registers;
    PERFORM mr.rebuild_schema_version();

    PERFORM mr.rebuild_stamp(p_table);
    PERFORM mr.rebuild_triggers(p_table, v_policy ->> 'topology', v_columns);
    PERFORM mr.rebuild_residency(p_table);
    PERFORM mr.rebuild_apply(p_table, v_columns);
    PERFORM mr.rebuild_delivery(p_table);
    PERFORM mr.rebuild_batch_functions();

    -- DELETE for the collection of tombstones.
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON public.%I TO mr_apply', p_table);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE ON public.%I TO meridian_app', p_table);
END
$$;

CREATE OR REPLACE FUNCTION mr.rebuild_apply(p_table text, p_columns text[]) RETURNS void
    LANGUAGE plpgsql AS $$
DECLARE
    v_list text := (SELECT string_agg(format('%I', c), ', ') FROM unnest(p_columns) c);
    v_set text := (SELECT string_agg(format('%1$I = EXCLUDED.%1$I', c), ', ') FROM unnest(p_columns) c WHERE c <> 'id');
    v_name text;
BEGIN
    EXECUTE format($sql$
        CREATE OR REPLACE FUNCTION mr.%1$I(p_rows mr.%2$I[]) RETURNS jsonb[]
            LANGUAGE plpgsql SECURITY DEFINER AS $body$
        DECLARE
            v_choices jsonb[] := '{}';
            v_taken bigint;
            v_incoming mr.%2$I;
            v_local public.%3$I;
            v_result mr.%2$I;
            v_merged jsonb;
            v_conflicts jsonb;
        BEGIN
            %9$s
            INSERT INTO public.%3$I AS t (%4$s)
            SELECT DISTINCT ON (id) %4$s FROM unnest(p_rows) ORDER BY id, (clock ->> origin)::bigint DESC
            ON CONFLICT (id) DO UPDATE SET %5$s
            WHERE coalesce((t.clock ->> EXCLUDED.origin)::bigint, 0) < (EXCLUDED.clock ->> EXCLUDED.origin)::bigint
                AND mr.clock_covers(EXCLUDED.clock, t.clock);
            GET DIAGNOSTICS v_taken = ROW_COUNT;
            IF v_taken = cardinality(p_rows) THEN
                RETURN v_choices;
            END IF;
            FOR v_incoming IN
                SELECT e.* FROM (SELECT DISTINCT ON (id) * FROM unnest(p_rows) ORDER BY id, (clock ->> origin)::bigint DESC) e
                JOIN public.%3$I t USING (id)
                WHERE NOT mr.clock_covers(t.clock, e.clock)
                ORDER BY e.id
            LOOP
                SELECT * INTO v_local FROM public.%3$I t WHERE t.id = v_incoming.id FOR UPDATE;
                IF mr.clock_covers(v_local.clock, v_incoming.clock) THEN
                    CONTINUE;
                ELSIF mr.clock_covers(v_incoming.clock, v_local.clock) THEN
                    v_merged := mr.json_of(v_incoming);
                ELSE
                    SELECT m.merged, m.conflicts INTO v_merged, v_conflicts
                    FROM mr.merge_rows(%3$L, mr.json_of(v_local), mr.json_of(v_incoming)) m;
                    IF %8$L AND v_conflicts <> '[]' THEN
                        v_choices := array_append(v_choices,
                            jsonb_build_object('entity', %3$L, 'id', v_incoming.id, 'conflicts', v_conflicts));
                    END IF;
                END IF;
                v_result := mr.%7$I(v_merged);
                UPDATE public.%3$I t SET (%4$s) = (SELECT %6$s) WHERE t.id = v_result.id;
            END LOOP;
            RETURN v_choices;
        END
        $body$
    $sql$, 'merge_into_' || p_table, 'outbox_' || p_table, p_table, v_list, v_set,
    (SELECT string_agg(format('v_result.%I', c), ', ') FROM unnest(p_columns) c), 'row_' || p_table,
    (SELECT (policy ->> 'record')::boolean FROM mr.entity WHERE name = p_table),
    -- Sent before its sender knew: what must not be here is not let in.
    (SELECT CASE WHEN e.policy -> 'residency' ->> 'by' IS NOT NULL THEN format($f$
            IF EXISTS (SELECT FROM unnest(p_rows) r WHERE %1$s) THEN
                p_rows := ARRAY(SELECT r::mr.%2$I FROM unnest(p_rows) r WHERE NOT %1$s);
            END IF;$f$, mr.excluded_sql(e.policy, 'r', 'ARRAY[mr.local_region()]'), 'outbox_' || p_table) ELSE '' END
     FROM mr.entity e WHERE e.name = p_table));
    EXECUTE format($sql$
        CREATE OR REPLACE FUNCTION mr.%1$I(p_rows mr.%2$I[]) RETURNS void
            LANGUAGE plpgsql SECURITY DEFINER AS $body$
        DECLARE
            v_choices jsonb[] := mr.%3$I(p_rows);
        BEGIN
            IF v_choices <> '{}' THEN
                PERFORM mr.record_choices(v_choices);
            END IF;
        END
        $body$
    $sql$, 'apply_' || p_table, 'outbox_' || p_table, 'merge_into_' || p_table);
    FOREACH v_name IN ARRAY ARRAY['merge_into_', 'apply_'] LOOP
        EXECUTE format('ALTER FUNCTION mr.%I OWNER TO mr_apply', v_name || p_table);
        EXECUTE format('REVOKE ALL ON FUNCTION mr.%I FROM PUBLIC', v_name || p_table);
        EXECUTE format('GRANT EXECUTE ON FUNCTION mr.%I TO %I', v_name || p_table, current_user);
    END LOOP;
END
$$;

-- ---------------------------------------------------------------------------------------------
-- Telling. mr.read_outbox(after, limit, reader) leaves out what the reader must not have; its cursor moves past
-- it. A null reader is the bus, which everybody hears: `withheld` says that something was left out, so that the
-- batch is not published as if it were all.
-- ---------------------------------------------------------------------------------------------

DROP FUNCTION mr.read_outbox(bigint, integer);
ALTER TYPE mr.outbox_batch ADD ATTRIBUTE withheld boolean;

CREATE OR REPLACE FUNCTION mr.rebuild_batch_functions() RETURNS void
    LANGUAGE plpgsql AS $$
DECLARE
    v_entities text[] := (SELECT array_agg(name ORDER BY name) FROM mr.entity);
    v_cut text;
    v_last text;
    v_newest text;
    v_read text;
    v_look text;
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
            RETURN QUERY SELECT %2$L::text, count(*)::integer, mr.array_elements(array_agg(o.event)), v_upto, v_time, v_complete, v_withheld
            FROM (SELECT e AS event, (row_number() OVER () - 1) / 250 AS part FROM mr.%1$I e
                  WHERE e.position > p_after AND e.position <= v_upto%3$s) o GROUP BY o.part;
            v_found := v_found OR FOUND;$f$, 'outbox_' || e, e, coalesce(' AND NOT ' || x.excluded, '')), ''),
        coalesce(string_agg(format($f$EXISTS (SELECT FROM mr.%1$I e
                    WHERE e.position > p_after AND e.position <= v_upto AND %2$s)$f$, 'outbox_' || e, x.excluded), ' OR ')
            FILTER (WHERE x.excluded IS NOT NULL), 'false'),
        string_agg(format(', %1$I mr.%2$I[] DEFAULT NULL', 'p_' || e, 'outbox_' || e), ''),
        string_agg(CASE e WHEN 'Conflict' THEN $f$
            IF v_choices <> '{}' OR "p_Conflict" IS NOT NULL THEN
                PERFORM pg_advisory_xact_lock(727073, 2);
                IF v_choices <> '{}' THEN
                    PERFORM mr.record_choices(v_choices);
                END IF;
            END IF;$f$ ELSE '' END || format($f$
            IF %1$I IS NOT NULL THEN
                IF p_isolate THEN
                    PERFORM mr.%3$I(p_actor, %1$I);
                ELSIF EXISTS (SELECT FROM mr.dead_letter WHERE open AND entity = %4$L) THEN
                    PERFORM mr.%2$I(p_actor, %1$I);
                ELSE
                    -- Not by way of deliver: each function on the way copies the array.
                    v_choices := v_choices || mr.%5$I(%1$I);
                END IF;
                v_events := v_events + cardinality(%1$I);
            END IF;$f$, 'p_' || e, 'deliver_' || e, 'deliver_isolated_' || e, e, 'merge_into_' || e), ''
            ORDER BY e = 'Conflict', e),
        string_agg(format($f$(SELECT max(hlc) FROM unnest(%1$I))$f$, 'p_' || e), ', ')
    INTO v_cut, v_last, v_newest, v_read, v_look, v_parameters, v_apply, v_ahead
    FROM unnest(v_entities) e,
        LATERAL (SELECT CASE WHEN n.policy -> 'residency' ->> 'by' IS NOT NULL
            THEN mr.excluded_sql(n.policy, 'e', 'ARRAY[p_reader]') END AS excluded FROM mr.entity n WHERE n.name = e) x;

    EXECUTE format($sql$
        CREATE OR REPLACE FUNCTION mr.last_event() RETURNS bigint
            LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $body$
        BEGIN
            RETURN coalesce(greatest(%1$s), 0);
        END
        $body$
    $sql$, v_newest);

    EXECUTE format($sql$
        CREATE OR REPLACE FUNCTION mr.read_outbox(p_after bigint, p_limit integer, p_reader text) RETURNS SETOF mr.outbox_batch
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
            v_found boolean := false;
            v_withheld boolean := false;
        BEGIN
            PERFORM mr.refuse_trimmed(p_after);
            %1$s
            -- The transaction in which the limit falls is left for the next batch, unless the batch
            -- would then be empty: a transaction larger than the limit is read whole.
            %2$s
            IF v_upto = p_after AND v_cut < v_horizon THEN
                v_upto := v_cut;
            END IF;
            v_complete := mr.last_event() <= v_upto;
            IF v_upto = p_after THEN
                RETURN NEXT ROW(NULL::text, 0, NULL::bytea, p_after, v_time, v_complete, false)::mr.outbox_batch;
                RETURN;
            END IF;
            IF p_reader IS NULL THEN
                v_withheld := %4$s;
            END IF;
            %3$s
            -- Nothing for this reader: its cursor moves on all the same.
            IF NOT v_found THEN
                RETURN NEXT ROW(NULL::text, 0, NULL::bytea, v_upto, v_time, v_complete, v_withheld)::mr.outbox_batch;
            END IF;
        END
        $body$
    $sql$, v_cut, v_last, v_read, v_look);

    FOR v_old IN SELECT oid::regprocedure FROM pg_proc
        WHERE proname = 'apply_batch' AND pronamespace = 'mr'::regnamespace
    LOOP
        EXECUTE format('DROP FUNCTION %s', v_old);
    END LOOP;
    EXECUTE format($sql$
        CREATE FUNCTION mr.apply_batch(
            p_actor text, p_prev bigint, p_upto bigint, p_schema_version integer, p_source_time timestamptz,
            p_complete boolean, p_isolate boolean DEFAULT false%1$s
        ) RETURNS mr.apply_outcome LANGUAGE plpgsql AS $body$
        DECLARE
            v_outcome mr.apply_outcome := mr.lock_cursor(p_actor, p_prev, p_upto, p_schema_version);
            v_events bigint := 0;
            v_choices jsonb[] := '{}';
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
    REVOKE ALL ON FUNCTION mr.read_outbox(bigint, integer, text) FROM PUBLIC;
    REVOKE ALL ON FUNCTION mr.apply_batch FROM PUBLIC;
END
$$;

-- ---------------------------------------------------------------------------------------------
-- Comparing and copying: only what all of p_readers may have.
-- ---------------------------------------------------------------------------------------------

DROP FUNCTION mr.range_bounds(text, text, text, integer);
DROP FUNCTION mr.hash_ranges(text, text, text, text[]);
DROP FUNCTION mr.list_range(text, text, text);
DROP FUNCTION mr.list_rows(text, text[]);
DROP FUNCTION mr.read_rows(text, text[]);

CREATE FUNCTION mr.visible_sql(p_entity text, p_readers text[]) RETURNS text
    LANGUAGE sql STABLE AS $$
    SELECT 'NOT ' || mr.excluded_sql(policy, 't', quote_literal(p_readers) || '::text[]') FROM mr.entity WHERE name = p_entity
$$;

CREATE FUNCTION mr.range_bounds(p_entity text, p_from text, p_to text, p_step integer, p_readers text[]) RETURNS text[]
    LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_bounds text[];
BEGIN
    EXECUTE format('SELECT coalesce(array_agg(id ORDER BY n), ''{}'') FROM (
            SELECT t.id, row_number() OVER (ORDER BY t.id) AS n FROM public.%I t WHERE %s AND %s) i WHERE n %% $1 = 0',
        p_entity, mr.range_sql(p_from, p_to), mr.visible_sql(p_entity, p_readers)) INTO v_bounds USING p_step;
    RETURN v_bounds;
END
$$;

CREATE FUNCTION mr.hash_ranges(p_entity text, p_from text, p_to text, p_bounds text[], p_readers text[])
    RETURNS TABLE (bucket integer, "rows" bigint, hash text)
    LANGUAGE plpgsql STABLE SET timezone = 'UTC' SET datestyle = 'ISO, YMD' SET bytea_output = 'hex' AS $$
BEGIN
    RETURN QUERY EXECUTE format(
        'SELECT width_bucket(t.id, $1), count(*), sum((''x'' || left(md5(%s), 16))::bit(64)::bigint)::text
         FROM public.%I t WHERE %s AND %s GROUP BY 1',
        mr.row_text_sql(p_entity), p_entity, mr.range_sql(p_from, p_to), mr.visible_sql(p_entity, p_readers)) USING p_bounds;
END
$$;

CREATE FUNCTION mr.list_range(p_entity text, p_from text, p_to text, p_readers text[]) RETURNS SETOF mr.row_state
    LANGUAGE plpgsql STABLE SET timezone = 'UTC' SET datestyle = 'ISO, YMD' SET bytea_output = 'hex' AS $$
BEGIN
    RETURN QUERY EXECUTE format(
        'SELECT t.id, md5(r.x), t.clock::text, t.origin, octet_length(r.x), %s
         FROM public.%I t, LATERAL (SELECT %s AS x OFFSET 0) r WHERE %s AND %s ORDER BY t.id',
        mr.leaving_sql(p_entity), p_entity, mr.row_text_sql(p_entity), mr.range_sql(p_from, p_to),
        mr.visible_sql(p_entity, p_readers));
END
$$;

CREATE FUNCTION mr.list_rows(p_entity text, p_ids text[], p_readers text[]) RETURNS SETOF mr.row_state
    LANGUAGE plpgsql STABLE SET timezone = 'UTC' SET datestyle = 'ISO, YMD' SET bytea_output = 'hex' AS $$
BEGIN
    RETURN QUERY EXECUTE format(
        'SELECT t.id, md5(r.x), t.clock::text, t.origin, octet_length(r.x), %s
         FROM public.%I t, LATERAL (SELECT %s AS x OFFSET 0) r WHERE t.id = ANY ($1) AND %s',
        mr.leaving_sql(p_entity), p_entity, mr.row_text_sql(p_entity), mr.visible_sql(p_entity, p_readers)) USING p_ids;
END
$$;

CREATE FUNCTION mr.read_rows(p_entity text, p_ids text[], p_reader text) RETURNS TABLE (events integer, payload bytea)
    LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_columns text;
BEGIN
    -- The outbox may still have a column that the table has lost.
    SELECT string_agg(CASE WHEN a.attname = ANY (e.columns) THEN format('t.%I', a.attname) ELSE 'NULL' END,
        ', ' ORDER BY a.attnum) INTO STRICT v_columns
    FROM mr.entity e JOIN pg_attribute a ON a.attrelid = format('mr.%I', 'outbox_' || e.name)::regclass
    WHERE e.name = p_entity AND a.attnum > 0 AND NOT a.attisdropped;
    RETURN QUERY EXECUTE format(
        'SELECT count(*)::integer, mr.array_elements(array_agg(ROW(%s)::mr.%I)) FROM public.%I t WHERE t.id = ANY ($1) AND %s',
        v_columns, 'outbox_' || p_entity, p_entity, mr.visible_sql(p_entity, ARRAY[p_reader])) USING p_ids;
END
$$;

-- What a candidate for the lead lacks. Rows of single-leader entities are not placed (lib/documents/placements.ts).
CREATE OR REPLACE FUNCTION mr.rows_beyond(p_own text, p_held jsonb) RETURNS SETOF mr.rows_part
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
            RETURN QUERY SELECT v_entity, r.events, r.payload FROM mr.read_rows(v_entity, v_ids, split_part(p_own, '#', 1)) r;
        END IF;
    END LOOP;
END
$$;

-- ---------------------------------------------------------------------------------------------
-- Moving. A region that may have the rows copies them from those that have them; one that must not deletes them
-- once each region that may shows that it has every version that is here. lib/db/replication/placement-keeper.ts
-- asks; these functions only look, and delete what has not changed since.
-- ---------------------------------------------------------------------------------------------

-- Placements past p_after of which this region has not done what they say.
CREATE FUNCTION mr.placements_to_do(p_after text, p_limit integer) RETURNS TABLE (id text, regions text[], hlc text, origin text)
    LANGUAGE sql STABLE AS $$
    SELECT p.id, p.regions, p.hlc::text, p.origin FROM public."Placement" p LEFT JOIN mr.placement_done d ON d.id = p.id
    WHERE p.id > p_after AND (d.id IS NULL OR d.hlc <> p.hlc OR d.origin <> p.origin) ORDER BY p.id LIMIT p_limit
$$;

CREATE FUNCTION mr.end_placement(p_id text, p_hlc bigint, p_origin text) RETURNS void
    LANGUAGE sql VOLATILE AS $$
    INSERT INTO mr.placement_done AS d (id, hlc, origin) VALUES (p_id, p_hlc, p_origin)
    ON CONFLICT (id) DO UPDATE SET hlc = EXCLUDED.hlc, origin = EXCLUDED.origin
$$;

-- The rows of a placement that are here: [{ entity, id, clock }]
CREATE FUNCTION mr.placed_rows(p_placement text) RETURNS jsonb
    LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_entity mr.entity;
    v_some jsonb;
    v_rows jsonb := '[]';
BEGIN
    FOR v_entity IN SELECT * FROM mr.entity WHERE policy -> 'residency' ->> 'by' IS NOT NULL ORDER BY name LOOP
        EXECUTE format('SELECT coalesce(jsonb_agg(jsonb_build_object(''entity'', %L, ''id'', t.id, ''clock'', t.clock)), ''[]'')
            FROM public.%I t WHERE %s', v_entity.name, v_entity.name, mr.placed_sql(v_entity.policy, 't')) INTO v_some USING p_placement;
        v_rows := v_rows || v_some;
    END LOOP;
    RETURN v_rows;
END
$$;

-- What is here of a placement: rows, and events that are still to be told or dropped. Numbers alone.
CREATE FUNCTION mr.placement_presence(p_placement text) RETURNS TABLE ("rows" integer, events integer)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    v_entity mr.entity;
    v_count integer;
BEGIN
    "rows" := jsonb_array_length(mr.placed_rows(p_placement));
    events := 0;
    FOR v_entity IN SELECT * FROM mr.entity WHERE policy -> 'residency' ->> 'by' IS NOT NULL LOOP
        EXECUTE format('SELECT count(*)::integer FROM mr.%I t WHERE %s', 'outbox_' || v_entity.name,
            mr.placed_sql(v_entity.policy, 't')) INTO v_count USING p_placement;
        events := events + v_count;
    END LOOP;
    RETURN NEXT;
END
$$;

-- Whether this region has each of these rows, in a version that includes the given one.
CREATE FUNCTION mr.has_rows(p_rows jsonb) RETURNS boolean
    LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_row jsonb;
    v_has boolean;
BEGIN
    FOR v_row IN SELECT * FROM jsonb_array_elements(p_rows) LOOP
        IF NOT EXISTS (SELECT FROM mr.entity e WHERE e.name = v_row ->> 'entity') THEN
            RETURN false;
        END IF;
        EXECUTE format('SELECT EXISTS (SELECT FROM public.%I t WHERE t.id = $1 AND mr.clock_covers(t.clock, $2))',
            v_row ->> 'entity') INTO v_has USING v_row ->> 'id', v_row -> 'clock';
        IF NOT v_has THEN
            RETURN false;
        END IF;
    END LOOP;
    RETURN true;
END
$$;

-- As mr_apply, for which the triggers do not fire. Only rows in one of these versions.
CREATE FUNCTION mr.delete_placed(p_entity text, p_where text, p_placement text, p_rows jsonb) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    EXECUTE format('DELETE FROM public.%I t USING jsonb_array_elements($2) r
            WHERE %s AND r ->> ''entity'' = %L AND t.id = r ->> ''id'' AND t.clock = r -> ''clock'' ',
        p_entity, p_where, p_entity) USING p_placement, p_rows;
END
$$;
ALTER FUNCTION mr.delete_placed OWNER TO mr_apply;

-- Deletes what is here of a placement: p_rows, which all regions that may have them have. False, and nothing is
-- deleted, where the placement has changed; MR013 where there is anything else here.
CREATE FUNCTION mr.erase_placement(p_placement text, p_hlc bigint, p_origin text, p_rows jsonb) RETURNS boolean
    LANGUAGE plpgsql AS $$
DECLARE
    v_entity mr.entity;
    v_where text;
    v_ids text[];
BEGIN
    PERFORM FROM public."Placement" p WHERE p.id = p_placement AND p.hlc = p_hlc AND p.origin = p_origin
        AND p.regions <> '{}' AND NOT mr.local_region() = ANY (p.regions) FOR UPDATE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    FOR v_entity IN SELECT * FROM mr.entity WHERE policy -> 'residency' ->> 'by' IS NOT NULL ORDER BY name LOOP
        v_where := mr.placed_sql(v_entity.policy, 't');
        PERFORM mr.delete_placed(v_entity.name, v_where, p_placement, p_rows);
        EXECUTE format('DELETE FROM mr.%I t WHERE %s', 'outbox_' || v_entity.name, v_where) USING p_placement;
        v_ids := ARRAY(SELECT r ->> 'id' FROM jsonb_array_elements(p_rows) r WHERE r ->> 'entity' = v_entity.name);
        DELETE FROM mr.dead_letter WHERE entity = v_entity.name AND entity_id = ANY (v_ids);
        DELETE FROM mr.sync_wish WHERE entity = v_entity.name AND entity_id = ANY (v_ids);
        -- What an administrator did to a dead letter quotes it.
        UPDATE mr.audit SET detail = '{}' WHERE subject IN (SELECT v_entity.name || '/' || i FROM unnest(v_ids) i);
    END LOOP;
    IF mr.placed_rows(p_placement) <> '[]' THEN
        RAISE EXCEPTION 'Rows of % changed meanwhile', p_placement USING ERRCODE = 'MR013';
    END IF;
    PERFORM mr.end_placement(p_placement, p_hlc, p_origin);
    RETURN true;
END
$$;


-- Rows that a placement has still to take away from here are spared by the collection everywhere: a region that may
-- have them could not show any more that it has them, and a live copy here would outlive the tombstone.
CREATE OR REPLACE FUNCTION mr.stability(p_heads jsonb) RETURNS TABLE (
        region text, actor text, ready boolean, head bigint, horizon bigint, reached bigint, cursors jsonb, pending text[])
    LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_entity text;
    v_last bigint;
BEGIN
    region := mr.local_region();
    actor := mr.local_actor();
    ready := (SELECT l.state = 'ready' FROM mr.local l);
    head := txid_snapshot_xmax(txid_current_snapshot());
    horizon := txid_snapshot_xmin(txid_current_snapshot());
    reached := 0;
    FOR v_entity IN SELECT e.name FROM mr.entity e LOOP
        EXECUTE format('SELECT max(o.position) FROM mr.%I o WHERE o.position < $1', 'outbox_' || v_entity)
            INTO v_last USING coalesce((p_heads ->> actor)::bigint, 0);
        reached := greatest(reached, v_last);
    END LOOP;
    cursors := (SELECT coalesce(jsonb_object_agg(c.actor, c.position::text), '{}') FROM mr.cursor c);
    pending := ARRAY(
        SELECT DISTINCT p.entity || '/' || p.entity_id
        FROM (SELECT d.entity, d.entity_id FROM mr.dead_letter d WHERE d.open
              UNION ALL
              SELECT r ->> 'entity', r ->> 'id' FROM mr.placements_to_do('', 1001) t, jsonb_array_elements(mr.placed_rows(t.id)) r
              LIMIT 10001) p);
    IF cardinality(pending) > 10000 OR (SELECT count(*) FROM mr.placements_to_do('', 1001)) > 1000 THEN
        pending := NULL;
    END IF;
    RETURN NEXT;
END
$$;

SELECT mr.declare('Placement', '{"topology": "multi-leader", "strategy": "last-write-wins", "record": false}');
UPDATE mr.entity SET policy = policy || jsonb_build_object('residency', CASE name
        WHEN 'Document' THEN '{"entity": "Document", "by": "id"}'
        WHEN 'Conflict' THEN '{"entity": null, "by": "placement"}'
        WHEN 'ConflictResolution' THEN '{"entity": null, "by": "placement"}'
        ELSE '{"entity": "Document", "by": "documentId"}' END::jsonb)
WHERE name IN ('Document', 'DocumentUpdate', 'DocumentVersion', 'Collaborator', 'Conflict', 'ConflictResolution');
SELECT mr.redeclare(name) FROM mr.entity ORDER BY name;

-- Records that there are already, in each region alike and without making versions of them.
CREATE FUNCTION mr.place_records() RETURNS void
    LANGUAGE sql SECURITY DEFINER AS $$
    UPDATE public."Conflict" c SET placement = mr.placement_of(c."entityType", c."entityId");
    UPDATE public."ConflictResolution" r SET placement = c.placement FROM public."Conflict" c WHERE c.id = r.id;
$$;
GRANT EXECUTE ON FUNCTION mr.placement_of TO mr_apply;
ALTER FUNCTION mr.place_records OWNER TO mr_apply;
DO $$
BEGIN
    EXECUTE format('GRANT EXECUTE ON FUNCTION mr.place_records TO %I', current_user);
    PERFORM mr.place_records();
END
$$;
DROP FUNCTION mr.place_records;

REVOKE EXECUTE ON FUNCTION mr.placement_sql, mr.excluded_sql, mr.placed_sql, mr.placement_of, mr.place_conflict, mr.place_resolution,
    mr.rebuild_residency, mr.visible_sql, mr.range_bounds, mr.hash_ranges, mr.list_range, mr.list_rows, mr.read_rows,
    mr.placements_to_do, mr.end_placement, mr.placed_rows, mr.placement_presence, mr.has_rows, mr.delete_placed,
    mr.erase_placement FROM PUBLIC;
GRANT EXECUTE ON FUNCTION mr.placement_presence TO meridian_app;
DO $$
BEGIN
    EXECUTE format('GRANT EXECUTE ON FUNCTION mr.delete_placed TO %I', current_user);
END
$$;
