//! Accounts, as the command line makes and closes them.

use keyward::people::{
    accounts::{AddError, add_person, disable, set_password_hash},
    db,
};
use sqlx::{Connection, PgConnection};

use crate::support::people::World;

#[tokio::test]
async fn an_address_has_one_account_whatever_its_case() {
    let world = World::new().await;
    let mut tx = world.system().await;
    add_person(&mut tx, "Mara@Northwind.example", "Mara", true, false).await.unwrap();
    let again = add_person(&mut tx, "mara@northwind.EXAMPLE", "Mara", false, false).await;
    assert!(matches!(again, Err(AddError::Taken(email)) if email == "mara@northwind.example"));
    assert!(matches!(add_person(&mut tx, "mara", "Mara", false, false).await, Err(AddError::Malformed(_))));
    assert!(matches!(add_person(&mut tx, "a@b.example", "  ", false, false).await, Err(AddError::Name)));
    let people = db::list_people(&mut tx).await.unwrap();
    assert_eq!(people.len(), 1);
    assert!(people[0].site_operator && !people[0].auditor && !people[0].has_password);
    drop(tx);
    world.done().await;
}

#[tokio::test]
async fn closing_an_account_and_setting_its_password_end_its_sessions() {
    let world = World::new().await;
    let mara = world.person("mara").await;
    let mut tx = world.system().await;
    let now = tx.now();
    for _ in 0..2 {
        keyward::auth::session::begin(&mut tx, mara.id, now, "10.0.0.1", "test").await.unwrap();
    }
    assert_eq!(set_password_hash(&mut tx, mara.id, "$argon2id$…").await.unwrap(), 2);
    keyward::auth::session::begin(&mut tx, mara.id, now, "10.0.0.1", "test").await.unwrap();
    let closed = disable(&mut tx, mara.id).await.unwrap();
    assert_eq!((closed.already, closed.sessions), (false, 1));
    assert!(disable(&mut tx, mara.id).await.unwrap().already);
    assert!(db::find_by_email(&mut tx, &mara.email).await.unwrap().unwrap().disabled);
    drop(tx);
    world.done().await;
}

#[tokio::test]
async fn the_responders_role_may_call_none_of_the_functions_that_read_past_the_policies() {
    let world = World::new().await;
    let mut responder = PgConnection::connect_with(&world.test.responder).await.unwrap();
    for call in ["SELECT * FROM app_audited()", "SELECT * FROM app_grants()", "SELECT * FROM app_grantee('a@b')"] {
        sqlx::query("SELECT set_config('app.user', 'system', false)").execute(&mut responder).await.unwrap();
        let refused = sqlx::query(call).fetch_all(&mut responder).await.unwrap_err();
        assert_eq!(refused.as_database_error().unwrap().code().unwrap(), "42501", "{call}");
    }
    responder.close().await.unwrap();
    world.done().await;
}
