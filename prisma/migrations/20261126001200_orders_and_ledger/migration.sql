-- Orders and the ledger that they are paid in: docs/ORDERS.md, docs/decisions/0025.

ALTER TABLE "Product" ADD COLUMN "priceMinor" INTEGER NOT NULL DEFAULT 1000 CHECK ("priceMinor" > 0);
SELECT mr.redeclare('Product');

CREATE TABLE "Order" (
    -- Derived from buyer and key.
    "id" TEXT NOT NULL,
    -- The buyer's own name for it: asked for again, it is the same one.
    "key" TEXT NOT NULL,
    "userId" TEXT NOT NULL,
    "reservationId" TEXT NOT NULL,
    -- That holds the reservation, and is the only one to settle it.
    "regionId" TEXT NOT NULL,
    "productId" TEXT NOT NULL,
    "quantity" INTEGER NOT NULL,
    -- Fixed when the order is made.
    "amountMinor" BIGINT NOT NULL CHECK ("amountMinor" > 0),
    -- Of the transfer that pays for it: one for each reservation, whatever the order's key.
    "paymentId" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    -- There is nothing left to do. Only what is looked for goes by it: whether it is paid, the ledger says.
    "closedAt" TIMESTAMPTZ(3),
    "vouched" TEXT NOT NULL DEFAULT '',
    "deletedAt" TIMESTAMPTZ(3),
    "clock" JSONB NOT NULL DEFAULT '{}',
    "hlc" BIGINT NOT NULL DEFAULT 0,
    "origin" TEXT NOT NULL DEFAULT '',
    "position" BIGINT NOT NULL DEFAULT 0,
    "merge" JSONB NOT NULL DEFAULT '{}',

    CONSTRAINT "Order_pkey" PRIMARY KEY ("id")
);
CREATE INDEX "Order_userId_createdAt_idx" ON "Order" ("userId", "createdAt" DESC);
CREATE INDEX "Order_origin_position_idx" ON "Order" ("origin", "position");
CREATE INDEX "Order_open_idx" ON "Order" ("createdAt") WHERE "closedAt" IS NULL;

-- One row is one transfer with both its sides, so that no merge, no batch and no reader ever has one of them alone.
CREATE TABLE "LedgerTransfer" (
    -- Derived from user and key: two attempts meet in it, also those of two leaders.
    "id" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "userId" TEXT NOT NULL,
    "debitAccount" TEXT NOT NULL CHECK ("debitAccount" <> ''),
    "creditAccount" TEXT NOT NULL CHECK ("creditAccount" <> ''),
    "amountMinor" BIGINT NOT NULL CHECK ("amountMinor" > 0 AND "amountMinor" <= 1000000000000),
    -- That it pays for.
    "orderId" TEXT,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "vouched" TEXT NOT NULL DEFAULT '',
    "deletedAt" TIMESTAMPTZ(3),
    "clock" JSONB NOT NULL DEFAULT '{}',
    "hlc" BIGINT NOT NULL DEFAULT 0,
    "origin" TEXT NOT NULL DEFAULT '',
    "position" BIGINT NOT NULL DEFAULT 0,
    "merge" JSONB NOT NULL DEFAULT '{}',

    CONSTRAINT "LedgerTransfer_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "LedgerTransfer_two_accounts" CHECK ("debitAccount" <> "creditAccount")
);
CREATE INDEX "LedgerTransfer_orderId_idx" ON "LedgerTransfer" ("orderId");
CREATE INDEX "LedgerTransfer_origin_position_idx" ON "LedgerTransfer" ("origin", "position");

-- ---------------------------------------------------------------------------------------------
-- Rows that a leader vouches for.
--
-- Two leaders may have made the row of one key: the former one's was not replicated, the retry was made under the
-- next, and then the former one is back. Which of the two counts must not be a matter of clocks, or one that was
-- acknowledged could lose to one that was not. So all of a row's content is one register, "vouched": the epoch
-- first, then the content. The greatest one wins (strategy max), and the columns are what it says.
--
-- A leader vouches again, under its own epoch, for a row of an earlier one that it finds, before it acknowledges
-- it. What a quorum has under an epoch, every later leader has, and finds: so the greatest epoch of a key never
-- has other content than what was acknowledged.
-- ---------------------------------------------------------------------------------------------

-- The epoch of the leader that vouches for a row.
CREATE FUNCTION mr.epoch_of(p_vouched text) RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN coalesce(nullif(left(p_vouched, 19), '')::bigint, 0);

-- Before mr_stamp, by its name: that one compares registers. Its argument is the one column that may change, once,
-- from null to a value. MR012: rows of this table stay as they are.
CREATE FUNCTION mr.vouch() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    v_epoch bigint := mr.leading();
    v_closes text := coalesce(TG_ARGV[0], '');
    v_new jsonb := mr.row_data(mr.json_of(NEW)) - 'vouched';
    v_old jsonb;
