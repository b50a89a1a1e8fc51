-- Activation of the organisation's own software: applications and their editions, own keys, the MAK ledger,
-- the KMS count, hosts and devices. The functions that the responder may call are in the next migration.

------------------------------------------------------------------------------------------------
-- The site as issuer of leases. `generation` rises with every change of what responders keep in memory.

CREATE TABLE activation_site (
    one        boolean PRIMARY KEY DEFAULT true CONSTRAINT activation_site_is_one CHECK (one),
    id         uuid NOT NULL DEFAULT gen_random_uuid(),
    generation bigint NOT NULL DEFAULT 1
);
INSERT INTO activation_site DEFAULT VALUES;

-- Public keys that leases were signed with; told to clients until the last lease of each has ended.
CREATE TABLE lease_keys (
    kid          text PRIMARY KEY,
    x            text NOT NULL,
    last_used_at timestamptz NOT NULL
);

------------------------------------------------------------------------------------------------
-- Own products

-- The pool of one count. It belongs to a License ID, whose Administrators look after it.
CREATE TABLE applications (
    id          uuid PRIMARY KEY,
    contract_id uuid NOT NULL REFERENCES contracts,
    name        text NOT NULL CONSTRAINT applications_name_not_empty CHECK (name <> ''),
    trust       text NOT NULL DEFAULT 'open' CONSTRAINT applications_trust_is_known CHECK (trust IN ('open', 'enrolled')),
    -- What may change of a machine's hardware, by weight (src/activation/hardware.rs).
    tolerance   smallint NOT NULL DEFAULT 7 CONSTRAINT applications_tolerance_is_small CHECK (tolerance BETWEEN 0 AND 13),
    created_at  timestamptz NOT NULL,
    closed_at   timestamptz,
    CONSTRAINT applications_name_is_unique UNIQUE (contract_id, name)
);

-- An edition; its id is what clients call the activation id.
CREATE TABLE skus (
    id             uuid PRIMARY KEY,
    application_id uuid NOT NULL REFERENCES applications,
    product_id     uuid NOT NULL REFERENCES products,
    edition        text NOT NULL CONSTRAINT skus_edition_not_empty CHECK (edition <> ''),
    kind           text NOT NULL CONSTRAINT skus_kind_is_known CHECK (kind IN ('client', 'server', 'office', 'custom')),
    -- Whether it is activated by count at all.
    by_count       boolean NOT NULL DEFAULT true,
    needed         integer NOT NULL CONSTRAINT skus_needed_is_positive CHECK (needed BETWEEN 1 AND 1000000),
    lease_days     integer NOT NULL DEFAULT 180 CONSTRAINT skus_lease_at_most_180_days CHECK (lease_days BETWEEN 1 AND 180),
    created_at     timestamptz NOT NULL,
    CONSTRAINT skus_edition_is_unique UNIQUE (application_id, edition)
);

-- A key whose activations are counted here, not at a vendor: `used` is the ledger's alone.
ALTER TABLE product_keys ADD COLUMN ledger boolean NOT NULL DEFAULT false;
ALTER TABLE product_keys ADD CONSTRAINT product_keys_ledger_within_limit
    CHECK (NOT ledger OR (used IS NOT NULL AND total IS NOT NULL AND 0 <= used AND used <= total));

CREATE TABLE own_keys (
    key_id         uuid PRIMARY KEY REFERENCES product_keys,
    application_id uuid NOT NULL REFERENCES applications,
    contract_id    uuid NOT NULL REFERENCES contracts,
    kind           text NOT NULL CONSTRAINT own_keys_kind_is_known CHECK (kind IN ('MAK', 'KMS')),
    -- The edition that a MAK activates; a host key is the application's.
    sku_id         uuid REFERENCES skus,
    fingerprint    bytea NOT NULL CONSTRAINT own_keys_fingerprint_is_unique UNIQUE,
    CONSTRAINT own_keys_mak_names_its_sku CHECK ((kind = 'MAK') = (sku_id IS NOT NULL))
);
CREATE INDEX own_keys_by_application ON own_keys (application_id);

------------------------------------------------------------------------------------------------
-- The MAK ledger. Rows are only ever added; a key's `used` is the number of its rows.

