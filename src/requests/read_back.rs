//! A vendor request is done when the new total has been read back: by an import, in its transaction,
//! or typed on the request's page.

use uuid::Uuid;

use super::{
    db,
    machine::{Action, State},
    model::Request,
    tell::{self, News},
    write::told,
};
use crate::{audit::Event, postgres::Scoped};

/// Closes every vendor request whose wanted total now stands at its key, and every KMS exception whose
/// product has a KMS key by now; the events for the log. System scope: an import reads for everybody.
///
/// Looks at the few requests that wait for the vendor, however large the import was.
///
/// # Errors
/// When the database fails.
pub async fn settle(tx: &mut Scoped) -> sqlx::Result<Vec<Event>> {
    let closed: Vec<(i64, Uuid)> = sqlx::query_as(
        "WITH shown AS (
             SELECT r.id, k.total AS total FROM requests r JOIN product_keys k ON k.id = r.key_id
             WHERE r.estate = 'vendor' AND r.state IN ('approved', 'sent') AND r.kind <> 'kms-exception' AND k.total >= r.wanted_total
             UNION
             SELECT r.id, coalesce(max(k.total), r.wanted_total) FROM requests r
             JOIN product_keys k ON k.contract_id = r.contract_id AND k.product_id = r.product_id AND k.kind = 'KMS' AND k.created_at >= r.created_at
             WHERE r.kind = 'kms-exception' AND r.state IN ('approved', 'sent') GROUP BY r.id)
         UPDATE requests r SET state = 'done', total_read = shown.total, closed_at = app_now()
         FROM shown WHERE r.id = shown.id AND r.state IN ('approved', 'sent') RETURNING r.number, r.id",
    )
    .fetch_all(&mut **tx)
    .await?;
    let now = tx.now();
    let mut events = Vec::with_capacity(closed.len());
    for (number, id) in closed {
        let entry = Uuid::now_v7();
        sqlx::query(
            "INSERT INTO request_entries (id, request_id, at, action, state, comment) VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(entry)
        .bind(id)
        .bind(now)
        .bind(Action::Close.code())
        .bind(State::Done.code())
        .bind("An import brought the new total.")
        .execute(&mut **tx)
        .await?;
        let request: Option<Request> = db::by_number(tx, number).await?;
        if let Some(request) = request {
            events.push(told(Action::Close.event(), &request));
            let news = News { entry, by: None, who: String::new(), comment: String::new() };
            tell::step(tx, &request, Action::Close, &news).await?;
        }
    }
    Ok(events)
}
