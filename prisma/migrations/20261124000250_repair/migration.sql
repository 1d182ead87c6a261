-- Repair: what is known when streams alone cannot bring regions together. A row carries its own
-- state, so merging a snapshot of another region's rows, and then taking over the cursors that were
-- read in the same snapshot, stands in for every event that led to it. That one mechanism serves a
-- new region, one rebuilt from nothing, one restored from an old copy, a reader whose events have
-- been dropped, and rows that differ for any other reason.

-- ---------------------------------------------------------------------------------------------
-- The end of the outbox: a reader behind it would silently skip what was dropped.
-- ---------------------------------------------------------------------------------------------

CREATE TABLE mr.trimmed (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    -- The greatest position of an event that was dropped.
    position bigint NOT NULL DEFAULT 0
);
INSERT INTO mr.trimmed (position)
SELECT coalesce(min(coalesce(c.position, 0)), 0)
FROM mr.region r LEFT JOIN mr.peer_cursor c ON c.region = r.id AND c.actor = mr.local_actor()
WHERE r.id <> mr.local_region();

--   ready     writes are taken.
--   copying   the rows of the other regions are being copied in.
--   restored  the database is older than what its peers have of it: it takes no writes and tells no
--             events until it has taken a new incarnation.
ALTER TABLE mr.local
    ADD COLUMN state text NOT NULL DEFAULT 'ready' CHECK (state IN ('ready', 'copying', 'restored')),
    -- Own events from this position on may be others than those that the peers have at it.
    ADD COLUMN doubtful_from bigint NOT NULL DEFAULT 0;

-- Called by mr.read_outbox. STABLE: it sees the snapshot that the events are read with.
CREATE FUNCTION mr.refuse_trimmed(p_after bigint) RETURNS void
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    v_trimmed bigint;
    v_state text;
BEGIN
    SELECT t.position, l.state INTO v_trimmed, v_state FROM mr.trimmed t LEFT JOIN mr.local l ON true;
    IF v_state = 'restored' THEN
        RAISE EXCEPTION 'The database of % is older than what its peers have of it', mr.local_region()
            USING ERRCODE = 'MR011';
    END IF;
    IF p_after < v_trimmed THEN
        RAISE EXCEPTION 'Events of % up to position % have been dropped, and its reader is at %',
            mr.local_region(), v_trimmed, p_after USING ERRCODE = 'MR010';
    END IF;
END
$$;

-- Drops events that every registered region has applied, and notes in the same transaction up to
-- where. Without a cursor of each of them nothing is dropped: an unknown cursor is at zero.
CREATE OR REPLACE FUNCTION mr.trim_outbox(p_limit integer) RETURNS integer
    LANGUAGE plpgsql AS $$
DECLARE
    v_entity text;
    v_below bigint;
    v_upto bigint;
    v_trimmed bigint := 0;
    v_count integer;
    v_sum integer := 0;
BEGIN
    IF (SELECT state FROM mr.local) = 'restored' THEN
        RETURN 0;
    END IF;
    SELECT min(coalesce(c.position, 0)) INTO v_below
    FROM mr.region r LEFT JOIN mr.peer_cursor c ON c.region = r.id AND c.actor = mr.local_actor()
    WHERE r.id <> mr.local_region();
    FOR v_entity IN SELECT name FROM mr.entity LOOP
        EXECUTE format('WITH dropped AS (DELETE FROM mr.%1$I WHERE ctid = ANY (ARRAY(
                SELECT ctid FROM mr.%1$I WHERE position <= $1 ORDER BY position LIMIT $2)) RETURNING position)
            SELECT count(*), max(position) FROM dropped', 'outbox_' || v_entity)
            INTO v_count, v_upto USING coalesce(v_below, mr.horizon() - 1), p_limit;
        v_trimmed := greatest(v_trimmed, v_upto);
        v_sum := v_sum + v_count;
    END LOOP;
    UPDATE mr.trimmed SET position = v_trimmed WHERE position < v_trimmed;
    RETURN v_sum;
