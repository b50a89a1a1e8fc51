-- Adding and correcting by hand: what was changed, by whom and why, so that it can be read and taken back; and
-- things put away in the archive. Decisions 0024 to 0026.

------------------------------------------------------------------------------------------------
-- Put away: out of lists, counts, exports and pickers, and brought back from /archive.

ALTER TABLE contracts ADD COLUMN archived_at timestamptz;
ALTER TABLE products ADD COLUMN archived_at timestamptz;
ALTER TABLE orders ADD COLUMN archived_at timestamptz;
ALTER TABLE contacts ADD COLUMN archived_at timestamptz;
ALTER TABLE organizations ADD COLUMN archived_at timestamptz;
ALTER TABLE agreements ADD COLUMN archived_at timestamptz;
-- Few and mostly none: what every check of a grant asks, as for those not approved.
CREATE INDEX contracts_archived ON contracts (id) WHERE archived_at IS NOT NULL;
CREATE INDEX products_archived ON products (id) WHERE archived_at IS NOT NULL;

-- When an import last wrote to or met anything of the License ID; null before the first since this version.
ALTER TABLE contracts ADD COLUMN imported_at timestamptz;

-- Where a key is deployed, in words, and when another took its place.
ALTER TABLE product_keys ADD COLUMN place text NOT NULL DEFAULT '';
ALTER TABLE product_keys ADD COLUMN superseded_at timestamptz;

-- Who typed a reading; none for an import and the program itself.
ALTER TABLE key_readings ADD COLUMN person_id uuid REFERENCES people;

-- What a person holds on an archived License ID rests until it is restored: one place for all pages, counts and
-- exports, whose queries all ask this function.
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
        RETURN QUERY SELECT g.contract_id, g.role FROM grants g
        WHERE g.person_id = me AND g.revoked_at IS NULL AND (g.ends_at IS NULL OR g.ends_at > present)
          AND (g.role = 'administrator' OR g.contract_id NOT IN (SELECT c.id FROM contracts c WHERE NOT c.approved))
          AND g.contract_id NOT IN (SELECT c.id FROM contracts c WHERE c.archived_at IS NOT NULL);
    END IF;
END $$;

CREATE FUNCTION app_archived_products() RETURNS SETOF uuid LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS
$$ SELECT id FROM products WHERE archived_at IS NOT NULL $$;

-- An archived order or contact is out of a person's sight by the policy itself.
DROP POLICY position_read ON orders;
CREATE POLICY position_read ON orders FOR SELECT TO keyward_app
    USING (archived_at IS NULL AND contract_id IN (SELECT app_position_read()));
DROP POLICY seen ON contacts;
CREATE POLICY seen ON contacts FOR SELECT TO keyward_app
    USING (archived_at IS NULL AND contract_id IN (SELECT app_seen()));

-- Keys counted with a License ID's product are those in force.
CREATE FUNCTION contract_products_recount_keys() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE contract_products SET keys = keys + CASE WHEN NEW.archived_at IS NULL THEN 1 ELSE -1 END
    WHERE contract_id = NEW.contract_id AND product_id = NEW.product_id;
    RETURN NULL;
END $$;
CREATE TRIGGER contract_products_recount_keys AFTER UPDATE OF archived_at ON product_keys
    FOR EACH ROW WHEN ((OLD.archived_at IS NULL) <> (NEW.archived_at IS NULL)) EXECUTE FUNCTION contract_products_recount_keys();

------------------------------------------------------------------------------------------------
-- Changes by hand. Rows are only ever added. Never a key: of one, its last five characters in `subject`.

CREATE TABLE changes (
    id          uuid PRIMARY KEY,
    -- What was done at once is one set, and is taken back as one.
    set_id      uuid NOT NULL,
    at          timestamptz NOT NULL,
    person_id   uuid NOT NULL REFERENCES people,
    thing       text NOT NULL CONSTRAINT changes_thing_is_known CHECK (
                    thing IN ('contract', 'contact', 'key', 'order', 'organization', 'agreement', 'product')),
    row_id      uuid NOT NULL,
    -- The License ID it belongs to; none for what belongs to the site.
    contract_id uuid REFERENCES contracts,
    -- What was changed, as it was called then.
    subject     text NOT NULL,
    -- Why, in the person's words.
    message     text NOT NULL DEFAULT '',
    -- The columns that changed, as they were; null for what was added.
    before      jsonb,
    after       jsonb NOT NULL,
    -- The same for people: an array of [label, old, new].
    shown       jsonb NOT NULL DEFAULT '[]',
    -- The set that this one took back.
    undoes      uuid
);
CREATE INDEX changes_by_set ON changes (set_id);
CREATE INDEX changes_by_row ON changes (row_id, at DESC);
CREATE INDEX changes_by_contract ON changes (contract_id, at DESC);
CREATE INDEX changes_by_time ON changes (at DESC);
CREATE INDEX changes_undone ON changes (undoes) WHERE undoes IS NOT NULL;

