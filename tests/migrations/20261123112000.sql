-- This version adds a column, and no table.
INSERT INTO agreements (id, number) VALUES ('00000000-0000-0000-0000-00000000a112', 'MBSA of the sample');
UPDATE agreements SET mbsa_id = '00000000-0000-0000-0000-00000000a112' WHERE id <> '00000000-0000-0000-0000-00000000a112';
