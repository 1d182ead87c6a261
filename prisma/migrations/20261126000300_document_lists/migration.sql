-- A list of somebody's documents in each order that it can be looked at in: lib/documents/list-rows.ts. That by
-- last change has one since the first migration.

CREATE INDEX "Document_ownerId_createdAt_idx" ON "Document" ("ownerId", "createdAt" DESC);

-- By code points, so that a page read in one region goes on where the one before ended in another.
CREATE INDEX "Document_ownerId_lower_title_idx" ON "Document" ("ownerId", lower("title") COLLATE "C", "id" COLLATE "C");
