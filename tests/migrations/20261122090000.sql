-- One row at least in every table, as the program would write it.
INSERT INTO people (id, email, name, created_at) VALUES ('00000000-0000-0000-0000-000000000001', 'a@keyward.example', 'A', now());
INSERT INTO sessions (id, person_id, token_hash, created_at, last_seen_at, fresh_at, address, user_agent)
    VALUES (gen_random_uuid(), '00000000-0000-0000-0000-000000000001', '\x01', now(), now(), now(), '127.0.0.1', 'browser');
INSERT INTO organizations (id, name) VALUES ('00000000-0000-0000-0000-000000000002', 'Parent');
INSERT INTO organizations (id, name, parent_id) VALUES ('00000000-0000-0000-0000-000000000003', 'Child', '00000000-0000-0000-0000-000000000002');
INSERT INTO agreements (id, number) VALUES ('00000000-0000-0000-0000-000000000004', '4E00000');
INSERT INTO grant_rules (id, person_id, role, covers, granted_at)
    VALUES (gen_random_uuid(), '00000000-0000-0000-0000-000000000001', 'administrator', 'all', now());
-- the rule above makes the grant
INSERT INTO contracts (id, license_id, organization_id, agreement_id, created_at)
    VALUES ('00000000-0000-0000-0000-000000000005', '1000000', '00000000-0000-0000-0000-000000000003', '00000000-0000-0000-0000-000000000004', now());
INSERT INTO contacts (id, contract_id, role, name, email) VALUES (gen_random_uuid(), '00000000-0000-0000-0000-000000000005', 'Online', 'B', 'b@keyward.example');
INSERT INTO license_summaries (id, contract_id, product_family, version, product_pool, type, effective_quantity, active_sa_quantity)
    VALUES (gen_random_uuid(), '00000000-0000-0000-0000-000000000005', 'Suite', '1', 'Servers', 'License', 5, 0);
INSERT INTO products (id, slug, name, category, family, created_at) VALUES ('00000000-0000-0000-0000-000000000006', 'suite', 'Suite', 'Other', 'Suite', now());
INSERT INTO orders (id, contract_id, product_id, reseller_order_no, customer_order_no, reseller, part_number, description, quantity, country)
    VALUES (gen_random_uuid(), '00000000-0000-0000-0000-000000000005', '00000000-0000-0000-0000-000000000006', 'R', 'C', 'Reseller', 'P', 'Suite', 1, 'Chile');
INSERT INTO vault_checks (kek_id, sealed, created_at) VALUES ('kek', '\x01', now());
INSERT INTO data_keys (id, contract_id, kek_id, wrapped, created_at)
    VALUES ('00000000-0000-0000-0000-000000000007', '00000000-0000-0000-0000-000000000005', 'kek', '\x01', now());
-- the trigger fills contract_products
INSERT INTO product_keys (id, contract_id, product_id, kind, fingerprint, last_five, data_key_id, sealed, read_at, created_at)
    VALUES ('00000000-0000-0000-0000-000000000008', '00000000-0000-0000-0000-000000000005', '00000000-0000-0000-0000-000000000006', 'MAK', '\x01', 'ABCDE',
            '00000000-0000-0000-0000-000000000007', '\x01', now(), now());
INSERT INTO key_readings (id, key_id, contract_id, read_at, source, used, total)
    VALUES (gen_random_uuid(), '00000000-0000-0000-0000-000000000008', '00000000-0000-0000-0000-000000000005', now(), 'import', 1, 2);
INSERT INTO imports (id, actor, created_at, state) VALUES ('00000000-0000-0000-0000-000000000009', 'system:import', now(), 'applied');
INSERT INTO import_files (id, import_id, position, name, kind, digest) VALUES ('00000000-0000-0000-0000-00000000000a', '00000000-0000-0000-0000-000000000009', 0, 'keys.csv', 'keys', '\x01');
INSERT INTO import_rows (file_id, line, ordinal, action) VALUES ('00000000-0000-0000-0000-00000000000a', 2, 0, 'added');
INSERT INTO audit_events (chain, seq, at, actor, action, outcome, subject, detail, key_ids, address, request_id, link)
    VALUES ('site', 1, now(), 'a', 'session.begin', 'done', '', '{}', '{}', '', '', '\x01');
INSERT INTO audit_heads (chain, seq, link) VALUES ('site', 1, '\x01');
