-- How often somebody may try to sign in with an address in this region. No entity: no other region has to know.
CREATE TABLE "SignInQuota" (
    -- A digest of the address under the sessions' secret: nobody's address is here.
    "key" TEXT NOT NULL,
    -- When all attempts so far will have been paid for.
    "paidAt" TIMESTAMPTZ(3) NOT NULL,
    -- What the last one was answered.
    "granted" BOOLEAN NOT NULL,

    CONSTRAINT "SignInQuota_pkey" PRIMARY KEY ("key")
);
CREATE INDEX "SignInQuota_paidAt_idx" ON "SignInQuota" ("paidAt");
GRANT SELECT, INSERT, UPDATE, DELETE ON "SignInQuota" TO meridian_app;
