-- Whoever gives or takes a role tells the person: a kind of notice, and leave to tell it to just those whose roles
-- one has changed in this transaction. The kinds that were known stay known.

DO $$
DECLARE known text := (SELECT pg_get_expr(conbin, conrelid) FROM pg_constraint WHERE conname = 'notices_kind_is_known');
BEGIN
    ALTER TABLE notices DROP CONSTRAINT notices_kind_is_known;
    EXECUTE format('ALTER TABLE notices ADD CONSTRAINT notices_kind_is_known CHECK ((%s) OR kind = ''role-changed'')', known);
END $$;

-- People whose roles the one who asks has changed, or taken back, in this transaction.
CREATE FUNCTION app_changed_people() RETURNS SETOF uuid LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT g.person_id FROM role_changes c JOIN role_change_grants r ON r.change_id = c.id JOIN grants g ON g.id = r.grant_id
    WHERE c.by_person = app_person() AND (c.made_at = app_now() OR c.undone_at = app_now())
$$;
REVOKE EXECUTE ON FUNCTION app_changed_people FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app_changed_people TO keyward_app;

-- As before, but for who may tell whom what.
CREATE OR REPLACE FUNCTION app_notify(
    batch uuid, kind text, about text, subject text, sentence text, link text, contract uuid,
    people_told uuid[], administrators_of uuid, except_person uuid, insist boolean
) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
#variable_conflict use_column
DECLARE
    told uuid[];
    notice uuid;
    fresh bigint;
    allowed boolean;
BEGIN
    told := ARRAY(
        SELECT p.id FROM people p
        WHERE p.disabled_at IS NULL AND p.id IS DISTINCT FROM app_notify.except_person
          AND (p.id = ANY (app_notify.people_told)
               OR p.id IN (SELECT g.person_id FROM grants g
                           WHERE g.contract_id = app_notify.administrators_of AND g.role = 'administrator' AND g.revoked_at IS NULL
                             AND (g.ends_at IS NULL OR g.ends_at > app_now()))));
    allowed := app_is_system() OR (app_person() IS NOT NULL AND (
        app_notify.kind LIKE 'request-%' OR told = ARRAY[app_person()]
        OR (app_notify.kind = 'role-changed' AND app_notify.contract IS NULL AND told <@ ARRAY(SELECT c.id FROM app_changed_people() AS c (id)))));
    IF allowed IS NOT TRUE THEN
        RAISE EXCEPTION 'a person may tell others of requests and of roles alone' USING ERRCODE = 'insufficient_privilege';
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
