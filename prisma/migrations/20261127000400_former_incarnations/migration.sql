-- What a region had told one of its peers and not another is in no outbox once it writes as a new incarnation. Each
-- region gets what it lacks of such a stream, which has ended, from whoever has most of it.

-- Streams that have ended of which other regions have more than this one, each with who has most first. None while this
-- region is being filled or healed: it gets all that the others have.
CREATE FUNCTION mr.former_behind() RETURNS TABLE (source text, actor text, upto bigint)
    LANGUAGE sql STABLE AS $$
    SELECT p.region, p.actor, p.position
    FROM mr.peer_cursor p JOIN mr.region r ON r.id = p.region LEFT JOIN mr.cursor c ON c.actor = p.actor
    WHERE (SELECT state FROM mr.local) = 'ready' AND p.region <> mr.local_region() AND p.position > coalesce(c.position, 0)
        AND coalesce(nullif(split_part(p.actor, '#', 2), ''), '0')::integer < mr.seen_incarnation(split_part(p.actor, '#', 1))
    ORDER BY p.actor, p.position DESC, p.region
$$;

REVOKE EXECUTE ON FUNCTION mr.former_behind FROM PUBLIC;
