-- The end of tombstones. A region deletes one for good when every region has it and nothing can come any more
-- from a time when some region had not: lib/db/replication/stability.ts says how that is known.

-- What a region says for it. `head` is the first position that it has not assigned and `horizon` the first
-- that may still be open; `reached` is its last event below p_heads ->> its actor, or 0 when these have been
-- dropped, which happens once all regions have them. `pending` names rows with dead letters, whose events count
-- as applied and are not; null when there are too many to name. STABLE: all of it is of one snapshot.
CREATE FUNCTION mr.stability(p_heads jsonb) RETURNS TABLE (
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
    pending := (SELECT coalesce(array_agg(DISTINCT p.entity || '/' || p.entity_id), '{}')
        FROM (SELECT d.entity, d.entity_id FROM mr.dead_letter d WHERE d.open LIMIT 10001) p);
    IF (SELECT count(*) FROM (SELECT FROM mr.dead_letter d WHERE d.open LIMIT 10001) p) > 10000 THEN
        pending := NULL;
    END IF;
    RETURN NEXT;
END
$$;

-- As mr_apply, for which the triggers do not fire: the delete is neither refused nor told to anyone. A row that
-- somebody holds is left for the next time. p_current: this transaction's id, which ages are counted from.
CREATE FUNCTION mr.delete_tombstones(
        p_entity text, p_current bigint, p_before bigint, p_spared text[], p_unsettled text[], p_limit integer) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    v_count integer;
BEGIN
    EXECUTE format('
        DELETE FROM public.%1$I WHERE ctid = ANY (ARRAY(
            SELECT t.ctid FROM public.%1$I t
            WHERE t."deletedAt" IS NOT NULL AND $1 - age(t.xmin) < $2 AND t.id <> ALL ($3) AND NOT t.clock ?| $4
                -- A deletion that somebody may still take back, for as long as there is a record of it.
                AND NOT EXISTS (SELECT FROM public."Conflict" c WHERE c."entityType" = %1$L
                    AND c."entityId" = t.id AND c."field" = ''$deleted'' AND c."deletedAt" IS NULL)
            LIMIT $5 FOR UPDATE OF t SKIP LOCKED))', p_entity)
        USING p_current, p_before, p_spared, p_unsettled, p_limit;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    RETURN v_count;
END
$$;

ALTER FUNCTION mr.delete_tombstones OWNER TO mr_apply;

-- Deletes tombstones, of entities that allow it, whose version was here before transaction p_before, at most
-- about p_limit. Not those of p_spared (entity/id), nor those with a write of one of the actors p_unsettled.
-- p_actor: who this region was when p_before was taken; a rebuilt database counts its transactions anew.
CREATE FUNCTION mr.collect_tombstones(
        p_limit integer, p_before bigint, p_actor text, p_spared text[], p_unsettled text[]) RETURNS integer
    LANGUAGE plpgsql AS $$
DECLARE
    v_current bigint := txid_current();
    v_entity text;
    v_sum integer := 0;
BEGIN
    IF p_actor <> mr.local_actor() OR NOT (SELECT state = 'ready' FROM mr.local)
        -- Held, shared, by whoever copies rows in from a snapshot of another region that may be older.
        OR NOT pg_try_advisory_xact_lock(727073, 1) THEN
        RETURN 0;
    END IF;
    FOR v_entity IN SELECT name FROM mr.entity WHERE (policy ->> 'collect')::boolean ORDER BY name LOOP
        EXIT WHEN v_sum >= p_limit;
        -- A table that was declared after this migration.
        IF NOT has_table_privilege('mr_apply', format('public.%I', v_entity), 'DELETE') THEN
            EXECUTE format('GRANT DELETE ON public.%I TO mr_apply', v_entity);
        END IF;
        v_sum := v_sum + mr.delete_tombstones(v_entity, v_current, p_before,
            ARRAY(SELECT substr(s, length(v_entity) + 2) FROM unnest(p_spared) s WHERE starts_with(s, v_entity || '/')),
            p_unsettled, p_limit - v_sum);
    END LOOP;
    RETURN v_sum;
END
$$;

REVOKE EXECUTE ON FUNCTION mr.stability, mr.delete_tombstones, mr.collect_tombstones FROM PUBLIC;
DO $$
DECLARE
    v_entity text;
BEGIN
    EXECUTE format('GRANT EXECUTE ON FUNCTION mr.delete_tombstones TO %I', current_user);
    FOR v_entity IN SELECT name FROM mr.entity LOOP
        EXECUTE format('GRANT DELETE ON public.%I TO mr_apply', v_entity);
    END LOOP;
END
$$;
