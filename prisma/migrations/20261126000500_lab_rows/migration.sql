-- What the fault lab's client writes on a local planet, and counts afterwards. An entity of its own, so that
-- no account and no document has to stand in for it. Away from a local planet it stays empty.
CREATE TABLE "LabRow" (
    "id" TEXT NOT NULL,
    -- What it was acknowledged for: 'region' or 'quorum'.
    "durability" TEXT NOT NULL,
    -- Where the client was.
    "vantage" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "deletedAt" TIMESTAMPTZ(3),
    "clock" JSONB NOT NULL DEFAULT '{}',
    "hlc" BIGINT NOT NULL DEFAULT 0,
    "origin" TEXT NOT NULL DEFAULT '',
    "position" BIGINT NOT NULL DEFAULT 0,

    CONSTRAINT "LabRow_pkey" PRIMARY KEY ("id")
);

SELECT mr.declare('LabRow', '{"topology": "single-leader", "strategy": "last-write-wins", "record": false, "collect": true}');
