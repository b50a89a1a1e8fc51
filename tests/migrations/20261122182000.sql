-- An own application with all that can hang on it.
INSERT INTO lease_keys (kid, x, last_used_at) VALUES ('kid', 'x', now());
INSERT INTO applications (id, contract_id, name, created_at)
    VALUES ('00000000-0000-0000-0000-000000000101', '00000000-0000-0000-0000-000000000005', 'Plotter', now());
-- the trigger makes its row in kms_counts
INSERT INTO skus (id, application_id, product_id, edition, kind, needed, created_at)
    VALUES ('00000000-0000-0000-0000-000000000102', '00000000-0000-0000-0000-000000000101', '00000000-0000-0000-0000-000000000006', 'Standard', 'client', 25, now());
INSERT INTO product_keys (id, contract_id, product_id, kind, fingerprint, last_five, data_key_id, sealed, used, total, ledger, read_at, created_at)
    VALUES ('00000000-0000-0000-0000-000000000103', '00000000-0000-0000-0000-000000000005', '00000000-0000-0000-0000-000000000006', 'MAK', '\x02', 'ABCDE',
            '00000000-0000-0000-0000-000000000007', '\x01', 1, 10, true, now(), now()),
           ('00000000-0000-0000-0000-000000000104', '00000000-0000-0000-0000-000000000005', '00000000-0000-0000-0000-000000000006', 'KMS', '\x03', 'ABCDF',
            '00000000-0000-0000-0000-000000000007', '\x01', 1, 60, true, now(), now());
INSERT INTO own_keys (key_id, application_id, contract_id, kind, sku_id, fingerprint)
    VALUES ('00000000-0000-0000-0000-000000000103', '00000000-0000-0000-0000-000000000101', '00000000-0000-0000-0000-000000000005', 'MAK',
            '00000000-0000-0000-0000-000000000102', '\x02'),
           ('00000000-0000-0000-0000-000000000104', '00000000-0000-0000-0000-000000000101', '00000000-0000-0000-0000-000000000005', 'KMS', NULL, '\x03');
INSERT INTO activations (id, key_id, application_id, sku_id, request_id, cmid, machine, virtual, board, hardware, at, way, address)
    VALUES ('00000000-0000-0000-0000-000000000105', '00000000-0000-0000-0000-000000000103', '00000000-0000-0000-0000-000000000101',
            '00000000-0000-0000-0000-000000000102', gen_random_uuid(), gen_random_uuid(), 'PC-1', false, 'b', '{b,NULL,NULL,NULL,NULL,NULL}', now(), 'online', '127.0.0.1');
INSERT INTO mak_answers (application_id, request_id, key_id, activation_id, cmid, machine, at, answer)
    VALUES ('00000000-0000-0000-0000-000000000101', gen_random_uuid(), '00000000-0000-0000-0000-000000000103', '00000000-0000-0000-0000-000000000105',
            gen_random_uuid(), 'PC-1', now(), '{}');
INSERT INTO kms_clients (application_id, cmid, sku_id, machine, virtual, first_seen_at, asked_at, counted, address, request_id, result, count, needed)
    VALUES ('00000000-0000-0000-0000-000000000101', gen_random_uuid(), '00000000-0000-0000-0000-000000000102', 'PC-1', true, now(), now(), false, '127.0.0.1',
            gen_random_uuid(), '0xC004F038', 1, 25);
INSERT INTO kms_samples (application_id, at, count, capped) VALUES ('00000000-0000-0000-0000-000000000101', now(), 1, 1);
INSERT INTO unverified_clients (application_id, cmid, machine, address, first_seen_at, asked_at)
    VALUES ('00000000-0000-0000-0000-000000000101', gen_random_uuid(), 'PC-2', '127.0.0.1', now(), now());
INSERT INTO enrolment_codes (id, application_id, code_hash, most_uses, created_at, ends_at)
    VALUES ('00000000-0000-0000-0000-000000000106', '00000000-0000-0000-0000-000000000101', '\x01', 5, now(), now());
INSERT INTO devices (application_id, cmid, public_key, machine, code_id, enrolled_at)
    VALUES ('00000000-0000-0000-0000-000000000101', gen_random_uuid(), '\x01', 'PC-3', '00000000-0000-0000-0000-000000000106', now());
INSERT INTO responder_instances (id, host, listens, version, started_at, seen_at)
    VALUES ('00000000-0000-0000-0000-000000000107', 'host', '127.0.0.1:1688', '0', now(), now());
INSERT INTO host_slots (key_id, instance_id, activations, host, machine, first_at, last_at)
    VALUES ('00000000-0000-0000-0000-000000000104', '00000000-0000-0000-0000-000000000107', 1, 'host', '\x01', now(), now());
INSERT INTO host_results (instance_id, application_id, result, at)
    VALUES ('00000000-0000-0000-0000-000000000107', '00000000-0000-0000-0000-000000000101', '0x00000000', now());
INSERT INTO responder_minutes (instance_id, minute, op, result, requests) VALUES ('00000000-0000-0000-0000-000000000107', now(), 'hello', '0x00000000', 1);
INSERT INTO foreign_clients (address, first_at, last_at, contacts) VALUES ('192.0.2.1', now(), now(), 1);
