-- Files to install products from, and who may have them (docs/decisions/0029).
--
-- "Viewing is not entitlement": a product is seen under any role, its files under those that carry downloads.

-- The same table as Role::may in src/auth/roles.rs.
CREATE FUNCTION app_downloads() RETURNS SETOF uuid LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 100 SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS
$$ BEGIN RETURN QUERY SELECT contract_id FROM app_grants() WHERE role IN ('administrator', 'product-download-manager'); END $$;

-- The License IDs under which the person may have a release of a product. Access outlives the agreement: an ended one
-- gives what was released until its last day (M365 download-vl-products).
CREATE FUNCTION app_download_contracts(product uuid, released date) RETURNS SETOF uuid LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 10 SET search_path = public, pg_temp AS $$
BEGIN
    RETURN QUERY SELECT c.id FROM contract_products cp JOIN contracts c ON c.id = cp.contract_id
    WHERE cp.product_id = product AND c.id IN (SELECT app_downloads())
      AND (c.ends_on IS NULL OR c.ends_on >= (app_now() AT TIME ZONE 'UTC')::date OR released <= c.ends_on)
    ORDER BY c.license_id;
END $$;

-- Whether the person administers a License ID that covers a product, and so looks after its files.
CREATE FUNCTION app_keeps_product(product uuid) RETURNS boolean LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS
$$ BEGIN RETURN EXISTS (SELECT 1 FROM contract_products cp WHERE cp.product_id = product AND cp.contract_id IN (SELECT app_administered())); END $$;

CREATE TABLE downloads (
    id          uuid PRIMARY KEY,
    product_id  uuid NOT NULL REFERENCES products,
    -- As it is saved by whoever downloads it. The server's own name for it is its id.
    name        text NOT NULL CONSTRAINT downloads_name_is_a_name CHECK (name ~ '^[^[:cntrl:]/\\]{1,200}$'),
    language    text NOT NULL,
    -- Operating system type: 64-bit, ARM64, …
    system      text NOT NULL,
    -- ISO, EXE, …
    component   text NOT NULL,
    released_on date,
    -- Bytes; null where a link's isn't known.
    size        bigint CONSTRAINT downloads_size_not_negative CHECK (size >= 0),
    sha256      bytea NOT NULL CONSTRAINT downloads_have_a_whole_checksum CHECK (length(sha256) = 32),
    -- Where it is, for a link; null for a file in the data directory.
    url         text CONSTRAINT downloads_url_is_https CHECK (url ~ '^https://[^[:cntrl:][:space:]]+$' AND length(url) <= 2000),
    added_by    uuid NOT NULL REFERENCES people,
    added_at    timestamptz NOT NULL,
    removed_by  uuid REFERENCES people,
    removed_at  timestamptz,
    -- When the bytes of a removed file were thrown away: no way back from then on.
    emptied_at  timestamptz,
    CONSTRAINT downloads_are_files_or_links CHECK (url IS NOT NULL OR size IS NOT NULL)
);
CREATE INDEX downloads_by_product ON downloads (product_id);

-- That a download was begun, which was recorded; its GETs and their resumption need one in force.
CREATE TABLE download_tickets (
    session_id  uuid NOT NULL REFERENCES sessions,
    download_id uuid NOT NULL REFERENCES downloads,
    person_id   uuid NOT NULL REFERENCES people,
    until       timestamptz NOT NULL,
    PRIMARY KEY (session_id, download_id)
);

GRANT SELECT, INSERT ON downloads TO keyward_app;
-- What a file is stands for good; it can only be taken away and brought back.
GRANT UPDATE (removed_by, removed_at, emptied_at) ON downloads TO keyward_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON download_tickets TO keyward_app;

DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['downloads', 'download_tickets']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY owner_all ON %I TO CURRENT_USER USING (true) WITH CHECK (true)', t);
        EXECUTE format('CREATE POLICY system_all ON %I TO keyward_app USING ((SELECT app_is_system())) WITH CHECK ((SELECT app_is_system()))', t);
    END LOOP;
END $$;
-- A file whose release isn't known was released on the day it was put here, at the latest.
CREATE POLICY entitled ON downloads FOR SELECT TO keyward_app USING (
    EXISTS (SELECT 1 FROM app_download_contracts(product_id, coalesce(released_on, (added_at AT TIME ZONE 'UTC')::date))));
CREATE POLICY kept ON downloads FOR INSERT TO keyward_app WITH CHECK (app_keeps_product(product_id) AND added_by = (SELECT app_person()));
CREATE POLICY kept_change ON downloads FOR UPDATE TO keyward_app USING (app_keeps_product(product_id)) WITH CHECK (app_keeps_product(product_id));
CREATE POLICY own ON download_tickets TO keyward_app
    USING (person_id = (SELECT app_person())) WITH CHECK (person_id = (SELECT app_person()));

DO $$
DECLARE f regprocedure;
BEGIN
    FOR f IN SELECT p.oid FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace AND p.proowner = current_user::regrole
        AND p.proname IN ('app_downloads', 'app_download_contracts', 'app_keeps_product')
    LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', f);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO keyward_app', f);
    END LOOP;
END $$;
