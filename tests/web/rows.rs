//! (d) Row-level security alone: asked in SQL as the server's own role, without any of the program's
//! `WHERE`, each actor gets the rows that the role table gives.

use std::collections::BTreeSet;

use keyward::{
    auth::roles::{Permission, Role},
    postgres::Scope,
};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::world::{ACTORS, world};
use crate::support::app::NOW;

/// The role an actor holds, and on which of the two License IDs.
fn held(actor: &str) -> Option<(Role, usize)> {
    Some(match actor {
        "keys reader A" => (Role::ProductKeysReader, 0),
        "position reader A" => (Role::LicensePositionReader, 0),
        "download manager A" => (Role::ProductDownloadManager, 0),
        "administrator A" => (Role::Administrator, 0),
        "administrator B" => (Role::Administrator, 1),
        _ => return None,
    })
}

/// Tables by the permission that opens their rows, and the column that names the License ID.
const TABLES: [(&str, &str, Permission); 7] = [
    ("contracts", "id", Permission::See),
    ("contract_products", "contract_id", Permission::See),
    ("product_keys", "contract_id", Permission::ReadKeys),
    ("data_keys", "contract_id", Permission::ReadKeys),
    ("requests", "contract_id", Permission::ReadProductKeys),
    ("orders", "contract_id", Permission::ReadPosition),
    ("license_summaries", "contract_id", Permission::ReadPosition),
];

#[tokio::test]
async fn row_level_security_alone_gives_each_actor_the_same_rows() {
    let world = world().await;
    let app = world.app().await;
    for actor in ACTORS {
        let Some(person) = world.person(actor) else { continue };
        let mut tx = app.state.db.begin(Scope::Person(person)).await.unwrap();
        for (table, column, permission) in TABLES {
            let statement = format!("SELECT DISTINCT {column} FROM {table}");
            let seen: BTreeSet<Uuid> =
                sqlx::query_scalar(AssertSqlSafe(statement)).fetch_all(&mut *tx).await.unwrap().into_iter().collect();
            let allowed: BTreeSet<Uuid> = held(actor)
                .filter(|(role, _)| role.may(permission))
                .map(|(_, at)| world.planted.contracts[at])
                .into_iter()
                .collect();
            assert_eq!(seen, allowed, "{table} as {actor}");
        }
    }
    app.done().await;
}

/// Who sees a thousand License IDs sees their organisations by another way than who sees few (decision 52): those, what
/// stands above them, and no other.
#[tokio::test]
async fn who_sees_many_license_ids_sees_their_organizations() {
    let world = world().await;
    let app = world.app().await;
    let person = world.person("no grant").unwrap();
    let mut owner = <sqlx::PgConnection as sqlx::Connection>::connect_with(&app.database().owner).await.unwrap();
    sqlx::raw_sql(
        "INSERT INTO organizations (id, name) VALUES (gen_random_uuid(), 'Top'), (gen_random_uuid(), 'Elsewhere');
         INSERT INTO organizations (id, name, parent_id) SELECT gen_random_uuid(), 'Part ' || n, o.id FROM organizations o, generate_series(1, 3) n WHERE o.name = 'Top';
         INSERT INTO contracts (id, license_id, organization_id, created_at)
         SELECT gen_random_uuid(), 'many-' || n, o.id, now() FROM generate_series(0, 1000) n JOIN organizations o ON o.name = CASE n WHEN 0 THEN 'Elsewhere' ELSE 'Part ' || (n % 2 + 1) END",
    )
    .execute(&mut owner)
    .await
    .unwrap();
    for (most, way) in [(999, "few"), (1000, "many")] {
        sqlx::query(
            "INSERT INTO grants (id, person_id, role, contract_id, granted_at)
             SELECT gen_random_uuid(), $1, 'product-keys-reader', c.id, $3 FROM contracts c
             WHERE substring(c.license_id FROM 'many-(.*)')::integer BETWEEN 1 AND $2
               AND NOT EXISTS (SELECT FROM grants g WHERE g.person_id = $1 AND g.contract_id = c.id)",
        )
        .bind(person)
        .bind(most)
        .bind(NOW)
        .execute(&mut owner)
        .await
        .unwrap();
        let mut tx = app.state.db.begin(Scope::Person(person)).await.unwrap();
        let seen: i64 = sqlx::query_scalar("SELECT count(*) FROM contracts").fetch_one(&mut *tx).await.unwrap();
        let names: Vec<String> =
            sqlx::query_scalar("SELECT name FROM organizations ORDER BY name").fetch_all(&mut *tx).await.unwrap();
        assert_eq!((seen, names), (i64::from(most), vec!["Part 1".into(), "Part 2".into(), "Top".into()]), "{way}");
    }
    app.done().await;
}

