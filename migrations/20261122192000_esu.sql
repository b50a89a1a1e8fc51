-- Extended Security Updates: which year covers which days, and from when a key can be used.
--
-- S000: an ESU order may come before its coverage, and its MAK can't be used before the coverage begins. DOMAIN §4:
-- for Windows 10 the vendor lets it be installed and activated earlier, hence a day of one's own per year (by a
-- site operator) and per key (by an Administrator, in product_keys.usable_from).

CREATE TABLE esu_years (
    -- As products begin: "Windows Server 2012 R2".
    product      text NOT NULL CONSTRAINT esu_years_product_not_empty CHECK (product <> ''),
    year         smallint NOT NULL CONSTRAINT esu_years_year_is_small CHECK (year BETWEEN 1 AND 99),
    covers_from  date NOT NULL,
    covers_until date NOT NULL,
    source       text NOT NULL DEFAULT '',
    -- A site operator's own day in place of covers_from; no import changes it.
    usable_from  date,
    PRIMARY KEY (product, year),
    CONSTRAINT esu_years_end_after_they_begin CHECK (covers_from <= covers_until)
);

-- What a product's name says of it, kept by triggers: lists and notices read columns, not names.
ALTER TABLE products
    ADD COLUMN esu_product text,
    ADD COLUMN esu_year    smallint,
    ADD COLUMN usable_from date;
CREATE INDEX products_with_a_day ON products (id) WHERE usable_from IS NOT NULL;

-- The year that a product of this name gives, such as "Windows 10 ESU Year 2". Of the products that it begins with
-- the longest counts: Windows Server 2012 R2 isn't Windows Server 2012.
CREATE FUNCTION esu_year_of(product_name text) RETURNS SETOF esu_years LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH named AS (
        SELECT lower($1) AS name, substring(lower($1) FROM '\myear[[:space:]]+([0-9]{1,2})\M')::smallint AS year
        WHERE lower($1) ~ '\m(esu|extended security updates)\M'),
    longest AS (
        SELECT y.product FROM esu_years y, named n
        WHERE starts_with(n.name, lower(y.product)) AND substr(n.name, length(y.product) + 1, 1) !~ '[[:alnum:]]'
        ORDER BY length(y.product) DESC LIMIT 1)
    SELECT y.* FROM esu_years y JOIN longest l ON l.product = y.product JOIN named n ON n.year = y.year
$$;

CREATE FUNCTION products_esu() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE y esu_years;
BEGIN
    SELECT * INTO y FROM esu_year_of(NEW.name);
    NEW.esu_product := y.product;
    NEW.esu_year := y.year;
    NEW.usable_from := coalesce(y.usable_from, y.covers_from);
    RETURN NEW;
END $$;
CREATE TRIGGER products_esu BEFORE INSERT OR UPDATE OF name ON products FOR EACH ROW EXECUTE FUNCTION products_esu();

CREATE FUNCTION esu_years_changed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE products p SET esu_product = y.product, esu_year = y.year, usable_from = coalesce(y.usable_from, y.covers_from)
    FROM products n LEFT JOIN LATERAL esu_year_of(n.name) y ON true
    WHERE n.id = p.id AND (n.name ~* '\m(esu|extended security updates)\M')
      AND (p.esu_product, p.esu_year, p.usable_from) IS DISTINCT FROM (y.product, y.year, coalesce(y.usable_from, y.covers_from));
    RETURN NULL;
END $$;
CREATE TRIGGER esu_years_changed AFTER INSERT OR UPDATE OR DELETE ON esu_years FOR EACH STATEMENT EXECUTE FUNCTION esu_years_changed();

-- A site operator's own day for a year, or none again. Whether there is such a year.
CREATE FUNCTION app_set_esu_day(esu_product text, esu_year smallint, day date) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF NOT app_is_operator() THEN RETURN false; END IF;
    UPDATE esu_years SET usable_from = day WHERE product = esu_product AND year = esu_year;
    RETURN FOUND;
END $$;

-- An Administrator's own day for a key, or none again. Whether it is one of theirs. One column of one row: so no
-- policy opens the keys' rows for writing.
CREATE FUNCTION app_set_key_day(key_id uuid, day date) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE product_keys k SET usable_from = day
    WHERE k.id = key_id AND k.archived_at IS NULL AND k.contract_id IN (SELECT app_administered());
    RETURN FOUND;
END $$;

GRANT SELECT, INSERT, UPDATE ON esu_years TO keyward_app;
ALTER TABLE esu_years ENABLE ROW LEVEL SECURITY;
ALTER TABLE esu_years FORCE ROW LEVEL SECURITY;
CREATE POLICY owner_all ON esu_years TO CURRENT_USER USING (true) WITH CHECK (true);
CREATE POLICY system_all ON esu_years TO keyward_app USING ((SELECT app_is_system())) WITH CHECK ((SELECT app_is_system()));
-- Published facts: no secret for anybody who is signed in.
CREATE POLICY public_facts ON esu_years FOR SELECT TO keyward_app USING ((SELECT app_person()) IS NOT NULL);

DO $$
DECLARE f regprocedure;
BEGIN
    FOR f IN SELECT p.oid FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace AND p.proowner = current_user::regrole
        AND p.proname IN ('esu_year_of', 'products_esu', 'esu_years_changed', 'app_set_esu_day', 'app_set_key_day')
    LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', f);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO keyward_app', f);
    END LOOP;
END $$;

-- As published (reference/esu.csv, which a test compares); a file of the same shape changes and adds to them.
INSERT INTO esu_years (product, year, covers_from, covers_until, source) VALUES
    ('Windows Server 2012',    1, '2023-10-11', '2024-10-08', 'Microsoft product lifecycle'),
    ('Windows Server 2012',    2, '2024-10-09', '2025-10-14', 'Microsoft product lifecycle'),
    ('Windows Server 2012',    3, '2025-10-15', '2026-10-13', 'Microsoft product lifecycle'),
    ('Windows Server 2012 R2', 1, '2023-10-11', '2024-10-08', 'Microsoft product lifecycle'),
    ('Windows Server 2012 R2', 2, '2024-10-09', '2025-10-14', 'Microsoft product lifecycle'),
    ('Windows Server 2012 R2', 3, '2025-10-15', '2026-10-13', 'Microsoft product lifecycle'),
    ('Windows 10',             1, '2025-10-15', '2026-10-13', 'Microsoft product lifecycle'),
    ('Windows 10',             2, '2026-10-14', '2027-10-12', 'Microsoft product lifecycle'),
    ('Windows 10',             3, '2027-10-13', '2028-10-10', 'Microsoft product lifecycle');
