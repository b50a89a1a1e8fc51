//! The checker: its own record of what was attempted and what was acknowledged, held against the database.

use std::{
    collections::{HashMap, HashSet},
    sync::Mutex,
};

use keyward::{
    audit::chain::Linker,
    audit::verify,
    clock::Clock,
    postgres::{Db, Scope},
};
use serde_json::Value;
use sqlx::{AssertSqlSafe, postgres::PgConnectOptions};
use uuid::Uuid;

/// What clients did and were told.
#[derive(Default)]
pub struct Record(Mutex<Known>);

#[derive(Default)]
struct Known {
    attempted: HashSet<Uuid>,
    /// Lines by request.
    told: HashMap<Uuid, String>,
    faults: Vec<String>,
}

impl Record {
    /// A request is about to be sent.
    pub fn attempt(&self, request: Uuid) {
        self.0.lock().unwrap().attempted.insert(request);
    }

    /// An answer arrived; the same request is always told the same.
    pub fn told(&self, request: Uuid, line: &str) {
        let mut known = self.0.lock().unwrap();
        let before = known.told.entry(request).or_insert_with(|| line.to_owned()).clone();
        if before != line {
            known.faults.push(format!("{request} was told two things: {before} and {line}"));
        }
    }

    /// How many requests were answered.
    pub fn answered(&self) -> usize {
        self.0.lock().unwrap().told.len()
    }

    /// What doesn't hold: acknowledged ⊆ stored ⊆ attempted, bytes as they were told, used = rows ≤ limit, the
    /// count the number of the counted, the chain whole. Asked while nobody writes.
    pub async fn violations(&self, app: PgConnectOptions, linker: &Linker) -> Vec<String> {
        let db = Db::connect(app, 2, Clock::System).await.unwrap();
        let mut tx = db.begin(Scope::System).await.unwrap();
        let stored: HashSet<Uuid> = sqlx::query_scalar("SELECT request_id FROM activations")
            .fetch_all(&mut *tx)
            .await
            .unwrap()
            .into_iter()
            .collect();
        let answers: HashMap<Uuid, String> = sqlx::query_as("SELECT request_id, answer FROM mak_answers")
            .fetch_all(&mut *tx)
            .await
            .unwrap()
            .into_iter()
            .collect();
        let clients: HashSet<Uuid> = sqlx::query_scalar("SELECT cmid FROM kms_clients WHERE counted")
            .fetch_all(&mut *tx)
            .await
            .unwrap()
            .into_iter()
            .collect();
        let mut found = Vec::new();
        for (statement, what) in [
            ("SELECT count(*) FROM product_keys p WHERE ledger AND used > total", "keys used beyond their limit"),
            (
                "SELECT count(*) FROM product_keys p WHERE ledger AND kind = 'MAK' AND used <> (SELECT count(*) FROM activations a WHERE a.key_id = p.id)",
                "keys whose count isn't the number of their rows",
            ),
            (
                "SELECT count(*) FROM kms_counts c WHERE count <> (SELECT count(*) FROM kms_clients k WHERE k.application_id = c.application_id AND counted)",
                "counts that aren't the number of the counted",
            ),
        ] {
            let n: i64 = sqlx::query_scalar(AssertSqlSafe(statement)).fetch_one(&mut *tx).await.unwrap();
            if n > 0 {
                found.push(format!("{n} {what}"));
            }
        }
        if let Err(broken) = verify::verify(&mut tx, linker).await.unwrap() {
            found.push(broken.to_string());
        }
        drop(tx);
        db.close().await;
        let known = self.0.lock().unwrap();
        found.extend(known.faults.iter().cloned());
        let mut lost = 0;
        for (request, line) in &known.told {
            let answer: Value = serde_json::from_str(line).unwrap();
            let kept = match (answer["count"].is_null(), answer["confirmation"].is_null()) {
                (true, false) => stored.contains(request) && answers.get(request) == Some(line),
                (true, true) => answers.get(request) == Some(line),
                // The client's id is the request's: see the load.
                _ => clients.contains(request),
            };
            lost += usize::from(!kept);
        }
        if lost > 0 {
            found.push(format!("{lost} of {} acknowledged requests are lost", known.told.len()));
        }
        let invented = stored.iter().filter(|request| !known.attempted.contains(request)).count();
        if invented > 0 {
            found.push(format!("{invented} activations that nobody asked for"));
        }
        found
    }
}
