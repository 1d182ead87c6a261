-- Policies, and merging by them.
--
-- What a row's registers are and how two versions of it are joined is declared per entity (lib/db/conflicts/
-- policies.ts; scripts/migrate-runner.ts declares it here). A write stamps the registers that it changes;
-- an applier takes a version that includes its own, skips one that it includes, and joins the others. Every
-- join is commutative, associative and idempotent, and never loses to something that it has seen:
-- docs/CONFLICTS.md has the state of each strategy, lib/db/conflicts/strategies the same joins in TypeScript.
--
-- A stamp is { h: HLC as 19 digits, o: actor, n: that actor's count in the row's clock, u: author }. A row
-- has seen a stamp when its clock reaches n for o. The column "merge" of a row holds
--   $0      the stamp of its insert, for every register without an entry of its own. A row that was written
--           once holds nothing: its own stamp is that one.
--   <name>  the state of a register
--   $alive  under update-wins: the dots of the live writes; without any the row is deleted
--   $dead   under delete-wins: the dots of the deletions; with any the row is deleted
--   $gone   the stamp of the latest deletion, $del the latest time of one

ALTER TABLE mr.entity
    ADD COLUMN policy jsonb NOT NULL DEFAULT '{}',
    -- [{ name, strategy, quiet, type, columns }], derived from policy and columns.
    ADD COLUMN registers jsonb NOT NULL DEFAULT '[]';

CREATE FUNCTION mr.normal_policy(p_policy jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE
    RETURN '{"topology": "multi-leader", "durability": "region", "residency": null, "strategy": "last-write-wins",
        "deletion": "last-write", "record": true, "author": null, "collect": false, "fields": {}}'::jsonb || p_policy;

-- Whether rows need the column "merge": a last write that wins as a whole is found in the row's own stamp.
CREATE FUNCTION mr.has_state(p_policy jsonb) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    RETURN p_policy ->> 'strategy' <> 'last-write-wins' OR p_policy ->> 'deletion' <> 'last-write';

-- ---------------------------------------------------------------------------------------------
-- Stamps, dots and versions.
-- ---------------------------------------------------------------------------------------------

CREATE FUNCTION mr.hlc_text(p_hlc bigint) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN lpad(p_hlc::text, 19, '0');

CREATE FUNCTION mr.stamp_of(p_hlc bigint, p_origin text, p_count bigint, p_author text) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN jsonb_build_object('h', mr.hlc_text(p_hlc), 'o', p_origin, 'n', p_count, 'u', p_author);

