-- Each client of a batch is found through the index that names it, whatever the planner believes of a table: the
-- functions' plans are made once a connection, often while the tables are still empty, and `= ANY(…)` then read all
-- clients of an application, or all activations of a key, once a batch. `OFFSET 0` keeps the inner query apart, so
-- that it is run once for each of them.

CREATE OR REPLACE FUNCTION responder_mak_look(app uuid, key uuid, requests uuid[], boards text[])
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
        FROM unnest(requests) AS r (id) CROSS JOIN LATERAL (
            SELECT x.request_id, x.answer FROM mak_answers x WHERE x.application_id = app AND x.request_id = r.id OFFSET 0) m
        UNION ALL
        SELECT NULL, NULL, a.id, a.hardware
        FROM (SELECT DISTINCT u.board FROM unnest(boards) AS u (board)) b CROSS JOIN LATERAL (
            SELECT x.id, x.hardware, x.key_id FROM activations x WHERE x.application_id = app AND x.board = b.board OFFSET 0) a
        WHERE a.key_id = key
    ) f ON true;
END $$;

-- A client's lease is told only to the retry that it belongs to: most renew, and get a new one.
DROP FUNCTION responder_kms_look(uuid, uuid[]);
CREATE FUNCTION responder_kms_look(app uuid, ids uuid[], requests uuid[])
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
    FROM (VALUES (1)) AS one LEFT JOIN (
        SELECT x.* FROM unnest(ids, requests) AS n (id, request) CROSS JOIN LATERAL (
            SELECT y.cmid, y.machine, y.former_names, y.counted, y.request_id, y.result, y.count, y.needed,
                CASE WHEN y.request_id = n.request THEN y.lease END AS lease
            FROM kms_clients y WHERE y.application_id = app AND y.cmid = n.id OFFSET 0) x
    ) k ON true;
END $$;

-- The clients of a batch, each once, of whom `fresh` weren't in the count; `gone` have a new id in `gone_for`. Known
-- ones are updated where they stand: trying to insert each would lock its row, and log that, before it is written.
DROP FUNCTION responder_kms_write(uuid, integer, uuid[], uuid[], text[], text[], boolean[], boolean[], integer[], timestamptz[],
    text[], uuid[], text[], bigint[], bigint[], text[], uuid[], uuid[]);
CREATE FUNCTION responder_kms_write(app uuid, largest integer, fresh integer,
    ids uuid[], skus uuid[], machines text[], formers text[], clones boolean[], virtuals boolean[], asked integer[], ends timestamptz[],
    addresses text[], requests uuid[], results text[], counts bigint[], needs bigint[], leases text[], gone uuid[], gone_for uuid[]) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    known bigint;
    left_count bigint := 0;
BEGIN
    UPDATE kms_clients k SET sku_id = n.sku, machine = n.machine, former_names = string_to_array(n.former, E'\n'),
        cloned_at = CASE WHEN n.clone THEN app_now() ELSE k.cloned_at END, virtual = n.virtual, asked_at = app_now(),
        requests = k.requests + n.asked, counted = true, superseded_by = NULL, lease_ends_at = coalesce(n.ends, k.lease_ends_at),
        address = n.address, request_id = n.request, result = n.result, count = n.count, needed = n.needed, lease = coalesce(n.lease, k.lease)
    FROM (SELECT u.*, t.place
          FROM unnest(ids, skus, machines, formers, clones, virtuals, asked, ends, addresses, requests, results, counts, needs, leases)
               AS u (id, sku, machine, former, clone, virtual, asked, ends, address, request, result, count, needed, lease)
          CROSS JOIN LATERAL (SELECT y.ctid AS place FROM kms_clients y WHERE y.application_id = app AND y.cmid = u.id OFFSET 0) t) n
    WHERE k.ctid = n.place;
    GET DIAGNOSTICS known = ROW_COUNT;
    IF known < cardinality(ids) THEN
        INSERT INTO kms_clients (application_id, cmid, sku_id, machine, former_names, cloned_at, virtual, first_seen_at, asked_at, requests, counted,
            lease_ends_at, address, request_id, result, count, needed, lease)
        SELECT app, n.id, n.sku, n.machine, string_to_array(n.former, E'\n'), CASE WHEN n.clone THEN app_now() END, n.virtual, app_now(), app_now(), n.asked, true,
            n.ends, n.address, n.request, n.result, n.count, n.needed, n.lease
        FROM unnest(ids, skus, machines, formers, clones, virtuals, asked, ends, addresses, requests, results, counts, needs, leases)
             AS n (id, sku, machine, former, clone, virtual, asked, ends, address, request, result, count, needed, lease)
        ON CONFLICT (application_id, cmid) DO NOTHING;
    END IF;
    IF cardinality(gone) > 0 THEN
        WITH left_now AS (
            UPDATE kms_clients k SET counted = false, superseded_by = n.by FROM unnest(gone, gone_for) AS n (id, by)
            WHERE k.application_id = app AND k.cmid = n.id AND k.counted RETURNING 1)
        SELECT count(*) INTO left_count FROM left_now;
    END IF;
    UPDATE kms_counts c SET count = c.count + fresh - left_count, largest_needed = greatest(c.largest_needed, largest),
        next_expiry = coalesce(c.next_expiry, app_now() + interval '30 days')
    WHERE c.application_id = app AND (fresh - left_count <> 0 OR c.largest_needed < largest OR c.next_expiry IS NULL);
END $$;

DO $$
DECLARE f regprocedure;
BEGIN
    FOR f IN SELECT p.oid FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace AND p.proowner = current_user::regrole
        AND p.proname IN ('responder_kms_look', 'responder_kms_write')
    LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', f);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO keyward_app, keyward_responder', f);
    END LOOP;
END $$;
