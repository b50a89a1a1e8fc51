-- Notices: what happened or is about to, whom it was told, and what is still to be sent.
--
-- A notice is written in the transaction of what it tells of, and so is its place in the outbox: either
-- all of it stands or nothing does. Sending is another task's work (src/notices/send.rs).

------------------------------------------------------------------------------------------------
-- What is told. `about` names the event for good ("request:12:approved"): told once, however often it is put.

CREATE TABLE notices (
    id          uuid PRIMARY KEY,
    about       text NOT NULL CONSTRAINT notices_about_is_unique UNIQUE,
    kind        text NOT NULL CONSTRAINT notices_kind_is_known CHECK (kind IN (
        'request-submitted', 'request-question', 'request-answered', 'request-approved', 'request-declined', 'request-sent',
        'request-done', 'request-withdrawn', 'request-comment',
        'contract-end', 'esu-end', 'mak-run-out', 'single-administrator', 'grant-end')),
    subject     text NOT NULL CONSTRAINT notices_subject_is_a_line CHECK (subject ~ '^[^[:cntrl:]]{1,200}$'),
    -- Plain text; never a key (the last five characters at most).
    sentence    text NOT NULL,
    link        text NOT NULL CONSTRAINT notices_link_is_a_path CHECK (link ~ '^/[^[:cntrl:][:space:]]*$' AND link NOT LIKE '//%'),
    -- Whoever loses the License ID loses its notices. Null: the recipient may know it in any case.
    contract_id uuid REFERENCES contracts,
    made_at     timestamptz NOT NULL
);
CREATE INDEX notices_by_contract ON notices (contract_id);

-- Whom it is told. All mails of one batch to one person are one message.
CREATE TABLE notice_recipients (
    notice_id uuid NOT NULL REFERENCES notices,
    person_id uuid NOT NULL REFERENCES people,
    batch     uuid NOT NULL,
    -- As the person chose when it was made; neither, and the row only says that it was told.
    in_portal boolean NOT NULL,
    by_mail   boolean NOT NULL,
    made_at   timestamptz NOT NULL,
    read_at   timestamptz,
    PRIMARY KEY (notice_id, person_id)
);
CREATE INDEX notice_recipients_by_person ON notice_recipients (person_id, made_at DESC) WHERE in_portal;
-- The bell's count, asked with every page.
CREATE INDEX notice_recipients_unread ON notice_recipients (person_id, notice_id) WHERE in_portal AND read_at IS NULL;
CREATE INDEX notice_recipients_by_batch ON notice_recipients (batch, person_id) WHERE by_mail;

-- How a person wants to be told of a kind; without a row: both ways.
CREATE TABLE notice_choices (
    person_id uuid NOT NULL REFERENCES people,
    kind      text NOT NULL,
    way       text NOT NULL CONSTRAINT notice_choices_way_is_known CHECK (way IN ('both', 'mail', 'portal', 'none')),
    PRIMARY KEY (person_id, kind)
);

-- A person's wish not to hear of a date until a day. `subject` names the date ("contract:ID:end:2027-06-30"): when it moves, the wish is over.
CREATE TABLE notice_snoozes (
    person_id uuid NOT NULL REFERENCES people,
    subject   text NOT NULL,
    until_on  date NOT NULL,
    PRIMARY KEY (person_id, subject)
);

-- Who looks after a License ID's dates; without a row (or when they administer it no more) all its Administrators do.
CREATE TABLE date_owners (
    contract_id uuid NOT NULL REFERENCES contracts,
    subject     text NOT NULL,
    owner_id    uuid NOT NULL REFERENCES people,
    PRIMARY KEY (contract_id, subject)
);

------------------------------------------------------------------------------------------------
-- The outbox, and where webhooks go.

-- At most one is in force. Its secret isn't here: it is derived from the site's key file and the id.
CREATE TABLE webhooks (
    id         uuid PRIMARY KEY,
    url        text NOT NULL CONSTRAINT webhooks_url_is_http CHECK (url ~ '^https?://'),
    created_by uuid REFERENCES people,
    created_at timestamptz NOT NULL,
    ended_at   timestamptz
);
CREATE UNIQUE INDEX webhooks_one_in_force ON webhooks ((true)) WHERE ended_at IS NULL;

