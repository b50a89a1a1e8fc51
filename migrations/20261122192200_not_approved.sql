-- "Organization not approved" hides the License ID and blocks downloads, keys and user management (DOMAIN §1, Status).
--
-- It was hidden from all but its Administrators before, who could still do everything. Now they see it, to know what
-- is wrong, and its orders and licence summary, which nothing blocks: their role there is one of its own, so whatever
-- asks for another (app_keys_read, app_administered, app_downloads, and the queries that name roles) finds none, and
-- whatever asks for sight alone (app_seen) finds it.

CREATE OR REPLACE FUNCTION app_grants() RETURNS TABLE (contract_id uuid, role text) LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 100
SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
#variable_conflict use_column
DECLARE
    me uuid := app_person();
    present timestamptz := app_now();
BEGIN
    IF app_is_system() THEN
        -- The program working as itself (the command line's exports) administers everything.
        RETURN QUERY SELECT c.id, 'administrator' FROM contracts c;
    ELSIF EXISTS (SELECT 1 FROM people p WHERE p.id = me AND p.disabled_at IS NULL) THEN
        RETURN QUERY SELECT g.contract_id, CASE WHEN g.contract_id IN (SELECT c.id FROM contracts c WHERE NOT c.approved) THEN 'not-approved' ELSE g.role END
        FROM grants g
        WHERE g.person_id = me AND g.revoked_at IS NULL AND (g.ends_at IS NULL OR g.ends_at > present)
          AND (g.role = 'administrator' OR g.contract_id NOT IN (SELECT c.id FROM contracts c WHERE NOT c.approved));
    END IF;
END $$;

-- The same table as Permission::roles in src/auth/roles.rs.
CREATE OR REPLACE FUNCTION app_position_read() RETURNS SETOF uuid LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 100 SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS
$$ BEGIN RETURN QUERY SELECT contract_id FROM app_grants() WHERE role IN ('administrator', 'license-position-reader', 'not-approved'); END $$;
