-- Dead letters: events that this region cannot apply, set aside so that their stream goes on.
--
-- Only errors that the same event would meet again make one (mr.is_poison). The later events of its row wait
-- behind it, because readers of the row would otherwise see it without what came before; everything else
-- flows. A row with open letters is "pending" (mr.is_pending). Its letters are retried in order, by the
-- worker and by hand, or a person edits or discards them; each of these leaves a row in mr.audit.
--
-- Letters belong to the region that could not apply: the table is not replicated.

-- What administrators did, and what came of it.
CREATE TABLE mr.audit (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- Null: the region itself.
    actor_user text,
    action text NOT NULL,
    subject text NOT NULL,
    detail jsonb NOT NULL DEFAULT '{}',
    result text NOT NULL
);

CREATE INDEX audit_subject ON mr.audit (subject, id);

CREATE FUNCTION mr.write_audit(p_user text, p_action text, p_subject text, p_detail jsonb, p_result text) RETURNS bigint
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
    INSERT INTO mr.audit (actor_user, action, subject, detail, result)
    VALUES (p_user, p_action, p_subject, coalesce(p_detail, '{}'), p_result) RETURNING id
$$;

CREATE TABLE mr.dead_letter (
    -- Also the order of arrival, which is the order of retries.
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    actor text NOT NULL,
    entity text NOT NULL,
    entity_id text NOT NULL,
    position bigint NOT NULL,
    schema_version integer NOT NULL,
    -- The row as to_jsonb makes it.
    event jsonb NOT NULL,
    -- 'parked' could not be applied, 'following' waits behind one that could not; the others are settled.
    status text NOT NULL CHECK (status IN ('parked', 'following', 'drained', 'edited', 'discarded')),
    open boolean NOT NULL GENERATED ALWAYS AS (status IN ('parked', 'following')) STORED,
    sqlstate text,
    message text,
    attempts integer NOT NULL DEFAULT 0,
    due_at timestamptz NOT NULL DEFAULT clock_timestamp() + interval '30 seconds',
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Looked into by each delivery; empty as a rule.
CREATE INDEX dead_letter_open ON mr.dead_letter (entity, entity_id, id) WHERE open;
-- An event that is delivered twice waits once.
CREATE UNIQUE INDEX dead_letter_event ON mr.dead_letter (entity, entity_id, actor, (event ->> 'hlc')) WHERE open;

-- SQLSTATE classes that the same event would meet again: data, constraint, syntax or access. Not those of
-- connections (08), rollbacks (40), resources (53) and shutdowns (57).
CREATE FUNCTION mr.is_poison(p_sqlstate text) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN left(p_sqlstate, 2) IN ('22', '23', '42');

CREATE FUNCTION mr.is_pending(p_entity text, p_entity_id text) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT EXISTS (SELECT FROM mr.dead_letter WHERE open AND entity = p_entity AND entity_id = p_entity_id)
$$;

-- ---------------------------------------------------------------------------------------------
-- Delivery. What touches rows of an outbox is executed as dynamic SQL, because a plan that was kept from
-- before a column was added would be of the wrong row type; all of this runs only when something failed.
-- ---------------------------------------------------------------------------------------------

-- Sets aside the rows that wait behind an open letter; returns the others.
CREATE FUNCTION mr.follow(p_entity text, p_actor text, p_rows anyarray) RETURNS anyarray
    LANGUAGE plpgsql SET timezone = 'UTC' AS $$
DECLARE
    v_rows p_rows%TYPE;
BEGIN
    EXECUTE $q$
        WITH pending AS (SELECT DISTINCT entity_id FROM mr.dead_letter WHERE open AND entity = $2),
        parked AS (
            INSERT INTO mr.dead_letter (actor, entity, entity_id, position, schema_version, event, status)
            SELECT $3, $2, r.id, r.position, mr.schema_version(), to_jsonb(r), 'following'
            FROM unnest($1) r JOIN pending p ON p.entity_id = r.id ORDER BY r.hlc
            ON CONFLICT DO NOTHING)
        SELECT coalesce(array_agg(r), $4) FROM unnest($1) r WHERE r.id NOT IN (SELECT entity_id FROM pending)
    $q$ INTO v_rows USING p_rows, p_entity, p_actor, p_rows[1:0];
    RETURN v_rows;
END
$$;

-- Applies rows; on an error that is poison, halves of them by id, down to single ids. Returns the ids that
-- failed. Deferred constraints are looked at only where p_strict: rows may need each other for them.
CREATE FUNCTION mr.apply_sparing(p_entity text, p_rows anyarray, p_strict boolean) RETURNS text[]
    LANGUAGE plpgsql AS $$
DECLARE
    v_ids text[];
    v_first p_rows%TYPE;
    v_second p_rows%TYPE;
BEGIN
    BEGIN
        EXECUTE format('SELECT mr.%I($1)', 'apply_' || p_entity) USING p_rows;
        IF p_strict THEN
            SET CONSTRAINTS ALL IMMEDIATE;
            SET CONSTRAINTS ALL DEFERRED;
        END IF;
        RETURN '{}';
    EXCEPTION WHEN OTHERS THEN
        IF NOT mr.is_poison(SQLSTATE) THEN
            RAISE;
        END IF;
    END;
    EXECUTE 'SELECT array_agg(DISTINCT r.id) FROM unnest($1) r' INTO v_ids USING p_rows;
    IF cardinality(v_ids) = 1 THEN
        RETURN v_ids;
    END IF;
    EXECUTE 'SELECT array_agg(r) FILTER (WHERE r.id = ANY ($2)), array_agg(r) FILTER (WHERE r.id <> ALL ($2))
             FROM unnest($1) r'
        INTO v_first, v_second USING p_rows, v_ids[:cardinality(v_ids) / 2];
    RETURN mr.apply_sparing(p_entity, v_first, p_strict) || mr.apply_sparing(p_entity, v_second, p_strict);
END
$$;

-- Of these rows, those that share the key of a deferrable unique constraint with another row.
CREATE FUNCTION mr.clashing(p_entity text, p_rows anyarray) RETURNS text[]
    LANGUAGE plpgsql AS $$
DECLARE
    v_keys text[];
    v_ids text[];
    v_all text[] := '{}';
BEGIN
    FOR v_keys IN
        SELECT array_agg(a.attname::text) FROM pg_constraint c
        JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey)
        WHERE c.conrelid = format('public.%I', p_entity)::regclass AND c.contype = 'u' AND c.condeferrable
        GROUP BY c.oid
    LOOP
        EXECUTE format('
            SELECT array_agg(t.id) FROM public.%1$I t
            WHERE t.id IN (SELECT r.id FROM unnest($1) r)
                AND EXISTS (SELECT FROM public.%1$I o WHERE o.id <> t.id AND (%2$s) = (%3$s))', p_entity,
            (SELECT string_agg(format('o.%I', k), ', ') FROM unnest(v_keys) k),
            (SELECT string_agg(format('t.%I', k), ', ') FROM unnest(v_keys) k))
            INTO v_ids USING p_rows;
        v_all := v_all || v_ids;
    END LOOP;
    RETURN v_all;