BEGIN
    IF v_epoch IS NULL THEN
        -- The lease ended after the fence.
        PERFORM mr.refuse_unless_leading(TG_TABLE_NAME);
        v_epoch := mr.leading();
    END IF;
    IF TG_OP = 'UPDATE' THEN
        v_old := mr.row_data(mr.json_of(OLD)) - 'vouched';
        IF v_new - v_closes <> v_old - v_closes OR NEW."deletedAt" IS NOT NULL
            OR v_old ->> v_closes <> coalesce(v_new ->> v_closes, '') THEN
            RAISE EXCEPTION 'Rows of % are not changed: write another one', TG_TABLE_NAME USING ERRCODE = 'MR012';
        END IF;
    END IF;
    NEW.vouched := concat_ws(' ', lpad(v_epoch::text, 19, '0'), (v_new ->> v_closes IS NOT NULL)::integer, v_new);
    RETURN NEW;
END
$$;

-- After a join, whose other registers know nothing of epochs.
CREATE FUNCTION mr.take_vouched() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    NEW := jsonb_populate_record(NEW, substring(NEW.vouched FROM 23)::jsonb);
    RETURN NEW;
END
$$;

-- Not even for the replication: a tombstone of such a row is never collected, because it never has one.
CREATE FUNCTION mr.refuse_any_delete() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'Rows of % are not deleted', TG_TABLE_NAME USING ERRCODE = 'MR012';
END
$$;

-- A rehearsal (mr.rehearse_capture) has no row to vouch for.
CREATE TRIGGER mr_a_vouch BEFORE INSERT OR UPDATE ON "LedgerTransfer"
    FOR EACH ROW WHEN (current_user NOT IN ('mr_apply', 'mr_rehearse')) EXECUTE FUNCTION mr.vouch();
CREATE TRIGGER mr_a_vouch BEFORE INSERT OR UPDATE ON "Order"
    FOR EACH ROW WHEN (current_user NOT IN ('mr_apply', 'mr_rehearse')) EXECUTE FUNCTION mr.vouch('closedAt');
CREATE TRIGGER mr_take_vouched BEFORE UPDATE ON "LedgerTransfer"
    FOR EACH ROW WHEN (current_user = 'mr_apply') EXECUTE FUNCTION mr.take_vouched();
CREATE TRIGGER mr_take_vouched BEFORE UPDATE ON "Order"
    FOR EACH ROW WHEN (current_user = 'mr_apply') EXECUTE FUNCTION mr.take_vouched();
CREATE TRIGGER mr_refuse_any_delete BEFORE DELETE OR TRUNCATE ON "LedgerTransfer"
    FOR EACH STATEMENT EXECUTE FUNCTION mr.refuse_any_delete();
CREATE TRIGGER mr_refuse_any_delete BEFORE DELETE OR TRUNCATE ON "Order"
    FOR EACH STATEMENT EXECUTE FUNCTION mr.refuse_any_delete();
-- Also for a session that has switched its other triggers off.
ALTER TABLE "LedgerTransfer" ENABLE ALWAYS TRIGGER mr_a_vouch, ENABLE ALWAYS TRIGGER mr_take_vouched,
    ENABLE ALWAYS TRIGGER mr_refuse_any_delete;
ALTER TABLE "Order" ENABLE ALWAYS TRIGGER mr_a_vouch, ENABLE ALWAYS TRIGGER mr_take_vouched,
    ENABLE ALWAYS TRIGGER mr_refuse_any_delete;

-- ---------------------------------------------------------------------------------------------
-- Balances.
-- ---------------------------------------------------------------------------------------------

-- Sums of an account's postings, kept in the transaction that writes or applies a transfer. They follow from the rows
-- of their own region and are not replicated. Over slots, so that writers of one account do not all wait for one row.
CREATE TABLE mr.ledger_balance (
    account text NOT NULL,
    slot smallint NOT NULL,
    debits numeric NOT NULL,
    credits numeric NOT NULL,
    PRIMARY KEY (account, slot)
) WITH (fillfactor = 70);
GRANT SELECT ON mr.ledger_balance TO meridian_app;

-- The postings: each transfer is two, and their sum is zero. Amounts are debits, credits negative.
CREATE VIEW mr.ledger_entry AS
    SELECT t."id" || ':' || s.side AS id, t."id" AS transfer_id, t."orderId" AS order_id, t."userId" AS user_id,
        s.account, s.side, s.amount_minor, t."createdAt" AS created_at
    FROM "LedgerTransfer" t, LATERAL (VALUES
        ('debit', t."debitAccount", t."amountMinor"), ('credit', t."creditAccount", -t."amountMinor")
    ) s (side, account, amount_minor)
    WHERE t."deletedAt" IS NULL;
