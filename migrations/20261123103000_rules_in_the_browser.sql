-- Rules (License IDs to come included) in the browser: whoever holds an Administrator's rule himself passes on and ends
-- rules within it (docs/decisions/0040). What is within it is said here, once: the program asks the same functions.

-- Whether one rule takes in all that another would cover, License IDs to come included. A parent agreement isn't within
-- an organisation, nor an organisation within an agreement: what joins either is decided elsewhere.
CREATE FUNCTION grant_rule_takes_in(held grant_rules, wanted text, organization uuid, agreement uuid) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT CASE held.covers
        WHEN 'all' THEN true
        WHEN 'agreement' THEN wanted = 'agreement' AND agreement = held.agreement_id
        ELSE wanted = 'organization' AND organization IN (SELECT organization_and_below(held.organization_id))
    END
$$;

-- The Administrator's rules in force of the person asking. Nobody's in the program's own scope.
CREATE FUNCTION app_rules_held() RETURNS SETOF grant_rules LANGUAGE sql STABLE SECURITY DEFINER ROWS 2 SET search_path = public, pg_temp AS $$
    SELECT r.* FROM grant_rules r JOIN people p ON p.id = r.person_id AND p.disabled_at IS NULL
    WHERE r.person_id = app_person() AND r.role = 'administrator' AND r.revoked_at IS NULL
      AND (r.ends_at IS NULL OR r.ends_at > app_now())
$$;

-- Until when the person asking may pass on a rule over this: the latest end of those of his own that take it in,
-- 'infinity' where one has none; null where none does.
CREATE FUNCTION app_rule_limit(wanted text, organization uuid, agreement uuid) RETURNS timestamptz LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT max(coalesce(h.ends_at, 'infinity')) FROM app_rules_held() h WHERE grant_rule_takes_in(h, wanted, organization, agreement)
$$;

CREATE FUNCTION app_rule_within(wanted text, organization uuid, agreement uuid, ends timestamptz) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT coalesce(coalesce(ends, 'infinity') <= app_rule_limit(wanted, organization, agreement), false)
$$;

-- Whether the person asking administers everything that such a rule covers today: a rule may have been taken away on
-- one License ID alone, and what isn't his there isn't his to pass on.
CREATE FUNCTION app_rule_whole(wanted text, organization uuid, agreement uuid) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH covered AS (
        SELECT c.id FROM contracts c
        WHERE CASE wanted WHEN 'all' THEN true WHEN 'agreement' THEN c.agreement_id = agreement
              ELSE c.organization_id IN (SELECT organization_and_below(organization)) END),
    own AS (
        SELECT g.contract_id FROM grants g
        WHERE g.person_id = app_person() AND g.role = 'administrator' AND g.revoked_at IS NULL AND (g.ends_at IS NULL OR g.ends_at > app_now()))
    SELECT NOT EXISTS (SELECT 1 FROM covered WHERE id NOT IN (SELECT contract_id FROM own))
$$;

-- The rules within those that the person asking holds, whatever their end, with the name of what they cover.
CREATE FUNCTION app_reached_rules() RETURNS TABLE (rule_id uuid, name text) LANGUAGE sql STABLE SECURITY DEFINER ROWS 20 SET search_path = public, pg_temp AS $$
    SELECT DISTINCT r.id, coalesce(o.name, a.number, '')
    FROM app_rules_held() h JOIN grant_rules r ON grant_rule_takes_in(h, r.covers, r.organization_id, r.agreement_id)
    LEFT JOIN organizations o ON o.id = r.organization_id LEFT JOIN agreements a ON a.id = r.agreement_id
$$;

CREATE POLICY reached ON grant_rules FOR SELECT TO keyward_app USING (id IN (SELECT rule_id FROM app_reached_rules()));
-- To somebody else: a rule to oneself would outlive one's own.
CREATE POLICY passed_on ON grant_rules FOR INSERT TO keyward_app WITH CHECK (
    app_rule_within(covers, organization_id, agreement_id, ends_at) AND app_rule_whole(covers, organization_id, agreement_id)
    AND granted_by = (SELECT app_person()) AND person_id <> granted_by AND revoked_at IS NULL);
-- What one could give one may end, and give another last day.
CREATE POLICY passed_on_change ON grant_rules FOR UPDATE TO keyward_app
    USING (revoked_at IS NULL AND app_rule_within(covers, organization_id, agreement_id, ends_at))
    WITH CHECK (app_rule_within(covers, organization_id, agreement_id, ends_at)
        AND (revoked_at IS NOT NULL OR app_rule_whole(covers, organization_id, agreement_id)));
-- Whose a rule is, and over what, is never changed.
REVOKE UPDATE ON grant_rules FROM keyward_app;
GRANT UPDATE (ends_at, revoked_at) ON grant_rules TO keyward_app;

------------------------------------------------------------------------------------------------
-- What a save did to rules, so that it can be taken back; as role_change_grants.

CREATE TABLE role_change_rules (
    change_id   uuid NOT NULL REFERENCES role_changes,
    rule_id     uuid NOT NULL REFERENCES grant_rules,
    did         text NOT NULL CONSTRAINT role_change_rules_did_is_known CHECK (did IN ('given', 'until', 'taken')),
    ends_before timestamptz,
    ends_after  timestamptz,
    PRIMARY KEY (change_id, rule_id)
);
GRANT SELECT, INSERT ON role_change_rules TO keyward_app;
ALTER TABLE role_change_rules ENABLE ROW LEVEL SECURITY;
ALTER TABLE role_change_rules FORCE ROW LEVEL SECURITY;
CREATE POLICY owner_all ON role_change_rules TO CURRENT_USER USING (true) WITH CHECK (true);
CREATE POLICY system_all ON role_change_rules TO keyward_app USING ((SELECT app_is_system())) WITH CHECK ((SELECT app_is_system()));
CREATE POLICY own ON role_change_rules TO keyward_app USING (change_id IN (SELECT id FROM role_changes))
    WITH CHECK (change_id IN (SELECT id FROM role_changes));

-- People whose roles the one who asks has changed, or taken back, in this transaction; by a rule too.
CREATE OR REPLACE FUNCTION app_changed_people() RETURNS SETOF uuid LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH mine AS (SELECT id FROM role_changes WHERE by_person = app_person() AND (made_at = app_now() OR undone_at = app_now()))
    SELECT g.person_id FROM mine JOIN role_change_grants r ON r.change_id = mine.id JOIN grants g ON g.id = r.grant_id
    UNION SELECT g.person_id FROM mine JOIN role_change_rules r ON r.change_id = mine.id JOIN grant_rules g ON g.id = r.rule_id
$$;

DO $$
DECLARE f regprocedure;
BEGIN
    FOREACH f IN ARRAY ARRAY['grant_rule_takes_in(grant_rules, text, uuid, uuid)', 'app_rules_held()', 'app_rule_limit(text, uuid, uuid)',
        'app_rule_within(text, uuid, uuid, timestamptz)', 'app_rule_whole(text, uuid, uuid)', 'app_reached_rules()']::regprocedure[]
    LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', f);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO keyward_app', f);
    END LOOP;
END $$;