END
$$;

-- Applies as many of the rows as fit together; returns the ids of those that do not. Rows that trade unique
-- keys with each other fit, though none of them would alone.
CREATE FUNCTION mr.apply_what_fits(p_entity text, p_rows anyarray) RETURNS text[]
    LANGUAGE plpgsql AS $$
DECLARE
    v_rows p_rows%TYPE := p_rows;
    v_left_out text[] := '{}';
    v_failed text[];
    v_clashing text[];
    v_strict boolean := false;
BEGIN
    LOOP
        IF v_rows IS NULL OR cardinality(v_rows) = 0 THEN
            RETURN v_left_out;
        END IF;
        BEGIN
            SET CONSTRAINTS ALL DEFERRED;
            v_failed := mr.apply_sparing(p_entity, v_rows, v_strict);
            v_clashing := mr.clashing(p_entity, v_rows);
            IF v_clashing <> '{}' THEN
                RAISE EXCEPTION 'again without them' USING ERRCODE = 'MR090';
            END IF;
            SET CONSTRAINTS ALL IMMEDIATE;
            RETURN v_left_out || v_failed;
        EXCEPTION
            WHEN SQLSTATE 'MR090' THEN
                v_left_out := v_left_out || v_clashing || v_failed;
                EXECUTE 'SELECT array_agg(r) FROM unnest($1) r WHERE r.id <> ALL ($2)' INTO v_rows USING v_rows, v_left_out;
            WHEN OTHERS THEN
                IF v_strict OR NOT mr.is_poison(SQLSTATE) THEN
                    RAISE;
                END IF;
                v_strict := true;
        END;
    END LOOP;
