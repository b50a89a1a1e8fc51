-- What the responder's own role may do: call these functions, and nothing else. Each runs as the owner and
-- touches activation alone. The portal calls the same ones for carried requests.
--
-- A batch is one transaction: look (which locks what the batch counts on), decide (in the program,
-- src/activation), write, commit. The lock decides, not the isolation level.

------------------------------------------------------------------------------------------------
-- Configuration: what responders keep in memory while the generation stands.

CREATE FUNCTION responder_config() RETURNS jsonb LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT jsonb_build_object(
        'generation', s.generation,
        'site', s.id,
        'site_keys', (SELECT substr(kek_id, 6) FROM vault_checks WHERE kek_id LIKE 'site:%' LIMIT 1),
        'lease_keys', (SELECT coalesce(jsonb_agg(jsonb_build_object('kid', k.kid, 'x', k.x) ORDER BY k.last_used_at DESC, k.kid), '[]')
                       FROM lease_keys k WHERE k.last_used_at > app_now() - interval '181 days'),
        'applications', (SELECT coalesce(jsonb_agg(jsonb_build_object('id', a.id, 'contract', a.contract_id, 'name', a.name,
                             'enrolled', a.trust = 'enrolled', 'tolerance', a.tolerance, 'closed', a.closed_at IS NOT NULL)), '[]') FROM applications a),
        'skus', (SELECT coalesce(jsonb_agg(jsonb_build_object('id', k.id, 'application', k.application_id, 'by_count', k.by_count,
                     'needed', k.needed, 'lease_days', k.lease_days)), '[]') FROM skus k),
        'keys', (SELECT coalesce(jsonb_agg(jsonb_build_object('id', o.key_id, 'application', o.application_id, 'contract', o.contract_id,
                     'kind', o.kind, 'sku', o.sku_id, 'fingerprint', encode(o.fingerprint, 'hex'), 'last_five', p.last_five,
                     'usable', p.blocked_at IS NULL AND p.archived_at IS NULL)), '[]')
                 FROM own_keys o JOIN product_keys p ON p.id = o.key_id))
    FROM activation_site s
$$;

------------------------------------------------------------------------------------------------
-- Audit: the next event of a chain. The links are made outside, under a key that the database doesn't hold.

CREATE FUNCTION responder_chain(name text) RETURNS TABLE (seq bigint, link bytea) LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY SELECT h.seq, h.link FROM audit_heads h WHERE h.chain = name FOR UPDATE;
    IF NOT FOUND THEN
        INSERT INTO audit_heads (chain, seq, link) VALUES (name, 0, decode(repeat('00', 32), 'hex')) ON CONFLICT DO NOTHING;
        RETURN QUERY SELECT h.seq, h.link FROM audit_heads h WHERE h.chain = name FOR UPDATE;
    END IF;
END $$;

CREATE FUNCTION responder_event(name text, next_seq bigint, moment timestamptz, who_id uuid, who text, what text, came_of_it text, contract uuid, about text,
    more jsonb, keys uuid[], place text, request text, next_link bytea) RETURNS void LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE audit_heads SET seq = next_seq, link = next_link WHERE chain = name AND seq = next_seq - 1;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'event % is not the next one of the chain %', next_seq, name;
    END IF;
    INSERT INTO audit_events (chain, seq, at, actor_id, actor, action, outcome, contract_id, subject, detail, key_ids, address, request_id, link)
    VALUES (name, next_seq, moment, who_id, who, what, came_of_it, contract, about, more, keys, place, request, next_link);
END $$;

------------------------------------------------------------------------------------------------
-- The MAK ledger

-- Locks the key's row and the end of its chain. One row at least: the key's, with the answers already given
-- to these requests and the activations of these mainboards beside it.
CREATE FUNCTION responder_mak_look(app uuid, key uuid, requests uuid[], boards text[])
RETURNS TABLE (generation bigint, used bigint, total bigint, blocked boolean, seq bigint, link bytea,
    request_id uuid, answer text, activation_id uuid, hardware text[])
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
#variable_conflict use_column
DECLARE
    k record;
    h record;
    g bigint;
