-- Requests: more activations, more KMS hosts, a KMS exception, access. Asked, decided, tracked to the new number.
--
-- The life of a request is drawn twice: in src/requests/machine.rs, and here in `requests_guard`, which no
-- statement gets past. What an approval changes (an own key's limit) is changed here too, in the transaction
-- that decides: no other statement of the server's role can raise a limit.

-- License IDs on which the person may ask: Administrator and Product keys reader (S000; DOMAIN §2).
CREATE FUNCTION app_may_ask() RETURNS SETOF uuid LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 100 SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS
$$ BEGIN RETURN QUERY SELECT contract_id FROM app_grants() WHERE role IN ('administrator', 'product-keys-reader'); END $$;

CREATE TABLE requests (
    id                   uuid PRIMARY KEY,
    -- What people call it by; in the address too.
    number               bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT requests_number_is_unique UNIQUE,
    kind                 text NOT NULL CONSTRAINT requests_kind_is_known CHECK (kind IN ('mak-limit', 'kms-hosts', 'kms-exception', 'access')),
    state                text NOT NULL CONSTRAINT requests_state_is_known
                         CHECK (state IN ('draft', 'submitted', 'question', 'approved', 'declined', 'sent', 'done', 'withdrawn')),
    -- Who grants it: the vendor, or the organisation itself (own products, and access). Set by a trigger.
    estate               text NOT NULL DEFAULT 'vendor' CONSTRAINT requests_estate_is_known CHECK (estate IN ('vendor', 'own')),
    -- Null only for access to a License ID that isn't here: such a request looks like one that nobody has answered yet.
    contract_id          uuid REFERENCES contracts,
    license_id           text NOT NULL,
    key_id               uuid REFERENCES product_keys,
    product_id           uuid REFERENCES products,
    -- Name with version and edition, and the last five characters, as they were when it was asked.
    product              text NOT NULL DEFAULT '',
    last_five            text,
    asker_id             uuid NOT NULL REFERENCES people,
    -- As they were then; people who may see the request may not see the person.
    asker_name           text NOT NULL DEFAULT '',
    asker_email          text NOT NULL DEFAULT '',
    -- How many more; activations, or host activations.
    quantity             bigint,
    -- The limit when it was submitted, and what it shall be.
    total_before         bigint,
    wanted_total         bigint,
    justification        text NOT NULL,
    authorization_number text NOT NULL DEFAULT '',
    -- KMS exception: how many computers there are, for the minimum threshold.
    computers            bigint,
    role                 text,
    until                date,
    due_on               date,
    -- Whether its License ID asked for a second person when it was submitted.
    second_person        boolean NOT NULL DEFAULT false,
    created_at           timestamptz NOT NULL,
    submitted_at         timestamptz,
    decided_by           uuid REFERENCES people,
    decided_at           timestamptz,
    sent_on              date,
    vendor_reference     text NOT NULL DEFAULT '',
    closed_at            timestamptz,
    -- The total that was read back; less than wanted where the vendor granted less and somebody said that this is all.
    total_read           bigint,
    CONSTRAINT requests_have_their_fields CHECK (
        CASE WHEN kind = 'access' THEN role IS NOT NULL AND quantity IS NULL AND key_id IS NULL
             ELSE contract_id IS NOT NULL AND quantity > 0 AND role IS NULL AND product <> '' END),
    CONSTRAINT requests_mak_has_its_key CHECK (kind <> 'mak-limit' OR key_id IS NOT NULL AND last_five IS NOT NULL),
    CONSTRAINT requests_role_is_known CHECK (role IN ('administrator', 'product-keys-reader', 'license-position-reader', 'product-download-manager')),
    -- SECURITY, "Insider approver": whoever asks doesn't decide.
    CONSTRAINT requests_decider_is_another CHECK ((estate = 'vendor' AND NOT second_person) OR decided_by <> asker_id),
    CONSTRAINT requests_decided_are_decided CHECK (state <> 'approved' OR decided_by IS NOT NULL),
    CONSTRAINT requests_sent_have_a_day CHECK (state <> 'sent' OR sent_on IS NOT NULL),
    -- Done by the vendor: the new total has been read back. Done here: somebody decided.
    CONSTRAINT requests_done_are_shown CHECK (state <> 'done' OR CASE estate WHEN 'own' THEN decided_by IS NOT NULL ELSE total_read IS NOT NULL END)
);
CREATE INDEX requests_by_contract ON requests (contract_id, number DESC);
CREATE INDEX requests_by_asker ON requests (asker_id, number DESC);
CREATE INDEX requests_open_by_key ON requests (key_id) WHERE state IN ('submitted', 'question', 'approved', 'sent');
CREATE INDEX requests_of_unknown_license_ids ON requests (license_id) WHERE contract_id IS NULL;

-- History: rows are only ever added.
CREATE TABLE request_entries (
    id         uuid PRIMARY KEY,
    request_id uuid NOT NULL REFERENCES requests,
    at         timestamptz NOT NULL,
    person_id  uuid REFERENCES people,
    -- The name then; empty for the program itself (an import).
    who        text NOT NULL DEFAULT '',
    action     text NOT NULL,
    -- The state afterwards.
    state      text NOT NULL,
    comment    text NOT NULL DEFAULT ''
);
CREATE INDEX request_entries_by_request ON request_entries (request_id, id);

CREATE TABLE request_files (
    id         uuid PRIMARY KEY,
    request_id uuid NOT NULL REFERENCES requests,
    name       text NOT NULL CONSTRAINT request_files_name_not_empty CHECK (name <> ''),
    -- As its content shows, never as the sender says.
    media_type text NOT NULL CONSTRAINT request_files_type_is_known CHECK (media_type IN ('application/pdf', 'image/png', 'image/jpeg', 'text/plain')),
    bytes      bytea NOT NULL CONSTRAINT request_files_are_small CHECK (length(bytes) BETWEEN 1 AND 5242880),
    person_id  uuid NOT NULL REFERENCES people,
    who        text NOT NULL DEFAULT '',
    added_at   timestamptz NOT NULL
);
CREATE INDEX request_files_by_request ON request_files (request_id, id);

-- What a License ID asks for; without a row, nothing.
CREATE TABLE request_settings (
    contract_id   uuid PRIMARY KEY REFERENCES contracts,
    -- Vendor requests are decided by somebody other than the asker before they are sent.
    second_person boolean NOT NULL,
    set_by        uuid REFERENCES people,
    set_at        timestamptz NOT NULL
);

------------------------------------------------------------------------------------------------
-- What is filled in, not sent: nobody can claim another's name, product or License ID.

-- What a License ID asks for at the moment of submitting.
CREATE FUNCTION requests_second_person(contract uuid, estate text) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS
$$ SELECT estate = 'vendor' AND coalesce((SELECT s.second_person FROM request_settings s WHERE s.contract_id = contract), false) $$;

-- The limit that a request sets out from: the key's; for KMS hosts six hosts of ten (S000) where none was read yet.
CREATE FUNCTION requests_total_now(kind text, key uuid) RETURNS bigint LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS
$$ SELECT CASE kind WHEN 'kms-exception' THEN 0 WHEN 'access' THEN NULL
          ELSE coalesce((SELECT k.total FROM product_keys k WHERE k.id = key), CASE kind WHEN 'kms-hosts' THEN 60 END) END $$;

CREATE FUNCTION requests_fill_in() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF NEW.state NOT IN ('draft', 'submitted') THEN
        RAISE EXCEPTION 'a request begins as a draft or submitted, not %', NEW.state USING ERRCODE = 'check_violation', CONSTRAINT = 'requests_begin';
    END IF;
    NEW.decided_by := NULL;
    SELECT p.name, p.email INTO NEW.asker_name, NEW.asker_email FROM people p WHERE p.id = NEW.asker_id;
    IF NEW.kind = 'access' THEN
        NEW.estate := 'own';
        -- Found or not, the asker sees the same.
        NEW.contract_id := (SELECT c.id FROM contracts c WHERE c.license_id = NEW.license_id);
    ELSE
        NEW.license_id := (SELECT c.license_id FROM contracts c WHERE c.id = NEW.contract_id);
        NEW.estate := 'vendor';
        IF NEW.key_id IS NOT NULL THEN
            SELECT k.product_id, p.name, k.last_five, p.estate INTO NEW.product_id, NEW.product, NEW.last_five, NEW.estate
            FROM product_keys k JOIN products p ON p.id = k.product_id WHERE k.id = NEW.key_id AND k.contract_id = NEW.contract_id;
            IF NOT FOUND THEN
                RAISE EXCEPTION 'the key is on another License ID' USING ERRCODE = 'check_violation', CONSTRAINT = 'requests_key_is_there';
            END IF;
        END IF;
    END IF;
    IF NEW.state = 'submitted' THEN
        NEW.second_person := requests_second_person(NEW.contract_id, NEW.estate);
        NEW.total_before := requests_total_now(NEW.kind, NEW.key_id);
        NEW.wanted_total := NEW.total_before + NEW.quantity;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER requests_fill_in BEFORE INSERT ON requests FOR EACH ROW EXECUTE FUNCTION requests_fill_in();

-- The name of whoever writes history or adds a file.
CREATE FUNCTION requests_name() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    NEW.who := coalesce((SELECT p.name FROM people p WHERE p.id = NEW.person_id), '');
    RETURN NEW;
END $$;
CREATE TRIGGER request_entries_name BEFORE INSERT ON request_entries FOR EACH ROW EXECUTE FUNCTION requests_name();
CREATE TRIGGER request_files_name BEFORE INSERT ON request_files FOR EACH ROW EXECUTE FUNCTION requests_name();

-- Access to a License ID that comes to exist later reaches its Administrators then.
CREATE FUNCTION requests_find_contract() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE requests r SET contract_id = n.id FROM fresh n WHERE r.contract_id IS NULL AND r.license_id = n.license_id;
    RETURN NULL;
END $$;
CREATE TRIGGER requests_find_contract AFTER INSERT ON contracts
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION requests_find_contract();

------------------------------------------------------------------------------------------------
-- The drawn transitions, and who may make them. The same table as src/requests/machine.rs.

CREATE FUNCTION requests_guard() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    me uuid := app_person();
    program boolean := app_is_system();
    asker boolean := coalesce(app_person() = OLD.asker_id, false);
    vendor boolean := OLD.estate = 'vendor';
    may_ask boolean;
    decides boolean;
    allowed boolean;
BEGIN
    IF (NEW.id, NEW.number, NEW.kind, NEW.estate, NEW.license_id, NEW.key_id, NEW.product_id, NEW.asker_id, NEW.asker_name, NEW.asker_email, NEW.last_five, NEW.created_at)
        IS DISTINCT FROM (OLD.id, OLD.number, OLD.kind, OLD.estate, OLD.license_id, OLD.key_id, OLD.product_id, OLD.asker_id, OLD.asker_name, OLD.asker_email, OLD.last_five, OLD.created_at)
       OR (NEW.contract_id IS DISTINCT FROM OLD.contract_id AND OLD.contract_id IS NOT NULL) THEN
        RAISE EXCEPTION 'what a request is about stays' USING ERRCODE = 'check_violation', CONSTRAINT = 'requests_stay';
    END IF;
    IF (NEW.product, NEW.quantity, NEW.justification, NEW.authorization_number, NEW.computers, NEW.role, NEW.until)
        IS DISTINCT FROM (OLD.product, OLD.quantity, OLD.justification, OLD.authorization_number, OLD.computers, OLD.role, OLD.until)
       AND NOT (OLD.state = 'draft' AND asker) THEN
        RAISE EXCEPTION 'what was asked for changes in a draft only' USING ERRCODE = 'check_violation', CONSTRAINT = 'requests_asked_stays';
    END IF;
    IF NEW.state = OLD.state THEN
        IF (NEW.decided_by, NEW.decided_at, NEW.sent_on, NEW.vendor_reference, NEW.closed_at, NEW.total_read, NEW.second_person, NEW.total_before, NEW.wanted_total, NEW.submitted_at)
            IS DISTINCT FROM (OLD.decided_by, OLD.decided_at, OLD.sent_on, OLD.vendor_reference, OLD.closed_at, OLD.total_read, OLD.second_person, OLD.total_before, OLD.wanted_total, OLD.submitted_at) THEN
            RAISE EXCEPTION 'what belongs to a step comes with it' USING ERRCODE = 'check_violation', CONSTRAINT = 'requests_step_stays';
        END IF;
        RETURN NEW;
    END IF;
    may_ask := NOT program AND OLD.contract_id IN (SELECT app_may_ask());
    decides := NOT program AND OLD.contract_id IN (SELECT app_administered()) AND (NOT asker OR (vendor AND NOT OLD.second_person));
    allowed := CASE OLD.state || '>' || NEW.state
        WHEN 'draft>submitted' THEN asker
        WHEN 'draft>withdrawn' THEN asker
        WHEN 'submitted>withdrawn' THEN asker
        WHEN 'question>withdrawn' THEN asker
        WHEN 'approved>withdrawn' THEN asker
        WHEN 'sent>withdrawn' THEN asker
        WHEN 'question>submitted' THEN asker
        WHEN 'submitted>question' THEN decides
        WHEN 'submitted>approved' THEN decides AND vendor
        WHEN 'submitted>done' THEN decides AND NOT vendor
        WHEN 'submitted>declined' THEN decides
        WHEN 'submitted>sent' THEN may_ask AND vendor AND NOT OLD.second_person
        WHEN 'approved>sent' THEN may_ask AND vendor
        WHEN 'sent>declined' THEN may_ask AND vendor
        WHEN 'approved>done' THEN (may_ask OR program) AND vendor
        WHEN 'sent>done' THEN (may_ask OR program) AND vendor
        ELSE false END;
    IF allowed IS NOT TRUE THEN
        RAISE EXCEPTION 'a request does not go from % to % for this person', OLD.state, NEW.state USING ERRCODE = 'check_violation', CONSTRAINT = 'requests_transition';
    END IF;
    IF OLD.state = 'submitted' AND NEW.state IN ('approved', 'declined', 'done') AND NEW.decided_by IS DISTINCT FROM me THEN
        RAISE EXCEPTION 'the decider is whoever decides' USING ERRCODE = 'check_violation', CONSTRAINT = 'requests_decider';
    END IF;
    IF OLD.state = 'draft' AND NEW.state = 'submitted' THEN
        NEW.second_person := requests_second_person(OLD.contract_id, OLD.estate);
        NEW.total_before := requests_total_now(OLD.kind, OLD.key_id);
        NEW.wanted_total := NEW.total_before + NEW.quantity;
    ELSIF (NEW.second_person, NEW.total_before, NEW.wanted_total) IS DISTINCT FROM (OLD.second_person, OLD.total_before, OLD.wanted_total) THEN
        RAISE EXCEPTION 'what is wanted was said when it was submitted' USING ERRCODE = 'check_violation', CONSTRAINT = 'requests_wanted_stays';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER requests_guard BEFORE UPDATE ON requests FOR EACH ROW EXECUTE FUNCTION requests_guard();

-- An own product's limit rises in the transaction that decides.
CREATE FUNCTION requests_raise() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    WITH raised AS (
        UPDATE product_keys k SET total = coalesce(k.total, 0) + NEW.quantity, used = coalesce(k.used, 0), read_at = app_now()
        WHERE k.id = NEW.key_id RETURNING k.*)
    INSERT INTO key_readings (id, key_id, contract_id, read_at, source, used, total, seats, osa_status)
    SELECT gen_random_uuid(), id, contract_id, app_now(), 'request', used, total, seats, osa_status FROM raised;
    RETURN NULL;
END $$;
CREATE TRIGGER requests_raise AFTER UPDATE ON requests FOR EACH ROW
    WHEN (OLD.state = 'submitted' AND NEW.state = 'done' AND NEW.estate = 'own' AND NEW.key_id IS NOT NULL) EXECUTE FUNCTION requests_raise();

-- An own product's limit never falls below what is used. (A vendor's may: extensions exist, the count is the vendor's.)
CREATE FUNCTION product_keys_limit_holds() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM products p WHERE p.id = NEW.product_id AND p.estate = 'own') THEN
        RAISE EXCEPTION 'the limit of an own product can not fall below what is used' USING ERRCODE = 'check_violation', CONSTRAINT = 'product_keys_limit_holds';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER product_keys_limit_holds BEFORE UPDATE OF total ON product_keys FOR EACH ROW
    WHEN (NEW.total < OLD.total AND NEW.used > NEW.total) EXECUTE FUNCTION product_keys_limit_holds();

