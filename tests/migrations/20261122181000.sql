-- One row at least in every table that this version adds, as the program would write it.
INSERT INTO webhooks (id, url, created_by, created_at)
    VALUES (gen_random_uuid(), 'https://hooks.keyward.example/in', '00000000-0000-0000-0000-000000000001', now());
SELECT set_config('app.user', 'system', false);
-- fills notices, notice_recipients and outbox, both ways
SELECT app_notify('00000000-0000-0000-0000-0000000000b1', 'contract-end', 'contract:5:end:2027-06-30:90', 'License ID 1000000 ends', 'It ends on 30 June 2027.',
    '/contracts/1000000', '00000000-0000-0000-0000-000000000005', NULL, '00000000-0000-0000-0000-000000000005', NULL, false);
INSERT INTO notice_choices (person_id, kind, way) VALUES ('00000000-0000-0000-0000-000000000001', 'contract-end', 'portal');
INSERT INTO notice_snoozes (person_id, subject, until_on) VALUES ('00000000-0000-0000-0000-000000000001', 'contract:5:end', '2027-05-01');
INSERT INTO date_owners (contract_id, subject, owner_id)
    VALUES ('00000000-0000-0000-0000-000000000005', 'contract:5:end', '00000000-0000-0000-0000-000000000001');
SELECT set_config('app.user', '', false);
