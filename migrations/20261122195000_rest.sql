-- A License ID rests in two ways, and each had its own version of this function: archived (20261122190000), where what a
-- person holds rests altogether, and not approved (20261122192200), where Administrators see it and hold nothing else.
-- Both hold.

CREATE OR REPLACE FUNCTION app_grants() RETURNS TABLE (contract_id uuid, role text) LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 100
SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
#variable_conflict use_column
DECLARE
    me uuid := app_person();
    present timestamptz := app_now();
BEGIN
    IF app_is_system() THEN
        -- The program working as itself (the command line's exports) administers everything.
        RETURN QUERY SELECT c.id, 'administrator' FROM contracts c WHERE c.archived_at IS NULL;
    ELSIF EXISTS (SELECT 1 FROM people p WHERE p.id = me AND p.disabled_at IS NULL) THEN
        RETURN QUERY SELECT g.contract_id, CASE WHEN g.contract_id IN (SELECT c.id FROM contracts c WHERE NOT c.approved) THEN 'not-approved' ELSE g.role END
        FROM grants g
        WHERE g.person_id = me AND g.revoked_at IS NULL AND (g.ends_at IS NULL OR g.ends_at > present)
          AND (g.role = 'administrator' OR g.contract_id NOT IN (SELECT c.id FROM contracts c WHERE NOT c.approved))
          AND g.contract_id NOT IN (SELECT c.id FROM contracts c WHERE c.archived_at IS NOT NULL);
    END IF;
END $$;