CREATE FUNCTION mr.stamp_only(p_state jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN jsonb_build_object('h', p_state -> 'h', 'o', p_state -> 'o', 'n', p_state -> 'n', 'u', p_state -> 'u');

-- Whether a row with this clock has seen a stamp.
CREATE FUNCTION mr.seen(p_clock jsonb, p_stamp jsonb) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN coalesce((p_clock ->> (p_stamp ->> 'o'))::bigint, 0) >= (p_stamp ->> 'n')::bigint;

-- Order of last-write-wins: by HLC, then by the bytes of the actor. Null is the least.
CREATE FUNCTION mr.stamp_later(p_a jsonb, p_b jsonb) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN p_a IS NOT NULL AND (p_b IS NULL
        OR ((p_a ->> 'h') COLLATE "C", (p_a ->> 'o') COLLATE "C") > ((p_b ->> 'h') COLLATE "C", (p_b ->> 'o') COLLATE "C"));

CREATE FUNCTION mr.row_stamp(p_row jsonb, p_author text) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN mr.stamp_of((p_row ->> 'hlc')::bigint, p_row ->> 'origin',
        coalesce((p_row -> 'clock' ->> (p_row ->> 'origin'))::bigint, 0), p_row ->> p_author);

-- Live dots of two replicas of an observed-remove set (Bieniusa et al., 2012), as { actor: count }: those that
-- both have, and those of one that the other has not seen.
CREATE FUNCTION mr.join_dots(p_a jsonb, p_a_clock jsonb, p_b jsonb, p_b_clock jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (SELECT coalesce(jsonb_object_agg(d.actor, d.n), '{}') FROM (
        SELECT s.actor, max(s.n) AS n FROM (
            SELECT a.key AS actor, a.value::bigint AS n FROM jsonb_each_text(p_a) a
            WHERE (p_b ->> a.key)::bigint = a.value::bigint OR coalesce((p_b_clock ->> a.key)::bigint, 0) < a.value::bigint
            UNION ALL
            SELECT b.key, b.value::bigint FROM jsonb_each_text(p_b) b
            WHERE (p_a ->> b.key)::bigint = b.value::bigint OR coalesce((p_a_clock ->> b.key)::bigint, 0) < b.value::bigint
        ) s GROUP BY s.actor) d);

-- The dots that a writer who started from p_base has not seen; none where p_base is null.
CREATE FUNCTION mr.unseen_dots(p_dots jsonb, p_base jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN p_base IS NULL THEN '{}' ELSE (
        SELECT coalesce(jsonb_object_agg(d.key, d.value::bigint), '{}') FROM jsonb_each_text(p_dots) d
        WHERE coalesce((p_base ->> d.key)::bigint, 0) < d.value::bigint) END;

CREATE FUNCTION mr.sum_entries(p_object jsonb) RETURNS numeric
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (SELECT coalesce(sum(e.value::numeric), 0) FROM jsonb_each_text(p_object) e);

CREATE FUNCTION mr.max_entries(p_a jsonb, p_b jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (SELECT coalesce(jsonb_object_agg(m.key, m.value), '{}') FROM (
        SELECT e.key, max(e.value::numeric) AS value
        FROM (SELECT * FROM jsonb_each_text(p_a) UNION ALL SELECT * FROM jsonb_each_text(p_b)) e
        GROUP BY e.key) m);

-- One side of a conflict, as "Conflict".versions lists it.
CREATE FUNCTION mr.version(p_value jsonb, p_clock jsonb, p_stamp jsonb, p_won boolean) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN jsonb_build_object('value', p_value, 'clock', p_clock, 'hlc', p_stamp -> 'h', 'origin', p_stamp -> 'o',
        'count', p_stamp -> 'n', 'author', p_stamp -> 'u', 'won', p_won);

-- The versions of a manual register among which nobody has chosen; null where there is only one.
CREATE FUNCTION mr.siblings(p_merge jsonb, p_field text) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN jsonb_typeof(p_merge -> p_field) = 'array' THEN p_merge -> p_field END;

-- ---------------------------------------------------------------------------------------------
-- Registers.
-- ---------------------------------------------------------------------------------------------

-- By the type of the column, as text by its bytes. Null is less than anything, whatever the direction.
CREATE FUNCTION mr.beats(p_strategy text, p_type text, p_a jsonb, p_b jsonb) RETURNS boolean
    LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_a text := p_a #>> '{}';
    v_b text := p_b #>> '{}';
    v_less boolean;
    v_greater boolean;
BEGIN
    IF v_a IS NULL OR v_b IS NULL THEN
        RETURN v_a IS NOT NULL AND v_b IS NULL;
    END IF;
    EXECUTE format('SELECT a.v < b.v, a.v > b.v FROM (SELECT $1::%1$s %2$s AS v) a, (SELECT $2::%1$s %2$s AS v) b', p_type,
        CASE WHEN p_type = 'text' OR p_type LIKE 'character%' THEN 'COLLATE "C"' ELSE '' END)
        INTO v_less, v_greater USING v_a, v_b;
    RETURN CASE p_strategy WHEN 'max' THEN v_greater ELSE v_less END;
END
$$;

CREATE FUNCTION mr.lineage(p_stamp jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN p_stamp || jsonb_build_object('c', 0, 'p', jsonb_build_array((p_stamp ->> 'h') || ' ' || (p_stamp ->> 'o')));

-- First-write-wins: the later chapter; then the lineage whose write is the earlier where they part; then the
-- longer one, which continues the other. Comparing merely two stamps would not be associative.
CREATE FUNCTION mr.lineage_wins(p_a jsonb, p_b jsonb) RETURNS boolean
    LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    v_a text;
    v_b text;
BEGIN
    IF p_a -> 'c' <> p_b -> 'c' THEN
        RETURN (p_a ->> 'c')::bigint > (p_b ->> 'c')::bigint;
    END IF;
    FOR v_i IN 0 .. least(jsonb_array_length(p_a -> 'p'), jsonb_array_length(p_b -> 'p')) - 1 LOOP
        v_a := p_a -> 'p' ->> v_i;
        v_b := p_b -> 'p' ->> v_i;
        IF v_a <> v_b THEN
            RETURN v_a COLLATE "C" < v_b COLLATE "C";
        END IF;
    END LOOP;
    RETURN jsonb_array_length(p_a -> 'p') > jsonb_array_length(p_b -> 'p');
END
$$;

-- The state of a register that has not been written since the row's insert, and has this value.
CREATE FUNCTION mr.initial_state(p_strategy text, p_zero jsonb, p_value jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE p_strategy
        WHEN 'first-write-wins' THEN mr.lineage(p_zero)
        WHEN 'pn-counter' THEN jsonb_build_object(p_zero ->> 'o', jsonb_build_array(
            greatest(coalesce((p_value #>> '{}')::numeric, 0), 0), greatest(-coalesce((p_value #>> '{}')::numeric, 0), 0)))
        WHEN 'bounded-counter' THEN jsonb_build_object('r', jsonb_build_object(
            (p_zero ->> 'o') || '>' || (p_zero ->> 'o'), coalesce((p_value #>> '{}')::numeric, 0)), 'u', '{}'::jsonb)
        WHEN 'or-set' THEN (SELECT coalesce(jsonb_object_agg(e, jsonb_build_object(p_zero ->> 'o', p_zero -> 'n')), '{}')
            FROM jsonb_array_elements_text(CASE jsonb_typeof(p_value) WHEN 'array' THEN p_value ELSE '[]' END) e
            -- A null in an array is no element.
            WHERE e IS NOT NULL)
        ELSE p_zero END;

CREATE FUNCTION mr.rights(p_state jsonb, p_actor text) RETURNS numeric
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (SELECT coalesce(sum(CASE
            WHEN split_part(r.key, '>', 2) = p_actor THEN r.value::numeric
            WHEN split_part(r.key, '>', 1) = p_actor THEN -r.value::numeric ELSE 0 END), 0)
        FROM jsonb_each_text(p_state -> 'r') r) - coalesce((p_state -> 'u' ->> p_actor)::numeric, 0);

CREATE FUNCTION mr.counter_value(p_strategy text, p_state jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN to_jsonb(CASE p_strategy
        WHEN 'pn-counter' THEN (SELECT coalesce(sum((e.value ->> 0)::numeric - (e.value ->> 1)::numeric), 0)
            FROM jsonb_each(p_state) e)
        ELSE (SELECT coalesce(sum(r.value::numeric) FILTER (WHERE split_part(r.key, '>', 1) = split_part(r.key, '>', 2)), 0)
            FROM jsonb_each_text(p_state -> 'r') r) - mr.sum_entries(p_state -> 'u') END);

CREATE FUNCTION mr.set_value(p_state jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (SELECT coalesce(jsonb_agg(e.key ORDER BY e.key COLLATE "C"), '[]') FROM jsonb_each(p_state) e WHERE e.value <> '{}');

-- A manual register's state as a list, with values: a single version is stored as its stamp alone.
CREATE FUNCTION mr.sibling_list(p_state jsonb, p_value jsonb, p_clock jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (SELECT jsonb_agg(s || jsonb_build_object('k', p_clock)) FROM jsonb_array_elements(
        CASE jsonb_typeof(p_state) WHEN 'array' THEN p_state
        ELSE jsonb_build_array(mr.stamp_only(p_state) || jsonb_build_object('v', p_value)) END) s);

CREATE FUNCTION mr.sibling_dots(p_list jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (SELECT coalesce(jsonb_agg(s ->> 'o' || ':' || (s ->> 'n') ORDER BY (s ->> 'o') COLLATE "C", (s ->> 'n')::bigint), '[]')
        FROM jsonb_array_elements(p_list) s);

-- Sorted, the provisional winner first.
CREATE FUNCTION mr.sort_siblings(p_list jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (SELECT jsonb_agg(s ORDER BY (s ->> 'h') COLLATE "C" DESC, (s ->> 'o') COLLATE "C" DESC) FROM jsonb_array_elements(p_list) s);

CREATE FUNCTION mr.sibling_versions(p_list jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (SELECT jsonb_agg(mr.version(s.value -> 'v', s.value -> 'k', s.value, s.n = 1) ORDER BY s.n)
        FROM jsonb_array_elements(p_list) WITH ORDINALITY s (value, n));

-- What a register is after a write or a join. `versions` is what was chosen from; null where there was no
-- choice. `kept`: the write changed nothing.
CREATE TYPE mr.register AS (state jsonb, value jsonb, versions jsonb, kept boolean);

CREATE FUNCTION mr.manual_register(p_list jsonb, p_is_new boolean) RETURNS mr.register
    LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    v_list jsonb := mr.sort_siblings(p_list);
    v_result mr.register;
BEGIN
    v_result.value := v_list -> 0 -> 'v';
    v_result.kept := false;
    IF jsonb_array_length(v_list) = 1 THEN
        v_result.state := mr.stamp_only(v_list -> 0);
    ELSE
        v_result.state := (SELECT jsonb_agg((s.value - 'k') ORDER BY s.n) FROM jsonb_array_elements(v_list) WITH ORDINALITY s (value, n));
        v_result.versions := CASE WHEN p_is_new THEN mr.sibling_versions(v_list) END;
    END IF;
    RETURN v_result;
END
$$;

-- A register after a local write of p_new over p_old; the trigger itself sees to those that hold a value and
-- a stamp (last-write-wins, text, max, min). p_base: the clock that the writer started from where
-- it does not include all of the row, else null.
CREATE FUNCTION mr.write_register(
        p_strategy text, p_state jsonb, p_old jsonb, p_new jsonb, p_stamp jsonb, p_base jsonb,
        p_old_clock jsonb, p_new_clock jsonb) RETURNS mr.register
    LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_me text := p_stamp ->> 'o';
    v_delta numeric;
    v_entry jsonb;
    v_result mr.register := ROW(p_stamp, p_new, NULL, false);
BEGIN
    CASE p_strategy
    WHEN 'first-write-wins' THEN
        IF p_base IS NOT NULL AND NOT mr.seen(p_base, p_state) THEN
            RETURN ROW(p_state, p_old, jsonb_build_array(
                mr.version(p_old, p_old_clock, p_state, true), mr.version(p_new, p_new_clock, p_stamp, false)), true);
        END IF;
        v_result.state := CASE WHEN jsonb_array_length(p_state -> 'p') >= 32
            THEN mr.lineage(p_stamp) || jsonb_build_object('c', (p_state ->> 'c')::bigint + 1)
            ELSE p_stamp || jsonb_build_object('c', p_state -> 'c',
                'p', (p_state -> 'p') || to_jsonb((p_stamp ->> 'h') || ' ' || v_me)) END;
    WHEN 'pn-counter' THEN
        v_delta := coalesce((p_new #>> '{}')::numeric, 0) - coalesce((p_old #>> '{}')::numeric, 0);
        v_entry := coalesce(p_state -> v_me, '[0, 0]');
        v_result.state := p_state || jsonb_build_object(v_me, jsonb_build_array(
            (v_entry ->> 0)::numeric + greatest(v_delta, 0), (v_entry ->> 1)::numeric + greatest(-v_delta, 0)));
        v_result.value := mr.counter_value(p_strategy, v_result.state);
    WHEN 'bounded-counter' THEN
        v_delta := coalesce((p_new #>> '{}')::numeric, 0) - coalesce((p_old #>> '{}')::numeric, 0);
        IF v_delta < 0 AND mr.rights(p_state, v_me) < -v_delta THEN
            RAISE EXCEPTION '% has the right to take % and not %', v_me, mr.rights(p_state, v_me), -v_delta
                USING ERRCODE = 'MR005';
        END IF;
        v_result.state := CASE WHEN v_delta >= 0
            THEN jsonb_set(p_state, ARRAY['r', v_me || '>' || v_me],
                to_jsonb(coalesce((p_state -> 'r' ->> (v_me || '>' || v_me))::numeric, 0) + v_delta))
            ELSE jsonb_set(p_state, ARRAY['u', v_me], to_jsonb(coalesce((p_state -> 'u' ->> v_me)::numeric, 0) - v_delta)) END;
        v_result.value := mr.counter_value(p_strategy, v_result.state);
    WHEN 'or-set' THEN
        -- An element that the writer left out keeps the dots that the writer had not seen; a new one gets
        -- this write's dot in place of those seen; one that stays is not touched.
        v_result.state := (
            SELECT coalesce(jsonb_object_agg(e.element, e.dots), '{}') FROM (
                SELECT s.key AS element, CASE WHEN p_new ? s.key THEN s.value ELSE mr.unseen_dots(s.value, p_base) END AS dots
                FROM jsonb_each(p_state) s
                UNION ALL
                SELECT DISTINCT n, jsonb_build_object(v_me, p_stamp -> 'n')
                FROM jsonb_array_elements_text(CASE jsonb_typeof(p_new) WHEN 'array' THEN p_new ELSE '[]' END) n
                WHERE NOT p_state ? n) e
            WHERE e.dots <> '{}');
        v_result.value := mr.set_value(v_result.state);
    WHEN 'manual', 'custom' THEN
        RETURN mr.manual_register(
            (SELECT coalesce(jsonb_agg(s), '[]') FROM jsonb_array_elements(mr.sibling_list(p_state, p_old, p_old_clock)) s
             WHERE p_base IS NOT NULL AND NOT mr.seen(p_base, s))
            || jsonb_build_array(p_stamp || jsonb_build_object('v', p_new, 'k', p_new_clock)), true);
    END CASE;
    RETURN v_result;
END
$$;

-- The join of a register in two versions of a row.
CREATE FUNCTION mr.join_register(
        p_strategy text, p_type text, p_a jsonb, p_a_value jsonb, p_a_clock jsonb, p_b jsonb, p_b_value jsonb, p_b_clock jsonb)
    RETURNS mr.register
    LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_b_wins boolean;
    v_a_list jsonb;
    v_b_list jsonb;
    v_list jsonb;
    v_result mr.register := ROW(NULL, NULL, NULL, false);
BEGIN
    CASE p_strategy
    WHEN 'pn-counter' THEN
        v_result.state := (SELECT coalesce(jsonb_object_agg(m.key, jsonb_build_array(m.p, m.n)), '{}') FROM (
            SELECT e.key, max((e.value ->> 0)::numeric) AS p, max((e.value ->> 1)::numeric) AS n
            FROM (SELECT * FROM jsonb_each(p_a) UNION ALL SELECT * FROM jsonb_each(p_b)) e GROUP BY e.key) m);
        v_result.value := mr.counter_value(p_strategy, v_result.state);
        RETURN v_result;
    WHEN 'bounded-counter' THEN
        v_result.state := jsonb_build_object('r', mr.max_entries(p_a -> 'r', p_b -> 'r'), 'u', mr.max_entries(p_a -> 'u', p_b -> 'u'));
        v_result.value := mr.counter_value(p_strategy, v_result.state);
        RETURN v_result;
    WHEN 'or-set' THEN
        v_result.state := (SELECT coalesce(jsonb_object_agg(j.key, j.dots), '{}') FROM (
            SELECT k.key, mr.join_dots(coalesce(p_a -> k.key, '{}'), p_a_clock, coalesce(p_b -> k.key, '{}'), p_b_clock) AS dots
            FROM (SELECT jsonb_object_keys(p_a) AS key UNION SELECT jsonb_object_keys(p_b)) k) j
            WHERE j.dots <> '{}');
        v_result.value := mr.set_value(v_result.state);
        RETURN v_result;
    WHEN 'manual', 'custom' THEN
        v_a_list := mr.sibling_list(p_a, p_a_value, p_a_clock);
        v_b_list := mr.sibling_list(p_b, p_b_value, p_b_clock);
        v_list := (SELECT jsonb_agg(s) FROM (
            SELECT a AS s FROM jsonb_array_elements(v_a_list) a
            WHERE NOT mr.seen(p_b_clock, a) OR mr.sibling_dots(v_b_list) ? (a ->> 'o' || ':' || (a ->> 'n'))
            UNION ALL
            SELECT b FROM jsonb_array_elements(v_b_list) b
            WHERE NOT mr.seen(p_a_clock, b)) u);
        RETURN mr.manual_register(v_list, mr.sibling_dots(v_list) NOT IN (mr.sibling_dots(v_a_list), mr.sibling_dots(v_b_list)));
    WHEN 'last-write-wins', 'text' THEN
        v_b_wins := mr.stamp_later(p_b, p_a);
    WHEN 'first-write-wins' THEN
        v_b_wins := mr.lineage_wins(p_b, p_a);
    WHEN 'max', 'min' THEN
        v_b_wins := mr.beats(p_strategy, p_type, p_b_value, p_a_value)
            OR (NOT mr.beats(p_strategy, p_type, p_a_value, p_b_value) AND mr.stamp_later(p_b, p_a));
    END CASE;
    v_result.state := CASE WHEN v_b_wins THEN p_b ELSE p_a END;
    v_result.value := CASE WHEN v_b_wins THEN p_b_value ELSE p_a_value END;
    IF p_strategy <> 'text' AND p_a_value IS DISTINCT FROM p_b_value
        AND NOT mr.seen(p_b_clock, p_a) AND NOT mr.seen(p_a_clock, p_b) THEN
        v_result.versions := CASE WHEN v_b_wins
            THEN jsonb_build_array(mr.version(p_b_value, p_b_clock, p_b, true), mr.version(p_a_value, p_a_clock, p_a, false))
            ELSE jsonb_build_array(mr.version(p_a_value, p_a_clock, p_a, true), mr.version(p_b_value, p_b_clock, p_b, false)) END;
    END IF;
    RETURN v_result;
END
$$;

-- ---------------------------------------------------------------------------------------------
-- Rows.
-- ---------------------------------------------------------------------------------------------

-- A row or a value as jsonb, the same in every session: values are hashed, and compared between regions.
CREATE FUNCTION mr.json_of(p_value anyelement) RETURNS jsonb
    LANGUAGE sql STABLE PARALLEL SAFE SET timezone = 'UTC' SET datestyle = 'ISO, YMD' SET intervalstyle = 'postgres'
    SET extra_float_digits = 1 SET bytea_output = 'hex' AS $$ SELECT to_jsonb(p_value) $$;

-- A row's data: what is the same for all replicated tables is left out.
CREATE FUNCTION mr.row_data(p_row jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN p_row - ARRAY['id', 'deletedAt', 'clock', 'hlc', 'origin', 'position', 'merge'];

-- The value of a register: of a column, or of all columns that belong to it.
CREATE FUNCTION mr.register_value(p_register jsonb, p_row jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN p_register ->> 'name' = '*' THEN mr.row_data(p_row) ELSE p_row -> (p_register ->> 'name') END;

CREATE FUNCTION mr.conflict_of(p_field text, p_strategy text, p_versions jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN jsonb_build_object('field', p_field, 'strategy', p_strategy, 'versions', p_versions,
        'outcome', CASE WHEN p_strategy IN ('manual', 'custom') THEN 'open' ELSE 'resolved' END);

-- The join of two versions of a row, both as to_jsonb makes them, and the choices that it made.
CREATE FUNCTION mr.merge_rows(p_entity text, p_a jsonb, p_b jsonb, OUT merged jsonb, OUT conflicts jsonb)
    LANGUAGE plpgsql STABLE SET timezone = 'UTC' AS $$
DECLARE
    v_policy jsonb;
    v_registers jsonb;
    v_author text;
    v_a_stamp jsonb;
    v_b_stamp jsonb;
    v_a_zero jsonb;
    v_b_zero jsonb;
    v_zero jsonb;
    v_later jsonb;
    v_merge jsonb;
    v_register jsonb;
    v_name text;
    v_strategy text;
    v_joined mr.register;
    v_deleted boolean;
    v_last text;
    v_dots jsonb;
    v_dead jsonb;
    v_live jsonb;
BEGIN
    SELECT policy, registers INTO STRICT v_policy, v_registers FROM mr.entity WHERE name = p_entity;
    v_author := v_policy ->> 'author';
    v_a_stamp := mr.row_stamp(p_a, v_author);
    v_b_stamp := mr.row_stamp(p_b, v_author);
    v_later := CASE WHEN mr.stamp_later(v_b_stamp, v_a_stamp) THEN p_b ELSE p_a END;
    merged := v_later || jsonb_build_object('clock', mr.clock_join(p_a -> 'clock', p_b -> 'clock'));
    conflicts := '[]';
    IF NOT mr.has_state(v_policy) THEN
        IF (mr.row_data(p_a) <> mr.row_data(p_b) OR p_a -> 'deletedAt' <> p_b -> 'deletedAt')
            AND NOT mr.seen(p_b -> 'clock', v_a_stamp) AND NOT mr.seen(p_a -> 'clock', v_b_stamp) THEN
            conflicts := jsonb_build_array(mr.conflict_of('*', 'last-write-wins', CASE WHEN v_later = p_b
                THEN jsonb_build_array(mr.version(mr.row_data(p_b) || jsonb_build_object('deletedAt', p_b -> 'deletedAt'), p_b -> 'clock', v_b_stamp, true),
                                       mr.version(mr.row_data(p_a) || jsonb_build_object('deletedAt', p_a -> 'deletedAt'), p_a -> 'clock', v_a_stamp, false))
                ELSE jsonb_build_array(mr.version(mr.row_data(p_a) || jsonb_build_object('deletedAt', p_a -> 'deletedAt'), p_a -> 'clock', v_a_stamp, true),
                                       mr.version(mr.row_data(p_b) || jsonb_build_object('deletedAt', p_b -> 'deletedAt'), p_b -> 'clock', v_b_stamp, false)) END));
        END IF;
        RETURN;
    END IF;

    v_a_zero := coalesce(p_a -> 'merge' -> '$0', v_a_stamp);
    v_b_zero := coalesce(p_b -> 'merge' -> '$0', v_b_stamp);
    v_zero := CASE WHEN mr.stamp_later(v_b_zero, v_a_zero) THEN v_b_zero ELSE v_a_zero END;
    v_merge := jsonb_build_object('$0', v_zero);
    FOR v_register IN SELECT r FROM jsonb_array_elements(v_registers) r LOOP
        v_name := v_register ->> 'name';
        v_strategy := v_register ->> 'strategy';
        v_joined := mr.join_register(v_strategy, v_register ->> 'type',
            coalesce(p_a -> 'merge' -> v_name, mr.initial_state(v_strategy, v_a_zero, mr.register_value(v_register, p_a))),
            mr.register_value(v_register, p_a), p_a -> 'clock',
            coalesce(p_b -> 'merge' -> v_name, mr.initial_state(v_strategy, v_b_zero, mr.register_value(v_register, p_b))),
            mr.register_value(v_register, p_b), p_b -> 'clock');
        -- What follows from $0 is not stored, so that equal rows are equal byte for byte.
        IF v_joined.state <> mr.initial_state(v_strategy, v_zero, v_joined.value) THEN
            v_merge := v_merge || jsonb_build_object(v_name, v_joined.state);
        END IF;
        merged := merged || CASE WHEN v_name = '*' THEN v_joined.value ELSE jsonb_build_object(v_name, v_joined.value) END;
        IF v_joined.versions IS NOT NULL AND NOT (v_register ->> 'quiet')::boolean THEN
            conflicts := conflicts || mr.conflict_of(v_name, v_strategy, v_joined.versions);
        END IF;
    END LOOP;

    IF v_policy ->> 'deletion' <> 'last-write' THEN
        v_dead := CASE WHEN mr.stamp_later(p_b -> 'merge' -> '$gone', p_a -> 'merge' -> '$gone')
            THEN p_b -> 'merge' -> '$gone' ELSE p_a -> 'merge' -> '$gone' END;
        -- Text of one database, so that it sorts as the times do.
        v_last := greatest(coalesce(p_a -> 'merge' ->> '$del', p_a ->> 'deletedAt')::timestamptz,
                           coalesce(p_b -> 'merge' ->> '$del', p_b ->> 'deletedAt')::timestamptz)::text;
        IF v_policy ->> 'deletion' = 'delete-wins' THEN
            v_dots := mr.join_dots(
                mr.dead_dots(p_a, v_a_zero), p_a -> 'clock', mr.dead_dots(p_b, v_b_zero), p_b -> 'clock');
            v_deleted := v_dots <> '{}';
            IF v_deleted THEN v_merge := v_merge || jsonb_build_object('$dead', v_dots); END IF;
        ELSE
            v_dots := mr.join_dots(
                mr.alive_dots(p_a, v_a_zero), p_a -> 'clock', mr.alive_dots(p_b, v_b_zero), p_b -> 'clock');
            v_deleted := v_dots = '{}';
            v_merge := v_merge || jsonb_build_object('$alive', v_dots);
        END IF;
        IF v_dead IS NOT NULL THEN v_merge := v_merge || jsonb_build_object('$gone', v_dead); END IF;
        IF v_last IS NOT NULL THEN
            v_merge := v_merge || jsonb_build_object('$del', mr.time_text(v_last::timestamptz));
        END IF;
        merged := merged || jsonb_build_object('deletedAt', CASE WHEN v_deleted THEN to_jsonb(v_last::timestamptz) END);
        IF (p_a ->> 'deletedAt' IS NULL) <> (p_b ->> 'deletedAt' IS NULL) THEN
            v_live := CASE WHEN p_a ->> 'deletedAt' IS NULL THEN p_a ELSE p_b END;
            v_dead := CASE WHEN p_a ->> 'deletedAt' IS NULL THEN p_b ELSE p_a END;
            conflicts := conflicts || CASE
                WHEN v_deleted AND v_policy ->> 'deletion' = 'delete-wins' THEN mr.conflict_of('$deleted', 'delete-wins', jsonb_build_array(
                    mr.row_version(v_dead, coalesce(v_dead -> 'merge' -> '$gone', mr.row_stamp(v_dead, v_author)), true),
                    mr.row_version(v_live, mr.row_stamp(v_live, v_author), false)))
                WHEN NOT v_deleted AND v_policy ->> 'deletion' = 'update-wins' AND NOT mr.seen(v_live -> 'clock',
                        coalesce(v_dead -> 'merge' -> '$gone', mr.row_stamp(v_dead, v_author))) THEN
                    mr.conflict_of('$deleted', 'update-wins', jsonb_build_array(
                        mr.row_version(v_live, mr.row_stamp(v_live, v_author), true),
                        mr.row_version(v_dead, coalesce(v_dead -> 'merge' -> '$gone', mr.row_stamp(v_dead, v_author)), false)))
                ELSE '[]' END;
        END IF;
    END IF;
    merged := merged || jsonb_build_object('merge', v_merge);
END
$$;

CREATE FUNCTION mr.join_rows(p_entity text, p_a jsonb, p_b jsonb) RETURNS jsonb
    LANGUAGE sql STABLE AS $$ SELECT m.merged FROM mr.merge_rows(p_entity, p_a, p_b) m $$;

-- The same in every session, whatever its time zone.
CREATE FUNCTION mr.time_text(p_time timestamptz) RETURNS text
    LANGUAGE sql STABLE
    RETURN CASE WHEN isfinite(p_time) THEN to_char(p_time AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') ELSE p_time::text END;

CREATE FUNCTION mr.dead_dots(p_row jsonb, p_zero jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN coalesce(p_row -> 'merge' -> '$dead', CASE WHEN p_row ->> 'deletedAt' IS NULL THEN '{}'
        ELSE jsonb_build_object(p_zero ->> 'o', p_zero -> 'n') END);

CREATE FUNCTION mr.alive_dots(p_row jsonb, p_zero jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN coalesce(p_row -> 'merge' -> '$alive', CASE WHEN p_row ->> 'deletedAt' IS NOT NULL THEN '{}'
        ELSE jsonb_build_object(p_zero ->> 'o', p_zero -> 'n') END);

CREATE FUNCTION mr.row_version(p_row jsonb, p_stamp jsonb, p_won boolean) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN mr.version(mr.row_data(p_row) || jsonb_build_object('deletedAt', p_row -> 'deletedAt'), p_row -> 'clock', p_stamp, p_won);

-- Stores choices, as captured rows of this region: [{ entity, id, conflicts }]. The id follows from the versions:
-- regions that make the same choice store one record.
CREATE FUNCTION mr.record_choices(p_choices jsonb[]) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
    INSERT INTO public."Conflict" ("id", "entityType", "entityId", "field", "strategy", "outcome", "versions", "detectedIn")
    SELECT DISTINCT ON (r.id) r.id, r.entity, r.entity_id, r.c ->> 'field', r.c ->> 'strategy', r.c ->> 'outcome', r.c -> 'versions', mr.local_region()
    FROM (
        SELECT e.name AS entity, x ->> 'id' AS entity_id, c, md5(concat_ws('|', e.name, x ->> 'id', c ->> 'field', (
            SELECT string_agg(v.mark, ',' ORDER BY v.mark COLLATE "C") FROM (
                SELECT concat_ws(' ', o ->> 'hlc', o ->> 'origin', md5((o -> 'value')::text)) AS mark
                FROM jsonb_array_elements(c -> 'versions') o) v))) AS id
        FROM unnest(p_choices) x JOIN mr.entity e ON e.name = x ->> 'entity' AND (e.policy ->> 'record')::boolean,
            LATERAL jsonb_array_elements(x -> 'conflicts') c) r
    ORDER BY r.id
    ON CONFLICT ("id") DO NOTHING
$$;

-- Those of one row.
CREATE FUNCTION mr.record_conflicts(p_entity text, p_id text, p_conflicts jsonb) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT mr.record_choices(ARRAY[jsonb_build_object('entity', p_entity, 'id', p_id, 'conflicts', p_conflicts)])
    FROM mr.entity e WHERE e.name = p_entity AND (e.policy ->> 'record')::boolean AND p_conflicts <> '[]'
$$;
