-- A user is written by the leader alone: an e-mail address is unique across all regions.
SELECT mr.replicate('User', 'single-leader');
SELECT mr.replicate('Document', 'multi-leader');
SELECT mr.replicate('Collaborator', 'multi-leader');
SELECT mr.replicate('DocumentVersion', 'multi-leader');

-- The application can read replication state and can call nothing that writes it.
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA mr FROM PUBLIC;
GRANT EXECUTE ON FUNCTION mr.local_region, mr.local_actor, mr.head, mr.horizon, mr.applied, mr.hlc_now,
    mr.hlc_ms, mr.ms_since, mr.last_event, mr.shown, mr.clock_covers, mr.clock_compare, mr.clock_join, mr.schema_version TO meridian_app;
GRANT EXECUTE ON FUNCTION mr.local_region, mr.local_actor, mr.hlc_now, mr.clock_covers, mr.clock_join TO mr_apply;