END
$$;

-- Applies events of one row in order, each by itself, up to the first that fails. `failed` is null when
-- none does; else its SQLSTATE.
CREATE FUNCTION mr.apply_in_order(
        p_entity text, p_events jsonb[], OUT applied integer, OUT failed text, OUT message text)
    LANGUAGE plpgsql SET timezone = 'UTC' AS $$
DECLARE
    v_event jsonb;
BEGIN
    applied := 0;
    SET CONSTRAINTS ALL IMMEDIATE;
    FOREACH v_event IN ARRAY p_events LOOP
        BEGIN
            EXECUTE format('SELECT mr.%I(ARRAY[mr.%I($1)])', 'apply_' || p_entity, 'row_' || p_entity) USING v_event;
        EXCEPTION WHEN OTHERS THEN
            IF NOT mr.is_poison(SQLSTATE) THEN
                RAISE;
            END IF;
            failed := SQLSTATE;
            message := SQLERRM;
            RETURN;
        END;
        applied := applied + 1;
    END LOOP;
END
$$;

-- Delivers what can be applied and parks the rest, each row from its first event that fails.
CREATE FUNCTION mr.deliver_isolated(p_entity text, p_actor text, p_rows anyarray) RETURNS void
    LANGUAGE plpgsql SET timezone = 'UTC' AS $$
DECLARE
    v_rows p_rows%TYPE := mr.follow(p_entity, p_actor, p_rows);
    v_id text;
    v_events jsonb[];
    v_outcome record;
BEGIN
    FOREACH v_id IN ARRAY mr.apply_what_fits(p_entity, v_rows) LOOP
        EXECUTE 'SELECT array_agg(to_jsonb(r) ORDER BY r.hlc) FROM unnest($1) r WHERE r.id = $2' INTO v_events USING v_rows, v_id;
        v_outcome := mr.apply_in_order(p_entity, v_events);
        INSERT INTO mr.dead_letter (actor, entity, entity_id, position, schema_version, event, status, sqlstate, message, attempts)
        SELECT p_actor, p_entity, v_id, (e.event ->> 'position')::bigint, mr.schema_version(), e.event,
            CASE f.is_first WHEN true THEN 'parked' ELSE 'following' END,
            CASE WHEN f.is_first THEN v_outcome.failed END,
            CASE WHEN f.is_first THEN v_outcome.message END,
            f.is_first::integer
        FROM unnest(v_events) WITH ORDINALITY e (event, n), LATERAL (SELECT e.n = v_outcome.applied + 1 AS is_first) f
        WHERE e.n > v_outcome.applied ORDER BY e.n
        ON CONFLICT DO NOTHING;
    END LOOP;
END
$$;

-- Generates, for an entity with an outbox and an apply function:
--   mr."deliver_<T>"(actor, rows)           applies rows but those that wait behind a letter
--   mr."deliver_isolated_<T>"(actor, rows)  parks what cannot be applied, too
--   mr."row_<T>"(event)                     the row that an event is of
--   mr."rewrite_<T>"(row)                   puts a row into the table as it is, uncaptured
CREATE FUNCTION mr.rebuild_delivery(p_table text) RETURNS void
    LANGUAGE plpgsql AS $$
DECLARE
    v_outbox text := format('mr.%I', 'outbox_' || p_table);
    v_columns text[] := (SELECT columns FROM mr.entity WHERE name = p_table);
    v_list text := (SELECT string_agg(format('%I', c), ', ') FROM unnest(v_columns) c);
    v_mend text;
    v_name text;
