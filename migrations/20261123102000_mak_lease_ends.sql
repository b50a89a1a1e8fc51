-- When the lease ends that an answer to a `mak` brought: shown beside each machine that a key activated. The answer
-- itself holds the lease, signed and in base64; a list can neither sort by that nor read it for each row.

ALTER TABLE mak_answers ADD COLUMN lease_ends_at timestamptz;

-- Answers from before tell it by their lease's claim `exp`. Rewriting the table instead of updating its rows leaves
-- alone that they are only ever added.
CREATE FUNCTION lease_end_of(answer text) RETURNS timestamptz LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    claims text;
BEGIN
    claims := translate(split_part((answer::jsonb)->>'lease', '.', 2), '-_', '+/');
    claims := convert_from(decode(rpad(claims, (length(claims) + 3) / 4 * 4, '='), 'base64'), 'UTF8');
    RETURN to_timestamp((claims::jsonb->>'exp')::bigint);
EXCEPTION WHEN OTHERS THEN
    -- No lease of ours: its end isn't known.
    RETURN NULL;
END $$;
ALTER TABLE mak_answers ALTER COLUMN lease_ends_at TYPE timestamptz USING lease_end_of(answer);
DROP FUNCTION lease_end_of(text);

-- As before, with the end of each answer's lease in `ends`.
DROP FUNCTION responder_mak_write(uuid, uuid, text, uuid[], uuid[], uuid[], uuid[], text[], boolean[], text[], text[],
    uuid[], uuid[], uuid[], text[], text[]);
CREATE FUNCTION responder_mak_write(app uuid, key uuid, how text,
    ids uuid[], skus uuid[], asked_by uuid[], cmids uuid[], machines text[], virtuals boolean[], hardwares text[], addresses text[],
    requests uuid[], activation_ids uuid[], clients uuid[], names text[], answers text[], ends timestamptz[]) RETURNS void
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
    INSERT INTO mak_answers (application_id, request_id, key_id, activation_id, cmid, machine, at, answer, lease_ends_at)
    SELECT app, n.request, key, n.activation, n.cmid, n.machine, app_now(), n.answer, n.ends
    FROM unnest(requests, activation_ids, clients, names, answers, ends) AS n (request, activation, cmid, machine, answer, ends);
END $$;

DO $$
DECLARE f regprocedure := 'responder_mak_write'::regproc::oid::regprocedure;
BEGIN
    EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', f);
    EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO keyward_app, keyward_responder', f);
END $$;
