//! What the server does besides answering: counts of strangers, signed ends of the audit chains, and
//! uploads that nobody decided on.

use std::{path::Path, time::Duration};

use anyhow::Result;
use tokio_util::sync::CancellationToken;

use crate::{
    app::AppState,
    audit::{Actor, Event, heads::HeadFile},
    imports,
    lifecycle::Lifecycle,
    postgres::Scope,
    web::strangers::Counts,
};

/// How often the denied posts of strangers are written down.
const STRANGERS: Duration = Duration::from_secs(60);
/// How often the ends of the audit chains are signed.
const HEADS: Duration = Duration::from_secs(60);
/// How often uploads that nobody decided on are looked for.
const SWEEP: Duration = Duration::from_secs(3600);

/// Begins the background tasks.
pub fn begin(lifecycle: &mut Lifecycle, state: &AppState, data_dir: &Path) {
    let ending = lifecycle.ending();
    let strangers = state.clone();
    lifecycle.task("strangers", every(STRANGERS, ending.clone(), async move || write_strangers(&strangers).await));
    let db = state.db.clone();
    lifecycle.task(
        "uploads",
        every(SWEEP, ending.clone(), async move || Ok(imports::db::sweep(&db, db.clock().now()).await.map(drop)?)),
    );
    let (db, mut file) = (state.db.clone(), HeadFile::new(data_dir, &state.vault.site_keys().signing));
    lifecycle.task("audit heads", every(HEADS, ending, async move || file.append(&db).await.map(drop)));
}

/// Works now, then once a period, and once more at the end. A failure is no reason to stop serving: it
/// is logged, and tried again.
async fn every(
    period: Duration,
    ending: CancellationToken,
    mut work: impl AsyncFnMut() -> Result<()> + Send + 'static,
) -> Result<()> {
    loop {
        let more = !ending.is_cancelled();
        if let Err(fault) = work().await {
            tracing::warn!(error = format!("{fault:#}"), "a background task failed; tried again in {period:?}");
        }
        if !more {
            return Ok(());
        }
        ending.run_until_cancelled(tokio::time::sleep(period)).await;
    }
}

/// Writes the counts of the last minute as events.
async fn write_strangers(state: &AppState) -> Result<()> {
    let Counts { by_address, others } = state.strangers.take();
    if by_address.is_empty() && others == 0 {
        return Ok(());
    }
    let counted = by_address.into_iter().map(|(address, n)| (address.to_string(), n));
    let rest = (others > 0).then(|| ("other addresses".to_owned(), others));
    let events = counted
        .chain(rest)
        .map(|(address, n)| Event::denied("strangers", address).with(serde_json::json!({ "posts": n })))
        .collect();
    let mut tx = state.db.begin(Scope::System).await?;
    state.record_all(&mut tx, &Actor::system("strangers"), events).await?;
    Ok(tx.commit().await?)
}
