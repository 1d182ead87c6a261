-- Who a person is, apart from their account, for those who keep that in some regions only: docs/RESIDENCY.md. Such an
-- account's "User" row, which is in every region, has a keyed digest for the address and a pseudonym for the name.
CREATE TABLE "Profile" (
    -- That of the user.
    "id" TEXT NOT NULL,
    "email" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "deletedAt" TIMESTAMPTZ(3),
    "clock" JSONB NOT NULL DEFAULT '{}',
    "hlc" BIGINT NOT NULL DEFAULT 0,
    "origin" TEXT NOT NULL DEFAULT '',
    "position" BIGINT NOT NULL DEFAULT 0,

    CONSTRAINT "Profile_pkey" PRIMARY KEY ("id")
);

-- The digest of the address, of every account since there is a key for it: one that is kept somewhere and one that is
-- everywhere must not have the same address. Deferrable for the same reason as that of the address.
ALTER TABLE "User" ADD COLUMN "addressKey" TEXT;
ALTER TABLE "User" ADD CONSTRAINT "User_addressKey_key" UNIQUE ("addressKey") DEFERRABLE INITIALLY IMMEDIATE;

SELECT mr.redeclare('User');
SELECT mr.declare('Profile', '{"topology": "multi-leader", "strategy": "last-write-wins", "record": false, "collect": true,
    "residency": {"entity": "User", "by": "id"}}');

-- People as this region may know them, for whoever shows a name.
CREATE VIEW "Person" WITH (security_invoker = true) AS
    SELECT u."id", coalesce(p."name", u."name") AS "name",
        CASE WHEN u."email" LIKE 'kept:%' THEN p."email" ELSE u."email" END AS "email"
    FROM "User" u LEFT JOIN "Profile" p ON p."id" = u."id" AND p."deletedAt" IS NULL;
GRANT SELECT ON "Person" TO meridian_app;