END
$$;

-- ---------------------------------------------------------------------------------------------
-- Comparing. Ranges are half open, [from, to), in the order of ids; null is no bound.
-- ---------------------------------------------------------------------------------------------

-- The row `t` of an entity with all its metadata as text. Columns by name: their order in the table
-- depends on its history.
CREATE FUNCTION mr.row_text_sql(p_entity text) RETURNS text
    LANGUAGE sql STABLE AS $$
    SELECT format('ROW(%s)::text', string_agg(format('t.%I', c), ', ' ORDER BY c COLLATE "C"))
    FROM mr.entity e, unnest(e.columns) c WHERE e.name = p_entity
$$;

CREATE FUNCTION mr.range_sql(p_from text, p_to text) RETURNS text
    LANGUAGE sql IMMUTABLE
    RETURN concat('true', ' AND t.id >= ' || quote_literal(p_from), ' AND t.id < ' || quote_literal(p_to));

-- Every p_step-th id of a range: bounds that divide it into ranges of that many rows.
CREATE FUNCTION mr.range_bounds(p_entity text, p_from text, p_to text, p_step integer) RETURNS text[]
    LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_bounds text[];
BEGIN
    EXECUTE format('SELECT coalesce(array_agg(id ORDER BY n), ''{}'') FROM (
            SELECT t.id, row_number() OVER (ORDER BY t.id) AS n FROM public.%I t WHERE %s) i WHERE n %% $1 = 0',
        p_entity, mr.range_sql(p_from, p_to)) INTO v_bounds USING p_step;
    RETURN v_bounds;
END
$$;

-- One row for each range between the bounds that is not empty, 0 being that before the first. The
-- hash is the sum of the first 64 bits of each row's MD5: it does not depend on an order of the rows.
CREATE FUNCTION mr.hash_ranges(p_entity text, p_from text, p_to text, p_bounds text[])
    RETURNS TABLE (bucket integer, "rows" bigint, hash text)
    LANGUAGE plpgsql STABLE SET timezone = 'UTC' SET datestyle = 'ISO, YMD' SET bytea_output = 'hex' AS $$
BEGIN
    RETURN QUERY EXECUTE format(
        'SELECT width_bucket(t.id, $1), count(*), sum((''x'' || left(md5(%s), 16))::bit(64)::bigint)::text
         FROM public.%I t WHERE %s GROUP BY 1',
        mr.row_text_sql(p_entity), p_entity, mr.range_sql(p_from, p_to)) USING p_bounds;
END
$$;

-- `leaving`: a tombstone that may be deleted here at any time, because every region has it.
CREATE TYPE mr.row_state AS (id text, hash text, clock text, origin text, bytes integer, leaving boolean);

CREATE FUNCTION mr.leaving_sql(p_entity text) RETURNS text
    LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN CASE WHEN (SELECT (policy ->> 'collect')::boolean FROM mr.entity WHERE name = p_entity)
        THEN 't."deletedAt" IS NOT NULL' ELSE 'false' END;
END
$$;

CREATE FUNCTION mr.list_range(p_entity text, p_from text, p_to text) RETURNS SETOF mr.row_state
    LANGUAGE plpgsql STABLE SET timezone = 'UTC' SET datestyle = 'ISO, YMD' SET bytea_output = 'hex' AS $$
BEGIN
    RETURN QUERY EXECUTE format(
        'SELECT t.id, md5(r.x), t.clock::text, t.origin, octet_length(r.x), %s
         FROM public.%I t, LATERAL (SELECT %s AS x OFFSET 0) r WHERE %s ORDER BY t.id',
        mr.leaving_sql(p_entity), p_entity, mr.row_text_sql(p_entity), mr.range_sql(p_from, p_to));
END
$$;

CREATE FUNCTION mr.list_rows(p_entity text, p_ids text[]) RETURNS SETOF mr.row_state
    LANGUAGE plpgsql STABLE SET timezone = 'UTC' SET datestyle = 'ISO, YMD' SET bytea_output = 'hex' AS $$
