-- Capture and apply by policy: mr.declare(entity, policy) in place of mr.replicate(table, topology). The policies
-- are declared by scripts/migrate-runner.ts, after the migrations, from lib/db/conflicts/policies.ts.
--
-- A writer names the version that it started from by setting "clock" to that version's clock:
--   UPDATE "Document" SET title = 'x', clock = '{"us-east-1": 3}' WHERE id = '…'
-- The triggers compare it with the row, locked, and put the row's own new clock there. Without it the write
-- counts as made on top of what is there. "merge", too, takes orders instead of a value:
--   {"$decide": ["summary"]}   what is written to a manual register is the choice, even if it is what the
--                              register showed already
--   {"$transfer": {"field": "stock", "to": "eu-west-1", "amount": 5}}   rights of a bounded counter

-- A base version of which this region lacks something: MR004. Null where the base includes all of the row.
CREATE FUNCTION mr.stale_base(p_table text, p_old jsonb, p_base jsonb) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF p_base = p_old THEN
        RETURN NULL;
    END IF;
    IF NOT mr.clock_covers(p_old, p_base) THEN
        RAISE EXCEPTION 'This region has not heard of the version of % that the write starts from', p_table
            USING ERRCODE = 'MR004', DETAIL = p_base::text;
    END IF;
    -- Equal in another notation, such as counts as strings.
    RETURN CASE WHEN NOT mr.clock_covers(p_base, p_old) THEN p_base END;
END
$$;

-- Stamps a version of an entity without registers.
CREATE OR REPLACE FUNCTION mr.stamp() RETURNS trigger
    LANGUAGE plpgsql AS $$
DECLARE
    v_base jsonb;
    v_author text;
BEGIN
    IF TG_OP = 'INSERT' THEN
        NEW.clock := jsonb_build_object(mr.local_actor(), 1);
        NEW.hlc := mr.hlc_now();
    ELSE
        IF NEW.id <> OLD.id THEN
            RAISE EXCEPTION 'The id of a replicated row cannot change' USING ERRCODE = 'MR003';
        END IF;
        IF NEW.clock <> OLD.clock THEN
            v_base := mr.stale_base(TG_TABLE_NAME, OLD.clock, NEW.clock);
        END IF;
        NEW.clock := OLD.clock || jsonb_build_object(
            mr.local_actor(), coalesce((OLD.clock ->> mr.local_actor())::bigint, 0) + 1);
        NEW.hlc := greatest(mr.hlc_now(), OLD.hlc + 1);
    END IF;
    NEW.origin := mr.local_actor();
    NEW.position := txid_current();
    IF v_base IS NOT NULL AND coalesce((v_base ->> OLD.origin)::bigint, 0) < coalesce((OLD.clock ->> OLD.origin)::bigint, 0)
        AND (mr.row_data(mr.json_of(NEW)) <> mr.row_data(mr.json_of(OLD)) OR NEW."deletedAt" IS DISTINCT FROM OLD."deletedAt") THEN
        v_author := (SELECT policy ->> 'author' FROM mr.entity WHERE name = TG_TABLE_NAME);
        PERFORM mr.record_conflicts(TG_TABLE_NAME, NEW.id, jsonb_build_array(mr.conflict_of('*', 'last-write-wins', jsonb_build_array(
            mr.row_version(mr.json_of(NEW), mr.row_stamp(mr.json_of(NEW), v_author), true),
            mr.row_version(mr.json_of(OLD), mr.row_stamp(mr.json_of(OLD), v_author), false)))));
    END IF;
    RETURN NEW;
END
$$;

