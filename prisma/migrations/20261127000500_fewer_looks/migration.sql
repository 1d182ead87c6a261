-- A look at the outboxes asks those alone that have something new, and a batch is judged by what is in it: each look
-- had cost three statements for every entity that there is, whether or not it had an event.

CREATE OR REPLACE FUNCTION mr.rebuild_batch_functions() RETURNS void
    LANGUAGE plpgsql AS $$
DECLARE
    v_cut text;
    v_last text;
    v_newest text;
    v_each text;
    v_read text;
    v_look text;
    v_parameters text;
    v_apply text;
    v_ahead text;
    v_old regprocedure;
BEGIN
    SELECT
        string_agg(format($f$
            IF v_newest_of[%2$s] > p_after THEN
                SELECT o.position INTO v_next FROM mr.%1$I o
                WHERE o.position > p_after AND o.position < v_horizon
                ORDER BY o.position OFFSET p_limit LIMIT 1;
                v_cut := least(v_cut, v_next);
            END IF;$f$, 'outbox_' || e, n), '' ORDER BY n),
        string_agg(format($f$
            IF v_newest_of[%2$s] > p_after THEN
                SELECT max(o.position) INTO v_next FROM mr.%1$I o
                WHERE o.position > p_after AND o.position < v_cut;
                v_upto := greatest(v_upto, v_next);
            END IF;$f$, 'outbox_' || e, n), '' ORDER BY n),
        string_agg(format('(SELECT max(position) FROM mr.%I)', 'outbox_' || e), ', ' ORDER BY n),
        string_agg(format('v_newest_of[%s]', n), ', ' ORDER BY n),
        string_agg(format($f$
            IF v_newest_of[%4$s] > p_after THEN
                RETURN QUERY SELECT %2$L::text, count(*)::integer, mr.array_elements(array_agg(o.event)), v_upto, v_time, v_complete, v_withheld
                FROM (SELECT e AS event, (row_number() OVER () - 1) / 250 AS part FROM mr.%1$I e
                      WHERE e.position > p_after AND e.position <= v_upto%3$s) o GROUP BY o.part;
                v_found := v_found OR FOUND;
            END IF;$f$, 'outbox_' || e, e, coalesce(' AND NOT ' || x.excluded, ''), n), '' ORDER BY n),
        coalesce(string_agg(format($f$
                IF v_newest_of[%3$s] > p_after AND NOT v_withheld THEN
                    v_withheld := EXISTS (SELECT FROM mr.%1$I e WHERE e.position > p_after AND e.position <= v_upto AND %2$s);
                END IF;$f$, 'outbox_' || e, x.excluded, n), '' ORDER BY n)
            FILTER (WHERE x.excluded IS NOT NULL), ''),
        string_agg(format(', %1$I mr.%2$I[] DEFAULT NULL', 'p_' || e, 'outbox_' || e), '' ORDER BY n),
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
            ORDER BY e = 'Conflict', n),
        string_agg(format($f$
            IF %1$I IS NOT NULL THEN
                v_hlc := greatest(v_hlc, (SELECT max(hlc) FROM unnest(%1$I)));
            END IF;$f$, 'p_' || e), '' ORDER BY n)
    INTO v_cut, v_last, v_newest, v_each, v_read, v_look, v_parameters, v_apply, v_ahead
    FROM (SELECT name AS e, row_number() OVER (ORDER BY name) AS n, policy FROM mr.entity) entity,
        LATERAL (SELECT CASE WHEN policy -> 'residency' ->> 'by' IS NOT NULL
            THEN mr.excluded_sql(policy, 'e', 'ARRAY[p_reader]') END AS excluded) x;

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
            LANGUAGE plpgsql STABLE ROWS 4 SECURITY DEFINER SET search_path = pg_catalog AS $body$
        DECLARE
            -- STABLE, and no call of mr.horizon(), which would take a snapshot of its own: every
            -- statement in here sees the one snapshot that the horizon is of.
            v_horizon bigint := txid_snapshot_xmin(txid_current_snapshot());
            -- Before the snapshot was taken: a commit between the two would be claimed as seen.
            v_time timestamptz := transaction_timestamp();
            -- Of each entity, below the horizon or not, and of all of them.
            v_newest_of bigint[];
            v_newest bigint;
            v_cut bigint := v_horizon;
            v_upto bigint := p_after;
            v_next bigint;
            v_complete boolean;
            v_found boolean := false;
            v_withheld boolean := false;
        BEGIN
            PERFORM mr.refuse_reader(ARRAY[p_reader]);
            PERFORM mr.refuse_trimmed(p_after);
            v_newest_of := ARRAY[%5$s];
            v_newest := greatest(%6$s, 0);
            IF v_newest > p_after THEN
                %1$s
                IF v_cut = v_horizon AND v_newest < v_horizon THEN
                    v_upto := v_newest;
                ELSE
                    -- The transaction in which the limit falls is left for the next batch, unless the batch
                    -- would then be empty: a transaction larger than the limit is read whole.
                    %2$s
                    IF v_upto = p_after AND v_cut < v_horizon THEN
                        v_upto := v_cut;
                    END IF;
                END IF;
            END IF;
            v_complete := v_newest <= v_upto;
            IF v_upto = p_after THEN
                RETURN NEXT ROW(NULL::text, 0, NULL::bytea, p_after, v_time, v_complete, false)::mr.outbox_batch;
                RETURN;
            END IF;
            IF p_reader IS NULL THEN
                %4$s
            END IF;
            %3$s
            -- Nothing for this reader: its cursor moves on all the same.
            IF NOT v_found THEN
                RETURN NEXT ROW(NULL::text, 0, NULL::bytea, v_upto, v_time, v_complete, v_withheld)::mr.outbox_batch;
            END IF;
        END
        $body$
    $sql$, v_cut, v_last, v_read, v_look, v_newest, v_each);

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
            v_hlc bigint;
            v_choices jsonb[] := '{}';
        BEGIN
            IF v_outcome <> 'applied' THEN
                RETURN v_outcome;
            END IF;
            %3$s
            -- A clock that runs ahead would win every conflict until ours caught up with it.
            IF v_hlc > mr.hlc_now() + (500::bigint << 16) THEN
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
    GRANT EXECUTE ON FUNCTION mr.read_outbox(bigint, integer, text), mr.last_event TO mr_peer;
    REVOKE ALL ON FUNCTION mr.apply_batch FROM PUBLIC;
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
                -- The first is nearly always so, and costs a fraction: clock_covers has a statement of its own.
                AND ((EXCLUDED.clock - EXCLUDED.origin) @> (t.clock - EXCLUDED.origin)
                    OR mr.clock_covers(EXCLUDED.clock, t.clock));
            GET DIAGNOSTICS v_taken = ROW_COUNT;
            IF v_taken = cardinality(p_rows) THEN
                RETURN v_choices;
            END IF;
            FOR v_incoming IN
                SELECT e.* FROM (SELECT DISTINCT ON (id) * FROM unnest(p_rows) ORDER BY id, (clock ->> origin)::bigint DESC) e
                -- By the key, one after the other: a join might read all of the table.
                CROSS JOIN LATERAL (SELECT l.clock FROM public.%3$I l WHERE l.id = e.id OFFSET 0) t
                WHERE NOT (t.clock @> e.clock OR mr.clock_covers(t.clock, e.clock))
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

SELECT mr.rebuild_apply(name, columns) FROM mr.entity;
SELECT mr.rebuild_batch_functions() WHERE EXISTS (SELECT FROM mr.entity);