-- One row a message: a mail to a person (all notices of a batch), or a notice to the webhook. Its id is what
-- the receiver sees as Message-ID or event id, the same at every attempt.
CREATE TABLE outbox (
    id         uuid PRIMARY KEY,
    way        text NOT NULL CONSTRAINT outbox_way_is_known CHECK (way IN ('mail', 'webhook')),
    batch      uuid,
    person_id  uuid REFERENCES people,
    notice_id  uuid REFERENCES notices,
    made_at    timestamptz NOT NULL,
    -- When a site operator last asked for another try; what stays unsent for days after this or `made_at` is given up.
    retried_at timestamptz,
    -- Not before then. Whoever takes it moves this into the future first: a lease, which a killed sender can't hold for ever.
    next_at    timestamptz NOT NULL,
    attempts   integer NOT NULL DEFAULT 0,
    -- Why the last attempt failed, without the message's text.
    fault      text NOT NULL DEFAULT '',
    ended_at   timestamptz,
    outcome    text CONSTRAINT outbox_outcome_is_known CHECK (outcome IN ('sent', 'refused', 'late', 'dropped')),
    CONSTRAINT outbox_goes_one_way CHECK (
        (way = 'mail') = (batch IS NOT NULL) AND (way = 'mail') = (person_id IS NOT NULL) AND (way = 'webhook') = (notice_id IS NOT NULL)),
    CONSTRAINT outbox_ends_with_an_outcome CHECK ((ended_at IS NULL) = (outcome IS NULL))
);
CREATE UNIQUE INDEX outbox_one_mail_a_batch ON outbox (batch, person_id) WHERE way = 'mail';
CREATE UNIQUE INDEX outbox_one_event_a_notice ON outbox (notice_id) WHERE way = 'webhook';
CREATE INDEX outbox_waiting ON outbox (way, next_at) WHERE ended_at IS NULL;
CREATE INDEX outbox_failed ON outbox (ended_at) WHERE outcome IN ('refused', 'late');

------------------------------------------------------------------------------------------------
-- The one way to write a notice. A person's transaction may tell others of a request, and itself anything; it
-- reads nobody else's. Disabled accounts are told nothing.

CREATE FUNCTION app_notify(
    batch uuid, kind text, about text, subject text, sentence text, link text, contract uuid,
    people_told uuid[], administrators_of uuid, except_person uuid, insist boolean
) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
#variable_conflict use_column
DECLARE
    told uuid[];
    notice uuid;
    fresh bigint;
BEGIN
    told := ARRAY(
        SELECT p.id FROM people p
        WHERE p.disabled_at IS NULL AND p.id IS DISTINCT FROM app_notify.except_person
          AND (p.id = ANY (app_notify.people_told)
               OR p.id IN (SELECT g.person_id FROM grants g
                           WHERE g.contract_id = app_notify.administrators_of AND g.role = 'administrator' AND g.revoked_at IS NULL
                             AND (g.ends_at IS NULL OR g.ends_at > app_now()))));
    IF NOT app_is_system() AND (app_person() IS NULL OR (app_notify.kind NOT LIKE 'request-%' AND told <> ARRAY[app_person()])) THEN
        RAISE EXCEPTION 'a person may tell others of requests alone' USING ERRCODE = 'insufficient_privilege';
    END IF;

    INSERT INTO notices (id, about, kind, subject, sentence, link, contract_id, made_at)
    VALUES (gen_random_uuid(), app_notify.about, app_notify.kind, app_notify.subject, app_notify.sentence, app_notify.link,
            app_notify.contract, app_now())
    ON CONFLICT (about) DO NOTHING;
    SELECT n.id INTO STRICT notice FROM notices n WHERE n.about = app_notify.about;

    INSERT INTO notice_recipients (notice_id, person_id, batch, in_portal, by_mail, made_at)
    SELECT notice, t.id, app_notify.batch, app_notify.insist OR w.way IN ('both', 'portal'), app_notify.insist OR w.way IN ('both', 'mail'), app_now()
    FROM unnest(told) AS t (id)
    LEFT JOIN notice_choices c ON c.person_id = t.id AND c.kind = app_notify.kind
    CROSS JOIN LATERAL (SELECT coalesce(c.way, 'both') AS way) w
    ON CONFLICT (notice_id, person_id) DO NOTHING;
    GET DIAGNOSTICS fresh = ROW_COUNT;

    INSERT INTO outbox (id, way, batch, person_id, made_at, next_at)
    SELECT gen_random_uuid(), 'mail', app_notify.batch, r.person_id, app_now(), app_now()
    FROM notice_recipients r WHERE r.notice_id = notice AND r.batch = app_notify.batch AND r.by_mail
    ON CONFLICT (batch, person_id) WHERE way = 'mail' DO NOTHING;
    -- What a person sends to himself is nobody else's news.
    IF NOT app_notify.insist THEN
        INSERT INTO outbox (id, way, notice_id, made_at, next_at)
        SELECT gen_random_uuid(), 'webhook', notice, app_now(), app_now() FROM webhooks WHERE ended_at IS NULL
        ON CONFLICT (notice_id) WHERE way = 'webhook' DO NOTHING;
    END IF;
    RETURN fresh;