-- The registers of an entity under a policy.
CREATE FUNCTION mr.registers_of(p_table text, p_policy jsonb, p_columns text[]) RETURNS jsonb
    LANGUAGE sql STABLE AS $$
    SELECT coalesce(jsonb_agg(r.register ORDER BY r.n), '[]') FROM (
        SELECT 0 AS n, jsonb_build_object('name', '*', 'strategy', p_policy ->> 'strategy', 'type', NULL, 'quiet', false) AS register
        WHERE p_policy ->> 'strategy' <> 'merge'
        UNION ALL
        SELECT a.attnum, jsonb_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod),
            'strategy', coalesce(p_policy -> 'fields' -> a.attname::text ->> 'strategy', 'last-write-wins'),
            'quiet', coalesce((p_policy -> 'fields' -> a.attname::text ->> 'quiet')::boolean, false))
        FROM pg_attribute a
        WHERE a.attrelid = format('public.%I', p_table)::regclass AND a.attname = ANY (p_columns)
          AND ((p_policy ->> 'strategy' = 'merge' AND a.attname NOT IN ('id', 'deletedAt', 'clock', 'hlc', 'origin', 'position', 'merge'))
               OR (a.attname = 'deletedAt' AND p_policy ->> 'deletion' = 'last-write'))) r
$$;

-- Two regions can read each other's events, and merge them alike, when their schema versions are equal. It
-- follows from what the entities are, not from the way there: a region that is new today and one that has
-- been through all changes agree.
ALTER TABLE mr.entity DROP COLUMN version;

CREATE FUNCTION mr.rebuild_schema_version() RETURNS void
    LANGUAGE plpgsql AS $$
DECLARE
    v_version integer;
BEGIN
    SELECT ('x' || left(md5(string_agg(concat_ws(' ', e.name, e.policy, e.registers, (
            -- Dropped columns count: the binary form of a row has a place for each.
            SELECT string_agg(CASE WHEN a.attisdropped THEN '-' ELSE a.attname || ':' || format_type(a.atttypid, a.atttypmod) END,
                ',' ORDER BY a.attnum)
            FROM pg_attribute a WHERE a.attrelid = format('mr.%I', 'outbox_' || e.name)::regclass AND a.attnum > 0)),
        chr(10) ORDER BY e.name COLLATE "C")), 8))::bit(32)::integer & 2147483647 INTO v_version
    FROM mr.entity e;
    EXECUTE format('CREATE OR REPLACE FUNCTION mr.schema_version() RETURNS integer
        LANGUAGE sql STABLE RETURN %s', v_version);
END
$$;

-- Makes a table replicated, under a policy (lib/db/conflicts/policy.ts says what one is). Repeating it is
-- harmless; other columns or another policy change the schema version, so that regions that merge
-- differently do not apply each other's events.
CREATE FUNCTION mr.declare(p_table text, p_policy jsonb) RETURNS void
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
    PERFORM mr.rebuild_apply(p_table, v_columns);
    PERFORM mr.rebuild_delivery(p_table);
    PERFORM mr.rebuild_batch_functions();

    -- DELETE for the collection of tombstones.
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON public.%I TO mr_apply', p_table);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE ON public.%I TO meridian_app', p_table);
END
$$;

-- For the end of a migration that changed a table's columns: declares it again as it was.
CREATE FUNCTION mr.redeclare(p_table text) RETURNS void
    LANGUAGE sql AS $$ SELECT mr.declare(name, policy) FROM mr.entity WHERE name = p_table $$;

DROP FUNCTION mr.replicate(text, text);

-- ---------------------------------------------------------------------------------------------
-- Stamping. Generated for an entity with registers: mr."stamp_<T>"(), a BEFORE trigger that knows which
-- columns changed without comparing rows as jsonb.
-- ---------------------------------------------------------------------------------------------

CREATE FUNCTION mr.rebuild_stamp(p_table text) RETURNS void
    LANGUAGE plpgsql AS $$
DECLARE
    v_entity mr.entity := (SELECT e FROM mr.entity e WHERE name = p_table);
    v_author text := coalesce('NEW.' || quote_ident(v_entity.policy ->> 'author'), 'NULL');
    v_deletion text := v_entity.policy ->> 'deletion';
    v_register jsonb;
    v_name text;
    v_strategy text;
    v_json text;
    v_record boolean;
    v_data text := (SELECT string_agg(format('%I', c), ', ') FROM unnest(v_entity.columns) c
        WHERE c NOT IN ('id', 'deletedAt', 'clock', 'hlc', 'origin', 'position', 'merge'));
    v_old_row text := (SELECT string_agg(format('OLD.%I', c), ', ') FROM unnest(v_entity.columns) c
        WHERE c NOT IN ('id', 'deletedAt', 'clock', 'hlc', 'origin', 'position', 'merge'));
    v_new_row text := replace(v_old_row, 'OLD.', 'NEW.');
    v_code text := '';
