-- The spine: who there is, what they hold, which keys, and what happened.
--
-- Three database roles (docs/decisions/0002): the owner runs migrations, `keyward_app` serves,
-- `keyward_responder` answers machines. Row-level security is the second wall behind the scope
-- that every query carries: the server names the person it works for in `app.user`, for one
-- transaction at a time.

------------------------------------------------------------------------------------------------
-- Who asks, and when. `app.now` lets the injected clock decide which grants have ended.

CREATE FUNCTION app_is_system() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS
$$ SELECT coalesce(current_setting('app.user', true), '') = 'system' $$;

-- After a transaction ends, a setting made with is_local = true reads as an empty string, not null.
CREATE FUNCTION app_person() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE AS
$$ SELECT nullif(nullif(current_setting('app.user', true), ''), 'system')::uuid $$;

CREATE FUNCTION app_now() RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE AS
$$ SELECT coalesce(nullif(current_setting('app.now', true), '')::timestamptz, now()) $$;

------------------------------------------------------------------------------------------------
-- People

CREATE TABLE people (
    id            uuid PRIMARY KEY,
    email         text NOT NULL,
    name          text NOT NULL CONSTRAINT people_name_not_empty CHECK (name <> ''),
    password_hash text,
    site_operator boolean NOT NULL DEFAULT false,
    auditor       boolean NOT NULL DEFAULT false,
    created_at    timestamptz NOT NULL,
    disabled_at   timestamptz,
    CONSTRAINT people_email_is_lower_case CHECK (email = lower(email) AND email LIKE '%_@_%')
);
CREATE UNIQUE INDEX people_email_is_unique ON people (email);

CREATE TABLE sessions (
    id           uuid PRIMARY KEY,
    person_id    uuid NOT NULL REFERENCES people,
    -- SHA-256 of the cookie's token: a copy of this table opens nothing.
    token_hash   bytea NOT NULL CONSTRAINT sessions_token_is_unique UNIQUE,
    created_at   timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    -- When the password was last given; reveal, copy, export and approval want it recent.
    fresh_at     timestamptz NOT NULL,
    ended_at     timestamptz,
    address      text NOT NULL,
    user_agent   text NOT NULL,
    -- The post that waits for the password on /confirm, sent again by the server afterwards.
    pending_path text,
    pending_body bytea
);
CREATE INDEX sessions_by_person ON sessions (person_id) WHERE ended_at IS NULL;

------------------------------------------------------------------------------------------------
-- The estate

CREATE TABLE organizations (
    id        uuid PRIMARY KEY,
    name      text NOT NULL CONSTRAINT organizations_name_is_unique UNIQUE,
    parent_id uuid REFERENCES organizations,
    CONSTRAINT organizations_not_own_parent CHECK (parent_id <> id)
);

-- The level above the License IDs (enterprise or campus agreement); roles may be inherited from it.
CREATE TABLE agreements (
    id     uuid PRIMARY KEY,
    number text NOT NULL CONSTRAINT agreements_number_is_unique UNIQUE
);

-- One row per License ID (enrollment, agreement, license or PCN, by programme).
CREATE TABLE contracts (
    id                      uuid PRIMARY KEY,
    license_id              text NOT NULL CONSTRAINT contracts_license_id_is_unique UNIQUE,
    organization_id         uuid NOT NULL REFERENCES organizations,
    agreement_id            uuid REFERENCES agreements,
    program                 text NOT NULL DEFAULT '',
    agreement_type          text NOT NULL DEFAULT '',
    location                text NOT NULL DEFAULT '',
    authorization_number    text NOT NULL DEFAULT '',
    purchase_account_number text NOT NULL DEFAULT '',
    starts_on               date,
    ends_on                 date,
    -- The vendor publishes no vocabulary: kept as written. One value is special, see `approved`.
    status                  text NOT NULL DEFAULT 'Active',
    -- "Organization not approved" hides the License ID from all but its Administrators.
    approved                boolean NOT NULL GENERATED ALWAYS AS (lower(status) <> 'organization not approved') STORED,
    created_at              timestamptz NOT NULL,
    CONSTRAINT contracts_license_id_not_empty CHECK (license_id <> '')
);
CREATE INDEX contracts_by_organization ON contracts (organization_id);
CREATE INDEX contracts_by_agreement ON contracts (agreement_id);
-- Few and mostly none: what every check of a grant asks.
CREATE INDEX contracts_not_approved ON contracts (id) WHERE NOT approved;

