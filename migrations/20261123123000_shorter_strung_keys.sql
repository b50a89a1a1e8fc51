-- What an export reads of a key besides its secret is shorter, and holds the OSA status too: one string less for each
-- key, and fewer bytes on their way (decision 51). The place of each: id 16, product 16, then big-endian used 4, total 4,
-- seats 4 (none is above a thousand million; the greatest number stands where there is none), bytes of the secret or of
-- the sentence in its place 4, bytes of the OSA status 4, the kind's first letter, and the OSA status itself.
-- `exports::groups` takes it apart.
ALTER TABLE product_keys DROP COLUMN strung;
ALTER TABLE product_keys
    ADD COLUMN strung bytea NOT NULL GENERATED ALWAYS AS (
        uuid_send(id) || uuid_send(product_id)
        || substring(int8send(least(coalesce(used, 4294967295), 4294967295)) FROM 5)
        || substring(int8send(least(coalesce(total, 4294967295), 4294967295)) FROM 5)
        || substring(int8send(least(coalesce(seats, 4294967295), 4294967295)) FROM 5)
        || int4send(coalesce(octet_length(sealed), octet_length(no_key_text))) || int4send(octet_length(osa_status))
        || decode(left(kind, 1), 'escape') || decode(replace(osa_status, '\', '\\'), 'escape')
    ) STORED;
