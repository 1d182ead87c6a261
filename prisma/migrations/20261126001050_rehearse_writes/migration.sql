-- The first captured write of a database session takes 20 ms, later ones 1.5: it has the triggers to compile, each for
-- its table, and catalogues to read. After a hand-over everybody's first write comes at once. So the application's
-- sessions have made one before, without effect: mr.rehearse_write().
--
-- Where another region leads, the fence refuses a write before there is anything to compile. mr.rehearse_capture runs as
-- a role of its own that the fence lets pass. It cannot write for all that:
--   * nobody logs in as mr_rehearse or is a member of it, but for whoever migrates: only this function runs as it;
--   * its statements are constants that write no row: two have none, and one has a row without an id, which no
--     table takes;
--   * what passes the fence is looked at again at its commit (mr_fence_at_commit), this role's too.
DO $$
BEGIN
    BEGIN
        CREATE ROLE mr_rehearse NOLOGIN;
    EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
    END;
    IF NOT pg_has_role(current_user, 'mr_rehearse', 'SET') OR current_setting('is_superuser') = 'off' THEN
        EXECUTE format('GRANT mr_rehearse TO %I', current_user);
    END IF;
    -- It may do what the application may, and no more.
    IF NOT pg_has_role('mr_rehearse', 'meridian_app', 'USAGE') THEN
        GRANT meridian_app TO mr_rehearse;
    END IF;
END
$$;

CREATE OR REPLACE FUNCTION mr.rebuild_triggers(p_table text, p_topology text, p_columns text[]) RETURNS void
    LANGUAGE plpgsql AS $$
DECLARE
    v_list text := (SELECT string_agg(format('%I', c), ', ') FROM unnest(p_columns) c);
    v_capture text := format('mr.%I', 'capture_' || p_table);
    v_stamp text := CASE WHEN (SELECT mr.has_state(policy) FROM mr.entity WHERE name = p_table)
        THEN format('mr.%I', 'stamp_' || p_table) ELSE 'mr.stamp' END;
    v_trigger text;
BEGIN
    EXECUTE format($sql$
        CREATE OR REPLACE FUNCTION %1$s() RETURNS trigger
            LANGUAGE plpgsql SECURITY DEFINER AS $body$
        BEGIN
            INSERT INTO mr.%2$I (%3$s) SELECT %3$s FROM written;
            RETURN NULL;
        END
        $body$
    $sql$, v_capture, 'outbox_' || p_table, v_list);
    -- Who may execute it could put it on a table of their own, and with that any rows into the outbox.
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', v_capture);

    EXECUTE format($sql$
        CREATE OR REPLACE TRIGGER mr_stamp BEFORE INSERT OR UPDATE ON public.%1$I
            FOR EACH ROW WHEN (current_user <> 'mr_apply') EXECUTE FUNCTION %3$s();
        CREATE OR REPLACE TRIGGER mr_capture_insert AFTER INSERT ON public.%1$I
            REFERENCING NEW TABLE AS written
            FOR EACH STATEMENT WHEN (current_user <> 'mr_apply') EXECUTE FUNCTION %2$s();
        CREATE OR REPLACE TRIGGER mr_capture_update AFTER UPDATE ON public.%1$I
            REFERENCING NEW TABLE AS written
            FOR EACH STATEMENT WHEN (current_user <> 'mr_apply') EXECUTE FUNCTION %2$s();
        CREATE OR REPLACE TRIGGER mr_refuse_delete BEFORE DELETE OR TRUNCATE ON public.%1$I
            FOR EACH STATEMENT WHEN (current_user <> 'mr_apply') EXECUTE FUNCTION mr.refuse_delete();
    $sql$, p_table, v_capture, v_stamp);
    FOREACH v_trigger IN ARRAY ARRAY['mr_fence', 'mr_fence_at_commit'] LOOP
        -- A constraint trigger cannot be replaced.
        EXECUTE format('DROP TRIGGER IF EXISTS %I ON public.%I', v_trigger, p_table);
    END LOOP;
    IF p_topology = 'single-leader' THEN
        EXECUTE format($sql$
            CREATE TRIGGER mr_fence BEFORE INSERT OR UPDATE ON public.%1$I
                FOR EACH STATEMENT WHEN (current_user NOT IN ('mr_apply', 'mr_rehearse')) EXECUTE FUNCTION mr.fence();
            CREATE CONSTRAINT TRIGGER mr_fence_at_commit AFTER INSERT OR UPDATE ON public.%1$I
                DEFERRABLE INITIALLY DEFERRED
                FOR EACH ROW WHEN (current_user <> 'mr_apply') EXECUTE FUNCTION mr.fence_at_commit();
        $sql$, p_table);
    END IF;
END
$$;

-- The schemas are those of the application's sessions: a plan that was made under others is made again.
CREATE FUNCTION mr.rehearse_capture() RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
DECLARE
    v_entities text[] := ARRAY(SELECT name FROM mr.entity WHERE topology = 'single-leader' ORDER BY name);
    v_entity text;
BEGIN
    FOREACH v_entity IN ARRAY v_entities LOOP
        EXECUTE format('INSERT INTO public.%1$I SELECT * FROM public.%1$I WHERE false', v_entity);
        EXECUTE format('UPDATE public.%1$I SET id = id WHERE false', v_entity);
    END LOOP;
    -- A stamp takes a transaction id, which holds back the horizon, so these come last.
    FOREACH v_entity IN ARRAY v_entities LOOP
        BEGIN
            EXECUTE format('INSERT INTO public.%1$I (id) VALUES (NULL)', v_entity);
            RAISE EXCEPTION '% took a row without an id', v_entity;
        EXCEPTION WHEN not_null_violation THEN NULL;
        END;
    END LOOP;
END
$$;

-- Does once, in this session, what a write of each single-leader entity does: no row is written, and no lock outlasts
-- it. For the application, on a connection that is new and that nobody waits for.
CREATE FUNCTION mr.rehearse_write() RETURNS void
    LANGUAGE plpgsql AS $$
DECLARE
    v_entity text;
BEGIN
    FOR v_entity IN SELECT name FROM mr.entity WHERE topology = 'single-leader' ORDER BY name LOOP
        -- The fence, as for everybody else. What passed it holds a lock that a hand-over waits for: not beyond here.
        BEGIN
            EXECUTE format('UPDATE public.%1$I SET id = id WHERE false', v_entity);
            RAISE EXCEPTION USING ERRCODE = 'MR007';
        EXCEPTION WHEN SQLSTATE 'MR001' OR SQLSTATE 'MR007' THEN NULL;
        END;
    END LOOP;
    PERFORM mr.rehearse_capture();
END
$$;

GRANT USAGE, CREATE ON SCHEMA mr TO mr_rehearse;
ALTER FUNCTION mr.rehearse_capture OWNER TO mr_rehearse;
REVOKE CREATE ON SCHEMA mr FROM mr_rehearse;
REVOKE EXECUTE ON FUNCTION mr.rehearse_capture, mr.rehearse_write FROM PUBLIC;
GRANT EXECUTE ON FUNCTION mr.rehearse_capture, mr.rehearse_write TO meridian_app;

DO $$
BEGIN
    PERFORM mr.redeclare(name) FROM mr.entity;
END
$$;