CREATE TABLE contacts (
    id          uuid PRIMARY KEY,
    contract_id uuid NOT NULL REFERENCES contracts,
    role        text NOT NULL,
    name        text NOT NULL,
    email       text NOT NULL
);
-- Contacts of one role differ by their address; those without one by their name.
CREATE UNIQUE INDEX contacts_are_unique ON contacts (contract_id, role, (CASE WHEN email = '' THEN name ELSE email END));

CREATE TABLE license_summaries (
    id                 uuid PRIMARY KEY,
    contract_id        uuid NOT NULL REFERENCES contracts,
    product_family     text NOT NULL,
    version            text NOT NULL,
    product_pool       text NOT NULL,
    type               text NOT NULL,
    effective_quantity bigint NOT NULL,
    active_sa_quantity bigint NOT NULL,
    CONSTRAINT license_summaries_are_unique UNIQUE (contract_id, product_family, version, product_pool, type)
);

CREATE TABLE products (
    id            uuid PRIMARY KEY,
    slug          text NOT NULL CONSTRAINT products_slug_is_unique UNIQUE,
    name          text NOT NULL CONSTRAINT products_name_is_unique UNIQUE,
    estate        text NOT NULL DEFAULT 'vendor' CONSTRAINT products_estate_is_known CHECK (estate IN ('vendor', 'own')),
    category      text NOT NULL,
    family        text NOT NULL,
    version       text NOT NULL DEFAULT '',
    edition       text NOT NULL DEFAULT '',
    needs_key     boolean NOT NULL DEFAULT true,
    -- Said where a key would stand, e.g. for SQL Server (embedded) and RDS (activation wizard).
    no_key_reason text NOT NULL DEFAULT '',
    created_at    timestamptz NOT NULL
);
CREATE INDEX products_by_name ON products (lower(name));

-- What a License ID covers: made by its keys and orders, and what makes a product visible.
CREATE TABLE contract_products (
    contract_id uuid NOT NULL REFERENCES contracts,
    product_id  uuid NOT NULL REFERENCES products,
    -- How many keys: kept by a trigger, so that a list of products counts no keys.
    keys        bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (contract_id, product_id)
);
CREATE INDEX contract_products_by_product ON contract_products (product_id, contract_id);

CREATE TABLE orders (
    id                uuid PRIMARY KEY,
    contract_id       uuid NOT NULL REFERENCES contracts,
    product_id        uuid REFERENCES products,
    reseller_order_no text NOT NULL,
    customer_order_no text NOT NULL,
    ordered_on        date,
    usage_starts_on   date,
    reseller          text NOT NULL,
    part_number       text NOT NULL,
    description       text NOT NULL,
    quantity          bigint NOT NULL,
    country           text NOT NULL,
    -- Two equal lines of one order are two lines: the second has occurrence 2.
    occurrence        integer NOT NULL DEFAULT 1,
    CONSTRAINT orders_are_unique UNIQUE (contract_id, reseller_order_no, customer_order_no, part_number, occurrence)
);

------------------------------------------------------------------------------------------------
-- The vault

-- A known sentence sealed under each KEK: tells a wrong KEK file from the right one.
CREATE TABLE vault_checks (
    kek_id     text PRIMARY KEY,
    sealed     bytea NOT NULL,
    created_at timestamptz NOT NULL
);

-- One data key per License ID and purpose, wrapped by the KEK.
CREATE TABLE data_keys (
    id          uuid PRIMARY KEY,
    contract_id uuid REFERENCES contracts,
    kek_id      text NOT NULL REFERENCES vault_checks,
    wrapped     bytea NOT NULL,
    created_at  timestamptz NOT NULL
);
CREATE UNIQUE INDEX data_keys_one_per_contract ON data_keys (contract_id) NULLS NOT DISTINCT;

