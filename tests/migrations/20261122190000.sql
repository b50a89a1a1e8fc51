-- A note written by hand.
INSERT INTO changes (id, set_id, at, person_id, thing, row_id, contract_id, subject, message, before, after, shown)
    VALUES (gen_random_uuid(), gen_random_uuid(), now(), '00000000-0000-0000-0000-000000000001', 'key', '00000000-0000-0000-0000-000000000008',
            '00000000-0000-0000-0000-000000000005', 'Windows 11 Pro …AB12C', 'Found in the binder', '{"note": ""}', '{"note": "Lab"}', '[["Note", "", "Lab"]]');