BEGIN
    RETURN QUERY EXECUTE format(
        'SELECT t.id, md5(r.x), t.clock::text, t.origin, octet_length(r.x), %s
         FROM public.%I t, LATERAL (SELECT %s AS x OFFSET 0) r WHERE t.id = ANY ($1)',
        mr.leaving_sql(p_entity), p_entity, mr.row_text_sql(p_entity)) USING p_ids;
END
$$;

-- ---------------------------------------------------------------------------------------------
-- Moving rows. They travel as events do; mr."apply_<entity>" merges them.
-- ---------------------------------------------------------------------------------------------

CREATE FUNCTION mr.read_rows(p_entity text, p_ids text[]) RETURNS TABLE (events integer, payload bytea)
    LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_columns text;
BEGIN
    -- The outbox may still have a column that the table has lost.
    SELECT string_agg(CASE WHEN a.attname = ANY (e.columns) THEN format('t.%I', a.attname) ELSE 'NULL' END,
        ', ' ORDER BY a.attnum) INTO STRICT v_columns
    FROM mr.entity e JOIN pg_attribute a ON a.attrelid = format('mr.%I', 'outbox_' || e.name)::regclass
    WHERE e.name = p_entity AND a.attnum > 0 AND NOT a.attisdropped;
    RETURN QUERY EXECUTE format(
        'SELECT count(*)::integer, mr.array_elements(array_agg(ROW(%s)::mr.%I)) FROM public.%I t WHERE t.id = ANY ($1)',
        v_columns, 'outbox_' || p_entity, p_entity) USING p_ids;
END
$$;

-- Merges rows of any origins into a table, with no cursor moved.
CREATE FUNCTION mr.merge_copied(p_entity text, p_rows anyarray) RETURNS void
    LANGUAGE plpgsql AS $$
BEGIN
    SET CONSTRAINTS ALL DEFERRED;
    EXECUTE format('SELECT mr.%I($1)', 'apply_' || p_entity) USING p_rows;
END
$$;

-- Replaces rows by others exactly as they are, uncaptured, where they are still the ones that were
-- compared. Returns how many it replaced.
CREATE FUNCTION mr.put_rows(p_entity text, p_rows anyarray, p_ids text[], p_expected text[]) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET timezone = 'UTC' SET datestyle = 'ISO, YMD' SET bytea_output = 'hex' AS $$
DECLARE
    v_columns text;
    v_count integer;