CREATE TABLE product_keys (
    id          uuid PRIMARY KEY,
    contract_id uuid NOT NULL REFERENCES contracts,
    product_id  uuid NOT NULL REFERENCES products,
    kind        text NOT NULL CONSTRAINT product_keys_kind_is_known CHECK (kind IN ('MAK', 'KMS', 'VLK', 'OSA', 'SETUP', 'NONE')),
    -- HMAC of the normalised key under a key of its own: finds duplicates and exact matches without plaintext.
    fingerprint bytea,
    last_five   text,
    data_key_id uuid REFERENCES data_keys,
    -- version, nonce, ciphertext, tag; bound to this row by its associated data (src/vault).
    sealed      bytea,
    -- The newest reading, kept here so that lists need no join; history is in key_readings.
    used        bigint,
    total       bigint,
    seats       bigint,
    osa_status  text NOT NULL DEFAULT '',
    read_at     timestamptz NOT NULL,
    usable_from date,
    blocked_at  timestamptz,
    note        text NOT NULL DEFAULT '',
    owner_id    uuid REFERENCES people,
    -- What is said in place of a key (kind NONE).
    no_key_text text NOT NULL DEFAULT '',
    created_at  timestamptz NOT NULL,
    archived_at timestamptz,
    CONSTRAINT product_keys_have_a_secret_or_none CHECK (
        (kind = 'NONE') = (sealed IS NULL) AND (kind = 'NONE') = (fingerprint IS NULL)
        AND (kind = 'NONE') = (last_five IS NULL) AND (kind = 'NONE') = (data_key_id IS NULL)),
    CONSTRAINT product_keys_counts_not_negative CHECK (used >= 0 AND total >= 0 AND seats >= 0),
    CONSTRAINT product_keys_are_unique UNIQUE NULLS NOT DISTINCT (contract_id, product_id, fingerprint)
);
CREATE INDEX product_keys_by_product ON product_keys (product_id, contract_id);
-- Which keys there are, without reading them: an export's record.
CREATE INDEX product_keys_in_force ON product_keys (contract_id, id) WHERE archived_at IS NULL;
CREATE INDEX product_keys_by_fingerprint ON product_keys (fingerprint);
CREATE INDEX product_keys_by_last_five ON product_keys (last_five);

CREATE FUNCTION contract_products_count_keys() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO contract_products AS cp (contract_id, product_id, keys)
    SELECT contract_id, product_id, count(*) FROM fresh GROUP BY contract_id, product_id ORDER BY contract_id, product_id
    ON CONFLICT (contract_id, product_id) DO UPDATE SET keys = cp.keys + EXCLUDED.keys;
    RETURN NULL;
END $$;
CREATE TRIGGER contract_products_count_keys AFTER INSERT ON product_keys
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION contract_products_count_keys();

CREATE TABLE key_readings (
    id          uuid PRIMARY KEY,
    key_id      uuid NOT NULL REFERENCES product_keys,
    contract_id uuid NOT NULL REFERENCES contracts,
    read_at     timestamptz NOT NULL,
    source      text NOT NULL,
    used        bigint,
    total       bigint,
    seats       bigint,
    osa_status  text NOT NULL DEFAULT ''
);
CREATE INDEX key_readings_by_key ON key_readings (key_id, read_at);

------------------------------------------------------------------------------------------------
-- Roles. A grant is (person, role, License ID). A rule grants on many License IDs at once, those
-- to come included: all of them, an organisation with its children, or a parent agreement
-- (inheritance). Triggers keep the grants of a rule in step, so that a check reads one table.

CREATE TABLE grant_rules (
    id              uuid PRIMARY KEY,
    person_id       uuid NOT NULL REFERENCES people,
    role            text NOT NULL,
    covers          text NOT NULL CONSTRAINT grant_rules_covers_is_known CHECK (covers IN ('all', 'organization', 'agreement')),
    organization_id uuid REFERENCES organizations,
    agreement_id    uuid REFERENCES agreements,
    granted_by      uuid REFERENCES people,
    granted_at      timestamptz NOT NULL,
    ends_at         timestamptz,
    revoked_at      timestamptz,
    CONSTRAINT grant_rules_role_is_known CHECK (role IN ('administrator', 'product-keys-reader', 'license-position-reader', 'product-download-manager')),
    CONSTRAINT grant_rules_cover_what_they_name CHECK (
        (covers = 'organization') = (organization_id IS NOT NULL) AND (covers = 'agreement') = (agreement_id IS NOT NULL))
);
CREATE UNIQUE INDEX grant_rules_once ON grant_rules (person_id, role, covers, organization_id, agreement_id) NULLS NOT DISTINCT WHERE revoked_at IS NULL;

CREATE TABLE grants (
    id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    person_id   uuid NOT NULL REFERENCES people,
    role        text NOT NULL,
    contract_id uuid NOT NULL REFERENCES contracts,
    -- Null: given on this License ID itself.
    rule_id     uuid REFERENCES grant_rules,
    granted_by  uuid REFERENCES people,
    granted_at  timestamptz NOT NULL,
    ends_at     timestamptz,
    revoked_at  timestamptz,
    revoked_by  uuid REFERENCES people,
    -- Ended because the License ID left what its rule covers, not by a person: it comes back with the License ID.
    lapsed      boolean NOT NULL DEFAULT false,
    CONSTRAINT grants_role_is_known CHECK (role IN ('administrator', 'product-keys-reader', 'license-position-reader', 'product-download-manager'))
);
CREATE UNIQUE INDEX grants_once ON grants (person_id, contract_id, role, rule_id) INCLUDE (ends_at) NULLS NOT DISTINCT WHERE revoked_at IS NULL;
-- Whether somebody administers anything is asked with every request.
CREATE INDEX grants_of_administrators ON grants (person_id) WHERE role = 'administrator' AND revoked_at IS NULL;
CREATE INDEX grants_by_contract ON grants (contract_id) WHERE revoked_at IS NULL;
CREATE INDEX grants_by_rule ON grants (rule_id, contract_id);

