-- A file, a link, and a download that was begun.
INSERT INTO downloads (id, product_id, name, language, system, component, released_on, size, sha256, added_by, added_at)
    VALUES ('00000000-0000-7000-8000-000000192101', '00000000-0000-0000-0000-000000000006', 'suite.iso', 'English', '64-bit', 'ISO', '2026-10-01', 5, decode(repeat('ab', 32), 'hex'),
            '00000000-0000-0000-0000-000000000001', now());
INSERT INTO downloads (id, product_id, name, language, system, component, sha256, url, added_by, added_at)
    VALUES (gen_random_uuid(), '00000000-0000-0000-0000-000000000006', 'suite.exe', 'German', 'ARM64', 'EXE', decode(repeat('cd', 32), 'hex'), 'https://files.example/suite.exe',
            '00000000-0000-0000-0000-000000000001', now());
INSERT INTO download_tickets (session_id, download_id, person_id, until)
    SELECT id, '00000000-0000-7000-8000-000000192101', person_id, now() FROM sessions LIMIT 1;
