-- A write of a former leader that cannot be merged, because the next one has given away the e-mail address that it
-- took, say, is a dead letter: it is listed as such, and not as merged.

ALTER TABLE mr.stranded_write DROP CONSTRAINT stranded_write_outcome_check;
ALTER TABLE mr.stranded_write ADD CONSTRAINT stranded_write_outcome_check
    CHECK (outcome IN ('merged', 'superseded', 'sibling', 'parked'));

-- What became here of a version of a row, once its stream has been applied past it. A version with the same
-- stamp, or one that includes it and has no record of having been chosen over it, is merged.
CREATE OR REPLACE FUNCTION mr.note_stranded(
        p_epoch bigint, p_entity text, p_id text, p_position bigint, p_origin text, p_hlc bigint, p_clock jsonb) RETURNS text
    LANGUAGE plpgsql AS $$
DECLARE
    v_conflict record;
    v_outcome text := 'merged';
BEGIN
    SELECT c.id, c.strategy INTO v_conflict FROM public."Conflict" c
    WHERE c."entityType" = p_entity AND c."entityId" = p_id
        AND EXISTS (SELECT FROM jsonb_array_elements(to_jsonb(c) -> 'versions') v
            WHERE (v.value -> 'won') IS DISTINCT FROM 'true'::jsonb AND (v.value -> 'clock') @> jsonb_build_object(p_origin, p_clock -> p_origin))
    ORDER BY c.id LIMIT 1;
    IF FOUND THEN
        v_outcome := CASE v_conflict.strategy WHEN 'manual' THEN 'sibling' ELSE 'superseded' END;
    ELSIF EXISTS (SELECT FROM mr.dead_letter d WHERE d.open AND d.entity = p_entity AND d.entity_id = p_id AND d.actor = p_origin) THEN
        v_outcome := 'parked';
    END IF;
    INSERT INTO mr.stranded_write (actor, position, entity, entity_id, epoch, outcome, conflict_id)
    VALUES (p_origin, p_position, p_entity, p_id, p_epoch, v_outcome, v_conflict.id)
    ON CONFLICT DO NOTHING;
    RETURN v_outcome;
END
$$;
