//! The tests' own databases.

use keyward::{
    clock::Clock,
    postgres::{Db, Scope, Scoped},
};
use sqlx::{Connection, Executor, PgConnection};
use uuid::Uuid;

use crate::support::{cluster, database::TestDb};

async fn exists(name: &str) -> bool {
    let mut superuser = cluster::shared().await.superuser().await;
    sqlx::query_scalar("select exists (select from pg_database where datname = $1)")
        .bind(name)
        .fetch_one(&mut superuser)
        .await
        .unwrap()
}

#[tokio::test]
async fn two_tests_do_not_see_each_other() {
    let (one, other) = tokio::join!(TestDb::new(), TestDb::new());
    let mut connection = PgConnection::connect_with(&one.owner).await.unwrap();
    connection.execute("create table only_here ()").await.unwrap();
    let mut elsewhere = PgConnection::connect_with(&other.owner).await.unwrap();
    assert!(elsewhere.execute("select from only_here").await.is_err());
    one.done().await;
    other.done().await;
}

#[tokio::test]
async fn the_three_roles_can_sign_in_and_none_passes_by_row_level_security() {
    let db = TestDb::new().await;
    for (options, role) in [(&db.owner, "owner"), (&db.app, "app"), (&db.responder, "responder")] {
        let mut connection = PgConnection::connect_with(options).await.unwrap();
        let (name, free): (String, bool) =
            sqlx::query_as("select rolname::text, rolsuper or rolbypassrls from pg_roles where rolname = current_user")
                .fetch_one(&mut connection)
                .await
                .unwrap();
        assert_eq!((name, free), (format!("keyward_{role}"), false));
    }
    db.done().await;
}

#[tokio::test]
async fn a_database_is_removed_by_done_and_by_drop() {
    let (done, dropped) = tokio::join!(TestDb::new(), TestDb::new());
    let names = [done.name.clone(), dropped.name.clone()];
    let _still_open = PgConnection::connect_with(&dropped.app).await.unwrap();
    assert!(exists(&names[0]).await && exists(&names[1]).await);
    done.done().await;
    drop(dropped);
    assert!(!exists(&names[0]).await && !exists(&names[1]).await);
}

async fn organizations(tx: &mut Scoped) -> i64 {
    sqlx::query_scalar("select count(*) from organizations").fetch_one(&mut **tx).await.unwrap()
}

/// An export reads its keys on one connection and what stands beside them on another.
#[tokio::test]
async fn transactions_beside_each_other_see_one_state_whatever_is_written_meanwhile() {
    let test = TestDb::new().await;
    let db = Db::connect(test.app.clone(), 4, Clock::System).await.unwrap();
    let mut first = db.begin_still(Scope::System).await.unwrap();
    assert_eq!(organizations(&mut first).await, 0);

    let mut writing = db.begin(Scope::System).await.unwrap();
    sqlx::query("insert into organizations (id, name) values ($1, 'Tailspin Toys')")
        .bind(Uuid::now_v7())
        .execute(&mut *writing)
        .await
        .unwrap();
    writing.commit().await.unwrap();

    let mut beside = db.begin_beside(&mut first, Scope::System).await.unwrap();
    let mut later = db.begin_still(Scope::System).await.unwrap();
    assert_eq!(organizations(&mut beside).await, 0, "as the first one");
    assert_eq!(organizations(&mut later).await, 1);
    drop((first, beside, later));
    db.close().await;
    test.done().await;
}