-- A grant that ended by itself makes room for the next one, whoever gives it.
CREATE FUNCTION grants_make_room() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE grants SET revoked_at = ends_at
    WHERE person_id = NEW.person_id AND contract_id = NEW.contract_id AND role = NEW.role AND rule_id IS NULL
      AND revoked_at IS NULL AND ends_at <= app_now();
    RETURN NEW;
END $$;
CREATE TRIGGER grants_make_room BEFORE INSERT ON grants
    FOR EACH ROW WHEN (NEW.rule_id IS NULL) EXECUTE FUNCTION grants_make_room();

CREATE FUNCTION organization_and_below(top uuid) RETURNS SETOF uuid LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH RECURSIVE below AS (
        SELECT id FROM organizations WHERE id = top
        UNION
        SELECT o.id FROM organizations o JOIN below ON o.parent_id = below.id
    ) SELECT id FROM below
$$;

CREATE FUNCTION grant_rule_covers(rule grant_rules, contract contracts) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT CASE rule.covers
        WHEN 'all' THEN true
        WHEN 'agreement' THEN contract.agreement_id IS NOT DISTINCT FROM rule.agreement_id
        ELSE contract.organization_id IN (SELECT organization_and_below(rule.organization_id))
    END
$$;

CREATE FUNCTION grants_follow_rule() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    -- A License ID that is being added meanwhile would miss this rule, and the rule it.
    PERFORM pg_advisory_xact_lock(hashtext('keyward.grants'));
    IF TG_OP = 'UPDATE' THEN
        UPDATE grants SET revoked_at = NEW.revoked_at, ends_at = NEW.ends_at WHERE rule_id = NEW.id AND revoked_at IS NULL;
    ELSE
        INSERT INTO grants (person_id, role, contract_id, rule_id, granted_by, granted_at, ends_at)
        SELECT NEW.person_id, NEW.role, c.id, NEW.id, NEW.granted_by, NEW.granted_at, NEW.ends_at
        FROM contracts c WHERE grant_rule_covers(NEW, c)
        ON CONFLICT DO NOTHING;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER grants_follow_rule AFTER INSERT OR UPDATE OF revoked_at, ends_at ON grant_rules
    FOR EACH ROW EXECUTE FUNCTION grants_follow_rule();

-- A new License ID takes the grants of the rules that cover it; one that moved loses and gains.
CREATE FUNCTION grants_follow_contract() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtext('keyward.grants'));
    IF TG_OP = 'UPDATE' THEN
        UPDATE grants g SET revoked_at = app_now(), lapsed = true FROM grant_rules r
        WHERE g.contract_id = NEW.id AND g.revoked_at IS NULL AND r.id = g.rule_id AND NOT grant_rule_covers(r, NEW);
    END IF;
    INSERT INTO grants (person_id, role, contract_id, rule_id, granted_by, granted_at, ends_at)
    SELECT r.person_id, r.role, NEW.id, r.id, r.granted_by, app_now(), r.ends_at
    FROM grant_rules r
    WHERE r.revoked_at IS NULL AND grant_rule_covers(r, NEW)
      -- revoked on this License ID by hand stays revoked
      AND NOT EXISTS (SELECT 1 FROM grants g WHERE g.rule_id = r.id AND g.contract_id = NEW.id AND NOT g.lapsed)
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER grants_follow_new_contract AFTER INSERT ON contracts
    FOR EACH ROW EXECUTE FUNCTION grants_follow_contract();
CREATE TRIGGER grants_follow_moved_contract AFTER UPDATE OF organization_id, agreement_id ON contracts
    FOR EACH ROW WHEN (OLD.organization_id IS DISTINCT FROM NEW.organization_id OR OLD.agreement_id IS DISTINCT FROM NEW.agreement_id)
    EXECUTE FUNCTION grants_follow_contract();

