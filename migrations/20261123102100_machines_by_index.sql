-- A page of an application's machines is found by an index, however many there are (docs/decisions/0039).
--
-- Each renewal rewrites `asked_at` and `lease_ends_at`. An index on them would be rewritten each time; one on the hour
-- is so once a week, with the renewal.

ALTER TABLE kms_clients
    ADD COLUMN asked_hour timestamptz NOT NULL GENERATED ALWAYS AS (date_bin('1 hour', asked_at, '2001-01-01 00:00Z')) STORED,
    ADD COLUMN lease_hour timestamptz GENERATED ALWAYS AS (date_bin('1 hour', lease_ends_at, '2001-01-01 00:00Z')) STORED;

-- The orders that the list offers. A search reads the names here, not the rows.
CREATE INDEX kms_clients_by_name ON kms_clients (application_id, lower(machine), cmid) INCLUDE (machine);
CREATE INDEX kms_clients_by_asked ON kms_clients (application_id, asked_hour);
CREATE INDEX kms_clients_by_first ON kms_clients (application_id, first_seen_at);
CREATE INDEX kms_clients_by_lease ON kms_clients (application_id, lease_hour) WHERE lease_hour IS NOT NULL;
-- What few machines are.
CREATE INDEX kms_clients_waiting ON kms_clients (application_id, asked_hour) WHERE lease_hour IS NULL;
CREATE INDEX kms_clients_replaced ON kms_clients (application_id, asked_hour) WHERE superseded_by IS NOT NULL;
CREATE INDEX kms_clients_cloned ON kms_clients (application_id, asked_hour) WHERE cloned_at IS NOT NULL;
CREATE INDEX devices_revoked ON devices (application_id, cmid) WHERE revoked_at IS NOT NULL;

-- Answers are added in the order of time: this index grows at its end only.
CREATE INDEX mak_answers_by_time ON mak_answers (application_id, at) WHERE activation_id IS NOT NULL;

-- The responder plans its look for one client (decision 33) on an empty table, where an index that begins with the
-- application costs as much as the one that finds the client. Of ways that cost the same PostgreSQL keeps that of the
-- newest index: the primary key's.
ALTER TABLE kms_clients DROP CONSTRAINT kms_clients_pkey;
ALTER TABLE kms_clients ADD PRIMARY KEY (application_id, cmid);
