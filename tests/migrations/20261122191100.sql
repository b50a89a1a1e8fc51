-- A notice of the new kind.
INSERT INTO notices (id, about, kind, subject, sentence, link, made_at)
    VALUES (gen_random_uuid(), 'role-change:sample', 'role-changed', 'Your roles have changed', 'New: Administrator.', '/contracts', now());
