-- A request, a word of its history, a file and a setting.
INSERT INTO requests (id, kind, state, contract_id, license_id, key_id, asker_id, quantity, justification, created_at)
    VALUES ('00000000-0000-0000-0000-00000000000b', 'mak-limit', 'submitted', '00000000-0000-0000-0000-000000000005', '',
            '00000000-0000-0000-0000-000000000008', '00000000-0000-0000-0000-000000000001', 10, 'A new site', now());
INSERT INTO request_entries (id, request_id, at, person_id, action, state)
    VALUES (gen_random_uuid(), '00000000-0000-0000-0000-00000000000b', now(), '00000000-0000-0000-0000-000000000001', 'submit', 'submitted');
INSERT INTO request_files (id, request_id, name, media_type, bytes, person_id, added_at)
    VALUES (gen_random_uuid(), '00000000-0000-0000-0000-00000000000b', 'plan.txt', 'text/plain', 'x', '00000000-0000-0000-0000-000000000001', now());
INSERT INTO request_settings (contract_id, second_person, set_by, set_at)
    VALUES ('00000000-0000-0000-0000-000000000005', true, '00000000-0000-0000-0000-000000000001', now());
