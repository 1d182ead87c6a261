-- The `mr` schema, part one: who this region is, and how versions are ordered.

CREATE SCHEMA mr;

-- Roles belong to the cluster, not to the database: another database may have made them already.
--   mr_apply      owns the apply functions. Triggers do not fire for it, so what it writes is
--                 neither stamped nor captured again. Nobody logs in as it.
--   meridian_app  the application. It reads and writes application tables and cannot write mr.*.
DO $$
BEGIN
    BEGIN
        CREATE ROLE mr_apply NOLOGIN;
    EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
    END;
    BEGIN
        CREATE ROLE meridian_app NOLOGIN;
    EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
    END;
    -- A write transaction holds back the horizon of the whole cluster, and with it replication.
    IF (SELECT rolconfig FROM pg_roles WHERE rolname = 'meridian_app') IS NULL THEN
        ALTER ROLE meridian_app SET statement_timeout = '8s';
        ALTER ROLE meridian_app SET idle_in_transaction_session_timeout = '10s';
    END IF;
    IF NOT pg_has_role(current_user, 'mr_apply', 'SET') OR current_setting('is_superuser') = 'off' THEN
        EXECUTE format('GRANT mr_apply TO %I', current_user);
    END IF;
END
$$;

GRANT USAGE, CREATE ON SCHEMA mr TO mr_apply;
GRANT USAGE ON SCHEMA mr TO meridian_app;
GRANT USAGE ON SCHEMA public TO mr_apply, meridian_app;

CREATE TABLE mr.local (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    region text NOT NULL,
    -- Raised by each rebuild of this region's database from an older copy: positions of two
    -- incarnations are not comparable.
    incarnation integer NOT NULL DEFAULT 0
);

-- Every region whose cursor holds back the trimming of the outbox.
CREATE TABLE mr.region (
    id text PRIMARY KEY,
    registered_at timestamptz NOT NULL DEFAULT now()
);

-- Which region writes single-leader entities.
CREATE TABLE mr.leadership (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    epoch bigint NOT NULL,
    leader text NOT NULL
);

-- Replaced by mr.init_region with constants, so that the planner folds them into the triggers:
-- looking the names up in a table would cost each write a scan.
CREATE FUNCTION mr.local_region() RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN NULL::text;
CREATE FUNCTION mr.local_actor() RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN NULL::text;

-- Names this database's region and the regions it replicates with. Repeating it is harmless; a
-- database that already holds another region's data refuses.
CREATE FUNCTION mr.init_region(p_region text, p_leader text, p_regions text[]) RETURNS void
    LANGUAGE plpgsql AS $$
DECLARE
    v_local mr.local;
    v_actor text;
BEGIN
    IF p_region !~ '^[a-z0-9][a-z0-9-]{0,30}$' THEN
        RAISE EXCEPTION 'Region id "%" must be lower case letters, digits and hyphens', p_region;
    END IF;
    INSERT INTO mr.local (region) VALUES (p_region) ON CONFLICT DO NOTHING;
    SELECT * INTO v_local FROM mr.local;
    IF v_local.region <> p_region THEN
        RAISE EXCEPTION 'This database belongs to region %, not to %', v_local.region, p_region;
    END IF;
    INSERT INTO mr.region (id) SELECT unnest(p_regions) ON CONFLICT DO NOTHING;
    INSERT INTO mr.leadership (epoch, leader) VALUES (1, p_leader) ON CONFLICT DO NOTHING;

    v_actor := p_region || CASE WHEN v_local.incarnation > 0 THEN '#' || v_local.incarnation ELSE '' END;
    IF mr.local_actor() IS DISTINCT FROM v_actor THEN
        EXECUTE format('CREATE OR REPLACE FUNCTION mr.local_region() RETURNS text
            LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN %L::text', p_region);
        EXECUTE format('CREATE OR REPLACE FUNCTION mr.local_actor() RETURNS text
            LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN %L::text', v_actor);
    END IF;
END
$$;

-- ---------------------------------------------------------------------------------------------
-- Hybrid logical clock (Kulkarni et al., 2014): 48 bits of milliseconds, 16 bits of counter.
-- ---------------------------------------------------------------------------------------------

CREATE FUNCTION mr.hlc_now() RETURNS bigint
    LANGUAGE sql VOLATILE PARALLEL SAFE
    RETURN floor(date_part('epoch', clock_timestamp()) * 1000)::bigint << 16;

CREATE FUNCTION mr.hlc_ms(p_hlc bigint) RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN p_hlc >> 16;

-- ---------------------------------------------------------------------------------------------
-- Vector clocks: { actor: number of its writes that this version includes }.
-- ---------------------------------------------------------------------------------------------

-- Whether a version with clock p_a includes everything that one with clock p_b does.
CREATE FUNCTION mr.clock_covers(p_a jsonb, p_b jsonb) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN p_a @> p_b OR NOT EXISTS (
        SELECT FROM jsonb_each_text(p_b) b
        WHERE coalesce((p_a ->> b.key)::bigint, 0) < b.value::bigint);

CREATE FUNCTION mr.clock_compare(p_a jsonb, p_b jsonb) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE
        WHEN mr.clock_covers(p_a, p_b) AND mr.clock_covers(p_b, p_a) THEN 'equal'
        WHEN mr.clock_covers(p_a, p_b) THEN 'after'
        WHEN mr.clock_covers(p_b, p_a) THEN 'before'
        ELSE 'concurrent' END;

-- The least clock that covers both.
CREATE FUNCTION mr.clock_join(p_a jsonb, p_b jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE
        WHEN mr.clock_covers(p_b, p_a) THEN p_b
        WHEN mr.clock_covers(p_a, p_b) THEN p_a
        ELSE (SELECT jsonb_object_agg(m.key, m.value)
              FROM (SELECT e.key, max(e.value::bigint) AS value
                    FROM (SELECT * FROM jsonb_each_text(p_a)
                          UNION ALL SELECT * FROM jsonb_each_text(p_b)) e
                    GROUP BY e.key) m) END;
