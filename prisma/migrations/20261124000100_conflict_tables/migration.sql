-- What merging needs of the application's tables.
--
-- "merge" is the state of a row's registers (see lib/db/conflicts); like the clock, only triggers
-- and appliers write it.

ALTER TABLE "Document"
    -- Manual: when two regions write it at once, both texts are kept until a person decides.
    ADD COLUMN "summary" TEXT NOT NULL DEFAULT '',
    -- The "DocumentUpdate" that "content" was last made with. It changes whenever "content" does.
    ADD COLUMN "contentHead" TEXT NOT NULL DEFAULT '',
    ADD COLUMN "updatedBy" TEXT,
    ADD COLUMN "merge" JSONB NOT NULL DEFAULT '{}';

ALTER TABLE "Collaborator"
    ADD COLUMN "updatedBy" TEXT,
    ADD COLUMN "merge" JSONB NOT NULL DEFAULT '{}';

ALTER TABLE "DocumentVersion"
    ADD COLUMN "summary" TEXT NOT NULL DEFAULT '',
    -- The clock of the document that this is a saved state of.
    ADD COLUMN "documentClock" JSONB NOT NULL DEFAULT '{}';

-- One Yjs update of a document's text. The text is the merge of all of them, in any order.
CREATE TABLE "DocumentUpdate" (
    "id" TEXT NOT NULL DEFAULT (gen_random_uuid())::text,
    "documentId" TEXT NOT NULL,
    "update" BYTEA NOT NULL,
    -- The write of the document that it came with: what a base version includes is what its clock
    -- covers. A snapshot, which replaces updates, carries the clock that covers them all.
    "documentClock" JSONB NOT NULL DEFAULT '{}',
    "isSnapshot" BOOLEAN NOT NULL DEFAULT false,
    "authorId" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "deletedAt" TIMESTAMPTZ(3),
    "clock" JSONB NOT NULL DEFAULT '{}',
    "hlc" BIGINT NOT NULL DEFAULT 0,
    "origin" TEXT NOT NULL DEFAULT '',
    "position" BIGINT NOT NULL DEFAULT 0,

    CONSTRAINT "DocumentUpdate_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "DocumentUpdate_documentId_idx" ON "DocumentUpdate" ("documentId");
-- What has come from an origin since the last look.
CREATE INDEX "DocumentUpdate_origin_position_idx" ON "DocumentUpdate" ("origin", "position");

-- A choice that a strategy made, with everything it chose from. The id is derived from the versions,
-- so that regions that make the same choice write the same record.
CREATE TABLE "Conflict" (
    "id" TEXT NOT NULL,
    "entityType" TEXT NOT NULL,
    "entityId" TEXT NOT NULL,
    -- A column, '*' for the whole row, '$deleted' for a deletion against an update.
    "field" TEXT NOT NULL,
    "strategy" TEXT NOT NULL,
    -- 'resolved': the strategy chose. 'open': it is for a person to choose.
    "outcome" TEXT NOT NULL,
    -- [{ value, clock, hlc, origin, count, author, won }], the winner first.
    "versions" JSONB NOT NULL,
    "detectedAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "detectedIn" TEXT NOT NULL DEFAULT '',
    "deletedAt" TIMESTAMPTZ(3),
    "clock" JSONB NOT NULL DEFAULT '{}',
    "hlc" BIGINT NOT NULL DEFAULT 0,
    "origin" TEXT NOT NULL DEFAULT '',
    "position" BIGINT NOT NULL DEFAULT 0,

    CONSTRAINT "Conflict_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "Conflict_outcome_check" CHECK ("outcome" IN ('resolved', 'open'))
);

CREATE INDEX "Conflict_entityType_entityId_idx" ON "Conflict" ("entityType", "entityId");
CREATE INDEX "Conflict_detectedAt_idx" ON "Conflict" ("detectedAt" DESC);

-- What a person decided about a conflict. The id is the conflict's; the latest decision counts.
CREATE TABLE "ConflictResolution" (
    "id" TEXT NOT NULL,
    -- 'kept', 'restored', 'edited' or, by a custom strategy, 'computed'.
    "choice" TEXT NOT NULL,
    "value" JSONB NOT NULL,
    -- The clock of the version that was written with it.
    "writtenClock" JSONB NOT NULL DEFAULT '{}',
    "resolvedBy" TEXT NOT NULL,
    "resolvedAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "deletedAt" TIMESTAMPTZ(3),
    "clock" JSONB NOT NULL DEFAULT '{}',
    "hlc" BIGINT NOT NULL DEFAULT 0,
    "origin" TEXT NOT NULL DEFAULT '',
    "position" BIGINT NOT NULL DEFAULT 0,

    CONSTRAINT "ConflictResolution_pkey" PRIMARY KEY ("id")
);
