-- The level above parent agreements: a master agreement (MBSA), under which agreements stand (contracts-faq, "Hierarchy":
-- MBSA, parent agreement, License ID). An MBSA is an agreement like any other, under which others stand; a role given on
-- it is inherited by the License IDs of all of them. Grants stay one row a License ID, so nothing that is asked with
-- every request changes. Decision 46.

ALTER TABLE agreements ADD COLUMN mbsa_id uuid REFERENCES agreements,
    ADD CONSTRAINT agreements_not_own_mbsa CHECK (mbsa_id <> id);
CREATE INDEX agreements_by_mbsa ON agreements (mbsa_id) WHERE mbsa_id IS NOT NULL;

-- Two levels and no more, and so no circles: what stands under another has nothing under itself. Under a lock, or two
-- that are written at once would each see none of the other. It is the lock of those that give License IDs their grants.
CREATE FUNCTION agreements_two_levels() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('keyward.grants'));
    IF EXISTS (SELECT FROM agreements WHERE id = NEW.mbsa_id AND mbsa_id IS NOT NULL)
       OR EXISTS (SELECT FROM agreements WHERE mbsa_id = NEW.id) THEN
        RAISE EXCEPTION 'an agreement under another has none below it'
            USING ERRCODE = 'check_violation', TABLE = 'agreements', CONSTRAINT = 'agreements_two_levels';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER agreements_two_levels AFTER INSERT OR UPDATE OF mbsa_id ON agreements
    FOR EACH ROW WHEN (NEW.mbsa_id IS NOT NULL) EXECUTE FUNCTION agreements_two_levels();

-- As before, and an agreement's rule covers what is under the agreements below it.
CREATE OR REPLACE FUNCTION grant_rule_covers(rule grant_rules, contract contracts) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT CASE rule.covers
        WHEN 'all' THEN true
        WHEN 'agreement' THEN contract.agreement_id IS NOT DISTINCT FROM rule.agreement_id
            OR EXISTS (SELECT FROM agreements a WHERE a.id = contract.agreement_id AND a.mbsa_id = rule.agreement_id)
        ELSE contract.organization_id IN (SELECT organization_and_below(rule.organization_id))
    END
$$;

-- An agreement that goes under an MBSA, or leaves it, takes its License IDs along.
CREATE FUNCTION grants_follow_agreement() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('keyward.grants'));
    UPDATE grants g SET revoked_at = app_now(), lapsed = true FROM grant_rules r, contracts c
    WHERE c.agreement_id = NEW.id AND g.contract_id = c.id AND g.revoked_at IS NULL AND r.id = g.rule_id
      AND r.covers = 'agreement' AND NOT grant_rule_covers(r, c);
    INSERT INTO grants (person_id, role, contract_id, rule_id, granted_by, granted_at, ends_at)
    SELECT r.person_id, r.role, c.id, r.id, r.granted_by, app_now(), r.ends_at
    FROM grant_rules r JOIN contracts c ON c.agreement_id = NEW.id AND grant_rule_covers(r, c)
    WHERE r.revoked_at IS NULL AND r.covers = 'agreement'
      AND NOT EXISTS (SELECT 1 FROM grants g WHERE g.rule_id = r.id AND g.contract_id = c.id AND NOT g.lapsed)
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER grants_follow_agreement AFTER UPDATE OF mbsa_id ON agreements
    FOR EACH ROW WHEN (OLD.mbsa_id IS DISTINCT FROM NEW.mbsa_id) EXECUTE FUNCTION grants_follow_agreement();

-- Who holds an Administrator's rule on an MBSA passes on rules on the agreements below it.
CREATE OR REPLACE FUNCTION grant_rule_takes_in(held grant_rules, wanted text, organization uuid, agreement uuid) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT CASE held.covers
        WHEN 'all' THEN true
        WHEN 'agreement' THEN wanted = 'agreement' AND (agreement = held.agreement_id
            OR EXISTS (SELECT FROM agreements a WHERE a.id = agreement AND a.mbsa_id = held.agreement_id))
        ELSE wanted = 'organization' AND organization IN (SELECT organization_and_below(held.organization_id))
    END
$$;
CREATE OR REPLACE FUNCTION app_rule_whole(wanted text, organization uuid, agreement uuid) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH covered AS (
        SELECT c.id FROM contracts c
        WHERE CASE wanted WHEN 'all' THEN true
              WHEN 'agreement' THEN c.agreement_id IN (SELECT a.id FROM agreements a WHERE a.id = agreement OR a.mbsa_id = agreement)
              ELSE c.organization_id IN (SELECT organization_and_below(organization)) END),
    own AS (
        SELECT g.contract_id FROM grants g
        WHERE g.person_id = app_person() AND g.role = 'administrator' AND g.revoked_at IS NULL AND (g.ends_at IS NULL OR g.ends_at > app_now()))
    SELECT NOT EXISTS (SELECT 1 FROM covered WHERE id NOT IN (SELECT contract_id FROM own))
$$;

-- What a rule covers, for people: an agreement with others under it is an MBSA.
CREATE FUNCTION grant_rule_kind(rule grant_rules) RETURNS text LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT CASE WHEN rule.covers = 'agreement' AND EXISTS (SELECT FROM agreements a WHERE a.mbsa_id = rule.agreement_id) THEN 'mbsa'
                ELSE rule.covers END
$$;
CREATE OR REPLACE FUNCTION app_rule_sources() RETURNS TABLE (rule_id uuid, covers text, name text) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT r.id, grant_rule_kind(r), coalesce(o.name, a.number, '')
    FROM grant_rules r LEFT JOIN organizations o ON o.id = r.organization_id LEFT JOIN agreements a ON a.id = r.agreement_id
    WHERE r.revoked_at IS NULL
      AND ((SELECT app_is_operator()) OR r.id IN (SELECT g.rule_id FROM grants g WHERE g.contract_id IN (SELECT app_administered())))
$$;

-- Numbers above a License ID that one sees: its agreement and that one's MBSA. Where no agreement has one, as before.
CREATE OR REPLACE FUNCTION app_seen_agreements() RETURNS SETOF uuid LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 20 SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
BEGIN
    IF EXISTS (SELECT FROM agreements a WHERE a.mbsa_id IS NOT NULL) THEN
        RETURN QUERY WITH mine AS MATERIALIZED (SELECT DISTINCT c.agreement_id AS id FROM app_grants() g JOIN contracts c ON c.id = g.contract_id)
            SELECT mine.id FROM mine UNION SELECT a.mbsa_id FROM mine JOIN agreements a ON a.id = mine.id WHERE a.mbsa_id IS NOT NULL;
    ELSE
        RETURN QUERY SELECT DISTINCT c.agreement_id FROM app_grants() g JOIN contracts c ON c.id = g.contract_id;
    END IF;
END $$;

DO $$
DECLARE f text;
BEGIN
    FOREACH f IN ARRAY ARRAY['agreements_two_levels()', 'grants_follow_agreement()', 'grant_rule_kind(grant_rules)']
    LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', f);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO keyward_app', f);
    END LOOP;
END $$;
