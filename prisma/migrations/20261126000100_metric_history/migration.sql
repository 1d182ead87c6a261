-- What each region's worker samples of its region, and what changed. docs/OBSERVABILITY.md says what is kept,
-- for how long and at which price.
--
-- Points live in rings: the bucket of a time has a slot, and a later time with the same slot overwrites it. So
-- nothing is deleted, the tables stop growing after the first round, and as no indexed column changes and pages
-- are half empty, an overwritten row is cleaned up within its page, whatever autovacuum does.
--   step 5 s: 720 slots, an hour. Step 360 s: 240 slots, a day, each made of the 5 s points of its time.

-- A stream from a peer into this region, and the way to the peer. Null is unknown, never zero.
CREATE TABLE mr.metric_stream (
    step_s smallint NOT NULL,
    slot smallint NOT NULL,
    peer text NOT NULL,
    -- Start of the bucket, by this region's clock.
    at timestamptz NOT NULL,
    -- Mean and maximum of what was known; the maximum only where a point is made of several.
    lag_ms real,
    lag_max_ms real,
    latency_ms real,
    latency_max_ms real,
    -- The most writes that had not been applied; counting stops at 10,000.
    pending integer,
    -- At some moment the stream stood still for a reason that somebody has to remove.
    stalled boolean NOT NULL,
    PRIMARY KEY (step_s, slot, peer)
) WITH (fillfactor = 50);

-- What the region did itself.
CREATE TABLE mr.metric_region (
    step_s smallint NOT NULL,
    slot smallint NOT NULL,
    at timestamptz NOT NULL,
    -- Own events captured, and events of others applied.
    writes_per_s real,
    writes_max_per_s real,
    applied_per_s real,
    applied_max_per_s real,
    -- Recorded by this region within the bucket.
    conflicts integer,
    PRIMARY KEY (step_s, slot)
) WITH (fillfactor = 50);

-- Where the last sample ended, so that the next one counts from there, in whichever worker. Its row is also the
-- lock under which a sample is taken and events are trimmed.
CREATE TABLE mr.metric_state (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    at timestamptz,
    -- Own events that this snapshot shows have been counted. Not a position: one long transaction would hold it
    -- back, and writes that go on meanwhile would look like none.
    actor text,
    seen txid_snapshot,
    -- Events that it does not show and that have been trimmed since.
    trimmed_writes bigint NOT NULL DEFAULT 0,
    trimmed_conflicts bigint NOT NULL DEFAULT 0,
    applied bigint NOT NULL DEFAULT 0,
    epoch bigint,
    -- { condition: detail }: what was out of order.
    conditions jsonb NOT NULL DEFAULT '{}'
);
INSERT INTO mr.metric_state DEFAULT VALUES;

-- What changed, as this region saw it. The newest 500 are kept.
CREATE TABLE mr.event (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL,
    kind text NOT NULL CHECK (kind IN ('leader', 'unreachable', 'reachable', 'stalled', 'unstalled',
        'bus-degraded', 'bus-restored', 'worker-back')),
    -- The region that it is about.
    subject text NOT NULL,
    detail text NOT NULL DEFAULT ''
);

CREATE FUNCTION mr.metric_bucket(p_at timestamptz, p_step_s integer) RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN floor(date_part('epoch', p_at) / p_step_s)::bigint;

CREATE FUNCTION mr.metric_start(p_bucket bigint, p_step_s integer) RETURNS timestamptz
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN to_timestamp((p_bucket * p_step_s)::double precision);

-- Own events that p_seen does not show and this statement's snapshot, `now_seen`, does. All conflicts that a
-- region records are events of its own; those with a deletedAt are forgotten ones.
CREATE FUNCTION mr.count_captured(p_seen txid_snapshot, OUT writes bigint, OUT conflicts bigint, OUT now_seen txid_snapshot)
    LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_late bigint[] := ARRAY(SELECT txid_snapshot_xip(p_seen));
    v_entity text;
    v_count bigint;
    v_live bigint;
