-- A page of an application's machines is found by an index, however many there are (docs/decisions/0039).
--
-- Each renewal rewrites `asked_at` and `lease_ends_at`. An index on them would be rewritten each time; one on the hour
-- is so once a week, with the renewal. `waits` tells the same without the moment.

ALTER TABLE kms_clients
    ADD COLUMN asked_hour timestamptz NOT NULL GENERATED ALWAYS AS (date_bin('1 hour', asked_at, '2001-01-01 00:00Z')) STORED,
    ADD COLUMN lease_hour timestamptz GENERATED ALWAYS AS (date_bin('1 hour', lease_ends_at, '2001-01-01 00:00Z')) STORED,
    ADD COLUMN waits boolean NOT NULL GENERATED ALWAYS AS (lease_ends_at IS NULL) STORED;

-- The orders that the list offers. A search reads the names here, not the rows.
CREATE INDEX kms_clients_by_name ON kms_clients (application_id, lower(machine), cmid) INCLUDE (machine);
CREATE INDEX kms_clients_by_asked ON kms_clients (application_id, asked_hour);
CREATE INDEX kms_clients_by_first ON kms_clients (application_id, first_seen_at);
CREATE INDEX kms_clients_by_lease ON kms_clients (application_id, lease_hour) WHERE NOT waits;
-- What few machines are.
CREATE INDEX kms_clients_waiting ON kms_clients (application_id, asked_hour) WHERE waits;
CREATE INDEX kms_clients_replaced ON kms_clients (application_id, asked_hour) WHERE superseded_by IS NOT NULL;
CREATE INDEX kms_clients_cloned ON kms_clients (application_id, asked_hour) WHERE cloned_at IS NOT NULL;
CREATE INDEX devices_revoked ON devices (application_id, cmid) WHERE revoked_at IS NOT NULL;

-- Answers are added in the order of time: this index grows at its end only.
CREATE INDEX mak_answers_by_time ON mak_answers (application_id, at) WHERE activation_id IS NOT NULL;
