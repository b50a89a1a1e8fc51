-- What only orders under Select Plus tell (view-vl-contracts, "Orders"): whether a line is up for renewal, and whether it
-- is a step-up. Null: not said, as in every file without these columns. Which programme an order is under may be known
-- later than the order, or be corrected: so the program says where they belong, not a constraint. Decision 45.
ALTER TABLE orders ADD COLUMN up_for_renewal boolean, ADD COLUMN step_up boolean;
-- Few: whether anything is said at all decides what a list offers.
CREATE INDEX orders_that_tell ON orders (contract_id) WHERE up_for_renewal IS NOT NULL OR step_up IS NOT NULL;

-- As before, with both among the facts of an archived order: the list's filters reach it.
CREATE OR REPLACE FUNCTION app_archive(wanted text)
RETURNS TABLE (thing text, id uuid, name text, about text, license_id text, archived_at timestamptz, facts jsonb, words text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT 'contract', c.id, c.license_id, '', c.license_id, c.archived_at,
           jsonb_strip_nulls(jsonb_build_object('organization', o.name, 'program', c.program, 'status', c.status, 'end', c.ends_on)),
           concat_ws(E'\n', c.license_id, o.name, a.number)
    FROM contracts c JOIN organizations o ON o.id = c.organization_id LEFT JOIN agreements a ON a.id = c.agreement_id
    WHERE wanted IN ('', 'contract') AND c.archived_at IS NOT NULL AND c.id IN (SELECT app_edited())
    UNION ALL
    SELECT 'contract', c.id, c.license_id, '', c.license_id, c.archived_at, '{}'::jsonb, c.license_id
    FROM contracts c
    WHERE wanted IN ('', 'contract') AND c.archived_at IS NOT NULL AND c.id NOT IN (SELECT app_edited()) AND (SELECT app_is_operator())
    UNION ALL
    SELECT 'key', k.id, p.name, coalesce('…' || k.last_five, ''), c.license_id, k.archived_at,
           jsonb_build_object('license_id', c.license_id, 'product', p.slug),
           concat_ws(E'\n', p.name, k.last_five, c.license_id)
    FROM product_keys k JOIN contracts c ON c.id = k.contract_id JOIN products p ON p.id = k.product_id
    WHERE wanted IN ('', 'key') AND k.archived_at IS NOT NULL AND k.contract_id IN (SELECT app_edited())
    UNION ALL
    -- Either spelling of Extended Security Updates finds both, as among those in force.
    SELECT 'order', o.id, o.description, concat_ws(', ', nullif(o.part_number, ''), nullif(o.customer_order_no, ''), nullif(o.reseller_order_no, '')),
           c.license_id, o.archived_at,
           jsonb_strip_nulls(jsonb_build_object('license_id', c.license_id, 'product', p.slug, 'quantity', o.quantity,
               'ordered_on', o.ordered_on, 'usage_start', o.usage_starts_on, 'reseller', o.reseller, 'country', o.country, 'esu', e.esu,
               'renewal', CASE WHEN o.up_for_renewal THEN 'yes' WHEN NOT o.up_for_renewal THEN 'no' WHEN c.program ILIKE 'select plus%' THEN 'unknown' END,
               'step_up', CASE WHEN o.step_up THEN 'yes' WHEN NOT o.step_up THEN 'no' WHEN c.program ILIKE 'select plus%' THEN 'unknown' END)),
           concat_ws(E'\n', o.description, o.part_number, o.customer_order_no, o.reseller_order_no, c.license_id, n.name, o.reseller,
               CASE WHEN e.esu THEN 'ESU Extended Security Updates' END)
    FROM orders o JOIN contracts c ON c.id = o.contract_id JOIN organizations n ON n.id = c.organization_id
    LEFT JOIN products p ON p.id = o.product_id
    CROSS JOIN LATERAL (SELECT o.description ~* '\m(esu|extended security updates?)\M' AS esu) e
    WHERE wanted IN ('', 'order') AND o.archived_at IS NOT NULL AND o.contract_id IN (SELECT app_edited())
    UNION ALL
    SELECT 'contact', t.id, t.name, t.role, c.license_id, t.archived_at, jsonb_build_object('license_id', c.license_id),
           concat_ws(E'\n', t.name, t.role, c.license_id)
    FROM contacts t JOIN contracts c ON c.id = t.contract_id
    WHERE wanted IN ('', 'contact') AND t.archived_at IS NOT NULL AND t.contract_id IN (SELECT app_edited())
    UNION ALL
    SELECT 'product', p.id, p.name, '', '', p.archived_at, jsonb_build_object('category', p.category), concat_ws(E'\n', p.name, p.category)
    FROM products p WHERE wanted IN ('', 'product') AND p.archived_at IS NOT NULL AND (SELECT app_is_operator())
    UNION ALL
    SELECT 'organization', o.id, o.name, '', '', o.archived_at, '{}'::jsonb, o.name
    FROM organizations o WHERE wanted IN ('', 'organization') AND o.archived_at IS NOT NULL AND (SELECT app_is_operator())
    UNION ALL
    SELECT 'agreement', a.id, a.number, '', '', a.archived_at, '{}'::jsonb, a.number
    FROM agreements a WHERE wanted IN ('', 'agreement') AND a.archived_at IS NOT NULL AND (SELECT app_is_operator())
$$;
