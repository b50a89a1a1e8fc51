//! SECURITY row 1: the responder's role can run the activation functions and nothing else.

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use super::site::Site;

#[tokio::test]
async fn security_the_responders_role_sees_no_table_and_calls_its_functions_only() {
    let site = Site::new(1).await;
    let mut responder = PgConnection::connect_with(&site.estate.database.responder).await.unwrap();
    let mut owner = PgConnection::connect_with(&site.estate.database.owner).await.unwrap();
    let tables: Vec<String> = sqlx::query_scalar("SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'")
        .fetch_all(&mut owner)
        .await
        .unwrap();
    for table in tables {
        for statement in [
            format!("SELECT * FROM {table}"),
            format!("DELETE FROM {table}"),
            format!("INSERT INTO {table} DEFAULT VALUES"),
        ] {
            let refused = responder.execute(AssertSqlSafe(statement.clone())).await.unwrap_err();
            assert_eq!(refused.as_database_error().unwrap().code().as_deref(), Some("42501"), "{statement}");
        }
    }
    let may: Vec<String> = sqlx::query_scalar(
        "SELECT proname::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace
         AND has_function_privilege('keyward_responder', oid, 'EXECUTE') AND proname NOT LIKE 'responder\\_%'",
    )
    .fetch_all(&mut owner)
    .await
    .unwrap();
    assert_eq!(may, ["app_now"]);
    responder.close().await.unwrap();
    owner.close().await.unwrap();
    site.done().await;
}

/// SECURITY, decision 1: rows of the ledger are only added, by its owner too, and `used` stays within the limit.
#[tokio::test]
async fn security_the_ledger_only_grows_and_used_never_passes_the_limit() {
    let site = Site::new(1).await;
    site.ask(&site.mak(1)).await;
    let mut owner = PgConnection::connect_with(&site.estate.database.owner).await.unwrap();
    for statement in [
        "UPDATE activations SET machine = 'x'",
        "DELETE FROM activations",
        "TRUNCATE activations",
        "DELETE FROM mak_answers",
    ] {
        assert!(owner.execute(statement).await.is_err(), "{statement}");
    }
    for (statement, by) in [
        ("UPDATE product_keys SET used = 2 WHERE ledger", "product_keys_ledger_within_limit"),
        ("UPDATE product_keys SET total = 0 WHERE ledger", "product_keys_limit_holds"),
    ] {
        let refused = owner.execute(statement).await.unwrap_err();
        assert_eq!(refused.as_database_error().unwrap().constraint(), Some(by));
    }
    owner.close().await.unwrap();
    site.done().await;
}

/// An import of an older export changes neither what an own key has used nor its limit.
#[tokio::test]
async fn an_import_does_not_touch_the_counts_of_an_own_key() {
    let site = Site::new(5).await;
    site.ask(&site.mak(1)).await;
    let csv = format!(
        "License ID,Parent Program,Organization,Product,Product Key,Type,MAK Activations-Used/Available,Seats,OSA Status\n{},,Maker,Plotter,{},MAK,0/900,,\n",
        super::site::LICENSE_ID,
        site.mak.key.expose()
    );
    site.estate.import(vec![crate::support::estate::file("keys.csv", &csv)]).await;
    assert_eq!(site.used().await, 1);
    assert_eq!(site.scalar::<i64>(&format!("SELECT total FROM product_keys WHERE id = '{}'", site.mak.id)).await, 5);
    site.done().await;
}