BEGIN
    IF NOT mr.has_state(v_entity.policy) THEN
        RETURN;
    END IF;
    FOR v_register IN SELECT r FROM jsonb_array_elements(v_entity.registers) r LOOP
        v_name := v_register ->> 'name';
        v_strategy := v_register ->> 'strategy';
        v_json := CASE WHEN v_register ->> 'type' ~ 'time|date|bytea|interval' THEN 'mr.json_of' ELSE 'to_jsonb' END;
        v_record := (v_entity.policy ->> 'record')::boolean AND NOT (v_register ->> 'quiet')::boolean;
        IF v_strategy = 'text' THEN
            v_code := v_code || format($f$
            IF NEW.%1$I IS DISTINCT FROM OLD.%1$I AND NEW.%2$I IS NOT DISTINCT FROM OLD.%2$I THEN
                RAISE EXCEPTION '%% of %% is a merged text: it changes with an update that is named in %%', %1$L, %3$L, %2$L
                    USING ERRCODE = 'MR006';
            END IF;$f$, v_name, v_name || 'Head', p_table);
        END IF;
        v_code := v_code || format($f$
            IF %1$s THEN$f$,
            CASE WHEN v_name = '*' THEN format('ROW(%s) IS DISTINCT FROM ROW(%s)', v_new_row, v_old_row)
                 ELSE format('NEW.%1$I IS DISTINCT FROM OLD.%1$I', v_name) END
            || CASE WHEN v_strategy IN ('manual', 'custom') THEN format(' OR v_order -> ''$decide'' ? %L', v_name) ELSE '' END);
        IF v_strategy IN ('last-write-wins', 'text') THEN
            IF v_record AND v_strategy <> 'text' THEN
                v_code := v_code || format($f$
                v_state := coalesce(v_merge -> %1$L, v_merge -> '$0');
                IF v_base IS NOT NULL AND NOT mr.seen(v_base, v_state) THEN
                    v_conflicts := v_conflicts || mr.conflict_of(%1$L, %2$L, jsonb_build_array(
                        mr.version(%3$s, NEW.clock, v_stamp, true), mr.version(%4$s, OLD.clock, v_state, false)));
                END IF;$f$, v_name, v_strategy,
                CASE WHEN v_name = '*' THEN 'mr.row_data(mr.json_of(NEW))' ELSE format(v_json || '(NEW.%I)', v_name) END,
                CASE WHEN v_name = '*' THEN 'mr.row_data(mr.json_of(OLD))' ELSE format(v_json || '(OLD.%I)', v_name) END);
            END IF;
            v_code := v_code || format($f$
                v_merge := v_merge || jsonb_build_object(%1$L, v_stamp);
                v_changed := true;
            END IF;$f$, v_name);
        ELSIF v_strategy IN ('max', 'min') THEN
            -- In the column's own type: through jsonb it would be half of a write's cost.
            v_code := v_code || format($f$
                v_state := coalesce(v_merge -> %1$L, v_merge -> '$0');
                IF OLD.%1$I IS NULL OR NEW.%1$I %2$s %3$s OLD.%1$I THEN
                    %4$s
                    v_merge := v_merge || jsonb_build_object(%1$L, v_stamp);
                    v_changed := true;
                ELSE
                    %5$s
                    NEW.%1$I := OLD.%1$I;
                    v_kept := true;
                END IF;
            END IF;$f$, v_name,
            CASE WHEN v_register ->> 'type' = 'text' OR v_register ->> 'type' LIKE 'character%' THEN 'COLLATE "C"' ELSE '' END,
            CASE v_strategy WHEN 'max' THEN '>' ELSE '<' END,
            CASE WHEN v_record THEN format($f$IF v_base IS NOT NULL AND NOT mr.seen(v_base, v_state) THEN
                        v_conflicts := v_conflicts || mr.conflict_of(%1$L, %2$L, jsonb_build_array(
                            mr.version(%3$s(NEW.%1$I), NEW.clock, v_stamp, true), mr.version(%3$s(OLD.%1$I), OLD.clock, v_state, false)));
                    END IF;$f$, v_name, v_strategy, v_json) ELSE '' END,
            CASE WHEN v_record THEN format($f$IF v_base IS NOT NULL AND NOT mr.seen(v_base, v_state) THEN
                        v_conflicts := v_conflicts || mr.conflict_of(%1$L, %2$L, jsonb_build_array(
                            mr.version(%3$s(OLD.%1$I), OLD.clock, v_state, true), mr.version(%3$s(NEW.%1$I), NEW.clock, v_stamp, false)));
                    END IF;$f$, v_name, v_strategy, v_json) ELSE '' END);
        ELSE
            v_code := v_code || format($f$
                v_old := %3$s;
                v_register := mr.write_register(%2$L,
                    coalesce(v_merge -> %1$L, mr.initial_state(%2$L, v_merge -> '$0', v_old)),
                    v_old, %4$s, v_stamp, v_base, OLD.clock, NEW.clock);
                IF v_register.kept THEN
                    v_kept := true;
                ELSE
                    v_merge := v_merge || jsonb_build_object(%1$L, v_register.state);
                    v_changed := true;
                END IF;
                %5$s%6$s
            END IF;$f$, v_name, v_strategy,
            CASE WHEN v_name = '*' THEN 'mr.row_data(mr.json_of(OLD))' ELSE format(v_json || '(OLD.%I)', v_name) END,
            CASE WHEN v_name = '*' THEN 'mr.row_data(mr.json_of(NEW))' ELSE format(v_json || '(NEW.%I)', v_name) END,
            CASE WHEN v_name = '*' THEN 'NEW := jsonb_populate_record(NEW, v_register.value);'
                 ELSE format('NEW.%1$I := (jsonb_populate_record(NULL::public.%2$I, jsonb_build_object(%1$L, v_register.value))).%1$I;', v_name, p_table) END,
            CASE WHEN v_record THEN format($f$
                IF v_register.versions IS NOT NULL THEN
                    v_conflicts := v_conflicts || mr.conflict_of(%1$L, %2$L, v_register.versions);
                END IF;$f$, v_name, v_strategy) ELSE '' END);
        END IF;
    END LOOP;

    IF v_deletion = 'delete-wins' THEN
        v_code := v_code || $f$
            v_dots := coalesce(v_merge -> '$dead', CASE WHEN OLD."deletedAt" IS NULL THEN '{}'
                ELSE jsonb_build_object(v_merge -> '$0' ->> 'o', v_merge -> '$0' -> 'n') END);
            IF NEW."deletedAt" IS NOT NULL AND OLD."deletedAt" IS NULL THEN
                v_dots := jsonb_build_object(v_me, v_n);
                v_merge := v_merge || jsonb_build_object('$gone', v_stamp, '$del', mr.time_text(greatest(
                    NEW."deletedAt", (v_merge ->> '$del')::timestamptz)));
                IF v_base IS NOT NULL THEN
                    v_conflicts := v_conflicts || mr.conflict_of('$deleted', 'delete-wins', jsonb_build_array(
                        mr.version(mr.row_data(mr.json_of(NEW)) || jsonb_build_object('deletedAt', NEW."deletedAt"), NEW.clock, v_stamp, true),
                        mr.row_version(mr.json_of(OLD), mr.stamp_of(OLD.hlc, OLD.origin, (OLD.clock ->> OLD.origin)::bigint, v_old_author), false)));
                END IF;
                v_changed := true;
            ELSIF NEW."deletedAt" IS NULL AND OLD."deletedAt" IS NOT NULL THEN
                v_dots := mr.unseen_dots(v_dots, v_base);
                v_changed := true;
            ELSIF NEW."deletedAt" IS DISTINCT FROM OLD."deletedAt" THEN
                NEW."deletedAt" := OLD."deletedAt";
            END IF;
            IF OLD."deletedAt" IS NOT NULL AND mr.unseen_dots(v_dots, v_base) <> '{}' THEN
                v_conflicts := v_conflicts || mr.conflict_of('$deleted', 'delete-wins', jsonb_build_array(
                    mr.row_version(mr.json_of(OLD), coalesce(v_merge -> '$gone', v_merge -> '$0'), true),
                    mr.version(mr.row_data(mr.json_of(NEW)) || '{"deletedAt": null}', NEW.clock, v_stamp, false)));
            END IF;
            IF v_dots = '{}' THEN
                v_merge := v_merge - '$dead';
                NEW."deletedAt" := NULL;
            ELSE
                v_merge := v_merge || jsonb_build_object('$dead', v_dots);
                NEW."deletedAt" := coalesce((v_merge ->> '$del')::timestamptz, OLD."deletedAt");
            END IF;$f$;
    ELSIF v_deletion = 'update-wins' THEN
        v_code := v_code || $f$
            v_dots := coalesce(v_merge -> '$alive', CASE WHEN OLD."deletedAt" IS NOT NULL THEN '{}'
                ELSE jsonb_build_object(v_merge -> '$0' ->> 'o', v_merge -> '$0' -> 'n') END);
            IF NEW."deletedAt" IS NOT NULL AND OLD."deletedAt" IS NULL THEN
                v_dots := mr.unseen_dots(v_dots, v_base);
                v_merge := v_merge || jsonb_build_object('$gone', v_stamp, '$del', mr.time_text(greatest(
                    NEW."deletedAt", (v_merge ->> '$del')::timestamptz)));
                IF v_dots <> '{}' THEN
                    v_conflicts := v_conflicts || mr.conflict_of('$deleted', 'update-wins', jsonb_build_array(
                        mr.row_version(mr.json_of(OLD), mr.stamp_of(OLD.hlc, OLD.origin, (OLD.clock ->> OLD.origin)::bigint, v_old_author), true),
                        mr.version(mr.row_data(mr.json_of(NEW)) || jsonb_build_object('deletedAt', NEW."deletedAt"), NEW.clock, v_stamp, false)));
                END IF;
                v_changed := true;
            ELSIF NEW."deletedAt" IS NULL THEN
                v_dots := jsonb_build_object(v_me, v_n);
                v_changed := true;
            ELSIF NEW."deletedAt" IS NOT DISTINCT FROM OLD."deletedAt" AND v_base IS NOT NULL
                AND NOT mr.seen(v_base, coalesce(v_merge -> '$gone', v_merge -> '$0')) THEN
                -- An update whose writer had not seen the deletion.
                v_dots := jsonb_build_object(v_me, v_n);
                v_conflicts := v_conflicts || mr.conflict_of('$deleted', 'update-wins', jsonb_build_array(
                    mr.version(mr.row_data(mr.json_of(NEW)) || '{"deletedAt": null}', NEW.clock, v_stamp, true),
                    mr.row_version(mr.json_of(OLD), coalesce(v_merge -> '$gone', v_merge -> '$0'), false)));
                v_changed := true;
            END IF;
            v_merge := v_merge || jsonb_build_object('$alive', v_dots);
            NEW."deletedAt" := CASE WHEN v_dots = '{}' THEN coalesce((v_merge ->> '$del')::timestamptz, OLD."deletedAt") END;$f$;
    END IF;

    IF EXISTS (SELECT FROM jsonb_array_elements(v_entity.registers) r WHERE r ->> 'strategy' = 'bounded-counter') THEN
        v_code := v_code || format($f$
            IF v_order ? '$transfer' THEN
                v_merge := mr.transfer_rights(%L, v_merge, v_me, v_order -> '$transfer', mr.json_of(OLD));
                v_changed := true;
            END IF;$f$, p_table);
    END IF;

    EXECUTE format($sql$
        CREATE OR REPLACE FUNCTION mr.%1$I() RETURNS trigger
            LANGUAGE plpgsql AS $body$
        DECLARE
            v_me text := mr.local_actor();
            v_n bigint := 1;
            v_base jsonb;
            v_stamp jsonb;
            v_merge jsonb;
            v_order jsonb;
            v_state jsonb;
            v_old jsonb;
            v_dots jsonb;
            v_register mr.register;
            v_old_author text;
            v_conflicts jsonb := '[]';
            v_changed boolean := false;
            v_kept boolean := false;
        BEGIN
            NEW.origin := v_me;
            NEW.position := txid_current();
            IF TG_OP = 'INSERT' THEN
                NEW.clock := jsonb_build_object(v_me, 1);
                NEW.hlc := mr.hlc_now();
                -- Everything follows from the row's own stamp until it is written again.
                NEW.merge := '{}';
                RETURN NEW;
            END IF;
            IF NEW.id <> OLD.id THEN
                RAISE EXCEPTION 'The id of a replicated row cannot change' USING ERRCODE = 'MR003';
            END IF;
            IF NEW.clock <> OLD.clock THEN
                v_base := mr.stale_base(%4$L, OLD.clock, NEW.clock);
            END IF;
            v_n := coalesce((OLD.clock ->> v_me)::bigint, 0) + 1;
            NEW.clock := OLD.clock || jsonb_build_object(v_me, v_n);
            NEW.hlc := greatest(mr.hlc_now(), OLD.hlc + 1);
            v_stamp := mr.stamp_of(NEW.hlc, v_me, v_n, %2$s);
            v_old_author := %5$s;
            v_order := CASE WHEN NEW.merge ?| '{$transfer,$decide}' THEN NEW.merge END;
            v_merge := OLD.merge;
            IF NOT v_merge ? '$0' THEN
                v_merge := v_merge || jsonb_build_object('$0', mr.stamp_of(
                    OLD.hlc, OLD.origin, coalesce((OLD.clock ->> OLD.origin)::bigint, 0), v_old_author));
                IF %6$L <> 'last-write' AND OLD."deletedAt" IS NOT NULL THEN
                    v_merge := v_merge || jsonb_build_object('$del', mr.time_text(OLD."deletedAt"));
                END IF;
            END IF;
            %3$s
            NEW.merge := v_merge;
            IF v_conflicts <> '[]' THEN
                PERFORM mr.record_conflicts(%4$L, NEW.id, v_conflicts);
            END IF;
            -- All that was written lost: there is no new version.
            IF v_kept AND NOT v_changed THEN
                RETURN NULL;
            END IF;
            RETURN NEW;
        END
        $body$
    $sql$, 'stamp_' || p_table, v_author,
    v_code, p_table, replace(v_author, 'NEW.', 'OLD.'), v_deletion);
    EXECUTE format('REVOKE ALL ON FUNCTION mr.%I FROM PUBLIC', 'stamp_' || p_table);
