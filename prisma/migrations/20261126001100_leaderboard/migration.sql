-- A board of best scores. `best` is score * 2^31 plus what is left of 2^31 seconds since 2026: of two equal scores the
-- earlier one is greater, so that one max register orders the board, and every region orders it alike.
CREATE TABLE "PlayerScore" (
    "id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    -- Where the player plays.
    "regionId" TEXT NOT NULL,
    "best" BIGINT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "deletedAt" TIMESTAMPTZ(3),
    "clock" JSONB NOT NULL DEFAULT '{}',
    "hlc" BIGINT NOT NULL DEFAULT 0,
    "origin" TEXT NOT NULL DEFAULT '',
    "position" BIGINT NOT NULL DEFAULT 0,
    "merge" JSONB NOT NULL DEFAULT '{}',

    CONSTRAINT "PlayerScore_pkey" PRIMARY KEY ("id")
);
CREATE INDEX "PlayerScore_best_id_idx" ON "PlayerScore" ("best" DESC, "id");
CREATE INDEX "PlayerScore_regionId_best_id_idx" ON "PlayerScore" ("regionId", "best" DESC, "id");

-- How many players of a board ('' is the global one) have a score in a stretch: of 4,096 points on level 1, of 64 on
-- level 2. Follows from the rows of its own region and is not replicated. Each count is spread over slots, so that
-- writers of the same stretch do not all wait for one row; a slot may be negative, their sum is exact.
CREATE TABLE mr.score_count (
    board text NOT NULL,
    level smallint NOT NULL,
    bucket integer NOT NULL,
    slot smallint NOT NULL,
    players bigint NOT NULL,
    PRIMARY KEY (board, level, bucket, slot)
) WITH (fillfactor = 70);
GRANT SELECT ON mr.score_count TO meridian_app;

-- `changes`: board, score and +1 or -1 of what a statement wrote and replaced. Locks are taken in one order.
CREATE FUNCTION mr.count_scores(p_changes jsonb) RETURNS void
    LANGUAGE sql AS $$
    INSERT INTO mr.score_count AS c (board, level, bucket, slot, players)
    SELECT board, level, bucket, pg_backend_pid() % 4, sum(players)
    FROM (SELECT board, level, (score >> shift)::integer AS bucket, players
          FROM jsonb_to_recordset(p_changes) AS x (region text, score bigint, players integer),
            LATERAL (VALUES (''), (x.region)) b (board), (VALUES (1::smallint, 12), (2::smallint, 6)) l (level, shift)) changes
    GROUP BY board, level, bucket HAVING sum(players) <> 0
    ORDER BY board, level, bucket
    ON CONFLICT (board, level, bucket, slot) DO UPDATE SET players = c.players + EXCLUDED.players
$$;

CREATE FUNCTION mr.count_new_scores() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    v_changes jsonb;
BEGIN
    SELECT jsonb_agg(jsonb_build_object('region', "regionId", 'score', best >> 31, 'players', 1)) INTO v_changes
    FROM new_scores WHERE "deletedAt" IS NULL;
    IF v_changes IS NOT NULL THEN
        PERFORM mr.count_scores(v_changes);
    END IF;
    RETURN NULL;
END
$$;

CREATE FUNCTION mr.count_changed_scores() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    v_changes jsonb;
BEGIN
    SELECT jsonb_agg(jsonb_build_object('region', region, 'score', score, 'players', players)) INTO v_changes
    FROM (SELECT "regionId" AS region, best >> 31 AS score, 1 AS players FROM new_scores WHERE "deletedAt" IS NULL
          UNION ALL SELECT "regionId", best >> 31, -1 FROM old_scores WHERE "deletedAt" IS NULL) changes;
    IF v_changes IS NOT NULL THEN
        PERFORM mr.count_scores(v_changes);
    END IF;
    RETURN NULL;
END
$$;

REVOKE EXECUTE ON FUNCTION mr.count_scores, mr.count_new_scores, mr.count_changed_scores FROM PUBLIC;

-- Of every write: of players, of appliers and of repair, which replaces rows uncaptured.
CREATE TRIGGER count_new_scores AFTER INSERT ON "PlayerScore"
    REFERENCING NEW TABLE AS new_scores FOR EACH STATEMENT EXECUTE FUNCTION mr.count_new_scores();
CREATE TRIGGER count_changed_scores AFTER UPDATE ON "PlayerScore"
    REFERENCING NEW TABLE AS new_scores OLD TABLE AS old_scores FOR EACH STATEMENT EXECUTE FUNCTION mr.count_changed_scores();
ALTER TABLE "PlayerScore" ENABLE ALWAYS TRIGGER count_new_scores;
ALTER TABLE "PlayerScore" ENABLE ALWAYS TRIGGER count_changed_scores;

-- Players before one on a board, exact and of one snapshot: whole stretches above, then the rows of its own one.
CREATE FUNCTION mr.players_before(p_board text, p_best bigint, p_id text) RETURNS bigint
    LANGUAGE sql STABLE AS $$
    SELECT (
        (SELECT coalesce(sum(players), 0) FROM mr.score_count
         WHERE board = p_board AND level = 1 AND bucket > (p_best >> 43)::integer)
        + (SELECT coalesce(sum(players), 0) FROM mr.score_count
           WHERE board = p_board AND level = 2 AND bucket > (p_best >> 37)::integer
             AND bucket < (((p_best >> 43) + 1) << 6)::integer)
        + CASE WHEN p_board = ''
            THEN (SELECT count(*) FROM "PlayerScore"
                  WHERE best >= p_best AND best < (((p_best >> 37) + 1) << 37) AND "deletedAt" IS NULL
                    AND (best > p_best OR id < p_id))
            ELSE (SELECT count(*) FROM "PlayerScore"
                  WHERE "regionId" = p_board AND best >= p_best AND best < (((p_best >> 37) + 1) << 37)
                    AND "deletedAt" IS NULL AND (best > p_best OR id < p_id)) END
    )::bigint
$$;
REVOKE EXECUTE ON FUNCTION mr.players_before FROM PUBLIC;
GRANT EXECUTE ON FUNCTION mr.players_before TO meridian_app;

SELECT mr.declare('PlayerScore', '{"topology": "multi-leader", "strategy": "merge", "fields": {
    "best": {"strategy": "max", "quiet": true}, "name": {"strategy": "last-write-wins", "quiet": true},
    "regionId": {"strategy": "last-write-wins", "quiet": true}}}');
