-- The end of each chain is one row that every event of that chain writes anew. With room beside it the new version stays
-- on the page of the old one and the index is left alone (PostgreSQL's heap-only tuples); a full page made each event
-- write the index too, and each later look-up walk past the dead entries. An export of a whole estate writes every head
-- once while its own snapshot keeps all the old versions: so a page is filled to less than half. Decision 49.
ALTER TABLE audit_heads SET (fillfactor = 40);
CLUSTER audit_heads USING audit_heads_pkey;
ALTER TABLE audit_heads SET WITHOUT CLUSTER;
