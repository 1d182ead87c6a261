-- A third level of counts: of each score. Where nearly everybody is within a few thousand points, 64 of them hold tens
-- of thousands of players, and a rank counted those one by one.
LOCK TABLE "PlayerScore" IN SHARE ROW EXCLUSIVE MODE;

CREATE OR REPLACE FUNCTION mr.count_scores(p_changes jsonb) RETURNS void
    LANGUAGE sql AS $$
    INSERT INTO mr.score_count AS c (board, level, bucket, slot, players)
    SELECT board, level, bucket, pg_backend_pid() % 4, sum(players)
    FROM (SELECT board, level, (score >> shift)::integer AS bucket, players
          FROM jsonb_to_recordset(p_changes) AS x (region text, score bigint, players integer),
            LATERAL (VALUES (''), (x.region)) b (board),
            (VALUES (1::smallint, 12), (2::smallint, 6), (3::smallint, 0)) l (level, shift)) changes
    GROUP BY board, level, bucket HAVING sum(players) <> 0
    ORDER BY board, level, bucket
    ON CONFLICT (board, level, bucket, slot) DO UPDATE SET players = c.players + EXCLUDED.players
$$;

INSERT INTO mr.score_count (board, level, bucket, slot, players)
SELECT b.board, 3, (s.best >> 31)::integer, 0, count(*)
FROM "PlayerScore" s, LATERAL (VALUES (''), (s."regionId")) b (board)
WHERE s."deletedAt" IS NULL
GROUP BY b.board, s.best >> 31;

-- Whole stretches above, of 4,096 points and then of 64, the scores above in its own one, and who had the same earlier.
CREATE OR REPLACE FUNCTION mr.players_before(p_board text, p_best bigint, p_id text) RETURNS bigint
    LANGUAGE sql STABLE AS $$
    SELECT (
        (SELECT coalesce(sum(players), 0) FROM mr.score_count
         WHERE board = p_board AND level = 1 AND bucket > (p_best >> 43)::integer)
        + (SELECT coalesce(sum(players), 0) FROM mr.score_count
           WHERE board = p_board AND level = 2 AND bucket > (p_best >> 37)::integer
             AND bucket < (((p_best >> 43) + 1) << 6)::integer)
        + (SELECT coalesce(sum(players), 0) FROM mr.score_count
           WHERE board = p_board AND level = 3 AND bucket > (p_best >> 31)::integer
             AND bucket < (((p_best >> 37) + 1) << 6)::integer)
        + CASE WHEN p_board = ''
            THEN (SELECT count(*) FROM "PlayerScore"
                  WHERE best >= p_best AND best < (((p_best >> 31) + 1) << 31) AND "deletedAt" IS NULL
                    AND (best > p_best OR id < p_id))
            ELSE (SELECT count(*) FROM "PlayerScore"
                  WHERE "regionId" = p_board AND best >= p_best AND best < (((p_best >> 31) + 1) << 31)
                    AND "deletedAt" IS NULL AND (best > p_best OR id < p_id)) END
    )::bigint
$$;
