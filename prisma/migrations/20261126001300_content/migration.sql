-- Articles with their history. An article's id is its slug, so that one name is one row everywhere: two regions
-- that take the same one at once have written two versions of it, which a person decides about.
CREATE TABLE "ContentItem" (
    "id" TEXT NOT NULL,
    "title" TEXT NOT NULL,
    "body" TEXT NOT NULL,
    -- Of the working text: 'draft', 'in-review' or 'approved'.
    "stage" TEXT NOT NULL DEFAULT 'draft',
    -- What the public sees: '<key> <id of a version>', or '<key> -' once it was taken down. Keys are 15 digits and
    -- grow with each decision, so the greater text is the later decision.
    "live" TEXT,
    -- '<key> <ms since 1970, 13 digits> <id of a version>', or '<key> -'. Due only while its key is later than live's.
    "schedule" TEXT,
    "authorId" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedBy" TEXT,
    "deletedAt" TIMESTAMPTZ(3),
    "clock" JSONB NOT NULL DEFAULT '{}',
    "hlc" BIGINT NOT NULL DEFAULT 0,
    "origin" TEXT NOT NULL DEFAULT '',
    "position" BIGINT NOT NULL DEFAULT 0,
    "merge" JSONB NOT NULL DEFAULT '{}',

    CONSTRAINT "ContentItem_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "ContentItem_updatedAt_idx" ON "ContentItem" ("updatedAt" DESC);
-- What is published, and what is to be: neither look goes through all articles.
CREATE INDEX "ContentItem_published_idx" ON "ContentItem" ("id")
    WHERE "live" IS NOT NULL AND "live" NOT LIKE '% -';
CREATE INDEX "ContentItem_scheduled_idx" ON "ContentItem" (split_part("schedule", ' ', 2) COLLATE "C")
    WHERE "schedule" IS NOT NULL AND "schedule" NOT LIKE '% -';

-- Append-only: what an article was after each change of it, written in the transaction of that change.
CREATE TABLE "ContentVersion" (
    "id" TEXT NOT NULL,
    "contentId" TEXT NOT NULL,
    -- What was done: 'created', 'edited', 'published', …
    "action" TEXT NOT NULL,
    "title" TEXT NOT NULL,
    "body" TEXT NOT NULL,
    -- Of 'scheduled': when it is to be published.
    "publishAt" TIMESTAMPTZ(3),
    -- The article's clock after the change: two regions may both have written a fourth version.
    "contentClock" JSONB NOT NULL DEFAULT '{}',
    "authorId" TEXT NOT NULL,
    "regionId" TEXT NOT NULL DEFAULT '',
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "deletedAt" TIMESTAMPTZ(3),
    "clock" JSONB NOT NULL DEFAULT '{}',
    "hlc" BIGINT NOT NULL DEFAULT 0,
    "origin" TEXT NOT NULL DEFAULT '',
    "position" BIGINT NOT NULL DEFAULT 0,

    CONSTRAINT "ContentVersion_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "ContentVersion_contentId_hlc_idx" ON "ContentVersion" ("contentId", "hlc" DESC);
CREATE INDEX "ContentVersion_authorId_contentId_idx" ON "ContentVersion" ("authorId", "contentId");

SELECT mr.declare('ContentItem', '{"topology": "multi-leader", "strategy": "merge", "author": "updatedBy", "fields": {
    "title": {"strategy": "manual"}, "body": {"strategy": "manual"},
    "stage": {"strategy": "last-write-wins", "quiet": true},
    "live": {"strategy": "max", "quiet": true}, "schedule": {"strategy": "max", "quiet": true},
    "authorId": {"strategy": "first-write-wins", "quiet": true},
    "createdAt": {"strategy": "min", "quiet": true}, "updatedAt": {"strategy": "max", "quiet": true},
    "updatedBy": {"strategy": "last-write-wins", "quiet": true}}}');
SELECT mr.declare('ContentVersion', '{"topology": "multi-leader", "strategy": "last-write-wins", "record": false, "collect": true}');
