-- A worker reaches the databases of other regions as a role of its own region, meridian_peer_<region>. It reads and
-- writes no table there that holds what people wrote: it calls what workers ask of each other, and is told what its
-- region may have. Which region that is follows from who logged in. The owner may ask for any region.

DO $$
BEGIN
    BEGIN
        CREATE ROLE mr_peer NOLOGIN;
    EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
    END;
    -- A region that is being joined is closed to all but the owner and its peers.
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO mr_peer', current_database());
END
$$;

-- Without a password nobody logs in as it: `npm run db:migrate` sets those that it is given.
CREATE FUNCTION mr.make_peer_role(p_region text) RETURNS void
    LANGUAGE plpgsql AS $$
DECLARE
    v_role text := 'meridian_peer_' || p_region;
BEGIN
    BEGIN
        EXECUTE format('CREATE ROLE %I NOLOGIN', v_role);
    EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
    END;
    IF NOT EXISTS (SELECT FROM pg_auth_members WHERE roleid = 'mr_peer'::regrole AND member = quote_ident(v_role)::regrole) THEN
        BEGIN
            EXECUTE format('GRANT mr_peer TO %I', v_role);
        -- Another database of the same server, at the same time.
        EXCEPTION WHEN unique_violation OR internal_error THEN NULL;
        END;
    END IF;
END
$$;

CREATE FUNCTION mr.make_role_of_peer() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    PERFORM mr.make_peer_role(NEW.id);
    RETURN NEW;
END
$$;

CREATE TRIGGER make_role AFTER INSERT ON mr.region FOR EACH ROW EXECUTE FUNCTION mr.make_role_of_peer();
SELECT mr.make_peer_role(id) FROM mr.region;

-- Whoever has the owner's rights may read for any region, and for everybody (NULL); a peer for its own alone. Called
-- in functions that run as the owner.
CREATE FUNCTION mr.refuse_reader(p_readers text[]) RETURNS void
    LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF NOT pg_has_role(session_user, current_user, 'USAGE')
        AND (session_user::text = ANY (SELECT 'meridian_peer_' || r FROM unnest(p_readers) r)) IS NOT TRUE THEN
        RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
            MESSAGE = format('%s reads for its own region alone', session_user);
    END IF;
END
$$;

-- ---------------------------------------------------------------------------------------------
-- Reading. As before, but for who asks: every text that a peer is given comes from one of these.
-- ---------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION mr.visible_sql(p_entity text, p_readers text[]) RETURNS text
    LANGUAGE plpgsql STABLE AS $$
BEGIN
    PERFORM mr.refuse_reader(p_readers);
    RETURN (SELECT 'NOT ' || mr.excluded_sql(policy, 't', quote_literal(p_readers) || '::text[]') FROM mr.entity WHERE name = p_entity);
END
$$;

CREATE OR REPLACE FUNCTION mr.rebuild_batch_functions() RETURNS void
    LANGUAGE plpgsql AS $$
DECLARE
    v_entities text[] := (SELECT array_agg(name ORDER BY name) FROM mr.entity);
    v_cut text;
    v_last text;
    v_newest text;
    v_read text;
    v_look text;
    v_parameters text;
    v_apply text;
    v_ahead text;
    v_old regprocedure;
