-- Rounds of the game behind the board. A round is begun and scored in one region and counts once there, under the lock
-- of its row: no other region has to know of it, so these tables are not replicated. What comes of a round, the score,
-- is. Lost with a region are the rounds that were being played.
CREATE TABLE "GameRound" (
    -- Random, and known to whoever began the round.
    "id" TEXT NOT NULL,
    "userId" TEXT NOT NULL,
    -- What the cards are dealt by.
    "seed" INTEGER NOT NULL,
    -- All three by the clock of this database.
    "startedAt" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),
    "expiresAt" TIMESTAMPTZ(3) NOT NULL,
    "endedAt" TIMESTAMPTZ(3),
    -- Set together with endedAt.
    "score" INTEGER,

    CONSTRAINT "GameRound_pkey" PRIMARY KEY ("id")
);
CREATE INDEX "GameRound_userId_expiresAt_idx" ON "GameRound" ("userId", "expiresAt");

-- How often somebody may begin a round in this region: when all that was begun will have been paid for.
CREATE TABLE "GameQuota" (
    "userId" TEXT NOT NULL,
    "paidAt" TIMESTAMPTZ(3) NOT NULL,
    -- The last time that was asked, and what was answered.
    "askedAt" TIMESTAMPTZ(3) NOT NULL,
    "granted" BOOLEAN NOT NULL,

    CONSTRAINT "GameQuota_pkey" PRIMARY KEY ("userId")
);
GRANT SELECT, INSERT, UPDATE, DELETE ON "GameRound", "GameQuota" TO meridian_app;
