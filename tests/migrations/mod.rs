//! (e) Every migration runs over the data of the schema before it. `VERSION.sql` beside this file fills
//! every table of that version; a migration without one, or a table without a row in it, fails here.

use std::{fs, path::PathBuf};

use keyward::postgres::MIGRATOR;
use sqlx::{Connection, PgConnection, migrate::Migrator};

use crate::support::database::TestDb;

fn sample(version: i64) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/migrations/{version}.sql"))
}

#[tokio::test]
async fn every_migration_runs_over_the_data_of_the_one_before() {
    let database = TestDb::empty().await;
    let mut owner = PgConnection::connect_with(&database.owner).await.unwrap();
    let all: Vec<_> = MIGRATOR.iter().cloned().collect();
    for upto in 1..=all.len() {
        let some = Migrator::with_migrations(all[..upto].to_vec());
        some.run(&mut owner).await.unwrap();
        let version = all[upto - 1].version;
        let text = fs::read_to_string(sample(version))
            .unwrap_or_else(|_| panic!("{version} has no sample data: write {}", sample(version).display()));
        sqlx::raw_sql(sqlx::AssertSqlSafe(text)).execute(&mut owner).await.unwrap();
        assert_eq!(
            empty_tables(&mut owner).await,
            Vec::<String>::new(),
            "tables without a row in the sample of {version}"
        );
    }
    // Running them once more finds nothing to do.
    MIGRATOR.run(&mut owner).await.unwrap();
    owner.close().await.unwrap();
    database.done().await;
}

/// What was answered before leases' ends were kept tells them still: the vector of docs/protocol.md, and what isn't a lease.
#[tokio::test]
async fn answers_from_before_tell_when_their_leases_end() {
    const KEEPS: i64 = 20_261_123_102_000;
    let database = TestDb::empty().await;
    let mut owner = PgConnection::connect_with(&database.owner).await.unwrap();
    let before: Vec<_> = MIGRATOR.iter().filter(|one| one.version < KEEPS).cloned().collect();
    Migrator::with_migrations(before).run(&mut owner).await.unwrap();
    let document = include_str!("../../docs/protocol.md");
    let vector = document.split("\nanswer, mak:\n").nth(1).unwrap().lines().next().unwrap();
    for answer in [vector, "{}", "no answer", r#"{"lease":"a.b.c"}"#] {
        sqlx::query(
            "INSERT INTO mak_answers (application_id, request_id, key_id, cmid, machine, at, answer)
             VALUES (gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), '', now(), $1)",
        )
        .bind(answer)
        .execute(&mut owner)
        .await
        .unwrap();
    }
    MIGRATOR.run(&mut owner).await.unwrap();
    let ends: Vec<Option<i64>> = sqlx::query_scalar(
        "SELECT extract(epoch FROM lease_ends_at)::bigint FROM mak_answers ORDER BY length(answer) DESC",
    )
    .fetch_all(&mut owner)
    .await
    .unwrap();
    assert_eq!(ends, [Some(1_810_900_800), None, None, None]);
    owner.close().await.unwrap();
    database.done().await;
}

async fn empty_tables(owner: &mut PgConnection) -> Vec<String> {
    let tables: Vec<String> = sqlx::query_scalar("SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'")
        .fetch_all(&mut *owner)
        .await
        .unwrap();
    let mut empty = Vec::new();
    for table in tables {
        let statement = sqlx::AssertSqlSafe(format!("SELECT NOT EXISTS (SELECT 1 FROM {table})"));
        if sqlx::query_scalar::<_, bool>(statement).fetch_one(&mut *owner).await.unwrap() {
            empty.push(table);
        }
    }
    empty
}
