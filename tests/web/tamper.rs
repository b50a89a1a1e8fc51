//! A rogue owner of the database edits the log: `audit verify` names the first broken link.

use keyward::{
    audit::verify::{Broken, Sound, verify},
    postgres::Scope,
};

use super::{
    matrix::holds,
    world::{A, CANARY_A, world},
};
use crate::support::app::App;

/// A world with some history on License ID A's chain and the site's.
async fn history() -> App {
    let world = world().await;
    let app = world.app().await;
    let reveal = format!("/keys/{}/reveal", world.planted.keys[0]);
    for _ in 0..5 {
        assert_eq!(app.post(&reveal, world.person("administrator A"), &[]).await.status(), 200);
    }
    for _ in 0..3 {
        assert_eq!(app.post("/exports/contracts", world.person("auditor"), &[("format", "csv")]).await.status(), 200);
    }
    app
}

async fn verified(app: &App) -> Result<Sound, Broken> {
    let mut tx = app.state.db.begin(Scope::System).await.unwrap();
    verify(&mut tx, &app.state.linker).await.unwrap()
}

/// What the owner does to the log, and what the verifier says of it.
async fn after(edit: &'static str) -> Broken {
    let app = history().await;
    let mut owner = <sqlx::PgConnection as sqlx::Connection>::connect_with(&app.database().owner).await.unwrap();
    sqlx::raw_sql(edit).execute(&mut owner).await.unwrap();
    let broken = verified(&app).await.expect_err(edit);
    app.done().await;
    broken
}

#[tokio::test]
async fn a_log_that_nobody_touched_is_whole() {
    let app = history().await;
    assert_eq!(verified(&app).await, Ok(Sound { chains: 2, events: 8 }));
    app.done().await;
}

/// Its end isn't begun anew over what stands there: the event can't be written, and so nothing is released.
#[tokio::test]
async fn a_chain_that_lost_its_end_takes_no_event_and_lets_no_key_out() {
    let world = world().await;
    let app = history().await;
    let mut owner = <sqlx::PgConnection as sqlx::Connection>::connect_with(&app.database().owner).await.unwrap();
    sqlx::raw_sql("DELETE FROM audit_heads WHERE chain <> 'site'").execute(&mut owner).await.unwrap();
    let reveal = format!("/keys/{}/reveal", world.planted.keys[0]);
    for (path, form) in [(reveal.as_str(), vec![]), ("/exports/keys", vec![("scope", "all"), ("format", "csv")])] {
        let answer = app.post(path, world.person("administrator A"), &form).await;
        assert_eq!(answer.status(), 500, "{path}");
        assert!(!holds(&answer.bytes().await.unwrap(), CANARY_A), "{path}");
    }
    app.done().await;
}

#[tokio::test]
async fn a_changed_event_is_named() {
    let broken =
        after("UPDATE audit_events SET actor = 'somebody.else@keyward.example' WHERE seq = 3 AND chain <> 'site'")
            .await;
    assert_eq!((broken.chain.as_str(), broken.seq), (A, 3));
    assert!(broken.to_string().contains("changed after it was written"));
}

#[tokio::test]
async fn every_field_of_an_event_is_bound() {
    for edit in [
        "UPDATE audit_events SET at = at + interval '1 microsecond' WHERE seq = 2 AND chain = 'site'",
        "UPDATE audit_events SET actor_id = NULL WHERE seq = 2 AND chain = 'site'",
        "UPDATE audit_events SET action = 'nothing' WHERE seq = 2 AND chain = 'site'",
        "UPDATE audit_events SET outcome = 'denied' WHERE seq = 2 AND chain = 'site'",
        "UPDATE audit_events SET contract_id = gen_random_uuid() WHERE seq = 2 AND chain = 'site'",
        "UPDATE audit_events SET subject = '' WHERE seq = 2 AND chain = 'site'",
        "UPDATE audit_events SET detail = '{}' WHERE seq = 2 AND chain = 'site'",
        "UPDATE audit_events SET key_ids = ARRAY[gen_random_uuid()] WHERE seq = 2 AND chain = 'site'",
        "UPDATE audit_events SET address = '' WHERE seq = 2 AND chain = 'site'",
        "UPDATE audit_events SET request_id = '' WHERE seq = 2 AND chain = 'site'",
    ] {
        let broken = after(edit).await;
        assert_eq!((broken.chain.as_str(), broken.seq), ("site", 2), "{edit}");
    }
}

#[tokio::test]
async fn a_missing_event_a_cut_tail_and_a_lost_chain_are_named() {
    let middle = after("DELETE FROM audit_events WHERE seq = 2 AND chain = 'site'").await;
    assert_eq!((middle.seq, middle.how), (2, "it is missing"));
    let tail = after("DELETE FROM audit_events WHERE seq = 5 AND chain <> 'site'").await;
    assert_eq!((tail.chain.as_str(), tail.seq), (A, 5));
    let whole = after("DELETE FROM audit_events WHERE chain <> 'site'").await;
    assert_eq!(whole.how, "all its events are missing");
}
