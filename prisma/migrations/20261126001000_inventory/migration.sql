-- A stock that regions sell from at the same time, and what has been taken of it.
CREATE TABLE "Product" (
    "id" TEXT NOT NULL DEFAULT (gen_random_uuid())::text,
    "name" TEXT NOT NULL,
    -- What is free: neither reserved nor sold. A bounded counter.
    "stock" INTEGER NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "deletedAt" TIMESTAMPTZ(3),
    "clock" JSONB NOT NULL DEFAULT '{}',
    "hlc" BIGINT NOT NULL DEFAULT 0,
    "origin" TEXT NOT NULL DEFAULT '',
    "position" BIGINT NOT NULL DEFAULT 0,
    "merge" JSONB NOT NULL DEFAULT '{}',

    CONSTRAINT "Product_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "Reservation" (
    "id" TEXT NOT NULL,
    -- The buyer's own name for it: asked for again, it is the same one.
    "key" TEXT NOT NULL,
    "productId" TEXT NOT NULL,
    "quantity" INTEGER NOT NULL,
    "userId" TEXT NOT NULL,
    -- Whose stock it was taken from, and the only one that may settle it.
    "regionId" TEXT NOT NULL,
    -- 'held', and then one of 'confirmed', 'released', 'expired'.
    "status" TEXT NOT NULL DEFAULT 'held',
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    -- By the clock of that region's database.
    "expiresAt" TIMESTAMPTZ(3) NOT NULL,
    "settledAt" TIMESTAMPTZ(3),
    "deletedAt" TIMESTAMPTZ(3),
    "clock" JSONB NOT NULL DEFAULT '{}',
    "hlc" BIGINT NOT NULL DEFAULT 0,
    "origin" TEXT NOT NULL DEFAULT '',
    "position" BIGINT NOT NULL DEFAULT 0,

    CONSTRAINT "Reservation_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "Reservation_productId_status_idx" ON "Reservation" ("productId", "status");
CREATE INDEX "Reservation_regionId_status_expiresAt_idx" ON "Reservation" ("regionId", "status", "expiresAt");
CREATE INDEX "Reservation_userId_key_idx" ON "Reservation" ("userId", "key");
CREATE INDEX "Reservation_userId_createdAt_idx" ON "Reservation" ("userId", "createdAt" DESC);

-- What each actor may take from a bounded counter without asking anybody, as { actor: rights }.
CREATE FUNCTION mr.rights_by_actor(p_merge jsonb, p_field text, p_value numeric, p_origin text) RETURNS jsonb
    LANGUAGE sql STABLE AS $$
    WITH counter AS (
        -- A counter that nobody has written to since its row was made follows from that.
        SELECT coalesce(p_merge -> p_field, mr.initial_state('bounded-counter',
            coalesce(p_merge -> '$0', jsonb_build_object('o', p_origin)), to_jsonb(p_value))) AS state
    ), actors AS (
        SELECT DISTINCT actor FROM counter, jsonb_object_keys(state -> 'r') k, unnest(string_to_array(k, '>')) actor
    )
    SELECT jsonb_object_agg(a.actor, mr.rights(c.state, a.actor)) FROM counter c, actors a
$$;
REVOKE EXECUTE ON FUNCTION mr.rights_by_actor FROM PUBLIC;
GRANT EXECUTE ON FUNCTION mr.rights_by_actor TO meridian_app;

SELECT mr.declare('Product', '{"topology": "multi-leader", "strategy": "merge", "fields": {"stock": {"strategy": "bounded-counter"}}}');
SELECT mr.declare('Reservation', '{"topology": "multi-leader", "strategy": "last-write-wins"}');