CREATE TABLE activations (
    id             uuid PRIMARY KEY,
    key_id         uuid NOT NULL REFERENCES own_keys,
    application_id uuid NOT NULL,
    sku_id         uuid NOT NULL,
    request_id     uuid NOT NULL,
    cmid           uuid NOT NULL,
    machine        text NOT NULL,
    virtual        boolean NOT NULL,
    board          text NOT NULL,
    -- In the order of COMPONENTS in src/activation/hardware.rs, the mainboard first.
    hardware       text[] NOT NULL,
    at             timestamptz NOT NULL,
    way            text NOT NULL CONSTRAINT activations_way_is_known CHECK (way IN ('online', 'offline')),
    address        text NOT NULL
);
CREATE INDEX activations_by_board ON activations (application_id, board);
CREATE INDEX activations_by_key ON activations (key_id, at);

-- What was answered: a second request with the same id gets the same bytes.
CREATE TABLE mak_answers (
    application_id uuid NOT NULL,
    request_id     uuid NOT NULL,
    key_id         uuid NOT NULL,
    -- The activation spent or found again; none for a refusal.
    activation_id  uuid,
    cmid           uuid NOT NULL,
    machine        text NOT NULL,
    at             timestamptz NOT NULL,
    answer         text NOT NULL,
    PRIMARY KEY (application_id, request_id)
);
-- Which activation a client holds by now.
CREATE INDEX mak_answers_by_client ON mak_answers (application_id, cmid, at) WHERE activation_id IS NOT NULL;

CREATE FUNCTION ledger_is_immutable() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'rows of % are only ever added', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege'; END $$;
CREATE TRIGGER activations_only_grow BEFORE UPDATE OR DELETE OR TRUNCATE ON activations FOR EACH STATEMENT EXECUTE FUNCTION ledger_is_immutable();
CREATE TRIGGER mak_answers_only_grow BEFORE UPDATE OR DELETE OR TRUNCATE ON mak_answers FOR EACH STATEMENT EXECUTE FUNCTION ledger_is_immutable();

------------------------------------------------------------------------------------------------
-- The KMS count

-- One row an application; its lock puts the writers of one count in a queue.
CREATE TABLE kms_counts (
    application_id uuid PRIMARY KEY REFERENCES applications,
    -- Clients with `counted`, as of the last sweep.
    count          bigint NOT NULL DEFAULT 0 CONSTRAINT kms_counts_not_negative CHECK (count >= 0),
    -- No counted client leaves the count before this moment.
    next_expiry    timestamptz,
    -- The largest number of machines that any client needed: a genuine host keeps twice as many (DOMAIN §3).
    largest_needed integer NOT NULL DEFAULT 0
);

CREATE TABLE kms_clients (
    application_id uuid NOT NULL,
    cmid           uuid NOT NULL,
    sku_id         uuid NOT NULL,
    machine        text NOT NULL,
    -- Names it had before. One that comes back is another machine with the same id: a cloned image.
    former_names   text[] NOT NULL DEFAULT '{}',
    cloned_at      timestamptz,
    virtual        boolean NOT NULL,
    first_seen_at  timestamptz NOT NULL,
    asked_at       timestamptz NOT NULL,
    -- Changes once a day, so that renewing clients don't rewrite the index below.
    asked_day      date NOT NULL GENERATED ALWAYS AS ((asked_at AT TIME ZONE 'UTC')::date) STORED,
    requests       bigint NOT NULL DEFAULT 1,
    counted        boolean NOT NULL,
    -- The id that the machine has now.
    superseded_by  uuid,
    lease_ends_at  timestamptz,
    address        text NOT NULL,
    -- The last answer, for a retry.
    request_id     uuid NOT NULL,
    result         text NOT NULL,
    count          bigint NOT NULL,
    needed         bigint NOT NULL,
    lease          text,
    PRIMARY KEY (application_id, cmid)
) WITH (fillfactor = 70);
CREATE INDEX kms_clients_counted ON kms_clients (application_id, asked_day) WHERE counted;

-- The count over time, a row an hour.
CREATE TABLE kms_samples (
    application_id uuid NOT NULL REFERENCES applications,
    at             timestamptz NOT NULL,
    count          bigint NOT NULL,
    capped         bigint NOT NULL,
    PRIMARY KEY (application_id, at)
);

-- Who asked an application for enrolled devices without being one: shown, never counted, and kept to a
-- bounded number, since anybody can make them.
CREATE TABLE unverified_clients (
    application_id uuid NOT NULL REFERENCES applications,
    cmid           uuid NOT NULL,
    machine        text NOT NULL,
    address        text NOT NULL,
    first_seen_at  timestamptz NOT NULL,
    asked_at       timestamptz NOT NULL,
    requests       bigint NOT NULL DEFAULT 1,
    PRIMARY KEY (application_id, cmid)
);