-- A typed reading of the vendor's count, by somebody who may ask there: the key's newest count and its history.
CREATE FUNCTION requests_read_back(key uuid, new_used bigint, new_total bigint) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    WITH read AS (
        UPDATE product_keys k SET total = new_total, used = coalesce(new_used, k.used), read_at = app_now()
        FROM products p
        WHERE k.id = key AND p.id = k.product_id AND p.estate = 'vendor' AND k.contract_id IN (SELECT app_may_ask()) RETURNING k.*)
    INSERT INTO key_readings (id, key_id, contract_id, read_at, source, used, total, seats, osa_status)
    SELECT gen_random_uuid(), id, contract_id, app_now(), 'typed', used, total, seats, osa_status FROM read;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'this key is not yours to read back' USING ERRCODE = 'insufficient_privilege';
    END IF;
END $$;

-- Whether somebody other than `but` can decide on a License ID; told to those who see it.
CREATE FUNCTION app_has_other_administrator(contract uuid, but uuid) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT contract IN (SELECT app_seen())
       AND EXISTS (SELECT 1 FROM grants g JOIN people p ON p.id = g.person_id
                   WHERE g.contract_id = contract AND g.person_id <> but AND g.role = 'administrator' AND p.disabled_at IS NULL
                     AND g.revoked_at IS NULL AND (g.ends_at IS NULL OR g.ends_at > app_now()))
