#!/bin/sh
# Runs once, when the database container makes its cluster: the database, its owner, and the two roles that
# Keyward takes by SET ROLE on each connection. The owner is no superuser, for whom row-level security
# would not hold.
set -eu

psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
    --set "password=$KEYWARD_DB_PASSWORD" <<'SQL'
create role keyward_app nologin;
create role keyward_responder nologin;
create role keyward_owner login password :'password';
grant keyward_app, keyward_responder to keyward_owner;
create database keyward owner keyward_owner;
-- from here on the superuser signs in only from within the container
alter role current_user password null;
SQL