/// Everything of an own application, by the column that names it: its Administrators see it, and nobody else.
const OF_APPLICATIONS: [&str; 13] = [
    "SELECT DISTINCT id FROM applications",
    "SELECT DISTINCT application_id FROM skus",
    "SELECT DISTINCT application_id FROM own_keys",
    "SELECT DISTINCT application_id FROM activations",
    "SELECT DISTINCT application_id FROM mak_answers",
    "SELECT DISTINCT application_id FROM kms_counts",
    "SELECT DISTINCT application_id FROM kms_clients",
    "SELECT DISTINCT application_id FROM kms_samples",
    "SELECT DISTINCT application_id FROM unverified_clients",
    "SELECT DISTINCT application_id FROM enrolment_codes",
    "SELECT DISTINCT application_id FROM devices",
    "SELECT DISTINCT application_id FROM host_results",
    "SELECT DISTINCT o.application_id FROM host_slots h JOIN own_keys o ON o.key_id = h.key_id",
];
/// What belongs to the site: for whoever administers anything, and for site operators.
const OF_THE_SITE: [&str; 5] =
    ["responder_instances", "responder_minutes", "foreign_clients", "lease_keys", "activation_site"];

#[tokio::test]
async fn an_own_application_is_there_for_its_administrators_alone() {
    let world = world().await;
    let app = world.app().await;
    for actor in ACTORS {
        let Some(person) = world.person(actor) else { continue };
        let mut tx = app.state.db.begin(Scope::Person(person)).await.unwrap();
        let mine: Vec<Uuid> = held(actor)
            .filter(|(role, _)| *role == Role::Administrator)
            .map(|(_, at)| world.planted.own[at].application)
            .into_iter()
            .collect();
        for statement in OF_APPLICATIONS {
            let seen: Vec<Uuid> = sqlx::query_scalar(statement).fetch_all(&mut *tx).await.unwrap();
            assert_eq!(seen, mine, "{statement} as {actor}");
        }
        for table in OF_THE_SITE {
            let statement = format!("SELECT EXISTS (SELECT FROM {table})");
            let seen: bool = sqlx::query_scalar(AssertSqlSafe(statement)).fetch_one(&mut *tx).await.unwrap();
            assert_eq!(seen, !mine.is_empty() || actor == "site operator", "{table} as {actor}");
        }
    }
    app.done().await;
}

/// A saved view is its person's alone, to see and to write.
#[tokio::test]
async fn a_saved_view_is_there_for_its_person_alone() {
    let world = world().await;
    let app = world.app().await;
    for actor in ACTORS {
        let Some(person) = world.person(actor) else { continue };
        let mut tx = app.state.db.begin(Scope::Person(person)).await.unwrap();
        let mine: Vec<Uuid> = match actor {
            "administrator A" => vec![world.planted.views[0]],
            "administrator B" => vec![world.planted.views[1]],
            _ => Vec::new(),
        };
        let seen: Vec<Uuid> = sqlx::query_scalar("SELECT id FROM saved_views").fetch_all(&mut *tx).await.unwrap();
        assert_eq!(seen, mine, "as {actor}");
        let touched = sqlx::query("UPDATE saved_views SET name = 'x'").execute(&mut *tx).await.unwrap();
        assert_eq!(touched.rows_affected(), mine.len() as u64, "as {actor}");
        let given = sqlx::query(
            "INSERT INTO saved_views (id, person_id, path, query, name, position, created_at)
             SELECT gen_random_uuid(), $1, '/orders', '', 'given', 1, app_now()",
        )
        .bind(world.person("no grant").filter(|nobody| *nobody != person).unwrap_or(world.planted.people[5]))
        .execute(&mut *tx)
        .await
        .unwrap_err();
        assert_eq!(given.as_database_error().unwrap().code().as_deref(), Some("42501"), "to another, as {actor}");
    }
    app.done().await;
}

