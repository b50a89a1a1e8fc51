-- Role assignments: what one save changed, so that it can be taken back; whether the names of
-- Administrators are told; and which keys somebody took, for the day they leave.

------------------------------------------------------------------------------------------------
-- One row a save: of the form, the wizard, a copy, a hand-over. Its grants beside it say what was done to each.

CREATE TABLE role_changes (
    id        uuid PRIMARY KEY,
    kind      text NOT NULL CONSTRAINT role_changes_kind_is_known CHECK (kind IN ('give', 'take', 'copy', 'hand-over')),
    by_person uuid NOT NULL REFERENCES people,
    made_at   timestamptz NOT NULL,
    -- What was done, as the page says it.
    words     text NOT NULL,
    undone_at timestamptz
);

CREATE TABLE role_change_grants (
    change_id   uuid NOT NULL REFERENCES role_changes,
    grant_id    uuid NOT NULL REFERENCES grants,
    did         text NOT NULL CONSTRAINT role_change_grants_did_is_known CHECK (did IN ('given', 'until', 'taken')),
    -- Its end before and after, where that is what changed: taken back only while it stands as it was left.
    ends_before timestamptz,
    ends_after  timestamptz,
    PRIMARY KEY (change_id, grant_id)
);

------------------------------------------------------------------------------------------------
-- One row at most: what the site tells people about access.

CREATE TABLE access_settings (
    one                   boolean PRIMARY KEY DEFAULT true CONSTRAINT access_settings_is_one CHECK (one),
    administrators_hidden boolean NOT NULL,
    set_by                uuid REFERENCES people,
    set_at                timestamptz NOT NULL
);

-- Whom to ask for a role: told only to those who hold some role on that License ID themselves, and to
-- nobody where the site hides the names.
CREATE OR REPLACE FUNCTION app_administrators_of(contract uuid) RETURNS TABLE (name text) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT DISTINCT p.name FROM grants g JOIN people p ON p.id = g.person_id
    WHERE g.contract_id = contract AND g.role = 'administrator' AND g.revoked_at IS NULL AND (g.ends_at IS NULL OR g.ends_at > app_now())
      AND p.disabled_at IS NULL AND contract IN (SELECT app_seen())
      AND NOT EXISTS (SELECT 1 FROM access_settings s WHERE s.administrators_hidden)
    ORDER BY p.name LIMIT 5
$$;

------------------------------------------------------------------------------------------------
-- The keys that somebody revealed, copied or exported, told from the log and cut to the License IDs whose
-- events the reader may read. Of a key what its events say too: product, kind, last five characters.

CREATE FUNCTION app_keys_taken(taker uuid)
RETURNS TABLE (key_id uuid, license_id text, product text, kind text, last_five text, archived boolean,
    revealed bigint, copied bigint, exported bigint, first_at timestamptz, last_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT k.id, a.license_id, p.name, k.kind, coalesce(k.last_five, ''), k.archived_at IS NOT NULL,
           count(*) FILTER (WHERE e.action = 'key.reveal'), count(*) FILTER (WHERE e.action = 'key.copy'),
           count(*) FILTER (WHERE e.action = 'keys.export'), min(e.at), max(e.at)
    FROM audit_events e
    JOIN app_audited() a ON a.contract_id = e.contract_id
    CROSS JOIN LATERAL unnest(e.key_ids) AS taken (key_id)
    JOIN product_keys k ON k.id = taken.key_id AND k.contract_id = e.contract_id
    JOIN products p ON p.id = k.product_id
    WHERE e.actor_id = taker AND e.outcome = 'done' AND e.action IN ('key.reveal', 'key.copy', 'keys.export')
      AND k.sealed IS NOT NULL
    GROUP BY k.id, a.license_id, p.name
$$;
REVOKE EXECUTE ON FUNCTION app_keys_taken FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app_keys_taken TO keyward_app;

------------------------------------------------------------------------------------------------
-- Rights and policies.

GRANT SELECT, INSERT ON role_changes, role_change_grants TO keyward_app;
GRANT UPDATE (undone_at) ON role_changes TO keyward_app;
GRANT SELECT, INSERT, UPDATE ON access_settings TO keyward_app;

DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['role_changes', 'role_change_grants', 'access_settings']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY owner_all ON %I TO CURRENT_USER USING (true) WITH CHECK (true)', t);
        EXECUTE format('CREATE POLICY system_all ON %I TO keyward_app USING ((SELECT app_is_system())) WITH CHECK ((SELECT app_is_system()))', t);
    END LOOP;
END $$;

-- What somebody changed is theirs to take back, and nobody else's; the grants themselves have policies of their own.
CREATE POLICY own ON role_changes TO keyward_app USING (by_person = (SELECT app_person())) WITH CHECK (by_person = (SELECT app_person()));
CREATE POLICY own ON role_change_grants TO keyward_app USING (change_id IN (SELECT id FROM role_changes))
    WITH CHECK (change_id IN (SELECT id FROM role_changes));
CREATE POLICY operated ON access_settings TO keyward_app USING ((SELECT app_is_operator()))
    WITH CHECK ((SELECT app_is_operator()) AND set_by = (SELECT app_person()));
