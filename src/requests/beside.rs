//! What stands beside a key: the open request about it, and “Request more”.

use std::collections::HashMap;

use uuid::Uuid;

use super::{
    db::{self, Beside},
    machine::State,
    model,
};
use crate::{
    postgres::Scoped,
    web::view::{Ask, KeyRow, Link},
};

/// Marks the rows of a list with their open requests and the way to ask for more, where the person may.
///
/// # Errors
/// When the database fails.
pub async fn mark(tx: &mut Scoped, rows: &mut [KeyRow]) -> sqlx::Result<()> {
    let ids: Vec<Uuid> = rows
        .iter()
        .filter(|row| matches!(row.kind.as_str(), "MAK" | "KMS"))
        .filter_map(|row| row.key.id.parse().ok())
        .collect();
    if ids.is_empty() {
        return Ok(());
    }
    let found = db::beside(tx, &ids).await?;
    let mut found: HashMap<String, Beside> = found.into_iter().map(|one| (one.key_id.to_string(), one)).collect();
    for row in rows {
        let Some(beside) = found.remove(&row.key.id) else { continue };
        let request = beside.number.zip(beside.state).map(|(number, state)| {
            let words = state.parse().map_or_else(|_| state.clone(), |state: State| state.label().to_owned());
            Link::new(format!("Request {number}: {}", words.to_lowercase()), model::href(number))
        });
        let percent = row.quantity.meter().map(|meter| (meter.percent(), meter.used * 10 > meter.total * 9));
        row.ask = Some(Ask {
            href: format!("/requests/new?key={}", row.key.id),
            // Offered by itself over 90 %, unless somebody has asked.
            offer: percent
                .filter(|(_, over)| *over && request.is_none() && row.kind == "MAK")
                .map(|(percent, _)| format!("{percent} % used: ask for more before the next rollout.")),
        });
        row.request = request;
    }
    Ok(())
}
