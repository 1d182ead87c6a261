-- Of candidates that have equally many of the former leader's writes, the one that is nearest to a majority comes
-- first: what each region's worker has measured is part of its sample.

CREATE OR REPLACE FUNCTION mr.control() RETURNS jsonb
    LANGUAGE sql VOLATILE AS $$
    SELECT jsonb_build_object(
        'region', mr.local_region(), 'actor', mr.local_actor(), 'state', o.state, 'boot', mr.boot() || '/' || l.set_backs,
        'votes', mr.may_vote(), 'regions', (SELECT jsonb_agg(id ORDER BY id) FROM mr.region),
        'promisedEpoch', a.promised_epoch::text, 'promisedTo', a.promised_to, 'grants', a.grants::text,
        'epoch', s.epoch::text, 'leader', s.leader, 'leaderActor', s.actor,
        'leaseEpoch', l.epoch::text, 'released', r.last_value::text,
        'leading', mr.leading()::text,
        'heldMs', CASE WHEN mr.leading() IS NOT NULL
            THEN (date_part('epoch', l.valid_until - clock_timestamp()) * 1000)::float8 END,
        'suspects', CASE WHEN a.suspected_at > clock_timestamp() - interval '2 s' THEN a.suspect END,
        'pauseVersion', m.version::text, 'paused', m.paused,
        'cursors', (SELECT coalesce(jsonb_object_agg(c.actor, c.position::text), '{}') FROM mr.cursor c),
        'stalled', (SELECT coalesce(jsonb_agg(t.actor), '[]') FROM mr.stall t),
        'lastEvent', mr.last_event()::text,
        'roundTripsMs', (SELECT coalesce(jsonb_object_agg(p.region, p.latency_ms), '{}') FROM mr.peer p
            WHERE p.region <> mr.local_region()),
        'request', (SELECT f.id FROM mr.failover_attempt f
            WHERE f.status = 'initiated' AND f.to_region = mr.local_region() ORDER BY f.requested_at LIMIT 1),
        'now', to_jsonb(clock_timestamp()))
    FROM mr.local o, mr.acceptor a, mr.leadership s, mr.lease l, mr.released r, mr.maintenance m
$$;
