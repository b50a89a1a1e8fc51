-- Saved views: a list with its filter, under a name of one's own (docs/decisions/0035). Each is one person's.

CREATE TABLE saved_views (
    id         uuid PRIMARY KEY,
    person_id  uuid NOT NULL REFERENCES people,
    -- Which list: one of src/views/model.rs. What stands here opens no other address.
    path       text NOT NULL CONSTRAINT saved_views_path_is_a_list CHECK (path ~ '^/[a-z-]{1,40}$'),
    -- Filter, sort and columns, as the list's own address has them.
    query      text NOT NULL CONSTRAINT saved_views_query_is_short CHECK (length(query) <= 4000),
    name       text NOT NULL CONSTRAINT saved_views_name_is_a_name CHECK (name ~ '^[^[:cntrl:]]{1,80}$' AND name = btrim(name)),
    -- Among the views of the same list; the smallest first.
    position   integer NOT NULL,
    created_at timestamptz NOT NULL,
    -- Deleted, and for some minutes to be had back.
    removed_at timestamptz
);
-- One name stands for one view; those deleted give theirs up.
CREATE UNIQUE INDEX saved_views_name_is_unique ON saved_views (person_id, path, lower(name)) WHERE removed_at IS NULL;

GRANT SELECT, INSERT, DELETE ON saved_views TO keyward_app;
-- What a view shows stands for good: another filter is another view.
GRANT UPDATE (name, position, removed_at) ON saved_views TO keyward_app;

ALTER TABLE saved_views ENABLE ROW LEVEL SECURITY;
ALTER TABLE saved_views FORCE ROW LEVEL SECURITY;
CREATE POLICY owner_all ON saved_views TO CURRENT_USER USING (true) WITH CHECK (true);
CREATE POLICY system_all ON saved_views TO keyward_app USING ((SELECT app_is_system())) WITH CHECK ((SELECT app_is_system()));
CREATE POLICY own ON saved_views TO keyward_app USING (person_id = (SELECT app_person())) WITH CHECK (person_id = (SELECT app_person()));