BEGIN
    writes := 0;
    conflicts := 0;
    now_seen := txid_current_snapshot();
    FOR v_entity IN SELECT name FROM mr.entity LOOP
        EXECUTE format('SELECT count(*), count(*) FILTER (WHERE "deletedAt" IS NULL) FROM mr.%I
            WHERE position >= $1 OR position = ANY ($2)', 'outbox_' || v_entity)
            INTO v_count, v_live USING txid_snapshot_xmax(p_seen), v_late;
        writes := writes + v_count;
        IF v_entity = 'Conflict' THEN
            conflicts := v_live;
        END IF;
    END LOOP;
END
$$;

-- As before, and tells the sampler what it could not count any more.
CREATE OR REPLACE FUNCTION mr.trim_outbox(p_limit integer) RETURNS integer
    LANGUAGE plpgsql AS $$
DECLARE
    v_seen txid_snapshot;
    v_entity text;
    v_below bigint;
    v_upto bigint;
    v_trimmed bigint := 0;
    v_count integer;
    v_sum integer := 0;
    v_new bigint;
    v_new_live bigint;
    v_writes bigint := 0;
    v_conflicts bigint := 0;
BEGIN
    IF (SELECT state FROM mr.local) = 'restored' THEN
        RETURN 0;
    END IF;
    SELECT min(coalesce(c.position, 0)) INTO v_below
    FROM mr.region r LEFT JOIN mr.peer_cursor c ON c.region = r.id AND c.actor = mr.local_actor()
    WHERE r.id <> mr.local_region();
    -- Before the first deletion: a sample that is being taken sees all of the events or none.
    SELECT seen INTO v_seen FROM mr.metric_state FOR UPDATE;
    FOR v_entity IN SELECT name FROM mr.entity LOOP
        EXECUTE format('WITH dropped AS (DELETE FROM mr.%1$I WHERE ctid = ANY (ARRAY(
                SELECT ctid FROM mr.%1$I WHERE position <= $1 ORDER BY position LIMIT $2)) RETURNING position, "deletedAt")
            SELECT count(*), max(position), count(*) FILTER (WHERE NOT txid_visible_in_snapshot(position, $3)),
                count(*) FILTER (WHERE NOT txid_visible_in_snapshot(position, $3) AND "deletedAt" IS NULL) FROM dropped', 'outbox_' || v_entity)
            INTO v_count, v_upto, v_new, v_new_live
            USING coalesce(v_below, mr.horizon() - 1), p_limit, v_seen;
        v_trimmed := greatest(v_trimmed, v_upto);
        v_sum := v_sum + v_count;
        v_writes := v_writes + v_new;
        IF v_entity = 'Conflict' THEN
            v_conflicts := v_new_live;
        END IF;
    END LOOP;
    UPDATE mr.trimmed SET position = v_trimmed WHERE position < v_trimmed;
    IF v_writes > 0 THEN
        UPDATE mr.metric_state
        SET trimmed_writes = trimmed_writes + v_writes, trimmed_conflicts = trimmed_conflicts + v_conflicts;
    END IF;
    RETURN v_sum;
END
$$;

-- The streams into this region at a time. The same as lagOf in lib/db/replication/lags.ts says; a test holds both
-- against each other. What was observed more than p_valid_ms ago says nothing any more.
CREATE FUNCTION mr.stream_facts(p_at timestamptz, p_valid_ms double precision) RETURNS TABLE (
        peer text, lag_ms double precision, latency_ms double precision, pending integer, stalled boolean)
    LANGUAGE sql STABLE AS $$
    SELECT r.id,
        CASE WHEN f.fresh AND t.actor IS NULL AND c.transit_ms IS NOT NULL THEN greatest(0,
            c.transit_ms + p.clock_offset_ms,
            CASE WHEN p.pending > 0 THEN date_part('epoch', p_at - c.complete_at) * 1000 + p.clock_offset_ms END) END,
        CASE WHEN f.fresh AND p.failed_since IS NULL THEN p.latency_ms END,
        CASE WHEN f.fresh THEN p.pending END,
        coalesce(f.fresh, false) AND t.actor IS NOT NULL
    FROM mr.region r
    LEFT JOIN mr.peer p ON p.region = r.id
    LEFT JOIN mr.cursor c ON c.actor = p.actor
    LEFT JOIN mr.stall t ON t.actor = p.actor
    CROSS JOIN LATERAL (SELECT date_part('epoch', p_at - p.observed_at) * 1000 <= p_valid_ms AS fresh) f
    WHERE r.id <> mr.local_region()
$$;

-- What is out of order now, as this region sees it: { condition: detail }.
CREATE FUNCTION mr.conditions(p_at timestamptz) RETURNS jsonb
    LANGUAGE sql STABLE AS $$
    SELECT coalesce(jsonb_object_agg(c.name, c.detail), '{}') FROM (
        SELECT 'unreachable ' || p.region, ''
        FROM mr.peer p WHERE p.region <> mr.local_region() AND p.failed_since <= p_at - interval '3 s'
        UNION ALL
        SELECT 'stalled ' || split_part(t.actor, '#', 1), max(t.reason) FROM mr.stall t GROUP BY 1
        UNION ALL
        SELECT 'bus-degraded ' || mr.local_region(), '' FROM mr.worker w WHERE w.bus = 'degraded'
    ) c (name, detail)