END
$$;

-- Moves rights of a bounded counter from this actor to another: { field, to, amount }.
CREATE FUNCTION mr.transfer_rights(p_table text, p_merge jsonb, p_me text, p_order jsonb, p_row jsonb) RETURNS jsonb
    LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_field text := p_order ->> 'field';
    v_amount numeric := (p_order ->> 'amount')::numeric;
    v_key text := p_me || '>' || (p_order ->> 'to');
    v_state jsonb;
BEGIN
    -- The order comes from the writer: of another field it would destroy the state, and to nobody the rights.
    IF coalesce(v_amount, 0) <= 0 OR p_order ->> 'to' = p_me
        OR NOT EXISTS (SELECT FROM mr.region WHERE id = split_part(p_order ->> 'to', '#', 1) AND p_order ->> 'to' ~ '^[^#]+(#[1-9][0-9]*)?$')
        OR NOT EXISTS (SELECT FROM mr.entity e, jsonb_array_elements(e.registers) r
                       WHERE e.name = p_table AND r ->> 'name' = v_field AND r ->> 'strategy' = 'bounded-counter') THEN
        RAISE EXCEPTION 'Not a transfer of rights: %', p_order USING ERRCODE = '22023';
    END IF;
    v_state := coalesce(p_merge -> v_field, mr.initial_state('bounded-counter', p_merge -> '$0', p_row -> v_field));
    IF mr.rights(v_state, p_me) < v_amount THEN
        RAISE EXCEPTION '% has the right to give % and not %', p_me, mr.rights(v_state, p_me), v_amount
            USING ERRCODE = 'MR005';
    END IF;
    RETURN p_merge || jsonb_build_object(v_field, jsonb_set(v_state, ARRAY['r', v_key],
        to_jsonb(coalesce((v_state -> 'r' ->> v_key)::numeric, 0) + v_amount)));
