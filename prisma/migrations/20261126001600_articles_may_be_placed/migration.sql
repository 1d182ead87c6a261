-- Articles, and their history with them, may be kept in some regions only: docs/RESIDENCY.md. Nothing is placed yet,
-- so no row moves.
SELECT mr.declare('ContentItem', '{"topology": "multi-leader", "strategy": "merge", "author": "updatedBy",
    "residency": {"entity": "ContentItem", "by": "id"}, "fields": {
    "title": {"strategy": "manual"}, "body": {"strategy": "manual"},
    "stage": {"strategy": "last-write-wins", "quiet": true},
    "live": {"strategy": "max", "quiet": true}, "schedule": {"strategy": "max", "quiet": true},
    "authorId": {"strategy": "first-write-wins", "quiet": true},
    "createdAt": {"strategy": "min", "quiet": true}, "updatedAt": {"strategy": "max", "quiet": true},
    "updatedBy": {"strategy": "last-write-wins", "quiet": true}}}');
SELECT mr.declare('ContentVersion', '{"topology": "multi-leader", "strategy": "last-write-wins", "record": false, "collect": true,
    "residency": {"entity": "ContentItem", "by": "contentId"}}');

-- Records about articles that there are already, in each region alike and without making versions of them.
CREATE FUNCTION mr.place_records() RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
    UPDATE public."Conflict" c SET placement = mr.placement_of(c."entityType", c."entityId")
    WHERE c."entityType" IN ('ContentItem', 'ContentVersion');
    UPDATE public."ConflictResolution" r SET placement = c.placement FROM public."Conflict" c
    WHERE c.id = r.id AND c."entityType" IN ('ContentItem', 'ContentVersion');
$$;
ALTER FUNCTION mr.place_records OWNER TO mr_apply;
DO $$
BEGIN
    EXECUTE format('GRANT EXECUTE ON FUNCTION mr.place_records TO %I', current_user);
    PERFORM mr.place_records();
END
$$;
DROP FUNCTION mr.place_records;
