-- The audit of a region by time, a page at a time: lists of several regions are joined by it.

CREATE INDEX audit_at ON mr.audit (at);

-- Newest first, from before p_before (null: from the newest).
CREATE FUNCTION mr.list_audit_before(p_before timestamptz, p_limit integer) RETURNS SETOF mr.audit
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT * FROM mr.audit WHERE at < coalesce(p_before, 'infinity') ORDER BY at DESC, id DESC LIMIT p_limit
$$;

REVOKE EXECUTE ON FUNCTION mr.list_audit_before FROM PUBLIC;
GRANT EXECUTE ON FUNCTION mr.list_audit_before TO meridian_app;