------------------------------------------------------------------------------------------------
-- Devices

CREATE TABLE enrolment_codes (
    id             uuid PRIMARY KEY,
    application_id uuid NOT NULL REFERENCES applications,
    -- HMAC under the site's fingerprint key: a copy of this table enrols nothing.
    code_hash      bytea NOT NULL CONSTRAINT enrolment_codes_are_unique UNIQUE,
    note           text NOT NULL DEFAULT '',
    uses           integer NOT NULL DEFAULT 0,
    most_uses      integer NOT NULL,
    created_at     timestamptz NOT NULL,
    ends_at        timestamptz NOT NULL,
    revoked_at     timestamptz,
    CONSTRAINT enrolment_codes_within_uses CHECK (0 <= uses AND uses <= most_uses)
);

CREATE TABLE devices (
    application_id uuid NOT NULL REFERENCES applications,
    cmid           uuid NOT NULL,
    public_key     bytea NOT NULL,
    machine        text NOT NULL,
    code_id        uuid NOT NULL REFERENCES enrolment_codes,
    enrolled_at    timestamptz NOT NULL,
    -- The clock of its last signed request: an older one is a replay.
    last_time      timestamptz,
    revoked_at     timestamptz,
    PRIMARY KEY (application_id, cmid)
);

------------------------------------------------------------------------------------------------
-- Hosts

-- A responder, known by the instance id that it keeps in its data directory.
CREATE TABLE responder_instances (
    id         uuid PRIMARY KEY,
    host       text NOT NULL,
    listens    text NOT NULL,
    version    text NOT NULL,
    started_at timestamptz NOT NULL,
    seen_at    timestamptz NOT NULL
);

-- Places of a host key: 6 hosts, each activated once and reactivated 9 times (DOMAIN §3); more where the
-- key's total was raised. Reactivated is who moves to another machine; a restart isn't.
CREATE TABLE host_slots (
    key_id       uuid NOT NULL REFERENCES own_keys,
    instance_id  uuid NOT NULL REFERENCES responder_instances,
    activations  smallint NOT NULL CONSTRAINT host_slots_ten_at_most CHECK (activations BETWEEN 1 AND 10),
    host         text NOT NULL,
    -- A digest of what tells the machine.
    machine      bytea NOT NULL,
    first_at     timestamptz NOT NULL,
    last_at      timestamptz NOT NULL,
    PRIMARY KEY (key_id, instance_id)
);

-- What a host was told last about its host key, per application.
CREATE TABLE host_results (
    instance_id    uuid NOT NULL REFERENCES responder_instances,
    application_id uuid NOT NULL REFERENCES applications,
    result         text NOT NULL,
    at             timestamptz NOT NULL,
    PRIMARY KEY (instance_id, application_id)
);

-- What responders did, by the minute.
CREATE TABLE responder_minutes (
    instance_id uuid NOT NULL REFERENCES responder_instances,
    minute      timestamptz NOT NULL,
    op          text NOT NULL,
    result      text NOT NULL,
    requests    bigint NOT NULL,
    PRIMARY KEY (minute, instance_id, op, result)
);

-- Clients of another protocol that are pointed at us, by address.
CREATE TABLE foreign_clients (
    address  text PRIMARY KEY,
    first_at timestamptz NOT NULL,
    last_at  timestamptz NOT NULL,
    contacts bigint NOT NULL
);

------------------------------------------------------------------------------------------------
-- Whatever responders keep in memory changes the generation; an application has its count from the start.

CREATE FUNCTION activation_changed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS
$$ BEGIN UPDATE activation_site SET generation = generation + 1; RETURN NULL; END $$;
CREATE TRIGGER activation_changed AFTER INSERT OR UPDATE OR DELETE ON applications FOR EACH STATEMENT EXECUTE FUNCTION activation_changed();
CREATE TRIGGER activation_changed AFTER INSERT OR UPDATE OR DELETE ON skus FOR EACH STATEMENT EXECUTE FUNCTION activation_changed();
CREATE TRIGGER activation_changed AFTER INSERT OR UPDATE OR DELETE ON own_keys FOR EACH STATEMENT EXECUTE FUNCTION activation_changed();
CREATE TRIGGER activation_changed AFTER UPDATE OF blocked_at, archived_at, total ON product_keys
    FOR EACH ROW WHEN (NEW.ledger AND (NEW.kind = 'KMS' OR OLD.archived_at IS DISTINCT FROM NEW.archived_at)) EXECUTE FUNCTION activation_changed();