BEGIN
    SELECT p.used, p.total, p.blocked_at IS NOT NULL OR p.archived_at IS NOT NULL AS blocked INTO k
    FROM product_keys p JOIN own_keys o ON o.key_id = p.id
    WHERE p.id = key AND p.ledger AND o.kind = 'MAK' AND o.application_id = app FOR UPDATE OF p;
    IF NOT FOUND THEN RETURN; END IF;
    SELECT c.seq, c.link INTO h FROM responder_chain(key::text) c;
    SELECT s.generation INTO g FROM activation_site s;
    RETURN QUERY SELECT g, k.used, k.total, k.blocked, h.seq, h.link, f.request_id, f.answer, f.activation_id, f.hardware
    FROM (VALUES (1)) AS one LEFT JOIN (
        SELECT m.request_id, m.answer, NULL::uuid AS activation_id, NULL::text[] AS hardware
        FROM mak_answers m WHERE m.application_id = app AND m.request_id = ANY(requests)
        UNION ALL
        SELECT NULL, NULL, a.id, a.hardware FROM activations a WHERE a.application_id = app AND a.board = ANY(boards) AND a.key_id = key
    ) f ON true;
END $$;

-- The rows of a batch: activations spent, and what every request of it was answered.
CREATE FUNCTION responder_mak_write(app uuid, key uuid, how text,
    ids uuid[], skus uuid[], asked_by uuid[], cmids uuid[], machines text[], virtuals boolean[], hardwares text[], addresses text[],
    requests uuid[], activation_ids uuid[], clients uuid[], names text[], answers text[]) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    IF cardinality(ids) > 0 THEN
        UPDATE product_keys SET used = used + cardinality(ids), read_at = app_now()
        WHERE id = key AND ledger AND blocked_at IS NULL AND used + cardinality(ids) <= total;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'the key has no room for % more activations', cardinality(ids) USING ERRCODE = 'check_violation';
        END IF;
        INSERT INTO activations (id, key_id, application_id, sku_id, request_id, cmid, machine, virtual, board, hardware, at, way, address)
        SELECT n.id, key, app, n.sku, n.request, n.cmid, n.machine, n.virtual, split_part(n.hardware, ' ', 1), string_to_array(n.hardware, ' ', ''), app_now(), how, n.address
        FROM unnest(ids, skus, asked_by, cmids, machines, virtuals, hardwares, addresses)
             AS n (id, sku, request, cmid, machine, virtual, hardware, address);
    END IF;
    INSERT INTO mak_answers (application_id, request_id, key_id, activation_id, cmid, machine, at, answer)
    SELECT app, n.request, key, n.activation, n.cmid, n.machine, app_now(), n.answer
    FROM unnest(requests, activation_ids, clients, names, answers) AS n (request, activation, cmid, machine, answer);
END $$;

