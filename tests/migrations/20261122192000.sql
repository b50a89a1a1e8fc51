-- The years of coverage come with the migration; here a product that one of them covers.
INSERT INTO products (id, slug, name, category, family, created_at)
VALUES ('00000000-0000-7000-8000-000000192000', 'windows-10-esu-year-2', 'Windows 10 ESU Year 2', 'Extended Security Updates', 'Windows', '2026-11-22T12:00Z');