BEGIN
    -- Two things that jsonb_populate_record gets wrong: a JSON null in a column that takes no SQL null, and a
    -- column that was added after the event was parked.
    SELECT string_agg(
        CASE WHEN a.atttypid = 'jsonb'::regtype THEN format('
            IF p_event ? %1$L THEN v_row.%1$I := p_event -> %1$L; END IF;', a.attname) ELSE '' END
        || CASE WHEN d.adbin IS NOT NULL THEN format('
            IF NOT p_event ? %1$L THEN v_row.%1$I := %2$s; END IF;', a.attname, pg_get_expr(d.adbin, d.adrelid)) ELSE '' END, '')
    INTO v_mend
    FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attrelid = format('public.%I', p_table)::regclass AND a.attnotnull AND a.attname = ANY (v_columns);

    EXECUTE format($sql$
        CREATE OR REPLACE FUNCTION mr.%1$I(p_actor text, p_rows %2$s[]) RETURNS void
            LANGUAGE plpgsql AS $body$
        BEGIN
            IF EXISTS (SELECT FROM mr.dead_letter WHERE open AND entity = %3$L) THEN
                p_rows := mr.follow(%3$L, p_actor, p_rows);
            END IF;
            PERFORM mr.%4$I(p_rows);
        END
        $body$
    $sql$, 'deliver_' || p_table, v_outbox, p_table, 'apply_' || p_table);
    EXECUTE format($sql$
        CREATE OR REPLACE FUNCTION mr.%1$I(p_actor text, p_rows %2$s[]) RETURNS void
            LANGUAGE plpgsql AS $body$
        BEGIN
            PERFORM mr.deliver_isolated(%3$L, p_actor, p_rows);
        END
        $body$
    $sql$, 'deliver_isolated_' || p_table, v_outbox, p_table);
    EXECUTE format($sql$
        CREATE OR REPLACE FUNCTION mr.%1$I(p_event jsonb) RETURNS %2$s
            LANGUAGE plpgsql AS $body$
        DECLARE
            v_row %2$s := jsonb_populate_record(NULL::%2$s, p_event);
        BEGIN
            %3$s
            RETURN v_row;
        END
        $body$
    $sql$, 'row_' || p_table, v_outbox, v_mend);
    EXECUTE format($sql$
        CREATE OR REPLACE FUNCTION mr.%1$I(p_row %2$s) RETURNS void
            LANGUAGE sql SECURITY DEFINER AS $body$
            INSERT INTO public.%3$I (%4$s) SELECT %5$s
            ON CONFLICT (id) DO UPDATE SET %6$s
        $body$
    $sql$, 'rewrite_' || p_table, v_outbox, p_table, v_list,
        (SELECT string_agg(format('(p_row).%I', c), ', ') FROM unnest(v_columns) c),
        (SELECT string_agg(format('%1$I = EXCLUDED.%1$I', c), ', ') FROM unnest(v_columns) c WHERE c <> 'id'));
    EXECUTE format('ALTER FUNCTION mr.%I OWNER TO mr_apply', 'rewrite_' || p_table);
    FOREACH v_name IN ARRAY ARRAY['deliver_', 'deliver_isolated_', 'row_', 'rewrite_'] LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION mr.%I FROM PUBLIC', v_name || p_table);
        EXECUTE format('GRANT EXECUTE ON FUNCTION mr.%I TO %I', v_name || p_table, current_user);
    END LOOP;
    EXECUTE format('GRANT EXECUTE ON FUNCTION mr.%I TO mr_apply', 'row_' || p_table);
END
$$;

-- ---------------------------------------------------------------------------------------------
-- Retry.
-- ---------------------------------------------------------------------------------------------

-- The letters of a row, locked: ids and events in order. Both null without any.
CREATE FUNCTION mr.lock_letters(p_entity text, p_entity_id text, OUT ids bigint[], OUT events jsonb[])
    LANGUAGE sql AS $$
    SELECT array_agg(l.id ORDER BY l.id), array_agg(l.event ORDER BY l.id)
    FROM (SELECT d.id, d.event FROM mr.dead_letter d
          WHERE d.open AND d.entity = p_entity AND d.entity_id = p_entity_id ORDER BY d.id FOR UPDATE) l
$$;

CREATE FUNCTION mr.settle_letters(p_ids bigint[], p_status text) RETURNS void
    LANGUAGE sql AS $$
    UPDATE mr.dead_letter SET status = p_status, updated_at = clock_timestamp() WHERE id = ANY (p_ids)
$$;

-- The join of versions of one row, the first of which may be null.
CREATE FUNCTION mr.join_events(p_entity text, p_row jsonb, p_events jsonb[]) RETURNS jsonb
    LANGUAGE plpgsql AS $$
DECLARE
    v_row jsonb := p_row;
    v_event jsonb;
BEGIN
    FOREACH v_event IN ARRAY p_events LOOP
        v_row := CASE
            WHEN v_row IS NULL OR mr.clock_covers(v_event -> 'clock', v_row -> 'clock') THEN v_event
            WHEN mr.clock_covers(v_row -> 'clock', v_event -> 'clock') THEN v_row
            ELSE mr.join_rows(p_entity, v_row, v_event) END;
    END LOOP;
    RETURN v_row;
END
$$;

-- Rows whose letters fail over unique keys may be waiting for each other: applies those that fit together.
CREATE FUNCTION mr.retry_together(p_entity text) RETURNS void
    LANGUAGE plpgsql SET timezone = 'UTC' AS $$
DECLARE
    v_waiting text[];
    v_left text[];
BEGIN
    SELECT array_agg(l.entity_id) INTO v_waiting FROM (
        SELECT DISTINCT d.entity_id FROM mr.dead_letter d
        WHERE d.open AND d.entity = p_entity AND d.sqlstate = '23505' ORDER BY 1 LIMIT 200) l;
    PERFORM mr.lock_letters(p_entity, w) FROM unnest(v_waiting) w;
    EXECUTE format('
        SELECT mr.apply_what_fits($1, array_agg(mr.%I(j.event)))
        FROM (SELECT mr.join_events($1, NULL, array_agg(d.event ORDER BY d.id)) AS event FROM mr.dead_letter d
              WHERE d.open AND d.entity = $1 AND d.entity_id = ANY ($2) GROUP BY d.entity_id) j', 'row_' || p_entity)
        INTO v_left USING p_entity, v_waiting;
    PERFORM mr.settle_letters(array_agg(d.id), 'drained') FROM mr.dead_letter d
    WHERE d.open AND d.entity = p_entity AND d.entity_id = ANY (v_waiting) AND d.entity_id <> ALL (v_left);
END
$$;

-- Applies the letters of a row in order. Where the first fails, a later one may mend it: a version includes
-- those before it, so all of them together come down to the last.
--   { kind: 'nothing' } | { kind: 'drained', events } | { kind: 'failing', events, left, sqlstate, message }
CREATE FUNCTION mr.retry_letters(p_entity text, p_entity_id text) RETURNS jsonb
    LANGUAGE plpgsql SET timezone = 'UTC' AS $$
DECLARE
    v_ids bigint[];
    v_events jsonb[];
    v_count integer;
    v_outcome record;
    v_joined record;
BEGIN
    SELECT ids, events INTO v_ids, v_events FROM mr.lock_letters(p_entity, p_entity_id);
    v_count := cardinality(v_ids);
    IF v_count IS NULL THEN
        RETURN '{"kind": "nothing"}';
    END IF;
    v_outcome := mr.apply_in_order(p_entity, v_events);
    PERFORM mr.settle_letters(v_ids[:v_outcome.applied], 'drained');
    IF v_outcome.failed IS NOT NULL AND v_outcome.applied + 1 < v_count THEN
        v_joined := mr.apply_in_order(p_entity, ARRAY[mr.join_events(p_entity, NULL, v_events[v_outcome.applied + 1:])]);
        IF v_joined.failed IS NULL THEN
            PERFORM mr.settle_letters(v_ids, 'drained');
            v_outcome.failed := NULL;
        END IF;
    END IF;
    IF v_outcome.failed = '23505' THEN
        UPDATE mr.dead_letter SET sqlstate = '23505' WHERE id = v_ids[v_outcome.applied + 1];
        PERFORM mr.retry_together(p_entity);
        IF NOT mr.is_pending(p_entity, p_entity_id) THEN
            v_outcome.failed := NULL;
        END IF;
    END IF;
    IF v_outcome.failed IS NULL THEN
        RETURN jsonb_build_object('kind', 'drained', 'events', v_count);
    END IF;
    -- Twice as long after each failure, from half a minute to an hour.
    UPDATE mr.dead_letter SET status = 'parked', sqlstate = v_outcome.failed, message = v_outcome.message,
        attempts = attempts + 1, updated_at = clock_timestamp(),
        due_at = clock_timestamp() + least(interval '1 hour', interval '30 seconds' * 2 ^ least(attempts, 7))
    WHERE id = v_ids[v_outcome.applied + 1];
    RETURN jsonb_build_object('kind', 'failing', 'events', v_outcome.applied, 'left', v_count - v_outcome.applied,
        'sqlstate', v_outcome.failed, 'message', v_outcome.message);
END
$$;

-- By whom: null for the worker, whose failures are counted in the letter and not audited each.
CREATE FUNCTION mr.retry_dead_letters(p_entity text, p_entity_id text, p_by text DEFAULT NULL) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_outcome jsonb := mr.retry_letters(p_entity, p_entity_id);
BEGIN
    IF v_outcome ->> 'kind' <> 'nothing' AND (p_by IS NOT NULL OR v_outcome ->> 'kind' = 'drained') THEN
        PERFORM mr.write_audit(p_by, 'dead-letter.retry', p_entity || '/' || p_entity_id, v_outcome - 'kind', v_outcome ->> 'kind');
    END IF;
    RETURN v_outcome;
END
$$;

-- Rows whose first letter is due, the longest waiting first.
CREATE FUNCTION mr.due_dead_letters(p_limit integer) RETURNS TABLE (entity text, entity_id text)
    LANGUAGE sql STABLE AS $$
    SELECT h.entity, h.entity_id FROM (
        SELECT DISTINCT ON (d.entity, d.entity_id) d.entity, d.entity_id, d.due_at
        FROM mr.dead_letter d WHERE d.open ORDER BY d.entity, d.entity_id, d.id) h
    WHERE h.due_at <= clock_timestamp() ORDER BY h.due_at LIMIT p_limit
$$;

-- ---------------------------------------------------------------------------------------------
-- What the page shows.
-- ---------------------------------------------------------------------------------------------

-- Rows with open letters, the longest waiting first.
CREATE FUNCTION mr.list_dead_letters(p_limit integer) RETURNS TABLE (
        entity text, entity_id text, events integer, last_id bigint, sqlstate text, message text, attempts integer,
        since timestamptz, due_at timestamptz, origins text[])
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT d.entity, d.entity_id, count(*)::integer, max(d.id),
        (array_agg(d.sqlstate ORDER BY d.id))[1], (array_agg(d.message ORDER BY d.id))[1],
        (array_agg(d.attempts ORDER BY d.id))[1], min(d.created_at), (array_agg(d.due_at ORDER BY d.id))[1],
        array_agg(DISTINCT d.actor)
    FROM mr.dead_letter d WHERE d.open GROUP BY d.entity, d.entity_id ORDER BY min(d.id) LIMIT p_limit
$$;

CREATE FUNCTION mr.list_audit(p_prefix text, p_limit integer) RETURNS SETOF mr.audit
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT * FROM mr.audit WHERE starts_with(action, p_prefix) ORDER BY id DESC LIMIT p_limit
$$;

SELECT mr.rebuild_delivery(name) FROM mr.entity;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA mr FROM PUBLIC;
GRANT EXECUTE ON FUNCTION mr.is_pending, mr.write_audit, mr.retry_dead_letters, mr.list_dead_letters, mr.list_audit TO meridian_app;