-- The activation that a client holds, with what it was answered last.
CREATE FUNCTION responder_mak_state(app uuid, sku uuid, client uuid)
RETURNS TABLE (activation_id uuid, hardware text[], blocked boolean, answer text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY SELECT a.id, a.hardware, p.blocked_at IS NOT NULL OR p.archived_at IS NOT NULL, m.answer
    FROM mak_answers m JOIN activations a ON a.id = m.activation_id JOIN product_keys p ON p.id = a.key_id
    WHERE m.application_id = app AND m.cmid = client AND m.activation_id IS NOT NULL AND a.sku_id = sku
    ORDER BY m.at DESC, m.activation_id DESC LIMIT 1;
END $$;

------------------------------------------------------------------------------------------------
-- The KMS count

-- Takes clients out of the count that have not asked for 30 days. The caller holds the count's row.
CREATE FUNCTION kms_sweep(app uuid) RETURNS void LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
DECLARE
    gone bigint;
    since timestamptz := app_now() - interval '30 days';
BEGIN
    UPDATE kms_clients SET counted = false
    WHERE application_id = app AND counted AND asked_day <= (since AT TIME ZONE 'UTC')::date AND asked_at <= since;
    GET DIAGNOSTICS gone = ROW_COUNT;
    UPDATE kms_counts SET count = count - gone, next_expiry = (
        SELECT min(k.asked_at) + interval '30 days' FROM kms_clients k
        WHERE k.application_id = app AND k.counted
          AND k.asked_day = (SELECT min(d.asked_day) FROM kms_clients d WHERE d.application_id = app AND d.counted))
    WHERE application_id = app;
END $$;

-- Locks the count. One row at least: the count's, with the clients of these ids that are known beside it.
CREATE FUNCTION responder_kms_look(app uuid, ids uuid[])
RETURNS TABLE (generation bigint, total bigint, cmid uuid, machine text, former_names text[], counted boolean,
    request_id uuid, result text, count bigint, needed bigint, lease text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
#variable_conflict use_column
DECLARE
    c record;
    g bigint;
BEGIN
    SELECT k.count, k.next_expiry INTO c FROM kms_counts k WHERE k.application_id = app FOR UPDATE;
    IF NOT FOUND THEN RETURN; END IF;
    IF c.next_expiry <= app_now() THEN
        PERFORM kms_sweep(app);
        SELECT k.count, k.next_expiry INTO c FROM kms_counts k WHERE k.application_id = app;
    END IF;
    SELECT s.generation INTO g FROM activation_site s;
    RETURN QUERY SELECT g, c.count, k.cmid, k.machine, k.former_names, k.counted, k.request_id, k.result, k.count, k.needed, k.lease
    FROM (VALUES (1)) AS one LEFT JOIN kms_clients k ON k.application_id = app AND k.cmid = ANY(ids);
END $$;

-- The clients of a batch, each once; `gone` have a new id in `gone_for`.
CREATE FUNCTION responder_kms_write(app uuid, largest integer,
    ids uuid[], skus uuid[], machines text[], formers text[], clones boolean[], virtuals boolean[], asked integer[], ends timestamptz[],
    addresses text[], requests uuid[], results text[], counts bigint[], needs bigint[], leases text[], gone uuid[], gone_for uuid[]) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
    already bigint;
    left_count bigint := 0;
BEGIN
    SELECT count(*) INTO already FROM kms_clients k WHERE k.application_id = app AND k.cmid = ANY(ids) AND k.counted;
    INSERT INTO kms_clients AS k (application_id, cmid, sku_id, machine, former_names, cloned_at, virtual, first_seen_at, asked_at, requests, counted,
        lease_ends_at, address, request_id, result, count, needed, lease)
    SELECT app, n.id, n.sku, n.machine, string_to_array(n.former, E'\n'), CASE WHEN n.clone THEN app_now() END, n.virtual, app_now(), app_now(), n.asked, true,
        n.ends, n.address, n.request, n.result, n.count, n.needed, n.lease
    FROM unnest(ids, skus, machines, formers, clones, virtuals, asked, ends, addresses, requests, results, counts, needs, leases)
         AS n (id, sku, machine, former, clone, virtual, asked, ends, address, request, result, count, needed, lease)
    ON CONFLICT (application_id, cmid) DO UPDATE SET sku_id = EXCLUDED.sku_id, machine = EXCLUDED.machine, former_names = EXCLUDED.former_names,
        cloned_at = coalesce(EXCLUDED.cloned_at, k.cloned_at), virtual = EXCLUDED.virtual, asked_at = EXCLUDED.asked_at,
        requests = k.requests + EXCLUDED.requests, counted = true, superseded_by = NULL,
        lease_ends_at = coalesce(EXCLUDED.lease_ends_at, k.lease_ends_at), address = EXCLUDED.address, request_id = EXCLUDED.request_id,
        result = EXCLUDED.result, count = EXCLUDED.count, needed = EXCLUDED.needed, lease = coalesce(EXCLUDED.lease, k.lease);
    IF cardinality(gone) > 0 THEN
        WITH left_now AS (
            UPDATE kms_clients k SET counted = false, superseded_by = n.by FROM unnest(gone, gone_for) AS n (id, by)
            WHERE k.application_id = app AND k.cmid = n.id AND k.counted RETURNING 1)
        SELECT count(*) INTO left_count FROM left_now;
    END IF;
    UPDATE kms_counts c SET count = c.count + cardinality(ids) - already - left_count, largest_needed = greatest(c.largest_needed, largest),
        next_expiry = coalesce(c.next_expiry, app_now() + interval '30 days')
    WHERE c.application_id = app AND (cardinality(ids) - already - left_count <> 0 OR c.largest_needed < largest OR c.next_expiry IS NULL);
END $$;

-- Takes one client out of the count: its device lost its trust.
CREATE FUNCTION responder_uncount(app uuid, client uuid) RETURNS void LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM 1 FROM kms_counts c WHERE c.application_id = app FOR UPDATE;
    UPDATE kms_clients k SET counted = false WHERE k.application_id = app AND k.cmid = client AND k.counted;
    IF FOUND THEN UPDATE kms_counts c SET count = c.count - 1 WHERE c.application_id = app; END IF;
END $$;

-- How a client stands, without counting it.
CREATE FUNCTION responder_kms_state(app uuid, client uuid) RETURNS TABLE (total bigint, lease text, lease_ends_at timestamptz)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
#variable_conflict use_column
BEGIN
    IF EXISTS (SELECT 1 FROM kms_counts c WHERE c.application_id = app AND c.next_expiry <= app_now()) THEN
        PERFORM 1 FROM kms_counts c WHERE c.application_id = app FOR UPDATE;
        PERFORM kms_sweep(app);
    END IF;
    RETURN QUERY SELECT c.count, k.lease, k.lease_ends_at FROM kms_counts c
    LEFT JOIN kms_clients k ON k.application_id = c.application_id AND k.cmid = client WHERE c.application_id = app;
END $$;

------------------------------------------------------------------------------------------------
-- Devices

CREATE FUNCTION responder_devices(app uuid, ids uuid[]) RETURNS TABLE (cmid uuid, public_key bytea, last_time timestamptz)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
#variable_conflict use_column
BEGIN
    -- In one order, so that two batches with the same devices wait for each other instead of deadlocking.
    RETURN QUERY SELECT d.cmid, d.public_key, d.last_time FROM devices d
    WHERE d.application_id = app AND d.cmid = ANY(ids) AND d.revoked_at IS NULL ORDER BY d.cmid FOR UPDATE;
END $$;

CREATE FUNCTION responder_devices_seen(app uuid, ids uuid[], times timestamptz[]) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE devices d SET last_time = n.at FROM unnest(ids, times) AS n (id, at) WHERE d.application_id = app AND d.cmid = n.id;
END $$;

-- `done`, or why not: `closed`, `code`, `spent`, `revoked`.
CREATE FUNCTION responder_enrol(app uuid, client uuid, device_name text, hash bytea, device_key bytea) RETURNS TABLE (outcome text, fresh boolean)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
#variable_conflict use_column
DECLARE
    code enrolment_codes;
    known devices;
BEGIN
    IF NOT EXISTS (SELECT 1 FROM applications a WHERE a.id = app AND a.closed_at IS NULL) THEN RETURN QUERY SELECT 'closed', false; RETURN; END IF;
    SELECT * INTO known FROM devices d WHERE d.application_id = app AND d.cmid = client FOR UPDATE;
    IF known.revoked_at IS NOT NULL THEN RETURN QUERY SELECT 'revoked', false; RETURN; END IF;
    IF known.public_key = device_key THEN RETURN QUERY SELECT 'done', false; RETURN; END IF;
    SELECT * INTO code FROM enrolment_codes c
    WHERE c.application_id = app AND c.code_hash = hash AND c.revoked_at IS NULL AND c.ends_at > app_now() FOR UPDATE;
    IF code.id IS NULL THEN RETURN QUERY SELECT 'code', false; RETURN; END IF;
    IF code.uses >= code.most_uses THEN RETURN QUERY SELECT 'spent', false; RETURN; END IF;
    UPDATE enrolment_codes SET uses = uses + 1 WHERE id = code.id;
    INSERT INTO devices AS d (application_id, cmid, public_key, machine, code_id, enrolled_at)
    VALUES (app, client, device_key, device_name, code.id, app_now())
    ON CONFLICT (application_id, cmid) DO UPDATE SET public_key = EXCLUDED.public_key, machine = EXCLUDED.machine, code_id = EXCLUDED.code_id,
        enrolled_at = EXCLUDED.enrolled_at, last_time = NULL;
    DELETE FROM unverified_clients u WHERE u.application_id = app AND u.cmid = client;
    RETURN QUERY SELECT 'done', true;
END $$;

-- Who isn't enrolled and asked: 1,000 an application, those that asked last.
CREATE FUNCTION responder_unverified(app uuid, ids uuid[], machines text[], addresses text[]) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO unverified_clients AS u (application_id, cmid, machine, address, first_seen_at, asked_at)
    SELECT DISTINCT ON (n.id) app, n.id, n.machine, n.address, app_now(), app_now() FROM unnest(ids, machines, addresses) AS n (id, machine, address) ORDER BY n.id
    ON CONFLICT (application_id, cmid) DO UPDATE SET machine = EXCLUDED.machine, address = EXCLUDED.address, asked_at = EXCLUDED.asked_at, requests = u.requests + 1;
    DELETE FROM unverified_clients u WHERE u.application_id = app AND u.cmid IN (
        SELECT o.cmid FROM unverified_clients o WHERE o.application_id = app ORDER BY o.asked_at DESC, o.cmid OFFSET 1000);
END $$;

------------------------------------------------------------------------------------------------
-- Hosts

CREATE FUNCTION responder_begin(instance uuid, host_name text, listening text, program text, key_id text, key_x text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO responder_instances (id, host, listens, version, started_at, seen_at) VALUES (instance, host_name, listening, program, app_now(), app_now())
    ON CONFLICT (id) DO UPDATE SET host = EXCLUDED.host, listens = EXCLUDED.listens, version = EXCLUDED.version, started_at = EXCLUDED.started_at, seen_at = EXCLUDED.seen_at;
    INSERT INTO lease_keys (kid, x, last_used_at) VALUES (key_id, key_x, app_now()) ON CONFLICT (kid) DO UPDATE SET last_used_at = app_now();
END $$;

-- Takes or keeps this instance's place under a host key: the result that the host is told, and whether a host
-- activation was spent. A key's total admits total / 10 hosts, 10 activations each.
CREATE FUNCTION responder_take_slot(app uuid, key uuid, instance uuid, host_name text, machine_digest bytea) RETURNS TABLE (outcome text, spent boolean)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
#variable_conflict use_column
DECLARE
    k product_keys;
    s host_slots;
    answer text := '0x00000000';
    taken boolean := false;
BEGIN
    SELECT p.* INTO k FROM product_keys p JOIN own_keys o ON o.key_id = p.id
    WHERE p.id = key AND p.ledger AND o.kind = 'KMS' AND o.application_id = app FOR UPDATE OF p;
    SELECT * INTO s FROM host_slots h WHERE h.key_id = key AND h.instance_id = instance;
    IF k.id IS NULL THEN
        answer := '0xC004F041';
    ELSIF k.blocked_at IS NOT NULL OR k.archived_at IS NOT NULL THEN
        answer := '0xC004C003';
    ELSIF s.machine IS DISTINCT FROM machine_digest THEN
        taken := k.used < k.total AND CASE WHEN s.key_id IS NULL
            THEN (SELECT count(*) FROM host_slots h WHERE h.key_id = key) < ceil(k.total / 10.0) ELSE s.activations < 10 END;
        IF taken THEN
            UPDATE product_keys SET used = used + 1, read_at = app_now() WHERE id = key;
            INSERT INTO host_slots AS h (key_id, instance_id, activations, host, machine, first_at, last_at)
            VALUES (key, instance, 1, host_name, machine_digest, app_now(), app_now())
            ON CONFLICT (key_id, instance_id) DO UPDATE SET activations = h.activations + 1, host = EXCLUDED.host, machine = EXCLUDED.machine, last_at = EXCLUDED.last_at;
        ELSE
            answer := '0xC004C008';
        END IF;
    END IF;
    INSERT INTO host_results AS r (instance_id, application_id, result, at) VALUES (instance, app, answer, app_now())
    ON CONFLICT (instance_id, application_id) DO UPDATE SET result = EXCLUDED.result, at = EXCLUDED.at WHERE r.result <> EXCLUDED.result;
    RETURN QUERY SELECT answer, taken;
END $$;

-- Once a minute and at the end: what this instance did, who came with another protocol, and samples.
CREATE FUNCTION responder_beat(instance uuid, key_id text, done jsonb, foreigners jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE app uuid;
BEGIN
    UPDATE responder_instances SET seen_at = app_now() WHERE id = instance;
    UPDATE lease_keys SET last_used_at = app_now() WHERE kid = key_id AND last_used_at < app_now() - interval '1 hour';
    INSERT INTO responder_minutes AS m (instance_id, minute, op, result, requests)
    SELECT instance, date_trunc('minute', app_now()), d->>0, d->>1, (d->>2)::bigint FROM jsonb_array_elements(done) AS d
    ON CONFLICT (minute, instance_id, op, result) DO UPDATE SET requests = m.requests + EXCLUDED.requests;
    DELETE FROM responder_minutes WHERE minute < app_now() - interval '8 days';
    INSERT INTO foreign_clients AS f (address, first_at, last_at, contacts)
    SELECT d->>0, app_now(), app_now(), (d->>1)::bigint FROM jsonb_array_elements(foreigners) AS d
    WHERE (SELECT count(*) FROM foreign_clients) < 1000 OR EXISTS (SELECT 1 FROM foreign_clients k WHERE k.address = d->>0)
    ON CONFLICT (address) DO UPDATE SET last_at = EXCLUDED.last_at, contacts = f.contacts + EXCLUDED.contacts;
    FOR app IN SELECT c.application_id FROM kms_counts c
        WHERE NOT EXISTS (SELECT 1 FROM kms_samples s WHERE s.application_id = c.application_id AND s.at = date_trunc('hour', app_now()))
        ORDER BY c.application_id FOR UPDATE SKIP LOCKED
    LOOP
        PERFORM kms_sweep(app);
        INSERT INTO kms_samples (application_id, at, count, capped)
        SELECT app, date_trunc('hour', app_now()), c.count, least(c.count, 2 * c.largest_needed) FROM kms_counts c WHERE c.application_id = app
        ON CONFLICT DO NOTHING;
    END LOOP;
    -- The history behind the forecast of when a key runs out.
    INSERT INTO key_readings (id, key_id, contract_id, read_at, source, used, total)
    SELECT gen_random_uuid(), p.id, p.contract_id, app_now(), 'ledger', p.used, p.total FROM product_keys p JOIN own_keys o ON o.key_id = p.id
    WHERE NOT EXISTS (SELECT 1 FROM key_readings r WHERE r.key_id = p.id AND (r.read_at > app_now() - interval '1 hour'
        OR (r.used = p.used AND r.total = p.total AND r.read_at = (SELECT max(l.read_at) FROM key_readings l WHERE l.key_id = p.id))));
END $$;

------------------------------------------------------------------------------------------------
-- Rights

DO $$
DECLARE f regprocedure;
BEGIN
    FOR f IN SELECT p.oid FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace AND p.proowner = current_user::regrole
        AND (p.proname LIKE 'responder\_%' OR p.proname = 'kms_sweep')
    LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', f);
        IF f::text LIKE 'responder\_uncount%' THEN
            EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO keyward_app', f);
        ELSIF f::text NOT LIKE 'kms\_sweep%' THEN
            EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO keyward_app, keyward_responder', f);
        END IF;
    END LOOP;
END $$;
GRANT EXECUTE ON FUNCTION app_now() TO keyward_responder;
GRANT USAGE ON SCHEMA public TO keyward_responder;