BEGIN
    SELECT string_agg(format('%1$I = n.%1$I', c), ', ') INTO STRICT v_columns
    FROM mr.entity e, unnest(e.columns) c WHERE e.name = p_entity;
    EXECUTE format(
        'UPDATE public.%I t SET %s FROM unnest($1) n JOIN unnest($2, $3) AS x (id, hash) ON x.id = n.id
         WHERE t.id = n.id AND md5(%s) = x.hash', p_entity, v_columns, mr.row_text_sql(p_entity))
        USING p_rows, p_ids, p_expected;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    RETURN v_count;
END
$$;

-- How far a region holds every other one, and itself, as of the snapshot of the caller.
CREATE FUNCTION mr.held() RETURNS jsonb
    LANGUAGE sql STABLE AS $$
    SELECT coalesce(jsonb_object_agg(h.actor, h.position::text), '{}') FROM (
        SELECT c.actor, c.position FROM mr.cursor c WHERE c.actor <> mr.local_actor()
        UNION ALL
        SELECT mr.local_actor(), txid_snapshot_xmin(txid_current_snapshot()) - 1
        WHERE mr.local_actor() IS NOT NULL) h
$$;

-- For a region that has merged all rows of a snapshot that held this much.
CREATE FUNCTION mr.raise_cursors(p_held jsonb) RETURNS void
    LANGUAGE sql VOLATILE AS $$
    INSERT INTO mr.cursor AS c (actor, position)
    SELECT h.key, h.value::bigint FROM jsonb_each_text(p_held) h WHERE h.key <> mr.local_actor() ORDER BY h.key
    ON CONFLICT (actor) DO UPDATE SET position = EXCLUDED.position WHERE c.position < EXCLUDED.position
$$;

-- ---------------------------------------------------------------------------------------------
-- Regions that join, and incarnations.
-- ---------------------------------------------------------------------------------------------

-- From now on nothing is dropped that the region has not applied. p_anew: its database is a new one,
-- and what the former one had applied does not count.
CREATE FUNCTION mr.register_region(p_region text, p_anew boolean) RETURNS void
    LANGUAGE sql VOLATILE AS $$
    INSERT INTO mr.region (id) VALUES (p_region) ON CONFLICT DO NOTHING;
    DELETE FROM mr.peer_cursor WHERE p_anew AND region = p_region;
$$;

-- The greatest incarnation of a region that this one knows of; null for none.
CREATE FUNCTION mr.seen_incarnation(p_region text) RETURNS integer
    LANGUAGE sql STABLE AS $$
    SELECT max(coalesce(nullif(split_part(a.actor, '#', 2), ''), '0')::integer) FROM (
        SELECT actor FROM mr.cursor UNION ALL SELECT actor FROM mr.peer
        UNION ALL SELECT actor FROM mr.peer_cursor UNION ALL SELECT mr.local_actor()) a
    WHERE split_part(a.actor, '#', 1) = p_region
$$;

-- ---------------------------------------------------------------------------------------------
-- A database restored from an old copy. It counts its boots and, while its worker runs, the seconds
-- of each; peers note what they saw. A copy has counted less of a boot than the peers have seen, and
-- always will have: the copy itself runs in another boot. Its own positions could not tell, because
-- writes after the restore soon carry them past the cursors of the peers.
-- ---------------------------------------------------------------------------------------------

CREATE TABLE mr.beat (
    boot text PRIMARY KEY,
    beat bigint NOT NULL,
    -- mr.head() at the last beat: what this boot wrote later has no lower position.
    head bigint NOT NULL
);

CREATE TABLE mr.peer_beat (
    region text NOT NULL,
    boot text NOT NULL,
    beat bigint NOT NULL,
    PRIMARY KEY (region, boot)
);

-- Another one after each start of the server, and in each database copied from this one.
CREATE FUNCTION mr.boot() RETURNS text
    LANGUAGE sql STABLE AS $$
    SELECT d.oid || '/' || to_char(pg_postmaster_start_time() AT TIME ZONE 'UTC', 'YYYYMMDDHH24MISSUS')
    FROM pg_database d WHERE d.datname = current_database()
$$;

CREATE FUNCTION mr.count_beat() RETURNS void
    LANGUAGE sql VOLATILE AS $$
    INSERT INTO mr.beat AS b (boot, beat, head) SELECT mr.boot(), 1, mr.head() FROM mr.local WHERE state = 'ready'
    ON CONFLICT (boot) DO UPDATE SET beat = b.beat + 1, head = EXCLUDED.head
$$;

CREATE FUNCTION mr.observe_beat(p_region text, p_beat jsonb) RETURNS void
    LANGUAGE sql VOLATILE AS $$
    INSERT INTO mr.peer_beat AS b (region, boot, beat)
    SELECT p_region, e.key, e.value::bigint FROM jsonb_each_text(p_beat) e
    ON CONFLICT (region, boot) DO UPDATE SET beat = EXCLUDED.beat WHERE b.beat < EXCLUDED.beat
$$;

CREATE FUNCTION mr.refuse_write() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    -- What merging the peers' rows records is written under the new incarnation already.
    IF TG_TABLE_NAME = 'Conflict' AND (SELECT state FROM mr.local) = 'copying' THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION 'The database of % is older than what its peers have of it: it takes no writes until it has caught up',
        mr.local_region() USING ERRCODE = 'MR011';
END
$$;

-- By a trigger that is there only meanwhile: it costs other times nothing, and creating it waits for
-- the writes that are under way.
CREATE FUNCTION mr.refuse_writes(p_doubtful_from bigint) RETURNS void
    LANGUAGE plpgsql AS $$
DECLARE
    v_entity text;
BEGIN
    FOR v_entity IN SELECT name FROM mr.entity ORDER BY name LOOP
        EXECUTE format('CREATE OR REPLACE TRIGGER mr_refuse BEFORE INSERT OR UPDATE ON public.%I
            FOR EACH STATEMENT WHEN (current_user <> ''mr_apply'') EXECUTE FUNCTION mr.refuse_write()', v_entity);
    END LOOP;
    UPDATE mr.local SET state = 'restored', doubtful_from = p_doubtful_from;
END
$$;

-- Compares this database with what a peer said of it: its cursors, and the beats that it saw. When
-- the peer knows more, this region refuses writes from now on. Returns whether it does.
CREATE FUNCTION mr.notice_restored(p_cursors jsonb, p_beats jsonb) RETURNS boolean
    LANGUAGE plpgsql AS $$
DECLARE
    v_from bigint;
BEGIN
    IF (SELECT state FROM mr.local) <> 'ready' THEN
        RETURN true;
    END IF;
    IF coalesce((p_cursors ->> mr.local_actor())::bigint, 0) < mr.head() AND NOT EXISTS (
        SELECT FROM jsonb_each_text(p_beats) s LEFT JOIN mr.beat b ON b.boot = s.key
        WHERE coalesce(b.beat, 0) < s.value::bigint)
    THEN
        RETURN false;
    END IF;
    -- The last moment that peers and copy have in common: within a boot of which they saw more, else
    -- at the end of the newest one that both know.
    SELECT coalesce(min(b.head) FILTER (WHERE b.beat < s.value::bigint), max(b.head), 0) INTO v_from
    FROM jsonb_each_text(p_beats) s JOIN mr.beat b ON b.boot = s.key
    WHERE b.boot <> mr.boot() OR b.beat < s.value::bigint;
    PERFORM mr.refuse_writes(v_from);
    RETURN true;
END
$$;

-- Gives the writes of p_from since its count p_first on the row to p_to. In the state of a row an
-- actor stands in stamps, { "o": actor, "n": count }, and as key of dots, { actor: count }.
CREATE FUNCTION mr.rename_actor(p_state jsonb, p_from text, p_to text, p_first bigint) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN CASE jsonb_typeof(p_state)
        WHEN 'array' THEN (
            SELECT coalesce(jsonb_agg(mr.rename_actor(e.value, p_from, p_to, p_first) ORDER BY e.ordinality), '[]')
            FROM jsonb_array_elements(p_state) WITH ORDINALITY e)
        WHEN 'object' THEN
            CASE
                WHEN p_state ->> 'o' = p_from AND jsonb_typeof(p_state -> 'n') = 'number'
                    AND (p_state ->> 'n')::bigint >= p_first
                THEN p_state || jsonb_build_object('o', p_to, 'n', (p_state ->> 'n')::bigint - p_first + 1)
                ELSE coalesce((
                    SELECT jsonb_object_agg(
                        CASE WHEN e.dot THEN p_to ELSE e.key END,
                        CASE WHEN e.dot THEN to_jsonb(e.value::text::bigint - p_first + 1)
                             WHEN e.key = 'v' THEN e.value
                             ELSE mr.rename_actor(e.value, p_from, p_to, p_first) END)
                    FROM (SELECT key, value, CASE WHEN key = p_from AND jsonb_typeof(value) = 'number'
                              THEN value::text::bigint >= p_first ELSE false END AS dot
                          FROM jsonb_each(p_state)) e), '{}')
            END
        ELSE p_state END;
END
$$;

-- The clock of a row after the same.
CREATE FUNCTION mr.rename_in_clock(p_clock jsonb, p_from text, p_to text, p_first bigint) RETURNS jsonb
    LANGUAGE sql IMMUTABLE
    RETURN (p_clock - p_from)
        || CASE WHEN p_first > 1 THEN jsonb_build_object(p_from, p_first - 1) ELSE '{}' END
        || jsonb_build_object(p_to, (p_clock ->> p_from)::bigint - p_first + 1);

CREATE FUNCTION mr.rename_rows(p_entity text, p_from text, p_to text, p_ids text[], p_firsts bigint[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    -- A row whose last version is of another actor, or from before p_firsts, becomes a version of the new
    -- one too, of the same content: an event is always a write of the actor that tells it.
    EXECUTE format('UPDATE public.%I t SET
            clock = mr.rename_in_clock(t.clock, $1, $2, d.first)
                || CASE WHEN t.origin = $1 AND (t.clock ->> $1)::bigint >= d.first THEN ''{}''
                        ELSE jsonb_build_object($2, (t.clock ->> $1)::bigint - d.first + 2) END,
            hlc = CASE WHEN t.origin = $1 AND (t.clock ->> $1)::bigint >= d.first THEN t.hlc ELSE t.hlc + 1 END,
            origin = $2, position = txid_current()%s
        FROM unnest($3, $4) AS d (id, first) WHERE t.id = d.id', p_entity,
        CASE WHEN (SELECT 'merge' = ANY (columns) FROM mr.entity WHERE name = p_entity)
             -- The amounts of a bounded counter are no counts of writes.
             THEN ', merge = mr.rename_actor(t.merge - $5, $1, $2, d.first)
                 || coalesce((SELECT jsonb_object_agg(k, t.merge -> k) FROM unnest($5) k WHERE t.merge ? k), ''{}'')' END)
        USING p_from, p_to, p_ids, p_firsts, ARRAY(
            SELECT r ->> 'name' FROM mr.entity e, jsonb_array_elements(e.registers) r
            WHERE e.name = p_entity AND r ->> 'strategy' = 'bounded-counter');
END
$$;

-- Names this region anew after a restore. What it wrote since is given to the new actor, because its
-- counts under the old one may be those of other writes at the peers, and is told again. So are the
-- rows of older events past p_applied, up to where all peers have applied the old actor: its stream
-- ends here. Returns how many rows it tells again.
CREATE FUNCTION mr.take_incarnation(p_incarnation integer, p_applied bigint) RETURNS integer
    LANGUAGE plpgsql AS $$
DECLARE
    v_local mr.local;
    v_from text := mr.local_actor();
    v_to text := mr.local_region() || '#' || p_incarnation;
    v_entity record;
    v_columns text;
    v_ids text[];
    v_firsts bigint[];
    v_sum integer := 0;
BEGIN
    SELECT * INTO STRICT v_local FROM mr.local FOR UPDATE;
    IF v_local.state <> 'restored' OR p_incarnation <= v_local.incarnation THEN
        RAISE EXCEPTION 'Incarnation % cannot follow on %, % in state %', p_incarnation, v_from,
            v_local.incarnation, v_local.state;
    END IF;
    FOR v_entity IN SELECT name, columns FROM mr.entity ORDER BY name LOOP
        -- All of them: applying expects that the events of a row in a batch are of one actor.
        EXECUTE format('WITH dropped AS (DELETE FROM mr.%1$I RETURNING id, position, (clock ->> $1)::bigint AS count)
            SELECT coalesce(array_agg(d.id), ''{}''), coalesce(array_agg(d.first), ''{}'')
            FROM (SELECT id, coalesce(min(count) FILTER (WHERE position >= $2), max(count) + 1) AS first
                  FROM dropped WHERE position >= $2 OR position > $3 GROUP BY id) d',
            'outbox_' || v_entity.name) INTO v_ids, v_firsts USING v_from, v_local.doubtful_from, p_applied;
        IF cardinality(v_ids) > 0 THEN
            PERFORM mr.rename_rows(v_entity.name, v_from, v_to, v_ids, v_firsts);
            SELECT string_agg(format('%I', c), ', ') INTO v_columns FROM unnest(v_entity.columns) c;
            EXECUTE format('INSERT INTO mr.%I (%s) SELECT %2$s FROM public.%I WHERE id = ANY ($1)',
                'outbox_' || v_entity.name, v_columns, v_entity.name) USING v_ids;
            v_sum := v_sum + cardinality(v_ids);
        END IF;
    END LOOP;
    UPDATE mr.trimmed SET position = 0;
    UPDATE mr.local SET incarnation = p_incarnation, state = 'copying';
    PERFORM mr.init_region(v_local.region, (SELECT leader FROM mr.leadership), '{}');
    RETURN v_sum;
END
$$;

-- Everything that the peers had has been merged. p_beats: what they saw of the boots of this region.
CREATE FUNCTION mr.accept_writes(p_beats jsonb) RETURNS void
    LANGUAGE plpgsql AS $$
DECLARE
    v_entity text;
BEGIN
    INSERT INTO mr.beat AS b (boot, beat, head) SELECT e.key, e.value::bigint, mr.head() FROM jsonb_each_text(p_beats) e
    ON CONFLICT (boot) DO UPDATE SET beat = greatest(b.beat, EXCLUDED.beat), head = EXCLUDED.head;
    FOR v_entity IN SELECT name FROM mr.entity ORDER BY name LOOP
        IF EXISTS (SELECT FROM pg_trigger WHERE tgname = 'mr_refuse' AND tgrelid = format('public.%I', v_entity)::regclass) THEN
            EXECUTE format('DROP TRIGGER mr_refuse ON public.%I', v_entity);
        END IF;
    END LOOP;
    UPDATE mr.local SET state = 'ready', doubtful_from = 0;
END
$$;

-- As before, and `beat`: this region's present one, `beats`: those it saw of each other region.
DROP FUNCTION mr.status(bigint);
CREATE FUNCTION mr.status(p_after bigint) RETURNS TABLE (
        region text, actor text, head bigint, last_event bigint, pending integer, schema_version integer,
        now timestamptz, cursors jsonb, beat jsonb, beats jsonb)
    LANGUAGE sql VOLATILE AS $$
    SELECT mr.local_region(), mr.local_actor(), mr.head(), mr.last_event(), mr.pending(p_after, 10000),
        mr.schema_version(), clock_timestamp(),
        (SELECT coalesce(jsonb_object_agg(c.actor, c.position::text), '{}') FROM mr.cursor c),
        (SELECT coalesce(jsonb_object_agg(b.boot, b.beat), '{}') FROM mr.beat b WHERE b.boot = mr.boot()),
        (SELECT coalesce(jsonb_object_agg(r.region, r.seen), '{}') FROM (
            SELECT p.region, jsonb_object_agg(p.boot, p.beat) AS seen FROM mr.peer_beat p GROUP BY p.region) r)
$$;

ALTER FUNCTION mr.put_rows OWNER TO mr_apply;
ALTER FUNCTION mr.rename_rows OWNER TO mr_apply;
GRANT SELECT ON mr.entity TO mr_apply;

REVOKE EXECUTE ON FUNCTION mr.refuse_trimmed, mr.trim_outbox, mr.row_text_sql, mr.range_sql, mr.range_bounds,
    mr.hash_ranges, mr.leaving_sql, mr.list_range, mr.list_rows, mr.read_rows, mr.merge_copied, mr.put_rows, mr.held, mr.raise_cursors,
    mr.register_region, mr.seen_incarnation, mr.boot, mr.count_beat, mr.observe_beat, mr.refuse_write,
    mr.refuse_writes, mr.notice_restored, mr.rename_actor, mr.rename_in_clock, mr.rename_rows,
    mr.take_incarnation, mr.accept_writes, mr.status FROM PUBLIC;
GRANT EXECUTE ON FUNCTION mr.row_text_sql, mr.rename_actor, mr.rename_in_clock TO mr_apply;
DO $$
BEGIN
    EXECUTE format('GRANT EXECUTE ON FUNCTION mr.put_rows, mr.rename_rows TO %I', current_user);
END
$$;
GRANT SELECT ON mr.trimmed, mr.beat, mr.peer_beat TO meridian_app;
