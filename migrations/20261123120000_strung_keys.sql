-- What an export reads of a key besides its secret, as bytes of one width: an export strings the keys of a License ID
-- together (decision 34), and a value that is made when a key is written need not be made of eight columns each time
-- it is read. The place of each: id 16, product 16, then big-endian used 8, total 8, seats 8 (-1 where there is none,
-- no count is negative), bytes of the secret or of the sentence in its place 4, bytes of the OSA status 4, and the
-- kind's first letter. `exports::groups` takes it apart.
ALTER TABLE product_keys
    ADD COLUMN strung bytea NOT NULL GENERATED ALWAYS AS (
        uuid_send(id) || uuid_send(product_id)
        || int8send(coalesce(used, -1)) || int8send(coalesce(total, -1)) || int8send(coalesce(seats, -1))
        || int4send(coalesce(octet_length(sealed), octet_length(no_key_text))) || int4send(octet_length(osa_status))
        || decode(left(kind, 1), 'escape')
    ) STORED;