-- License IDs that the person may correct: those administered, in the archive or not.
CREATE FUNCTION app_edited() RETURNS SETOF uuid LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 100
SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
    me uuid := app_person();
    present timestamptz := app_now();
BEGIN
    IF EXISTS (SELECT 1 FROM people p WHERE p.id = me AND p.disabled_at IS NULL) THEN
        RETURN QUERY SELECT DISTINCT g.contract_id FROM grants g
        WHERE g.person_id = me AND g.role = 'administrator' AND g.revoked_at IS NULL AND (g.ends_at IS NULL OR g.ends_at > present);
    END IF;
END $$;

-- Their numbers, and when an import last met them; a site operator is told the number of any.
CREATE FUNCTION app_edited_names() RETURNS TABLE (contract_id uuid, license_id text, imported_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT id, license_id, imported_at FROM contracts WHERE id IN (SELECT app_edited()) OR (SELECT app_is_operator())
$$;

-- When anything was last imported.
CREATE FUNCTION app_last_import() RETURNS timestamptz LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS
$$ SELECT max(coalesce(ended_at, created_at)) FROM imports WHERE state = 'applied' $$;

-- What a person may bring back: of the License IDs that he administers, and a site operator what belongs to the site
-- and License IDs by their number alone.
CREATE FUNCTION app_archive() RETURNS TABLE (thing text, id uuid, name text, about text, license_id text, archived_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT 'contract', c.id, c.license_id, CASE WHEN c.id IN (SELECT app_edited()) THEN o.name ELSE '' END, c.license_id, c.archived_at
    FROM contracts c JOIN organizations o ON o.id = c.organization_id
    WHERE c.archived_at IS NOT NULL AND (c.id IN (SELECT app_edited()) OR (SELECT app_is_operator()))
    UNION ALL
    SELECT 'key', k.id, p.name, coalesce('…' || k.last_five, ''), c.license_id, k.archived_at
    FROM product_keys k JOIN contracts c ON c.id = k.contract_id JOIN products p ON p.id = k.product_id
    WHERE k.archived_at IS NOT NULL AND k.contract_id IN (SELECT app_edited())
    UNION ALL
    SELECT 'order', o.id, o.description, concat_ws(', ', nullif(o.part_number, ''), nullif(o.customer_order_no, ''), nullif(o.reseller_order_no, '')), c.license_id, o.archived_at
    FROM orders o JOIN contracts c ON c.id = o.contract_id
    WHERE o.archived_at IS NOT NULL AND o.contract_id IN (SELECT app_edited())
    UNION ALL
    SELECT 'contact', t.id, t.name, t.role, c.license_id, t.archived_at
    FROM contacts t JOIN contracts c ON c.id = t.contract_id
    WHERE t.archived_at IS NOT NULL AND t.contract_id IN (SELECT app_edited())
    UNION ALL
    SELECT 'product', p.id, p.name, p.category, '', p.archived_at FROM products p WHERE p.archived_at IS NOT NULL AND (SELECT app_is_operator())
    UNION ALL
    SELECT 'organization', o.id, o.name, '', '', o.archived_at FROM organizations o WHERE o.archived_at IS NOT NULL AND (SELECT app_is_operator())
    UNION ALL
    SELECT 'agreement', a.id, a.number, '', '', a.archived_at FROM agreements a WHERE a.archived_at IS NOT NULL AND (SELECT app_is_operator())
$$;

GRANT SELECT, INSERT ON changes TO keyward_app;
ALTER TABLE changes ENABLE ROW LEVEL SECURITY;
ALTER TABLE changes FORCE ROW LEVEL SECURITY;
CREATE POLICY owner_all ON changes TO CURRENT_USER USING (true) WITH CHECK (true);
CREATE POLICY system_all ON changes TO keyward_app USING ((SELECT app_is_system())) WITH CHECK ((SELECT app_is_system()));
-- Administrators of the License ID; site operators what belongs to the site, and what they did themselves.
CREATE POLICY edited ON changes FOR SELECT TO keyward_app USING (
    contract_id IN (SELECT app_edited())
    OR ((SELECT app_is_operator()) AND (contract_id IS NULL OR person_id = (SELECT app_person()))));

DO $$
DECLARE f text;
BEGIN
    FOREACH f IN ARRAY ARRAY['contract_products_recount_keys()', 'app_archived_products()', 'app_edited()', 'app_edited_names()', 'app_last_import()', 'app_archive()', 'app_grants()']
    LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', f);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO keyward_app', f);
    END LOOP;
END $$;
