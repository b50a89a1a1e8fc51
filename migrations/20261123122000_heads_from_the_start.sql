-- A License ID's chain has its end from the start, and the site's has: a writer finds all it must lock, and need not look
-- for what is missing first (0.3 of the 1.1 ms that it spent on the ends of a hundred chains). It also leaves no moment in
-- which two writers could each hold what the other is about to make. Decision 51.
CREATE FUNCTION audit_heads_begin() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO audit_heads (chain, seq, link) SELECT id::text, 0, decode(repeat('00', 32), 'hex') FROM fresh ORDER BY 1 ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION audit_heads_begin() FROM PUBLIC;
CREATE TRIGGER audit_heads_begin AFTER INSERT ON contracts
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION audit_heads_begin();

INSERT INTO audit_heads (chain, seq, link)
    SELECT chain, 0, decode(repeat('00', 32), 'hex') FROM (SELECT id::text FROM contracts UNION ALL SELECT 'site') AS c (chain) ORDER BY 1
    ON CONFLICT DO NOTHING;