-- An organisation that moves in the tree takes its License IDs along.
CREATE FUNCTION grants_follow_organization() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtext('keyward.grants'));
    UPDATE grants g SET revoked_at = app_now(), lapsed = true FROM grant_rules r, contracts c
    WHERE g.revoked_at IS NULL AND r.id = g.rule_id AND r.covers = 'organization' AND c.id = g.contract_id
      AND NOT grant_rule_covers(r, c);
    INSERT INTO grants (person_id, role, contract_id, rule_id, granted_by, granted_at, ends_at)
    SELECT r.person_id, r.role, c.id, r.id, r.granted_by, app_now(), r.ends_at
    FROM grant_rules r JOIN contracts c ON grant_rule_covers(r, c)
    WHERE r.revoked_at IS NULL AND r.covers = 'organization'
      AND NOT EXISTS (SELECT 1 FROM grants g WHERE g.rule_id = r.id AND g.contract_id = c.id AND NOT g.lapsed)
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER grants_follow_organization AFTER UPDATE OF parent_id ON organizations
    FOR EACH ROW WHEN (OLD.parent_id IS DISTINCT FROM NEW.parent_id) EXECUTE FUNCTION grants_follow_organization();

------------------------------------------------------------------------------------------------
-- Imports: what was read, what it would change, and what was written.

CREATE TABLE imports (
    id         uuid PRIMARY KEY,
    person_id  uuid REFERENCES people,
    actor      text NOT NULL,
    created_at timestamptz NOT NULL,
    state      text NOT NULL CONSTRAINT imports_state_is_known CHECK (state IN ('staged', 'refused', 'applied', 'discarded')),
    ended_at   timestamptz
);
CREATE INDEX imports_by_time ON imports (created_at DESC);

CREATE TABLE import_files (
    id        uuid PRIMARY KEY,
    import_id uuid NOT NULL REFERENCES imports,
    position  integer NOT NULL,
    name      text NOT NULL,
    kind      text NOT NULL,
    added     bigint NOT NULL DEFAULT 0,
    changed   bigint NOT NULL DEFAULT 0,
    skipped   bigint NOT NULL DEFAULT 0,
    refused   bigint NOT NULL DEFAULT 0,
    warnings  bigint NOT NULL DEFAULT 0,
    -- SHA-256 over all its planned rows: what is applied must be what was shown.
    digest    bytea NOT NULL,
    -- The file's bytes, sealed by the vault while it waits for a decision; emptied afterwards.
    sealed    bytea
);
CREATE INDEX import_files_by_import ON import_files (import_id, position);

CREATE TABLE import_rows (
    file_id    uuid NOT NULL REFERENCES import_files,
    line       bigint NOT NULL,
    ordinal    integer NOT NULL,
    action     text NOT NULL CONSTRAINT import_rows_action_is_known CHECK (action IN ('added', 'changed', 'skipped', 'refused')),
    license_id text NOT NULL DEFAULT '',
    subject    text NOT NULL DEFAULT '',
    last_five  text NOT NULL DEFAULT '',
    -- What changes: an array of [column, old, new].
    changes    jsonb NOT NULL DEFAULT '[]',
    -- Why it is skipped or refused, or what to know about it.
    detail     text NOT NULL DEFAULT '',
    PRIMARY KEY (file_id, ordinal)
);

------------------------------------------------------------------------------------------------
-- Audit: rows are only ever added. One chain per License ID and one for the site; each link is an
-- HMAC under a key that the database doesn't hold (SECURITY 5).

CREATE TABLE audit_events (
    chain       text NOT NULL,
    seq         bigint NOT NULL,
    at          timestamptz NOT NULL,
    actor_id    uuid,
    actor       text NOT NULL,
    action      text NOT NULL,
    outcome     text NOT NULL,
    contract_id uuid,
    subject     text NOT NULL,
    detail      jsonb NOT NULL,
    key_ids     uuid[] NOT NULL,
    address     text NOT NULL,
    request_id  text NOT NULL,
    link        bytea NOT NULL,
    PRIMARY KEY (chain, seq)
);
CREATE INDEX audit_events_by_time ON audit_events (at DESC);
CREATE INDEX audit_events_by_actor ON audit_events (actor_id, action, at);
CREATE INDEX audit_events_by_contract ON audit_events (contract_id, at DESC);

CREATE TABLE audit_heads (
    chain text PRIMARY KEY,
    seq   bigint NOT NULL,
    link  bytea NOT NULL
);

------------------------------------------------------------------------------------------------
-- What a person may see. SECURITY DEFINER: these read grants past the policies that call them.

CREATE FUNCTION app_is_operator() RETURNS boolean LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS
$$ BEGIN RETURN EXISTS (SELECT 1 FROM people WHERE id = app_person() AND site_operator AND disabled_at IS NULL); END $$;