$$;

------------------------------------------------------------------------------------------------
-- Rights

GRANT SELECT, INSERT, UPDATE ON requests, request_settings TO keyward_app;
GRANT SELECT, INSERT ON request_entries, request_files TO keyward_app;

DO $$
DECLARE t text; f regprocedure;
BEGIN
    FOREACH t IN ARRAY ARRAY['requests', 'request_entries', 'request_files', 'request_settings']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY owner_all ON %I TO CURRENT_USER USING (true) WITH CHECK (true)', t);
        EXECUTE format('CREATE POLICY system_all ON %I TO keyward_app USING ((SELECT app_is_system())) WITH CHECK ((SELECT app_is_system()))', t);
    END LOOP;
    FOREACH f IN ARRAY ARRAY['app_may_ask()', 'requests_second_person(uuid, text)', 'requests_total_now(text, uuid)', 'requests_fill_in()', 'requests_name()',
        'requests_find_contract()', 'requests_guard()', 'requests_raise()', 'product_keys_limit_holds()', 'requests_read_back(uuid, bigint, bigint)',
        'app_has_other_administrator(uuid, uuid)']::regprocedure[]
    LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', f);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO keyward_app', f);
    END LOOP;
END $$;

-- A draft is its writer's. Access: the asker's own and the Administrators'. The rest: whoever may ask on that License ID.
CREATE POLICY seen ON requests FOR SELECT TO keyward_app USING (
    (state <> 'draft' OR asker_id = (SELECT app_person()))
    AND CASE WHEN kind = 'access' THEN asker_id = (SELECT app_person()) OR contract_id IN (SELECT app_administered())
             ELSE contract_id IN (SELECT app_may_ask()) END);