END
$$;

CREATE OR REPLACE FUNCTION mr.rebuild_triggers(p_table text, p_topology text, p_columns text[]) RETURNS void
    LANGUAGE plpgsql AS $$
DECLARE
    v_list text := (SELECT string_agg(format('%I', c), ', ') FROM unnest(p_columns) c);
    v_capture text := format('mr.%I', 'capture_' || p_table);
    v_stamp text := CASE WHEN (SELECT mr.has_state(policy) FROM mr.entity WHERE name = p_table)
        THEN format('mr.%I', 'stamp_' || p_table) ELSE 'mr.stamp' END;
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

-- ---------------------------------------------------------------------------------------------
-- Applying.
-- ---------------------------------------------------------------------------------------------

-- mr."merge_into_<T>"(rows) merges rows into the table and returns what mr.record_choices is to be told;
-- mr."apply_<T>"(rows) does both. Those of one id must come from one origin.
--
-- * Of one origin, the version with the greatest own count includes the others: positions do not tell
--   (transactions that wait for a row commit in another order than they got their ids).
-- * A row that includes the local one is taken as it is, in one statement for all: states are joins, so
--   the join of the two is the one that includes the other.
-- * What is left is included already, or concurrent. Those few are joined one by one, the local row locked.
--   What the join chose between is recorded, as rows of this region, in this transaction. A batch records
--   at its end: see mr.apply_batch.
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
    (SELECT (policy ->> 'record')::boolean FROM mr.entity WHERE name = p_table));
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