BEGIN
    SELECT
        string_agg(format($f$
            SELECT o.position INTO v_next FROM mr.%1$I o
            WHERE o.position > p_after AND o.position < v_horizon
            ORDER BY o.position OFFSET p_limit LIMIT 1;
            v_cut := least(v_cut, v_next);$f$, 'outbox_' || e), ''),
        string_agg(format($f$
            SELECT max(o.position) INTO v_next FROM mr.%1$I o
            WHERE o.position > p_after AND o.position < v_cut;
            v_upto := greatest(v_upto, v_next);$f$, 'outbox_' || e), ''),
        string_agg(format('(SELECT max(position) FROM mr.%I)', 'outbox_' || e), ', '),
        string_agg(format($f$
            RETURN QUERY SELECT %2$L::text, count(*)::integer, mr.array_elements(array_agg(o.event)), v_upto, v_time, v_complete, v_withheld
            FROM (SELECT e AS event, (row_number() OVER () - 1) / 250 AS part FROM mr.%1$I e
                  WHERE e.position > p_after AND e.position <= v_upto%3$s) o GROUP BY o.part;
            v_found := v_found OR FOUND;$f$, 'outbox_' || e, e, coalesce(' AND NOT ' || x.excluded, '')), ''),
        coalesce(string_agg(format($f$EXISTS (SELECT FROM mr.%1$I e
                    WHERE e.position > p_after AND e.position <= v_upto AND %2$s)$f$, 'outbox_' || e, x.excluded), ' OR ')
            FILTER (WHERE x.excluded IS NOT NULL), 'false'),
        string_agg(format(', %1$I mr.%2$I[] DEFAULT NULL', 'p_' || e, 'outbox_' || e), ''),
        string_agg(CASE e WHEN 'Conflict' THEN $f$
            IF v_choices <> '{}' OR "p_Conflict" IS NOT NULL THEN
                PERFORM pg_advisory_xact_lock(727073, 2);
                IF v_choices <> '{}' THEN
                    PERFORM mr.record_choices(v_choices);
                END IF;
            END IF;$f$ ELSE '' END || format($f$
            IF %1$I IS NOT NULL THEN
                IF p_isolate THEN
                    PERFORM mr.%3$I(p_actor, %1$I);
                ELSIF EXISTS (SELECT FROM mr.dead_letter WHERE open AND entity = %4$L) THEN
                    PERFORM mr.%2$I(p_actor, %1$I);
                ELSE
                    -- Not by way of deliver: each function on the way copies the array.
                    v_choices := v_choices || mr.%5$I(%1$I);
                END IF;
                v_events := v_events + cardinality(%1$I);
            END IF;$f$, 'p_' || e, 'deliver_' || e, 'deliver_isolated_' || e, e, 'merge_into_' || e), ''
            ORDER BY e = 'Conflict', e),
        string_agg(format($f$(SELECT max(hlc) FROM unnest(%1$I))$f$, 'p_' || e), ', ')
    INTO v_cut, v_last, v_newest, v_read, v_look, v_parameters, v_apply, v_ahead
    FROM unnest(v_entities) e,
        LATERAL (SELECT CASE WHEN n.policy -> 'residency' ->> 'by' IS NOT NULL
            THEN mr.excluded_sql(n.policy, 'e', 'ARRAY[p_reader]') END AS excluded FROM mr.entity n WHERE n.name = e) x;

    EXECUTE format($sql$
        CREATE OR REPLACE FUNCTION mr.last_event() RETURNS bigint
            LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $body$
        BEGIN
            RETURN coalesce(greatest(%1$s), 0);
        END
        $body$
    $sql$, v_newest);

    EXECUTE format($sql$
        CREATE OR REPLACE FUNCTION mr.read_outbox(p_after bigint, p_limit integer, p_reader text) RETURNS SETOF mr.outbox_batch
            LANGUAGE plpgsql STABLE ROWS 4 SECURITY DEFINER SET search_path = pg_catalog AS $body$
        DECLARE
            -- STABLE, and no call of mr.horizon(), which would take a snapshot of its own: every
            -- statement in here sees the one snapshot that the horizon is of.
            v_horizon bigint := txid_snapshot_xmin(txid_current_snapshot());
            -- Before the snapshot was taken: a commit between the two would be claimed as seen.
            v_time timestamptz := transaction_timestamp();
            v_cut bigint := v_horizon;
            v_upto bigint := p_after;
            v_next bigint;
            v_complete boolean;
            v_found boolean := false;
            v_withheld boolean := false;
        BEGIN
            PERFORM mr.refuse_reader(ARRAY[p_reader]);
            PERFORM mr.refuse_trimmed(p_after);
            %1$s
            -- The transaction in which the limit falls is left for the next batch, unless the batch
            -- would then be empty: a transaction larger than the limit is read whole.
            %2$s
            IF v_upto = p_after AND v_cut < v_horizon THEN
                v_upto := v_cut;
            END IF;
            v_complete := mr.last_event() <= v_upto;
            IF v_upto = p_after THEN
                RETURN NEXT ROW(NULL::text, 0, NULL::bytea, p_after, v_time, v_complete, false)::mr.outbox_batch;
                RETURN;
            END IF;
            IF p_reader IS NULL THEN
                v_withheld := %4$s;
            END IF;
            %3$s
            -- Nothing for this reader: its cursor moves on all the same.
            IF NOT v_found THEN
                RETURN NEXT ROW(NULL::text, 0, NULL::bytea, v_upto, v_time, v_complete, v_withheld)::mr.outbox_batch;
            END IF;
        END
        $body$
    $sql$, v_cut, v_last, v_read, v_look);

    FOR v_old IN SELECT oid::regprocedure FROM pg_proc
        WHERE proname = 'apply_batch' AND pronamespace = 'mr'::regnamespace
    LOOP
        EXECUTE format('DROP FUNCTION %s', v_old);
    END LOOP;
    EXECUTE format($sql$
        CREATE FUNCTION mr.apply_batch(
            p_actor text, p_prev bigint, p_upto bigint, p_schema_version integer, p_source_time timestamptz,
            p_complete boolean, p_isolate boolean DEFAULT false%1$s
        ) RETURNS mr.apply_outcome LANGUAGE plpgsql AS $body$
        DECLARE
            v_outcome mr.apply_outcome := mr.lock_cursor(p_actor, p_prev, p_upto, p_schema_version);
            v_events bigint := 0;
            v_choices jsonb[] := '{}';
        BEGIN
            IF v_outcome <> 'applied' THEN
                RETURN v_outcome;
            END IF;
            -- A clock that runs ahead would win every conflict until ours caught up with it.
            IF greatest(%3$s) > mr.hlc_now() + (500::bigint << 16) THEN
                RETURN 'clock-ahead';
            END IF;
            SET CONSTRAINTS ALL DEFERRED;
            %2$s
            PERFORM mr.move_cursor(p_actor, p_upto, p_source_time, p_complete, v_events);
            RETURN 'applied';
        END
        $body$
    $sql$, v_parameters, v_apply, v_ahead);
    REVOKE ALL ON FUNCTION mr.read_outbox(bigint, integer, text) FROM PUBLIC;
    GRANT EXECUTE ON FUNCTION mr.read_outbox(bigint, integer, text), mr.last_event TO mr_peer;
    REVOKE ALL ON FUNCTION mr.apply_batch FROM PUBLIC;