END $$;
REVOKE EXECUTE ON FUNCTION app_notify FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app_notify TO keyward_app;

------------------------------------------------------------------------------------------------
-- Rights and policies.

GRANT SELECT ON notices, notice_recipients, outbox TO keyward_app;
GRANT UPDATE (read_at) ON notice_recipients TO keyward_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON notice_choices, notice_snoozes, date_owners TO keyward_app;
GRANT UPDATE (retried_at, next_at, attempts, fault, ended_at, outcome) ON outbox TO keyward_app;
GRANT SELECT, INSERT ON webhooks TO keyward_app;
GRANT UPDATE (ended_at) ON webhooks TO keyward_app;

DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['notices', 'notice_recipients', 'notice_choices', 'notice_snoozes', 'date_owners', 'webhooks', 'outbox']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY owner_all ON %I TO CURRENT_USER USING (true) WITH CHECK (true)', t);
        EXECUTE format('CREATE POLICY system_all ON %I TO keyward_app USING ((SELECT app_is_system())) WITH CHECK ((SELECT app_is_system()))', t);
    END LOOP;
END $$;

CREATE POLICY own ON notice_recipients TO keyward_app USING (person_id = (SELECT app_person())) WITH CHECK (person_id = (SELECT app_person()));
CREATE POLICY own ON notices FOR SELECT TO keyward_app USING (
    id IN (SELECT r.notice_id FROM notice_recipients r WHERE r.person_id = (SELECT app_person()))
    AND (contract_id IS NULL OR contract_id IN (SELECT app_seen())));
CREATE POLICY own ON notice_choices TO keyward_app USING (person_id = (SELECT app_person())) WITH CHECK (person_id = (SELECT app_person()));
CREATE POLICY own ON notice_snoozes TO keyward_app USING (person_id = (SELECT app_person())) WITH CHECK (person_id = (SELECT app_person()));
CREATE POLICY administered ON date_owners TO keyward_app
    USING (contract_id IN (SELECT app_administered())) WITH CHECK (contract_id IN (SELECT app_administered()));
-- Site operators see that something waits or failed, and for whom; not what it says.
CREATE POLICY operated ON outbox TO keyward_app USING ((SELECT app_is_operator())) WITH CHECK ((SELECT app_is_operator()));
CREATE POLICY operated ON webhooks TO keyward_app USING ((SELECT app_is_operator())) WITH CHECK ((SELECT app_is_operator()));

------------------------------------------------------------------------------------------------
-- The bell: with whose session it is comes how many notices they haven't read, a hundred at most, so that no page
-- asks twice. What they may not see any more isn't counted.

CREATE FUNCTION app_unread(reader uuid, present timestamptz) RETURNS bigint LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
BEGIN
    RETURN (SELECT count(*) FROM (
        SELECT 1 FROM notice_recipients r JOIN notices n ON n.id = r.notice_id
        WHERE r.person_id = reader AND r.in_portal AND r.read_at IS NULL
          AND (n.contract_id IS NULL OR EXISTS (
              SELECT 1 FROM grants g WHERE g.person_id = reader AND g.contract_id = n.contract_id AND g.revoked_at IS NULL
                AND (g.ends_at IS NULL OR g.ends_at > present)
                AND (g.role = 'administrator' OR EXISTS (SELECT 1 FROM contracts c WHERE c.id = n.contract_id AND c.approved))))
        LIMIT 100) AS few);
END $$;
REVOKE EXECUTE ON FUNCTION app_unread FROM PUBLIC;

DROP FUNCTION app_session(bytea, timestamptz, timestamptz, timestamptz);
CREATE FUNCTION app_session(token bytea, present timestamptz, seen_after timestamptz, begun_after timestamptz)
RETURNS TABLE (id uuid, email text, name text, site_operator boolean, auditor boolean, administers boolean, session_id uuid,
    fresh_at timestamptz, last_seen_at timestamptz, unread bigint) LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1
SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY SELECT p.id, p.email, p.name, p.site_operator, p.auditor,
        EXISTS (SELECT 1 FROM grants g WHERE g.person_id = p.id AND g.role = 'administrator' AND g.revoked_at IS NULL
                AND (g.ends_at IS NULL OR g.ends_at > present)),
        s.id, s.fresh_at, s.last_seen_at, app_unread(p.id, present)
    FROM sessions s JOIN people p ON p.id = s.person_id
    WHERE s.token_hash = token AND s.ended_at IS NULL AND p.disabled_at IS NULL AND s.last_seen_at > seen_after AND s.created_at > begun_after;
END $$;
REVOKE EXECUTE ON FUNCTION app_session FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app_session TO keyward_app;
