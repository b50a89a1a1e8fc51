-- Events of one key: the log names keys by their ids, people name them by their last five characters.
-- Auditors see no key, so the way from one to the other is a function that tells ids and nothing else.

-- Ids of the keys that end so, on License IDs whose events the person may read.
CREATE FUNCTION app_audited_keys(ending text) RETURNS TABLE (key_id uuid, contract_id uuid) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT k.id, k.contract_id FROM product_keys k
    WHERE k.last_five = upper(ending) AND k.contract_id IN (SELECT a.contract_id FROM app_audited() a)
$$;
REVOKE EXECUTE ON FUNCTION app_audited_keys FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app_audited_keys TO keyward_app;
