-- Most writes change fields of a row that is not deleted, and start from what is there: nothing has to be decided then,
-- and a few expressions make the row's new state. In a transaction of one write PL/pgSQL prepares each expression of a
-- function once, which was most of what stamping cost.

CREATE OR REPLACE FUNCTION mr.rebuild_stamp(p_table text) RETURNS void
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
    -- What has to hold for a write to be stamped the quick way, and what it then changes in "merge".
    v_plain text := $f$NEW.id = OLD.id AND NEW.clock = OLD.clock AND NOT NEW.merge ?| '{$transfer,$decide}'$f$;
    v_changes text := '';
    v_quick text := '';
BEGIN
    IF NOT mr.has_state(v_entity.policy) THEN
        RETURN;
    END IF;
    FOR v_register IN SELECT r FROM jsonb_array_elements(v_entity.registers) r LOOP
        v_name := v_register ->> 'name';
        v_strategy := v_register ->> 'strategy';
        v_json := CASE WHEN v_register ->> 'type' ~ 'time|date|bytea|interval' THEN 'mr.json_of' ELSE 'to_jsonb' END;
        v_record := (v_entity.policy ->> 'record')::boolean AND NOT (v_register ->> 'quiet')::boolean;
        v_plain := v_plain || CASE
            WHEN v_name = '*' THEN ' AND false'
            WHEN v_strategy = 'last-write-wins' THEN ''
            WHEN v_strategy = 'text' THEN format($f$
                AND (NEW.%1$I IS NOT DISTINCT FROM OLD.%1$I OR NEW.%2$I IS DISTINCT FROM OLD.%2$I)$f$, v_name, v_name || 'Head')
            WHEN v_strategy IN ('max', 'min') THEN format($f$
                AND (NEW.%1$I IS NOT DISTINCT FROM OLD.%1$I OR OLD.%1$I IS NULL OR NEW.%1$I%2$s %3$s OLD.%1$I)$f$, v_name,
                CASE WHEN v_register ->> 'type' = 'text' OR v_register ->> 'type' LIKE 'character%' THEN ' COLLATE "C"' ELSE '' END,
                CASE v_strategy WHEN 'max' THEN '>' ELSE '<' END)
            ELSE format($f$
                AND NEW.%1$I IS NOT DISTINCT FROM OLD.%1$I$f$, v_name) END;
        IF v_strategy IN ('last-write-wins', 'text', 'max', 'min') AND v_name <> '*' THEN
            v_changes := v_changes || format($f$
                    || CASE WHEN NEW.%1$I IS DISTINCT FROM OLD.%1$I THEN jsonb_build_object(%1$L, v_stamp) ELSE '{}' END$f$, v_name);
        END IF;
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

    IF v_deletion <> 'last-write' THEN
        v_plain := v_plain || $f$
                AND NEW."deletedAt" IS NULL AND OLD."deletedAt" IS NULL AND NOT OLD.merge ? '$dead'$f$;
    END IF;
    IF v_deletion = 'update-wins' THEN
        v_changes := v_changes || $f$
                    || jsonb_build_object('$alive', jsonb_build_object(NEW.origin, NEW.clock -> NEW.origin))$f$;
    END IF;
    IF NOT EXISTS (SELECT FROM jsonb_array_elements(v_entity.registers) r WHERE r ->> 'name' = '*') THEN
        v_quick := format($f$
            IF %1$s THEN
                NEW.hlc := greatest(mr.hlc_now(), OLD.hlc + 1);
                NEW.clock := OLD.clock || jsonb_build_object(NEW.origin, coalesce((OLD.clock ->> NEW.origin)::bigint, 0) + 1);
                v_stamp := mr.stamp_of(NEW.hlc, NEW.origin, (NEW.clock ->> NEW.origin)::bigint, %2$s);
                NEW.merge := CASE WHEN OLD.merge ? '$0' THEN OLD.merge ELSE OLD.merge || jsonb_build_object('$0', mr.stamp_of(
                        OLD.hlc, OLD.origin, coalesce((OLD.clock ->> OLD.origin)::bigint, 0), %3$s)) END%4$s;
                RETURN NEW;
            END IF;$f$, v_plain, v_author, replace(v_author, 'NEW.', 'OLD.'), v_changes);
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
            v_stamp jsonb;
        BEGIN
            NEW.origin := mr.local_actor();
            NEW.position := txid_current();
            IF TG_OP = 'INSERT' THEN
                NEW.clock := jsonb_build_object(NEW.origin, 1);
                NEW.hlc := mr.hlc_now();
                -- Everything follows from the row's own stamp until it is written again.
                NEW.merge := '{}';
                RETURN NEW;
            END IF;
            %7$s
            -- The variables are made here and not before: each expression is prepared anew in each transaction.
            DECLARE
            v_me text := NEW.origin;
            v_n bigint;
            v_base jsonb;
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
            END;
        END
        $body$
    $sql$, 'stamp_' || p_table, v_author,
    v_code, p_table, replace(v_author, 'NEW.', 'OLD.'), v_deletion, v_quick);
    EXECUTE format('REVOKE ALL ON FUNCTION mr.%I FROM PUBLIC', 'stamp_' || p_table);
END
$$;

SELECT mr.rebuild_stamp(name) FROM mr.entity;