CREATE FUNCTION app_is_auditor() RETURNS boolean LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS
$$ BEGIN RETURN EXISTS (SELECT 1 FROM people WHERE id = app_person() AND auditor AND disabled_at IS NULL); END $$;

-- Grants in force of the person asking, with the hiding of License IDs that aren't approved. In PL/pgSQL, here and
-- below: it keeps a query's plan for the connection's life, and a page asks these functions several times over;
-- planning them anew costs ten times what they do. The settings make that plan the one by index, whoever asks first.
CREATE FUNCTION app_grants() RETURNS TABLE (contract_id uuid, role text) LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 100
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
        RETURN QUERY SELECT g.contract_id, g.role FROM grants g
        WHERE g.person_id = me AND g.revoked_at IS NULL AND (g.ends_at IS NULL OR g.ends_at > present)
          AND (g.role = 'administrator' OR g.contract_id NOT IN (SELECT c.id FROM contracts c WHERE NOT c.approved));
    END IF;
END $$;

-- The four sets of License IDs that policies ask for; the same table as Role::may in src/auth/roles.rs.
CREATE FUNCTION app_seen() RETURNS SETOF uuid LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 100 SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS
$$ BEGIN RETURN QUERY SELECT contract_id FROM app_grants(); END $$;
CREATE FUNCTION app_keys_read() RETURNS SETOF uuid LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 100 SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS
$$ BEGIN RETURN QUERY SELECT contract_id FROM app_grants() WHERE role IN ('administrator', 'product-keys-reader', 'license-position-reader'); END $$;
CREATE FUNCTION app_position_read() RETURNS SETOF uuid LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 100 SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS
$$ BEGIN RETURN QUERY SELECT contract_id FROM app_grants() WHERE role IN ('administrator', 'license-position-reader'); END $$;
CREATE FUNCTION app_administered() RETURNS SETOF uuid LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 100 SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS
$$ BEGIN RETURN QUERY SELECT contract_id FROM app_grants() WHERE role = 'administrator'; END $$;

-- Whom a session's token belongs to, while session and person are in force: one statement before any
-- transaction, because it tells for whom the transaction will work.
CREATE FUNCTION app_session(token bytea, present timestamptz, seen_after timestamptz, begun_after timestamptz)
RETURNS TABLE (id uuid, email text, name text, site_operator boolean, auditor boolean, administers boolean, session_id uuid,
    fresh_at timestamptz, last_seen_at timestamptz) LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1
SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY SELECT p.id, p.email, p.name, p.site_operator, p.auditor,
        EXISTS (SELECT 1 FROM grants g WHERE g.person_id = p.id AND g.role = 'administrator' AND g.revoked_at IS NULL
                AND (g.ends_at IS NULL OR g.ends_at > present)),
        s.id, s.fresh_at, s.last_seen_at
    FROM sessions s JOIN people p ON p.id = s.person_id
    WHERE s.token_hash = token AND s.ended_at IS NULL AND p.disabled_at IS NULL AND s.last_seen_at > seen_after AND s.created_at > begun_after;
END $$;

-- License IDs whose role assignments the person looks after: those administered, for a site operator
-- all. The number and nothing else of a License ID: an operator's role opens no contract.
CREATE FUNCTION app_managed() RETURNS TABLE (contract_id uuid, license_id text) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS
$$ SELECT id, license_id FROM contracts WHERE id IN (SELECT app_administered()) OR (SELECT app_is_operator()) $$;

-- License IDs whose events the person may read: those administered, for an auditor all.
CREATE FUNCTION app_audited() RETURNS TABLE (contract_id uuid, license_id text) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS
$$ SELECT id, license_id FROM contracts WHERE id IN (SELECT app_administered()) OR (SELECT app_is_auditor()) $$;

-- Whether somebody who can sign in administers a License ID now.
CREATE FUNCTION app_has_administrator(contract uuid) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT EXISTS (SELECT 1 FROM grants g JOIN people p ON p.id = g.person_id
                   WHERE g.contract_id = contract AND g.role = 'administrator' AND p.disabled_at IS NULL
                     AND g.revoked_at IS NULL AND (g.ends_at IS NULL OR g.ends_at > app_now()))
$$;

-- Where the inherited grants come from that the person looks after.
CREATE FUNCTION app_rule_sources() RETURNS TABLE (rule_id uuid, covers text, name text) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT r.id, r.covers, coalesce(o.name, a.number, '')
    FROM grant_rules r LEFT JOIN organizations o ON o.id = r.organization_id LEFT JOIN agreements a ON a.id = r.agreement_id
    WHERE r.revoked_at IS NULL
      AND ((SELECT app_is_operator()) OR r.id IN (SELECT g.rule_id FROM grants g WHERE g.contract_id IN (SELECT app_administered())))