CREATE FUNCTION applications_get_a_count() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS
$$ BEGIN INSERT INTO kms_counts (application_id) VALUES (NEW.id); RETURN NULL; END $$;
CREATE TRIGGER applications_get_a_count AFTER INSERT ON applications FOR EACH ROW EXECUTE FUNCTION applications_get_a_count();

-- `used` of a key in the ledger is written by the functions of the ledger, which run as the owner. Whatever
-- else writes the row (an import of our own export) leaves it.
CREATE FUNCTION product_keys_ledger_keeps_used() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_user = 'keyward_app' THEN
        NEW.used := OLD.used;
        NEW.ledger := true;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER product_keys_ledger_keeps_used BEFORE UPDATE ON product_keys
    FOR EACH ROW WHEN (OLD.ledger) EXECUTE FUNCTION product_keys_ledger_keeps_used();

------------------------------------------------------------------------------------------------
-- Rights. Administrators of an application's License ID see everything of it.

GRANT SELECT, INSERT, UPDATE ON applications, skus, own_keys, enrolment_codes TO keyward_app;
GRANT SELECT, UPDATE ON activation_site, devices TO keyward_app;
GRANT SELECT ON lease_keys, activations, mak_answers, kms_counts, kms_clients, kms_samples, unverified_clients,
    responder_instances, host_slots, host_results, responder_minutes, foreign_clients TO keyward_app;

CREATE FUNCTION app_applications() RETURNS SETOF uuid LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 100 SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS
$$ BEGIN RETURN QUERY SELECT a.id FROM applications a WHERE a.contract_id IN (SELECT app_administered()); END $$;

DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['activation_site', 'lease_keys', 'applications', 'skus', 'own_keys', 'activations', 'mak_answers', 'kms_counts',
        'kms_clients', 'kms_samples', 'unverified_clients', 'enrolment_codes', 'devices', 'responder_instances', 'host_slots',
        'host_results', 'responder_minutes', 'foreign_clients']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY owner_all ON %I TO CURRENT_USER USING (true) WITH CHECK (true)', t);
        EXECUTE format('CREATE POLICY system_all ON %I TO keyward_app USING ((SELECT app_is_system())) WITH CHECK ((SELECT app_is_system()))', t);
    END LOOP;
    FOREACH t IN ARRAY ARRAY['skus', 'own_keys', 'activations', 'mak_answers', 'kms_counts', 'kms_clients', 'kms_samples', 'unverified_clients',
        'enrolment_codes', 'devices', 'host_results']
    LOOP
        EXECUTE format('CREATE POLICY administered ON %I FOR SELECT TO keyward_app USING (application_id IN (SELECT app_applications()))', t);
    END LOOP;
END $$;
CREATE POLICY administered ON applications FOR SELECT TO keyward_app USING (contract_id IN (SELECT app_administered()));
CREATE POLICY administered ON host_slots FOR SELECT TO keyward_app USING (key_id IN (SELECT key_id FROM own_keys));
-- Hosts and what reaches them belong to the site: whoever administers anything sees them, and operators.
CREATE FUNCTION app_sees_hosts() RETURNS boolean LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS
$$ BEGIN RETURN app_is_operator() OR EXISTS (SELECT 1 FROM app_administered()); END $$;
CREATE POLICY hosts ON responder_instances FOR SELECT TO keyward_app USING ((SELECT app_sees_hosts()));
CREATE POLICY hosts ON responder_minutes FOR SELECT TO keyward_app USING ((SELECT app_sees_hosts()));
CREATE POLICY hosts ON foreign_clients FOR SELECT TO keyward_app USING ((SELECT app_sees_hosts()));
CREATE POLICY hosts ON lease_keys FOR SELECT TO keyward_app USING ((SELECT app_sees_hosts()));
CREATE POLICY hosts ON activation_site FOR SELECT TO keyward_app USING ((SELECT app_sees_hosts()));

DO $$
DECLARE f regprocedure;
BEGIN
    FOR f IN SELECT p.oid FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace AND p.proowner = current_user::regrole
        AND p.proname IN ('ledger_is_immutable', 'activation_changed', 'applications_get_a_count', 'product_keys_ledger_keeps_used',
                          'app_applications', 'app_sees_hosts')
    LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', f);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO keyward_app', f);
    END LOOP;
END $$;