-- mr.last_event(): the position of the newest event of this region that the snapshot shows, or 0.
--
-- mr.read_outbox(after, limit): the next events of this region, at most about `limit` of them per
-- entity, never a part of a transaction. One row for each 250 events of an entity, because a client
-- cannot take more than half a gigabyte in one value; without any, one row with a null entity.
-- `upto` is the position of the last event, not the horizon, so that pushed and pulled batches meet at
-- the same positions.
--
-- A position below what was trimmed is refused: MR010.
--
-- mr.apply_batch(...): merges a batch and moves the cursor, in one transaction. `p_isolate` sets rows that
-- cannot be applied aside as dead letters; otherwise one of them fails the batch.
--
-- Records come last, under a lock: several streams bring, and make, the record of the same id at the same
-- moment. One that had inserted it and waited for a row, and one that held the row and waited for the
-- record, would deadlock, for a second each time.
CREATE OR REPLACE FUNCTION mr.rebuild_batch_functions() RETURNS void
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
    REVOKE ALL ON FUNCTION mr.read_outbox FROM PUBLIC;
    REVOKE ALL ON FUNCTION mr.apply_batch FROM PUBLIC;
END
$$;


DO $$
BEGIN
    PERFORM mr.declare(name, jsonb_build_object('topology', topology)) FROM mr.entity;
    PERFORM mr.declare('DocumentUpdate', '{"record": false}');
    PERFORM mr.declare('Conflict', '{"record": false}');
    PERFORM mr.declare('ConflictResolution', '{"record": false}');
END
$$;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA mr FROM PUBLIC;
-- What the triggers of a write call, and what pages ask.
GRANT EXECUTE ON FUNCTION mr.json_of, mr.normal_policy, mr.has_state, mr.hlc_text, mr.stamp_of, mr.stamp_only, mr.seen, mr.stamp_later, mr.row_stamp,
    mr.join_dots, mr.unseen_dots, mr.sum_entries, mr.max_entries, mr.version, mr.siblings, mr.beats, mr.lineage, mr.lineage_wins,
    mr.initial_state, mr.rights, mr.counter_value, mr.set_value, mr.sibling_list, mr.sibling_dots, mr.sort_siblings,
    mr.sibling_versions, mr.manual_register, mr.write_register, mr.join_register, mr.row_data, mr.register_value, mr.conflict_of,
    mr.merge_rows, mr.join_rows, mr.time_text, mr.dead_dots, mr.alive_dots, mr.row_version, mr.record_conflicts, mr.stale_base,
    mr.transfer_rights TO meridian_app, mr_apply;
GRANT EXECUTE ON FUNCTION mr.clock_compare, mr.record_choices TO mr_apply;
GRANT SELECT ON mr.entity TO mr_apply;
