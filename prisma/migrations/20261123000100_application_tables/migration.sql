-- The application's tables. The last five columns of each are its replication metadata: the
-- tombstone, which the application sets, and the stamp, which only triggers and appliers set.

CREATE TABLE "User" (
    "id" TEXT NOT NULL DEFAULT (gen_random_uuid())::text,
    "email" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "passwordHash" TEXT NOT NULL,
    "role" TEXT NOT NULL DEFAULT 'user',
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "deletedAt" TIMESTAMPTZ(3),
    "clock" JSONB NOT NULL DEFAULT '{}',
    "hlc" BIGINT NOT NULL DEFAULT 0,
    "origin" TEXT NOT NULL DEFAULT '',
    "position" BIGINT NOT NULL DEFAULT 0,

    CONSTRAINT "User_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "User_role_check" CHECK ("role" IN ('user', 'admin'))
);

-- Deferrable, because an applier takes several transactions of the leader at once: in between two
-- of its rows an address may be held twice, at the end it is not.
ALTER TABLE "User" ADD CONSTRAINT "User_email_key" UNIQUE ("email") DEFERRABLE INITIALLY IMMEDIATE;

CREATE TABLE "Document" (
    "id" TEXT NOT NULL DEFAULT (gen_random_uuid())::text,
    "title" TEXT NOT NULL,
    "content" TEXT NOT NULL DEFAULT '',
    "ownerId" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "deletedAt" TIMESTAMPTZ(3),
    "clock" JSONB NOT NULL DEFAULT '{}',
    "hlc" BIGINT NOT NULL DEFAULT 0,
    "origin" TEXT NOT NULL DEFAULT '',
    "position" BIGINT NOT NULL DEFAULT 0,

    CONSTRAINT "Document_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "Document_ownerId_updatedAt_idx" ON "Document" ("ownerId", "updatedAt" DESC);

CREATE TABLE "Collaborator" (
    "id" TEXT NOT NULL,
    "documentId" TEXT NOT NULL,
    "userId" TEXT NOT NULL,
    "role" TEXT NOT NULL DEFAULT 'viewer',
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "deletedAt" TIMESTAMPTZ(3),
    "clock" JSONB NOT NULL DEFAULT '{}',
    "hlc" BIGINT NOT NULL DEFAULT 0,
    "origin" TEXT NOT NULL DEFAULT '',
    "position" BIGINT NOT NULL DEFAULT 0,

    CONSTRAINT "Collaborator_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "Collaborator_role_check" CHECK ("role" IN ('viewer', 'editor'))
);

CREATE INDEX "Collaborator_userId_idx" ON "Collaborator" ("userId");
CREATE INDEX "Collaborator_documentId_idx" ON "Collaborator" ("documentId");

CREATE TABLE "DocumentVersion" (
    "id" TEXT NOT NULL DEFAULT (gen_random_uuid())::text,
    "documentId" TEXT NOT NULL,
    "title" TEXT NOT NULL,
    "content" TEXT NOT NULL DEFAULT '',
    "authorId" TEXT NOT NULL,
    "regionId" TEXT NOT NULL DEFAULT '',
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "deletedAt" TIMESTAMPTZ(3),
    "clock" JSONB NOT NULL DEFAULT '{}',
    "hlc" BIGINT NOT NULL DEFAULT 0,
    "origin" TEXT NOT NULL DEFAULT '',
    "position" BIGINT NOT NULL DEFAULT 0,

    CONSTRAINT "DocumentVersion_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "DocumentVersion_documentId_createdAt_idx"
    ON "DocumentVersion" ("documentId", "createdAt" DESC);