$$;

CREATE FUNCTION mr.note_event(p_at timestamptz, p_kind text, p_subject text, p_detail text) RETURNS void
    LANGUAGE sql AS $$
    INSERT INTO mr.event (at, kind, subject, detail) VALUES (p_at, p_kind, p_subject, p_detail);
    DELETE FROM mr.event WHERE id <= (SELECT max(id) - 500 FROM mr.event);
$$;

-- Events for what began or ended since the last sample.
CREATE FUNCTION mr.note_changes(p_at timestamptz, p_state mr.metric_state, p_conditions jsonb) RETURNS void
    LANGUAGE plpgsql AS $$
DECLARE
    v_change record;
    v_leadership mr.leadership;
BEGIN
    SELECT * INTO v_leadership FROM mr.leadership;
    IF p_state.epoch < v_leadership.epoch THEN
        PERFORM mr.note_event(p_at, 'leader', v_leadership.leader, v_leadership.epoch::text);
    END IF;
    IF p_at - p_state.at > interval '60 s' THEN
        PERFORM mr.note_event(p_at, 'worker-back', mr.local_region(),
            round(date_part('epoch', p_at - p_state.at))::text);
    END IF;
    FOR v_change IN
        SELECT split_part(coalesce(n.key, o.key), ' ', 1) AS name, split_part(coalesce(n.key, o.key), ' ', 2) AS subject,
            n.key IS NOT NULL AS began, coalesce(n.value, o.value) AS detail
        FROM jsonb_each_text(p_conditions) n FULL JOIN jsonb_each_text(p_state.conditions) o ON o.key = n.key
        WHERE n.key IS NULL OR o.key IS NULL ORDER BY 1, 2
    LOOP
        PERFORM mr.note_event(p_at,
            CASE WHEN v_change.began THEN v_change.name
                ELSE CASE v_change.name WHEN 'unreachable' THEN 'reachable' WHEN 'stalled' THEN 'unstalled'
                    WHEN 'bus-degraded' THEN 'bus-restored' END END,
            v_change.subject, v_change.detail);
    END LOOP;
END
$$;

-- Makes one 360 s point of the 5 s points of its time. Repeating it is harmless.
CREATE FUNCTION mr.roll_up(p_bucket bigint) RETURNS void
    LANGUAGE sql AS $$
    INSERT INTO mr.metric_stream AS m
    SELECT 360, (p_bucket % 240)::smallint, s.peer, mr.metric_start(p_bucket, 360), avg(s.lag_ms), max(s.lag_ms),
        avg(s.latency_ms), max(s.latency_ms), max(s.pending), bool_or(s.stalled)
    FROM mr.metric_stream s
    WHERE s.step_s = 5 AND s.at >= mr.metric_start(p_bucket, 360) AND s.at < mr.metric_start(p_bucket + 1, 360)
    GROUP BY s.peer
    ON CONFLICT (step_s, slot, peer) DO UPDATE SET (at, lag_ms, lag_max_ms, latency_ms, latency_max_ms, pending, stalled)
        = (EXCLUDED.at, EXCLUDED.lag_ms, EXCLUDED.lag_max_ms, EXCLUDED.latency_ms, EXCLUDED.latency_max_ms,
           EXCLUDED.pending, EXCLUDED.stalled);
    INSERT INTO mr.metric_region AS m
    SELECT 360, (p_bucket % 240)::smallint, mr.metric_start(p_bucket, 360), avg(s.writes_per_s), max(s.writes_per_s),
        avg(s.applied_per_s), max(s.applied_per_s), sum(s.conflicts)
    FROM mr.metric_region s
    WHERE s.step_s = 5 AND s.at >= mr.metric_start(p_bucket, 360) AND s.at < mr.metric_start(p_bucket + 1, 360)
    HAVING count(*) > 0
    ON CONFLICT (step_s, slot) DO UPDATE SET (at, writes_per_s, writes_max_per_s, applied_per_s, applied_max_per_s, conflicts)
        = (EXCLUDED.at, EXCLUDED.writes_per_s, EXCLUDED.writes_max_per_s, EXCLUDED.applied_per_s,
           EXCLUDED.applied_max_per_s, EXCLUDED.conflicts);
$$;