CREATE POLICY acted ON requests FOR UPDATE TO keyward_app USING (
    (state <> 'draft' OR asker_id = (SELECT app_person()))
    AND CASE WHEN kind = 'access' THEN asker_id = (SELECT app_person()) OR contract_id IN (SELECT app_administered())
             ELSE contract_id IN (SELECT app_may_ask()) END);
CREATE POLICY asked ON requests FOR INSERT TO keyward_app WITH CHECK (
    asker_id = (SELECT app_person()) AND (kind = 'access' OR contract_id IN (SELECT app_may_ask())));
CREATE POLICY seen ON request_entries FOR SELECT TO keyward_app USING (request_id IN (SELECT id FROM requests));
CREATE POLICY own ON request_entries FOR INSERT TO keyward_app WITH CHECK (
    person_id = (SELECT app_person()) AND request_id IN (SELECT id FROM requests));
CREATE POLICY seen ON request_files FOR SELECT TO keyward_app USING (request_id IN (SELECT id FROM requests));
CREATE POLICY own ON request_files FOR INSERT TO keyward_app WITH CHECK (
    person_id = (SELECT app_person()) AND request_id IN (SELECT id FROM requests));
CREATE POLICY seen ON request_settings FOR SELECT TO keyward_app USING (contract_id IN (SELECT app_seen()));
CREATE POLICY administered ON request_settings FOR INSERT TO keyward_app WITH CHECK (
    contract_id IN (SELECT app_administered()) AND set_by = (SELECT app_person()));
CREATE POLICY administered_change ON request_settings FOR UPDATE TO keyward_app USING (contract_id IN (SELECT app_administered()))
    WITH CHECK (contract_id IN (SELECT app_administered()) AND set_by = (SELECT app_person()));