GRANT SELECT ON mr.ledger_entry TO meridian_app;

-- `changes`: [{ debit, credit, amount }], with negative amounts of what was replaced. Locks are taken in one order.
CREATE FUNCTION mr.post_balances(p_changes jsonb) RETURNS void
    LANGUAGE sql AS $$
    INSERT INTO mr.ledger_balance AS b (account, slot, debits, credits)
    SELECT account, pg_backend_pid() % 8, sum(debits), sum(credits)
    FROM jsonb_to_recordset(p_changes) AS x (debit text, credit text, amount numeric),
        LATERAL (VALUES (debit, amount, 0), (credit, 0, amount)) s (account, debits, credits)
    GROUP BY account HAVING sum(debits) <> 0 OR sum(credits) <> 0
    ORDER BY account
    ON CONFLICT (account, slot) DO UPDATE SET debits = b.debits + EXCLUDED.debits, credits = b.credits + EXCLUDED.credits
$$;

CREATE FUNCTION mr.post_new_transfers() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    v_changes jsonb := (SELECT jsonb_agg(jsonb_build_object(
        'debit', "debitAccount", 'credit', "creditAccount", 'amount', "amountMinor")) FROM new_transfers);
BEGIN
    IF v_changes IS NOT NULL THEN
        PERFORM mr.post_balances(v_changes);
    END IF;
    RETURN NULL;
END
$$;

-- Where of two contents of one key the other one counts from now on, or counts no more.
CREATE FUNCTION mr.post_changed_transfers() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    v_changes jsonb := (SELECT jsonb_agg(jsonb_build_object('debit', debit, 'credit', credit, 'amount', amount)) FROM (
        SELECT "debitAccount" AS debit, "creditAccount" AS credit, "amountMinor" AS amount FROM new_transfers
        UNION ALL SELECT "debitAccount", "creditAccount", -"amountMinor" FROM old_transfers) c);
BEGIN
    IF v_changes IS NOT NULL THEN
        PERFORM mr.post_balances(v_changes);
    END IF;
    RETURN NULL;
END
$$;

-- Of every write: of the leader, of appliers and of repair.
CREATE TRIGGER post_new_transfers AFTER INSERT ON "LedgerTransfer"
    REFERENCING NEW TABLE AS new_transfers FOR EACH STATEMENT EXECUTE FUNCTION mr.post_new_transfers();
CREATE TRIGGER post_changed_transfers AFTER UPDATE ON "LedgerTransfer"
    REFERENCING NEW TABLE AS new_transfers OLD TABLE AS old_transfers
    FOR EACH STATEMENT EXECUTE FUNCTION mr.post_changed_transfers();
ALTER TABLE "LedgerTransfer" ENABLE ALWAYS TRIGGER post_new_transfers, ENABLE ALWAYS TRIGGER post_changed_transfers;

REVOKE EXECUTE ON FUNCTION mr.epoch_of, mr.vouch, mr.take_vouched, mr.refuse_any_delete, mr.post_balances, mr.post_new_transfers,
    mr.post_changed_transfers FROM PUBLIC;
GRANT EXECUTE ON FUNCTION mr.epoch_of TO meridian_app;

SELECT mr.declare('Order', '{"topology": "single-leader", "durability": "quorum", "strategy": "merge", "fields": {
    "vouched": {"strategy": "max"}, "key": {"strategy": "last-write-wins", "quiet": true},
    "userId": {"strategy": "last-write-wins", "quiet": true}, "reservationId": {"strategy": "last-write-wins", "quiet": true},
    "regionId": {"strategy": "last-write-wins", "quiet": true}, "productId": {"strategy": "last-write-wins", "quiet": true},
    "quantity": {"strategy": "last-write-wins", "quiet": true}, "amountMinor": {"strategy": "last-write-wins", "quiet": true},
    "paymentId": {"strategy": "last-write-wins", "quiet": true},
    "createdAt": {"strategy": "last-write-wins", "quiet": true}, "closedAt": {"strategy": "last-write-wins", "quiet": true}}}');
SELECT mr.declare('LedgerTransfer', '{"topology": "single-leader", "durability": "quorum", "strategy": "merge", "fields": {
    "vouched": {"strategy": "max"}, "key": {"strategy": "last-write-wins", "quiet": true},
    "userId": {"strategy": "last-write-wins", "quiet": true}, "debitAccount": {"strategy": "last-write-wins", "quiet": true},
    "creditAccount": {"strategy": "last-write-wins", "quiet": true}, "amountMinor": {"strategy": "last-write-wins", "quiet": true},
    "orderId": {"strategy": "last-write-wins", "quiet": true}, "createdAt": {"strategy": "last-write-wins", "quiet": true}}}');