/// The ledger only grows, and what is used of a key is the ledger's to say.
#[tokio::test]
async fn the_portal_can_write_neither_the_ledger_nor_what_is_used_of_an_own_key() {
    let app = world().await.app().await;
    for statement in [
        "UPDATE activations SET machine = 'x'",
        "DELETE FROM activations",
        "INSERT INTO mak_answers SELECT * FROM mak_answers",
        "UPDATE kms_counts SET count = 25",
        "UPDATE host_slots SET activations = 1",
    ] {
        let mut tx = app.state.db.begin(Scope::System).await.unwrap();
        let refused = sqlx::query(statement).execute(&mut *tx).await.unwrap_err();
        assert_eq!(refused.as_database_error().unwrap().code().as_deref(), Some("42501"), "{statement}");
    }
    let mut tx = app.state.db.begin(Scope::System).await.unwrap();
    let used: Vec<i64> =
        sqlx::query_scalar("UPDATE product_keys SET used = 7 WHERE ledger AND kind = 'MAK' RETURNING used")
            .fetch_all(&mut *tx)
            .await
            .unwrap();
    assert_eq!(used, [42, 42]);
    drop(tx);
    app.done().await;
}

/// The server's role can't pass by the policies, nor change what was logged.
#[tokio::test]
async fn the_server_is_a_plain_role_and_the_log_only_grows() {
    let app = world().await.app().await;
    let mut tx = app.state.db.begin(Scope::System).await.unwrap();
    let (role, bypasses): (String, bool) = sqlx::query_as(
        "SELECT current_user::text, rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user",
    )
    .fetch_one(&mut *tx)
    .await
    .unwrap();
    assert_eq!((role.as_str(), bypasses), ("keyward_app", false));
    drop(tx);
    for statement in [
        "UPDATE audit_events SET actor = 'x'",
        "DELETE FROM audit_events",
        "TRUNCATE audit_events",
        "DELETE FROM grants",
    ] {
        let mut tx = app.state.db.begin(Scope::System).await.unwrap();
        let refused = sqlx::query(statement).execute(&mut *tx).await.unwrap_err();
        assert_eq!(refused.as_database_error().unwrap().code().as_deref(), Some("42501"), "{statement}");
    }
    app.done().await;
}

/// Nothing of one transaction's person is left for the pool's next user.
#[tokio::test]
async fn a_scope_ends_with_its_transaction() {
    let world = world().await;
    let app = world.app().await;
    let administrator = world.person("administrator A").unwrap();
    for _ in 0..20 {
        drop(app.state.db.begin(Scope::Person(administrator)).await.unwrap());
        let mut tx = app.state.db.begin(Scope::Person(Uuid::nil())).await.unwrap();
        let seen: i64 = sqlx::query_scalar("SELECT count(*) FROM contracts").fetch_one(&mut *tx).await.unwrap();
        assert_eq!(seen, 0);
    }
    app.done().await;
}

/// Every table has row-level security switched on and forced, also one that a later migration adds.
#[tokio::test]
async fn every_table_is_behind_row_level_security() {
    let app = world().await.app().await;
    let mut owner = <sqlx::PgConnection as sqlx::Connection>::connect_with(&app.database().owner).await.unwrap();
    let open: Vec<String> = sqlx::query_scalar(
        "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
         AND NOT (relrowsecurity AND relforcerowsecurity) AND relname <> '_sqlx_migrations'",
    )
    .fetch_all(&mut owner)
    .await
    .unwrap();
    assert_eq!(open, Vec::<String>::new());
    app.done().await;
}
