-- A view of the contracts that have ended.
INSERT INTO saved_views (id, person_id, path, query, name, position, created_at)
    VALUES ('00000000-0000-0000-0000-00000000002a', '00000000-0000-0000-0000-000000000001', '/contracts', 'expired=only', 'Ended', 1, now());
