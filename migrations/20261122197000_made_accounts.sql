-- Whoever adds an account in the browser is shown its first password. So he doesn't name it Administrator, which would
-- be naming himself; and the account holds another password before it does anything.

ALTER TABLE people ADD COLUMN added_by uuid REFERENCES people;
ALTER TABLE people ADD COLUMN password_set_by_other boolean NOT NULL DEFAULT false;

-- Whether who asks has added this account.
CREATE FUNCTION app_added(account uuid) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS
$$ SELECT EXISTS (SELECT 1 FROM people WHERE id = account AND added_by = app_person()) $$;
REVOKE EXECUTE ON FUNCTION app_added FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app_added TO keyward_app;

-- A site operator gives a License ID that has none its Administrator: somebody else, whose password he never knew.
DROP POLICY appointed ON grants;
CREATE POLICY appointed ON grants FOR INSERT TO keyward_app WITH CHECK (
    (SELECT app_is_operator()) AND role = 'administrator' AND rule_id IS NULL AND granted_by = (SELECT app_person())
    AND person_id <> granted_by AND NOT app_added(person_id) AND NOT app_has_administrator(contract_id));

DROP FUNCTION app_grantee(text);
CREATE FUNCTION app_grantee(address text) RETURNS TABLE (id uuid, email text, name text, disabled boolean, added_by uuid) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT p.id, p.email, p.name, p.disabled_at IS NOT NULL, p.added_by FROM people p
    WHERE p.email = lower(address) AND ((SELECT app_is_operator()) OR EXISTS (SELECT 1 FROM app_administered()))
$$;
REVOKE EXECUTE ON FUNCTION app_grantee FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app_grantee TO keyward_app;

DROP FUNCTION app_session(bytea, timestamptz, timestamptz, timestamptz);
CREATE FUNCTION app_session(token bytea, present timestamptz, seen_after timestamptz, begun_after timestamptz)
RETURNS TABLE (id uuid, email text, name text, site_operator boolean, auditor boolean, administers boolean, session_id uuid,
    fresh_at timestamptz, last_seen_at timestamptz, unread bigint, password_set_by_other boolean) LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1
SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY SELECT p.id, p.email, p.name, p.site_operator, p.auditor,
        EXISTS (SELECT 1 FROM grants g WHERE g.person_id = p.id AND g.role = 'administrator' AND g.revoked_at IS NULL
                AND (g.ends_at IS NULL OR g.ends_at > present)),
        s.id, s.fresh_at, s.last_seen_at, app_unread(p.id, present), p.password_set_by_other
    FROM sessions s JOIN people p ON p.id = s.person_id
    WHERE s.token_hash = token AND s.ended_at IS NULL AND p.disabled_at IS NULL AND s.last_seen_at > seen_after AND s.created_at > begun_after;
END $$;
REVOKE EXECUTE ON FUNCTION app_session FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app_session TO keyward_app;
