-- A key can be used from a day on: a kind of notice. And what the overview draws, and what is in the archive, is found
-- by an index. The kinds that were known stay known.

DO $$
DECLARE known text := (SELECT pg_get_expr(conbin, conrelid) FROM pg_constraint WHERE conname = 'notices_kind_is_known');
BEGIN
    ALTER TABLE notices DROP CONSTRAINT notices_kind_is_known;
    EXECUTE format('ALTER TABLE notices ADD CONSTRAINT notices_kind_is_known CHECK ((%s) OR kind = ''key-usable'')', known);
END $$;

-- Few: what the planner asks every hour.
CREATE INDEX product_keys_with_a_day ON product_keys (usable_from) WHERE usable_from IS NOT NULL;

-- MAKs from 80 % on, whose fullest the overview draws: few among a million keys.
CREATE INDEX product_keys_filling ON product_keys (contract_id) INCLUDE (used, total, last_five, product_id)
    WHERE kind = 'MAK' AND archived_at IS NULL AND total > 0 AND used * 5 >= total * 4;

-- What is in the archive, found without reading all that isn't.
CREATE INDEX product_keys_archived ON product_keys (contract_id) WHERE archived_at IS NOT NULL;
CREATE INDEX orders_archived ON orders (contract_id) WHERE archived_at IS NOT NULL;
CREATE INDEX contacts_archived ON contacts (contract_id) WHERE archived_at IS NOT NULL;
