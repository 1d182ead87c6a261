-- Raised by whoever signs out everywhere: sessions that were begun under an earlier one are over, in every region that has
-- heard of it. Code from before the column leaves it alone: docs/SCHEMA-CHANGES.md.
ALTER TABLE "User" ADD COLUMN "sessionEpoch" INTEGER NOT NULL DEFAULT 0;

SELECT mr.redeclare('User');