-- Takes the sample of the present 5 s, unless somebody has: two workers of a region count nothing twice.
-- `next_in_ms`: from now to the middle of the next 5 s, where the jitter of a timer skips none.
-- p_at: the time to take it for; this database's clock, but in tests.
CREATE FUNCTION mr.sample_metrics(p_valid_ms double precision, p_at timestamptz DEFAULT NULL,
        OUT taken boolean, OUT next_in_ms double precision)
    LANGUAGE plpgsql AS $$
DECLARE
    v_state mr.metric_state;
    v_at timestamptz;
    v_bucket bigint;
    v_elapsed double precision;
    v_counted record;
    v_applied bigint := (SELECT coalesce(sum(events), 0) FROM mr.cursor);
    v_conditions jsonb;
    v_writes bigint;
    v_conflicts bigint;
BEGIN
    SELECT * INTO STRICT v_state FROM mr.metric_state FOR UPDATE;
    -- After the lock: whoever waited for it must not go back behind the one it waited for.
    v_at := coalesce(p_at, clock_timestamp());
    v_bucket := mr.metric_bucket(v_at, 5);
    next_in_ms := (7.5 - (date_part('epoch', v_at) - v_bucket * 5)) * 1000;
    taken := v_bucket IS DISTINCT FROM mr.metric_bucket(v_state.at, 5);
    IF NOT taken THEN
        RETURN;
    END IF;

    -- Another incarnation has other positions, and so has a database that was moved to another cluster.
    IF v_state.actor IS DISTINCT FROM mr.local_actor() OR txid_snapshot_xmax(v_state.seen) > mr.head() THEN
        v_state.seen := NULL;
    END IF;
    SELECT * INTO v_counted FROM mr.count_captured(coalesce(v_state.seen, txid_current_snapshot()));
    IF v_state.seen IS NOT NULL THEN
        v_writes := v_counted.writes + v_state.trimmed_writes;
        v_conflicts := v_counted.conflicts + v_state.trimmed_conflicts;
    END IF;
    v_elapsed := date_part('epoch', v_at - v_state.at);
    -- Over a gap a rate says nothing of the present 5 s, nor does one over a clock that was set back.
    IF v_elapsed <= 0 OR v_elapsed > 15 THEN
        v_elapsed := NULL;
    END IF;

    INSERT INTO mr.metric_stream AS m (step_s, slot, peer, at, lag_ms, latency_ms, pending, stalled)
    SELECT 5, (v_bucket % 720)::smallint, f.peer, mr.metric_start(v_bucket, 5), f.lag_ms, f.latency_ms, f.pending, f.stalled
    FROM mr.stream_facts(v_at, p_valid_ms) f
    ON CONFLICT (step_s, slot, peer) DO UPDATE SET (at, lag_ms, latency_ms, pending, stalled)
        = (EXCLUDED.at, EXCLUDED.lag_ms, EXCLUDED.latency_ms, EXCLUDED.pending, EXCLUDED.stalled);
    INSERT INTO mr.metric_region AS m (step_s, slot, at, writes_per_s, applied_per_s, conflicts)
    VALUES (5, (v_bucket % 720)::smallint, mr.metric_start(v_bucket, 5), v_writes / v_elapsed,
        -- Cursors of another incarnation begin anew.
        CASE WHEN v_applied >= v_state.applied THEN (v_applied - v_state.applied) / v_elapsed END, v_conflicts)
    ON CONFLICT (step_s, slot) DO UPDATE SET (at, writes_per_s, applied_per_s, conflicts)
        = (EXCLUDED.at, EXCLUDED.writes_per_s, EXCLUDED.applied_per_s, EXCLUDED.conflicts);

    IF mr.metric_bucket(v_state.at, 360) <> mr.metric_bucket(v_at, 360) THEN
        PERFORM mr.roll_up(mr.metric_bucket(v_state.at, 360));
    END IF;

    v_conditions := mr.conditions(v_at);
    PERFORM mr.note_changes(v_at, v_state, v_conditions);
    UPDATE mr.metric_state SET at = v_at, actor = mr.local_actor(), seen = v_counted.now_seen, trimmed_writes = 0,
        trimmed_conflicts = 0, applied = v_applied, epoch = (SELECT l.epoch FROM mr.leadership l), conditions = v_conditions;
END
$$;

