//! Nothing that was acknowledged is lost, and nothing is spent twice: kill -9 of the responder and of PostgreSQL
//! at random moments under load. `make torture ROUNDS=200` for as many rounds as wanted.
//!
//! The checker proves that it can see: it reports loss where commits aren't waited for, and overspending where
//! the key isn't locked.

mod checker;
mod ground;
mod load;

use std::time::Duration;

use keyward::{postgres::embedded::OWNER, responder::Limits};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use crate::{
    responder::site::{Responder, Site, instance},
    support::cluster,
};
use checker::Record;
use ground::Ground;
use load::{Load, Product};

/// Rounds where nobody says how many.
const ROUNDS: usize = 20;
/// Clients at once.
const CLIENTS: usize = 12;

fn rounds() -> usize {
    std::env::var("KEYWARD_TORTURE_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(ROUNDS)
}

fn random(below: u64) -> u64 {
    let mut bytes = [0; 8];
    keyward::vault::envelope::fill_random(&mut bytes);
    u64::from_le_bytes(bytes) % below
}

/// Lets the load run for a while that nobody can foresee.
async fn a_while() {
    tokio::time::sleep(Duration::from_millis(100 + random(300))).await;
}

/// Waits until more was answered: the load runs again.
async fn until_more_is_answered(ground: &mut Ground) {
    let before = ground.record.answered();
    while ground.record.answered() < before + CLIENTS {
        ground.mend().await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_spent_twice_when_responder_and_database_are_killed() {
    let rounds = rounds();
    let mut ground = Ground::begin(500).await;
    for round in 1..=rounds {
        let load = Load::begin(CLIENTS, &[ground.at], &ground.product, &ground.record);
        until_more_is_answered(&mut ground).await;
        for _ in 0..=random(2) {
            a_while().await;
            let which = random(3);
            if which != 0 {
                ground.kill_postgres();
            }
            if which != 1 {
                ground.kill_responder();
            }
            ground.mend().await;
            until_more_is_answered(&mut ground).await;
        }
        let finishing = load.finish();
        tokio::pin!(finishing);
        loop {
            tokio::select! {
                () = &mut finishing => break,
                // A responder that started too early has ended.
                () = tokio::time::sleep(Duration::from_millis(100)) => ground.mend().await,
            }
        }
        assert_eq!(ground.violations().await, Vec::<String>::new(), "round {round}");
        println!("round {round} of {rounds}: {} answered, nothing lost", ground.record.answered());
    }
    ground.end();
}

/// The checker sees loss: PostgreSQL killed where commits aren't waited for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_checker_reports_loss_where_commits_are_not_waited_for() {
    let mut ground = Ground::begin(500).await;
    ground
        .superuser(&format!("ALTER DATABASE {} SET synchronous_commit = off", keyward::postgres::embedded::DATABASE))
        .await;
    // Its connections have the setting from before.
    ground.kill_responder();
    for round in 0.. {
        assert!(round < 20, "twenty kills lost nothing: the checker sees nothing");
        let load = Load::begin(CLIENTS, &[ground.at], &ground.product, &ground.record);
        until_more_is_answered(&mut ground).await;
        a_while().await;
        ground.kill_postgres();
        ground.kill_responder();
        // What the clients were told so far is all that is looked at: they may not ask again and so repair it.
        drop(load);
        let record = std::mem::take(&mut ground.record);
        ground.mend().await;
        let violations = record.violations(ground.cluster.app.clone(), &ground.linker).await;
        if violations.iter().any(|violation| violation.contains("lost")) {
            break;
        }
    }
    ground.end();
}

/// The checker sees overspending: two responders that look before they write, without a lock.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_checker_reports_overspending_where_the_key_is_not_locked() {
    let limits = Limits { per_address: 500, ..Limits::default() };
    let mut seen = false;
    for _ in 0..10 {
        let site = Site::with(40, false, limits).await;
        naive(&site).await;
        let other = Responder::start(&site.estate, instance(2), limits).await;
        let product = Product {
            application: site.application,
            sku: site.client,
            keys: vec![site.mak.key.expose().to_owned()],
            clock: site.estate.db.clock().clone(),
        };
        let record = std::sync::Arc::new(Record::default());
        let load = Load::begin(32, &[site.responder.at, other.at], &product, &record);
        while record.answered() < 200 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        load.finish().await;
        let violations = record.violations(site.estate.database.app.clone(), &site.estate.linker).await;
        seen = violations.iter().any(|violation| violation.contains("beyond their limit"));
        other.stop().await;
        site.done().await;
        if seen {
            break;
        }
    }
    assert!(seen, "ten naive sites kept their limits: the checker sees nothing");
}

/// Check-then-insert as one writes it first: no lock, no guard, no chain that would put writers in a queue.
async fn naive(site: &Site) {
    let options = cluster::shared().await.options(OWNER, &site.estate.database.name);
    let mut owner = PgConnection::connect_with(&options).await.unwrap();
    owner.execute("ALTER TABLE product_keys DROP CONSTRAINT product_keys_ledger_within_limit").await.unwrap();
    for (name, changes) in [
        (
            "responder_mak_look",
            [
                (" FOR UPDATE OF p", ""),
                ("responder_chain(key::text) c", "(VALUES (0::bigint, ''::bytea)) c (seq, link)"),
            ],
        ),
        ("responder_mak_write", [(" AND used + cardinality(ids) <= total", ""), ("AND blocked_at IS NULL", "")]),
        (
            "responder_event",
            [("IF NOT FOUND THEN", "IF true THEN RETURN;"), ("WHERE chain = name AND seq", "WHERE false AND seq")],
        ),
    ] {
        let statement = format!("SELECT pg_get_functiondef('{name}'::regproc)");
        let mut text: String = sqlx::query_scalar(AssertSqlSafe(statement)).fetch_one(&mut owner).await.unwrap();
        for (from, to) in changes {
            assert!(text.contains(from), "{name} has no {from}");
            text = text.replace(from, to);
        }
        owner.execute(AssertSqlSafe(text)).await.unwrap();
    }
    owner.close().await.unwrap();
}