$$;

-- An account by its address, for whoever may give roles: he has to name people whom he can't see yet.
CREATE FUNCTION app_grantee(address text) RETURNS TABLE (id uuid, email text, name text, disabled boolean) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT p.id, p.email, p.name, p.disabled_at IS NOT NULL FROM people p
    WHERE p.email = lower(address) AND ((SELECT app_is_operator()) OR EXISTS (SELECT 1 FROM app_administered()))
$$;

------------------------------------------------------------------------------------------------
-- Rights of the server's role, table by table; audit rows can only be added.

GRANT SELECT, INSERT, UPDATE ON people, sessions, organizations, agreements, contracts, contacts, license_summaries, products,
    contract_products, orders, vault_checks, data_keys, product_keys, key_readings, grant_rules, grants, imports, import_files, audit_heads TO keyward_app;
GRANT SELECT, INSERT ON import_rows, audit_events TO keyward_app;
GRANT DELETE ON import_rows TO keyward_app;

-- Every table: row-level security even for its owner, who gets a policy of his own (migrations,
-- and the definer functions above), and the server working as itself (sign-in, imports, commands).
DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['people', 'sessions', 'organizations', 'agreements', 'contracts', 'contacts', 'license_summaries', 'products',
        'contract_products', 'orders', 'vault_checks', 'data_keys', 'product_keys', 'key_readings', 'grant_rules', 'grants', 'imports',
        'import_files', 'import_rows', 'audit_events', 'audit_heads']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY owner_all ON %I TO CURRENT_USER USING (true) WITH CHECK (true)', t);
        EXECUTE format('CREATE POLICY system_all ON %I TO keyward_app USING ((SELECT app_is_system())) WITH CHECK ((SELECT app_is_system()))', t);
    END LOOP;
END $$;

-- `IN (SELECT f())` becomes a hashed subplan, made once a query, however many rows it filters.
CREATE POLICY seen ON contracts FOR SELECT TO keyward_app USING (id IN (SELECT app_seen()));
CREATE POLICY seen ON contacts FOR SELECT TO keyward_app USING (contract_id IN (SELECT app_seen()));
CREATE POLICY seen ON contract_products FOR SELECT TO keyward_app USING (contract_id IN (SELECT app_seen()));
CREATE FUNCTION app_seen_products() RETURNS SETOF uuid LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 100 SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS
$$
DECLARE mine uuid[] := ARRAY(SELECT DISTINCT contract_id FROM app_grants());
BEGIN
    -- Whoever sees few License IDs: by what they cover. Whoever sees many: by the products, most of which
    -- are found under the first License ID looked at.
    IF cardinality(mine) < 1000 THEN
        RETURN QUERY SELECT DISTINCT cp.product_id FROM unnest(mine) AS m (id) JOIN contract_products cp ON cp.contract_id = m.id;
    ELSE
        RETURN QUERY SELECT p.id FROM products p WHERE (
            SELECT true FROM contract_products cp
            WHERE cp.product_id = p.id AND (cp.contract_id IN (SELECT unnest(mine))) IS TRUE LIMIT 1);
    END IF;
END $$;
CREATE POLICY seen ON products FOR SELECT TO keyward_app USING (id IN (SELECT app_seen_products()));
-- Names above a License ID that one sees: its organisation, those over it, and its agreement.
CREATE FUNCTION app_seen_organizations() RETURNS SETOF uuid LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 20 SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
BEGIN
    RETURN QUERY WITH RECURSIVE above AS (
        SELECT o.id, o.parent_id FROM organizations o
        WHERE o.id IN (SELECT c.organization_id FROM app_grants() g JOIN contracts c ON c.id = g.contract_id)
        UNION
        SELECT o.id, o.parent_id FROM organizations o JOIN above ON o.id = above.parent_id
    ) SELECT id FROM above;
END $$;
CREATE FUNCTION app_seen_agreements() RETURNS SETOF uuid LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 20 SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS
$$ BEGIN RETURN QUERY SELECT DISTINCT c.agreement_id FROM app_grants() g JOIN contracts c ON c.id = g.contract_id; END $$;
CREATE POLICY seen ON organizations FOR SELECT TO keyward_app USING (id IN (SELECT app_seen_organizations()));
CREATE POLICY seen ON agreements FOR SELECT TO keyward_app USING (id IN (SELECT app_seen_agreements()));