-- The points of the last p_points buckets of p_step_s each, made of those that are kept at p_kept_s; the present
-- 360 s are made of 5 s points. Compact: one array for each point, null where nothing is known.
--   { nowMs, streams: [[bucket, peer, lag, max, latency, max, pending, stalled]],
--     region: [[bucket, writes, max, applied, max, conflicts]] }
CREATE FUNCTION mr.metric_history(p_kept_s integer, p_step_s integer, p_points integer, p_now timestamptz DEFAULT NULL)
    RETURNS jsonb
    LANGUAGE sql STABLE AS $$
    WITH clock AS (
        SELECT coalesce(p_now, clock_timestamp()) AS now
    ), span AS (
        SELECT now, mr.metric_start(mr.metric_bucket(now, p_step_s) - p_points + 1, p_step_s) AS since,
            -- Fine points from here on have not been rolled up.
            (SELECT mr.metric_start(mr.metric_bucket(s.at, 360), 360) FROM mr.metric_state s) AS fine
        FROM clock
    ), streams AS (
        SELECT mr.metric_bucket(m.at, p_step_s) AS bucket, m.peer, avg(m.lag_ms)::real AS lag,
            max(coalesce(m.lag_max_ms, m.lag_ms)) AS lag_max, avg(m.latency_ms)::real AS latency,
            max(coalesce(m.latency_max_ms, m.latency_ms)) AS latency_max, max(m.pending) AS pending,
            bool_or(m.stalled) AS stalled
        FROM mr.metric_stream m, span
        WHERE m.at >= span.since AND m.at <= span.now
            AND (m.step_s = p_kept_s OR m.step_s = 5 AND p_kept_s = 360 AND m.at >= span.fine)
            -- Of the present bucket there may be a point of its last round.
            AND NOT (m.step_s = 360 AND m.at >= span.fine)
        GROUP BY 1, 2
    ), own AS (
        SELECT mr.metric_bucket(m.at, p_step_s) AS bucket, avg(m.writes_per_s)::real AS writes,
            max(coalesce(m.writes_max_per_s, m.writes_per_s)) AS writes_max, avg(m.applied_per_s)::real AS applied,
            max(coalesce(m.applied_max_per_s, m.applied_per_s)) AS applied_max, sum(m.conflicts) AS conflicts
        FROM mr.metric_region m, span
        WHERE m.at >= span.since AND m.at <= span.now
            AND (m.step_s = p_kept_s OR m.step_s = 5 AND p_kept_s = 360 AND m.at >= span.fine)
            AND NOT (m.step_s = 360 AND m.at >= span.fine)
        GROUP BY 1
    )
    SELECT jsonb_build_object(
        'nowMs', (SELECT (date_part('epoch', now) * 1000)::bigint FROM span),
        'streams', (SELECT coalesce(jsonb_agg(jsonb_build_array(
            bucket, peer, lag, lag_max, latency, latency_max, pending, stalled)), '[]') FROM streams),
        'region', (SELECT coalesce(jsonb_agg(jsonb_build_array(
            bucket, writes, writes_max, applied, applied_max, conflicts)), '[]') FROM own))
$$;

-- What an operator has to know of this database that its rows don't say. As the owner, because only then it shows
-- what others do; without membership in pg_read_all_stats PostgreSQL hides the query and the age.
-- `holder`: the oldest transaction that writes, in any database of the cluster: nothing past it is told to other
-- regions (docs/ARCHITECTURE.md, Positions and the horizon). Its query without what stands between quotes.
CREATE FUNCTION mr.alarm_facts() RETURNS jsonb
    LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT jsonb_build_object(
        'state', (SELECT l.state FROM mr.local l),
        'readOnly', current_setting('transaction_read_only') = 'on' OR pg_is_in_recovery(),
        'holder', (
            SELECT to_jsonb(h) - 'xid' FROM (
                SELECT a.backend_xid AS xid, a.pid, NULL::text AS prepared, a.application_name AS "applicationName",
                    a.datname AS database, a.state, mr.ms_since(a.xact_start) AS "ageMs",
                    left(regexp_replace(a.query, '''[^'']*''', '''…''', 'g'), 300) AS query
                FROM pg_stat_activity a WHERE a.backend_xid IS NOT NULL AND a.pid <> pg_backend_pid()
                UNION ALL
                SELECT p.transaction, NULL, p.gid, NULL, p.database, NULL, mr.ms_since(p.prepared), NULL
                FROM pg_prepared_xacts p
            ) h ORDER BY age(h.xid) DESC LIMIT 1))
$$;

GRANT SELECT ON mr.metric_stream, mr.metric_region, mr.metric_state, mr.event TO meridian_app;
REVOKE EXECUTE ON FUNCTION mr.metric_bucket, mr.metric_start, mr.count_captured, mr.trim_outbox, mr.stream_facts,
    mr.conditions, mr.note_event, mr.note_changes, mr.roll_up, mr.sample_metrics, mr.metric_history, mr.alarm_facts
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION mr.metric_bucket, mr.metric_start, mr.metric_history, mr.alarm_facts TO meridian_app;
