-- Dead letters by hand: edit and discard. Both end in a version of this region that has seen the events and
-- says otherwise, so every region takes it over them, under any strategy.

-- A row for people: without what nobody is shown and no audit holds, and with stamps as text, because
-- JavaScript would round them.
CREATE FUNCTION mr.without_secrets(p_row jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (p_row - 'passwordHash') || jsonb_build_object('hlc', p_row ->> 'hlc', 'position', p_row ->> 'position');

CREATE FUNCTION mr.local_row(p_entity text, p_entity_id text) RETURNS jsonb
    LANGUAGE plpgsql AS $$
DECLARE
    v_row jsonb;
BEGIN
    EXECUTE format('SELECT to_jsonb(t) FROM public.%I t WHERE t.id = $1 FOR UPDATE', p_entity) INTO v_row USING p_entity_id;
    RETURN v_row;
END
$$;

-- Columns in which two versions of a row differ, without the stamp.
CREATE FUNCTION mr.changed_columns(p_old jsonb, p_new jsonb) RETURNS text[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (SELECT coalesce(array_agg(k.key ORDER BY k.key COLLATE "C"), '{}') FROM jsonb_object_keys(p_new) k (key)
            WHERE k.key NOT IN ('id', 'clock', 'hlc', 'origin', 'position', 'merge')
                AND p_old -> k.key IS DISTINCT FROM p_new -> k.key);

-- The version of this region that follows p_row and has the data of p_wanted. The same as what the stamping
-- trigger makes of an update, but the row that it follows need not be in the table: it may violate a constraint.
-- Columns that cannot be set to any value, such as a maximum to less, keep the value of p_row.
CREATE FUNCTION mr.next_version(p_entity text, p_row jsonb, p_wanted jsonb) RETURNS jsonb
    LANGUAGE plpgsql AS $$
DECLARE
    v_entity mr.entity;
    v_me text := mr.local_actor();
    v_count bigint := coalesce((p_row -> 'clock' ->> v_me)::bigint, 0) + 1;
    v_hlc bigint := greatest(mr.hlc_now(), (p_row ->> 'hlc')::bigint + 1);
    v_new jsonb;
    v_stamp jsonb;
    v_zero jsonb;
    v_merge jsonb;
    v_register jsonb;
    v_name text;
    v_strategy text;
    v_before jsonb;
    v_after jsonb;
    v_written mr.register;
    v_deletion text;
    v_deleted boolean := p_wanted ->> 'deletedAt' IS NOT NULL;
BEGIN
    SELECT * INTO STRICT v_entity FROM mr.entity WHERE name = p_entity;
    v_new := p_row || (p_wanted - ARRAY['id', 'clock', 'hlc', 'origin', 'position', 'merge'])
        || jsonb_build_object('clock', (p_row -> 'clock') || jsonb_build_object(v_me, v_count),
            'hlc', v_hlc, 'origin', v_me, 'position', txid_current());
    IF NOT mr.has_state(v_entity.policy) THEN
        RETURN v_new;
    END IF;

    v_stamp := mr.stamp_of(v_hlc, v_me, v_count, v_new ->> (v_entity.policy ->> 'author'));
    v_zero := coalesce(p_row -> 'merge' -> '$0', mr.row_stamp(p_row, v_entity.policy ->> 'author'));
    v_merge := (p_row -> 'merge') || jsonb_build_object('$0', v_zero);
    FOR v_register IN SELECT r FROM jsonb_array_elements(v_entity.registers) r LOOP
        v_name := v_register ->> 'name';
        v_strategy := v_register ->> 'strategy';
        v_before := mr.register_value(v_register, p_row);
        v_after := mr.register_value(v_register, v_new);
        CONTINUE WHEN v_before IS NOT DISTINCT FROM v_after;
        v_written := ROW(v_stamp, v_after, NULL, false);
        IF v_strategy IN ('max', 'min') THEN
            IF NOT mr.beats(v_strategy, v_register ->> 'type', v_after, v_before) THEN
                v_written := ROW(NULL, v_before, NULL, true);
            END IF;
        ELSIF v_strategy NOT IN ('last-write-wins', 'text') THEN
            v_written := mr.write_register(v_strategy,
                coalesce(v_merge -> v_name, mr.initial_state(v_strategy, v_zero, v_before)),
                v_before, v_after, v_stamp, NULL, p_row -> 'clock', v_new -> 'clock');
        END IF;
        IF NOT v_written.kept THEN
            v_merge := v_merge || jsonb_build_object(v_name, v_written.state);
        END IF;
        v_new := v_new || CASE WHEN v_name = '*' THEN v_written.value ELSE jsonb_build_object(v_name, v_written.value) END;
    END LOOP;

    v_deletion := v_entity.policy ->> 'deletion';
    IF v_deletion = 'update-wins' THEN
        v_merge := v_merge || jsonb_build_object('$alive',
            CASE WHEN v_deleted THEN '{}' ELSE jsonb_build_object(v_me, v_count) END);
    ELSIF v_deletion = 'delete-wins' AND NOT v_deleted THEN
        v_merge := v_merge - '$dead';
    ELSIF v_deletion = 'delete-wins' AND p_row ->> 'deletedAt' IS NULL THEN
        v_merge := v_merge || jsonb_build_object('$dead', jsonb_build_object(v_me, v_count));
    END IF;
    IF v_deletion <> 'last-write' AND v_deleted THEN
        IF p_row ->> 'deletedAt' IS NULL THEN
            v_merge := v_merge || jsonb_build_object('$gone', v_stamp, '$del', mr.time_text(greatest(
                (p_wanted ->> 'deletedAt')::timestamptz, (v_merge ->> '$del')::timestamptz)));
        END IF;
        v_new := v_new || jsonb_build_object('deletedAt',
            coalesce(to_jsonb((v_merge ->> '$del')::timestamptz), p_row -> 'deletedAt'));
    END IF;
    RETURN v_new || jsonb_build_object('merge', v_merge);
END
$$;

-- Columns that a person may set. A merged text is what its updates make of it.
CREATE FUNCTION mr.settable_columns(p_entity text) RETURNS text[]
    LANGUAGE sql STABLE AS $$
    SELECT array_agg(c) FROM mr.entity e, unnest(e.columns) c
    WHERE e.name = p_entity AND c NOT IN ('id', 'deletedAt', 'clock', 'hlc', 'origin', 'position', 'merge')
        AND NOT EXISTS (SELECT FROM jsonb_each(e.policy -> 'fields') f
                        WHERE f.value ->> 'strategy' = 'text' AND c IN (f.key, f.key || 'Head'))
$$;

-- Writes a version of this region as it is, and captures it.
CREATE FUNCTION mr.put_version(p_entity text, p_row jsonb) RETURNS void
    LANGUAGE plpgsql AS $$
BEGIN
    SET CONSTRAINTS ALL IMMEDIATE;
    EXECUTE format('SELECT mr.%I(mr.%I($1))', 'rewrite_' || p_entity, 'row_' || p_entity) USING p_row;
    EXECUTE format('INSERT INTO mr.%I SELECT (mr.%I($1)).*', 'outbox_' || p_entity, 'row_' || p_entity) USING p_row;
END
$$;

-- Whether this region may write the entity.
CREATE FUNCTION mr.may_write(p_entity text) RETURNS boolean
    LANGUAGE sql STABLE AS $$
    SELECT e.topology <> 'single-leader' OR (SELECT l.leader FROM mr.leadership l) = mr.local_region()
    FROM mr.entity e WHERE e.name = p_entity
$$;

-- Applies the letters of a row with other values in some of its columns: p_values. p_last is the newest
-- letter that the editor saw. All letters are settled, or none.
--   { kind: 'nothing' | 'stale' } | { kind: 'elsewhere', leader } | { kind: 'edited', events, columns }
--   | { kind: 'refused', columns }: no such columns, or none that can be set to this value
--   | { kind: 'failing', sqlstate, message }
CREATE FUNCTION mr.edit_dead_letters(p_entity text, p_entity_id text, p_last bigint, p_values jsonb, p_by text) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    v_ids bigint[];
    v_events jsonb[];
    v_row jsonb;
    v_new jsonb;
    v_columns text[];
    v_refused text[];
    v_outcome jsonb;
BEGIN
    SELECT ids, events INTO v_ids, v_events FROM mr.lock_letters(p_entity, p_entity_id);
    IF v_ids IS NULL THEN
        RETURN '{"kind": "nothing"}';
    ELSIF v_ids[cardinality(v_ids)] <> p_last THEN
        RETURN '{"kind": "stale"}';
    ELSIF NOT mr.may_write(p_entity) THEN
        RETURN jsonb_build_object('kind', 'elsewhere', 'leader', (SELECT leader FROM mr.leadership));
    END IF;
    v_row := mr.join_events(p_entity, mr.local_row(p_entity, p_entity_id), v_events);
    v_columns := mr.changed_columns(v_row, p_values);
    v_refused := ARRAY(SELECT c FROM unnest(v_columns) c WHERE c <> ALL (mr.settable_columns(p_entity)));
    IF v_refused <> '{}' THEN
        v_outcome := jsonb_build_object('kind', 'refused', 'columns', v_refused);
    ELSE
        BEGIN
            v_new := mr.next_version(p_entity, v_row, v_row || p_values);
            v_refused := ARRAY(SELECT c FROM unnest(mr.changed_columns(v_row || p_values, v_new)) c WHERE c = ANY (v_columns));
            IF v_refused <> '{}' THEN
                v_outcome := jsonb_build_object('kind', 'refused', 'columns', v_refused);
            ELSE
                PERFORM mr.put_version(p_entity, v_new);
                v_outcome := jsonb_build_object('kind', 'edited', 'events', cardinality(v_ids), 'columns', v_columns);
            END IF;
        EXCEPTION WHEN OTHERS THEN
            IF NOT mr.is_poison(SQLSTATE) AND SQLSTATE <> 'MR005' THEN
                RAISE;
            END IF;
            v_outcome := jsonb_build_object('kind', 'failing', 'sqlstate', SQLSTATE, 'message', SQLERRM);
        END;
    END IF;
    IF v_outcome ->> 'kind' = 'edited' THEN
        PERFORM mr.settle_letters(v_ids, 'edited');
    END IF;
    PERFORM mr.write_audit(p_by, 'dead-letter.edit', p_entity || '/' || p_entity_id, (v_outcome - 'kind') || jsonb_build_object(
        'before', mr.without_secrets(v_row), 'after', mr.without_secrets(coalesce(v_new, v_row || p_values))), v_outcome ->> 'kind');
    RETURN v_outcome;
END
$$;

-- Settles the letters of a row without applying them: every region takes the row as it is here. Without a
-- row here, or of an entity that another region writes, the regions stay different; `kept` says so.
--   { kind: 'nothing' | 'stale' } | { kind: 'discarded', events, kept } | { kind: 'failing', sqlstate, message }
CREATE FUNCTION mr.discard_dead_letters(p_entity text, p_entity_id text, p_last bigint, p_by text) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    v_ids bigint[];
    v_events jsonb[];
    v_local jsonb;
    v_row jsonb;
    v_new jsonb;
    v_outcome jsonb;
BEGIN
    SELECT ids, events INTO v_ids, v_events FROM mr.lock_letters(p_entity, p_entity_id);
    IF v_ids IS NULL THEN
        RETURN '{"kind": "nothing"}';
    ELSIF v_ids[cardinality(v_ids)] <> p_last THEN
        RETURN '{"kind": "stale"}';
    END IF;
    v_local := mr.local_row(p_entity, p_entity_id);
    v_row := mr.join_events(p_entity, v_local, v_events);
    v_outcome := jsonb_build_object('kind', 'discarded', 'events', cardinality(v_ids),
        'kept', v_local IS NOT NULL AND mr.may_write(p_entity));
    IF (v_outcome ->> 'kept')::boolean THEN
        BEGIN
            v_new := mr.next_version(p_entity, v_row, v_row || mr.row_data(v_local)
                || jsonb_build_object('deletedAt', v_local -> 'deletedAt'));
            PERFORM mr.put_version(p_entity, v_new);
        EXCEPTION WHEN OTHERS THEN
            IF NOT mr.is_poison(SQLSTATE) AND SQLSTATE <> 'MR005' THEN
                RAISE;
            END IF;
            v_outcome := jsonb_build_object('kind', 'failing', 'sqlstate', SQLSTATE, 'message', SQLERRM);
        END;
    END IF;
    IF v_outcome ->> 'kind' = 'discarded' THEN
        PERFORM mr.settle_letters(v_ids, 'discarded');
    END IF;
    PERFORM mr.write_audit(p_by, 'dead-letter.discard', p_entity || '/' || p_entity_id, (v_outcome - 'kind') || jsonb_build_object(
        'before', mr.without_secrets(v_row), 'after', mr.without_secrets(coalesce(v_new, v_local))), v_outcome ->> 'kind');
    RETURN v_outcome;
END
$$;

-- One row's letters: { events: [{ id, actor, position, status, event, … }], here, editable, leader, mayWrite }.
-- `here` is the row of this region or null, `editable` what a person may set of the row that the events make
-- of it. Null without letters.
CREATE FUNCTION mr.read_dead_letters(p_entity text, p_entity_id text) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog SET timezone = 'UTC' AS $$
DECLARE
    v_events jsonb[];
    v_here jsonb;
    v_joined jsonb;
BEGIN
    SELECT array_agg(d.event ORDER BY d.id) INTO v_events FROM mr.dead_letter d
    WHERE d.open AND d.entity = p_entity AND d.entity_id = p_entity_id;
    IF v_events IS NULL THEN
        RETURN NULL;
    END IF;
    EXECUTE format('SELECT to_jsonb(t) FROM public.%I t WHERE t.id = $1', p_entity) INTO v_here USING p_entity_id;
    v_joined := mr.without_secrets(mr.join_events(p_entity, v_here, v_events));
    RETURN jsonb_build_object(
        'events', (SELECT jsonb_agg(jsonb_build_object('id', d.id::text, 'actor', d.actor, 'position', d.position::text,
                'status', d.status, 'schemaVersion', d.schema_version, 'sqlstate', d.sqlstate, 'message', d.message,
                'attempts', d.attempts, 'at', d.created_at, 'event', mr.without_secrets(d.event)) ORDER BY d.id)
            FROM mr.dead_letter d WHERE d.open AND d.entity = p_entity AND d.entity_id = p_entity_id),
        'here', mr.without_secrets(v_here),
        'editable', (SELECT coalesce(jsonb_object_agg(c.key, c.value), '{}') FROM jsonb_each(v_joined) c
            WHERE c.key = ANY (mr.settable_columns(p_entity))),
        'leader', (SELECT leader FROM mr.leadership),
        'mayWrite', mr.may_write(p_entity));
END
$$;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA mr FROM PUBLIC;
GRANT EXECUTE ON FUNCTION mr.edit_dead_letters, mr.discard_dead_letters, mr.read_dead_letters TO meridian_app;