CREATE POLICY keys_read ON product_keys FOR SELECT TO keyward_app USING (contract_id IN (SELECT app_keys_read()));
CREATE POLICY keys_read ON key_readings FOR SELECT TO keyward_app USING (contract_id IN (SELECT app_keys_read()));
CREATE POLICY keys_read ON data_keys FOR SELECT TO keyward_app USING (contract_id IN (SELECT app_keys_read()));
CREATE POLICY position_read ON orders FOR SELECT TO keyward_app USING (contract_id IN (SELECT app_position_read()));
CREATE POLICY position_read ON license_summaries FOR SELECT TO keyward_app USING (contract_id IN (SELECT app_position_read()));

-- People: oneself; an Administrator those who hold something on his License IDs; operators and auditors all.
CREATE FUNCTION app_known_people() RETURNS SETOF uuid LANGUAGE sql STABLE SECURITY DEFINER ROWS 100 SET search_path = public, pg_temp AS $$
    SELECT app_person()
    UNION SELECT g.person_id FROM grants g WHERE g.contract_id IN (SELECT app_administered())
    UNION SELECT p.id FROM people p WHERE (SELECT app_is_operator() OR app_is_auditor())
$$;
CREATE POLICY known ON people FOR SELECT TO keyward_app USING (id IN (SELECT app_known_people()));
CREATE POLICY own ON sessions TO keyward_app USING (person_id = (SELECT app_person())) WITH CHECK (person_id = (SELECT app_person()));

CREATE POLICY own ON grants FOR SELECT TO keyward_app USING (
    person_id = (SELECT app_person()) OR contract_id IN (SELECT app_administered()) OR (SELECT app_is_operator()));
CREATE POLICY administered ON grants FOR INSERT TO keyward_app WITH CHECK (
    contract_id IN (SELECT app_administered()) AND rule_id IS NULL AND granted_by = (SELECT app_person()));
-- A site operator gives a License ID that has none its Administrator: somebody else, never himself.
CREATE POLICY appointed ON grants FOR INSERT TO keyward_app WITH CHECK (
    (SELECT app_is_operator()) AND role = 'administrator' AND rule_id IS NULL AND granted_by = (SELECT app_person())
    AND person_id <> granted_by AND NOT app_has_administrator(contract_id));
-- An inherited grant is taken away at its source.
CREATE POLICY administered_change ON grants FOR UPDATE TO keyward_app
    USING (contract_id IN (SELECT app_administered()) AND rule_id IS NULL)
    WITH CHECK (contract_id IN (SELECT app_administered()) AND rule_id IS NULL);
CREATE POLICY own ON grant_rules FOR SELECT TO keyward_app USING (person_id = (SELECT app_person()) OR (SELECT app_is_operator()));

CREATE POLICY own ON imports FOR SELECT TO keyward_app USING (person_id = (SELECT app_person()) OR (SELECT app_is_operator()));
CREATE POLICY own ON import_files FOR SELECT TO keyward_app USING (import_id IN (SELECT id FROM imports));
CREATE POLICY own ON import_rows FOR SELECT TO keyward_app USING (file_id IN (SELECT id FROM import_files));

-- Whom to ask for a role: told only to those who hold some role on that License ID themselves.
CREATE FUNCTION app_administrators_of(contract uuid) RETURNS TABLE (name text) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT DISTINCT p.name FROM grants g JOIN people p ON p.id = g.person_id
    WHERE g.contract_id = contract AND g.role = 'administrator' AND g.revoked_at IS NULL AND (g.ends_at IS NULL OR g.ends_at > app_now())
      AND p.disabled_at IS NULL AND contract IN (SELECT app_seen())
    ORDER BY p.name LIMIT 5
$$;

CREATE POLICY read_cut ON audit_events FOR SELECT TO keyward_app USING (
    (SELECT app_is_auditor()) OR contract_id IN (SELECT app_administered()));
-- The budget of reveals counts one's own.
CREATE POLICY own ON audit_events FOR SELECT TO keyward_app USING (actor_id = (SELECT app_person()));
CREATE POLICY add ON audit_events FOR INSERT TO keyward_app WITH CHECK (true);
CREATE POLICY chain ON audit_heads TO keyward_app USING (true) WITH CHECK (true);

-- The functions above read past the policies for whoever is named in `app.user`, a setting that any role
-- can make: so none but the server's role may call them.
DO $$
DECLARE f regprocedure;
BEGIN
    FOR f IN SELECT p.oid FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace AND p.proowner = current_user::regrole
    LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', f);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO keyward_app', f);
    END LOOP;
END $$;
