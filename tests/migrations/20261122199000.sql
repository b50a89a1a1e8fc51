-- A notice of the new kind; no table is added.
INSERT INTO notices (id, about, kind, subject, sentence, link, made_at)
    VALUES (gen_random_uuid(), 'key:sample:usable', 'key-usable', 'The key …AB12C can be used', 'The key ending in AB12C can be used.', '/products/x', now());
