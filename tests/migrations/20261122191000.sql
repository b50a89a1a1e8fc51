-- A save that gave one role, and the setting.
INSERT INTO role_changes (id, kind, by_person, made_at, words)
    VALUES ('00000000-0000-0000-0000-00000000001c', 'give', '00000000-0000-0000-0000-000000000001', now(), 'A is Administrator.');
INSERT INTO role_change_grants (change_id, grant_id, did)
    SELECT '00000000-0000-0000-0000-00000000001c', id, 'given' FROM grants LIMIT 1;
INSERT INTO access_settings (administrators_hidden, set_at) VALUES (false, now());
