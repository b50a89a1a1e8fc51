//! The planner: puts what is due today, for everybody.

use std::collections::{BTreeMap, HashSet};

use uuid::Uuid;

use super::{Notice, To, put, watch};
use crate::postgres::{Db, Scope};

/// Puts every notice that is due and wasn't told yet; how many tellings to how many people. Run as often as one
/// likes, by as many servers as there are: each person is told each thing once. All that one run tells a person by mail is one
/// message.
///
/// # Errors
/// When the database fails; nothing was put then.
pub async fn plan(db: &Db) -> sqlx::Result<i64> {
    let mut tx = db.begin(Scope::System).await?;
    let mine: bool =
        sqlx::query_scalar("SELECT pg_try_advisory_xact_lock(hashtext('keyward notices'))").fetch_one(&mut *tx).await?;
    if !mine {
        // Another server is at it.
        return Ok(0);
    }
    let today = tx.today();
    let mut due: BTreeMap<String, (Notice, Vec<Uuid>)> = BTreeMap::new();
    for watched in watch::watched(&mut tx, None, today).await? {
        for telling in watched.tellings(today, today) {
            let notice = watched.notice(&telling.mark);
            due.entry(notice.about.clone()).or_insert_with(|| (notice, Vec::new())).1.push(watched.person);
        }
    }
    let abouts: Vec<&String> = due.keys().collect();
    let told: HashSet<(String, Uuid)> = sqlx::query_as(
        "SELECT n.about, r.person_id FROM notices n JOIN notice_recipients r ON r.notice_id = n.id WHERE n.about = ANY ($1)",
    )
    .bind(&abouts)
    .fetch_all(&mut *tx)
    .await?
    .into_iter()
    .collect();
    let batch = Uuid::now_v7();
    let mut put = 0;
    for (about, (notice, people)) in &due {
        let fresh: Vec<Uuid> =
            people.iter().filter(|person| !told.contains(&(about.clone(), **person))).copied().collect();
        if !fresh.is_empty() {
            put += put::write(&mut tx, batch, notice, To::People(&fresh), false).await?;
        }
    }
    tx.commit().await?;
    Ok(put)
}