END
$$;

SELECT mr.rebuild_batch_functions() WHERE EXISTS (SELECT FROM mr.entity);

DO $$
DECLARE
    v_function regprocedure;
BEGIN
    FOR v_function IN
        SELECT oid::regprocedure FROM pg_proc WHERE pronamespace = 'mr'::regnamespace AND proname IN (
            -- what a region is, has and lacks
            'status', 'stability', 'held', 'seen_incarnation', 'schema_version', 'has_rows', 'placed_rows',
            -- rows, and what they are compared by
            'read_rows', 'rows_beyond', 'range_bounds', 'hash_ranges', 'list_range', 'list_rows',
            -- leadership: whoever's worker lives renews the lease of a leader whose worker does not
            'probe', 'control', 'grant_lease', 'hold_lease', 'promise_epoch', 'release_lease', 'rehearse', 'unseen_events',
            'put_attempt')
    LOOP
        EXECUTE format('ALTER FUNCTION %s SECURITY DEFINER SET search_path = pg_catalog', v_function);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO mr_peer', v_function);
    END LOOP;
END
$$;

-- It commits, which what runs as another role must not.
GRANT EXECUTE ON PROCEDURE mr.promise_and_tell TO mr_peer;
GRANT EXECUTE ON FUNCTION mr.local_region, mr.local_actor, mr.boot TO mr_peer;
GRANT USAGE ON SCHEMA mr TO mr_peer;
-- Names, positions and counts.
GRANT SELECT ON mr.local, mr.leadership, mr.entity, mr.cursor, mr.beat, mr.peer_beat TO mr_peer;
-- Not the detail: what a database said of a row may quote it.
GRANT SELECT (actor, reason) ON mr.stall TO mr_peer;

REVOKE EXECUTE ON FUNCTION mr.make_peer_role, mr.make_role_of_peer, mr.refuse_reader FROM PUBLIC;
