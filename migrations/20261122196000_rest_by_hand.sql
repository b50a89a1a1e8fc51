-- An Administrator corrects nothing of a License ID whose organisation isn't approved: he would lift the block himself.

CREATE OR REPLACE FUNCTION app_edited() RETURNS SETOF uuid LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 100
SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
    me uuid := app_person();
    present timestamptz := app_now();
BEGIN
    IF EXISTS (SELECT 1 FROM people p WHERE p.id = me AND p.disabled_at IS NULL) THEN
        RETURN QUERY SELECT DISTINCT g.contract_id FROM grants g
        WHERE g.person_id = me AND g.role = 'administrator' AND g.revoked_at IS NULL AND (g.ends_at IS NULL OR g.ends_at > present)
          AND g.contract_id NOT IN (SELECT c.id FROM contracts c WHERE NOT c.approved);
    END IF;
END $$;
