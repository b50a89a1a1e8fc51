//! What the server does besides answering: counts of strangers, signed ends of the audit chains, uploads
//! that nobody decided on, files that nothing names, and notices: planned, and sent.

use std::{path::Path, time::Duration};

use anyhow::Result;
use tokio_util::sync::CancellationToken;

use crate::{
    app::AppState,
    audit::{Actor, Event, heads::HeadFile},
    imports,
    lifecycle::Lifecycle,
    notices::{
        self,
        mail::{self, Mailer},
        outbox::Round,
        webhook::{self, Caller},
    },
    postgres::Scope,
    web::strangers::Counts,
};

/// How often the denied posts of strangers are written down.
const STRANGERS: Duration = Duration::from_secs(60);
/// How often the ends of the audit chains are signed.
const HEADS: Duration = Duration::from_secs(60);
/// How often uploads that nobody decided on are looked for, and files to download that nothing names.
const SWEEP: Duration = Duration::from_secs(3600);

/// How often dates are looked through for what is due.
const PLAN: Duration = Duration::from_secs(3600);
/// How often the outbox is looked into.
const SEND: Duration = Duration::from_secs(5);
/// The pause after nothing got through.
const DOWN: Duration = Duration::from_secs(60);

/// What notices leave by.
pub struct Senders {
    /// Sends mail, where a server is set.
    pub mailer: Option<Mailer>,
    /// Calls the webhook.
    pub caller: Caller,
}

/// Begins the background tasks.
pub fn begin(lifecycle: &mut Lifecycle, state: &AppState, data_dir: &Path, senders: Senders) {
    let ending = lifecycle.ending();
    let strangers = state.clone();
    lifecycle.task("strangers", every(STRANGERS, ending.clone(), async move || write_strangers(&strangers).await));
    let db = state.db.clone();
    lifecycle.task(
        "uploads",
        every(SWEEP, ending.clone(), async move || Ok(imports::sweep(&db, db.clock().now()).await.map(drop)?)),
    );
    let files = state.clone();
    lifecycle.task("downloads", every(SWEEP, ending.clone(), async move || files.downloads.sweep(&files.db).await));
    let (db, mut file) = (state.db.clone(), HeadFile::new(data_dir, &state.vault.site_keys().signing));
    lifecycle.task("audit heads", every(HEADS, ending.clone(), async move || file.append(&db).await.map(drop)));
    let (db, over) = (state.db.clone(), ending.clone());
    lifecycle.task(
        "notices",
        every(PLAN, ending.clone(), async move || {
            if !over.is_cancelled() {
                notices::plan::plan(&db).await?;
            }
            Ok(())
        }),
    );
    let Senders { mailer, caller } = senders;
    lifecycle.task("mail", sending(Sender::Mail(mailer.map(Box::new)), state.clone(), ending.clone()));
    lifecycle.task("webhook", sending(Sender::Webhook(caller), state.clone(), ending));
}

/// One way out of the outbox.
enum Sender {
    Mail(Option<Box<Mailer>>),
    Webhook(Caller),
}

impl Sender {
    async fn round(&self, state: &AppState) -> Result<Round> {
        let base = &state.web.base_url;
        match self {
            Self::Mail(mailer) => mail::round(&state.db, mailer.as_deref(), base).await,
            Self::Webhook(caller) => webhook::round(&state.db, caller, &state.vault, base).await,
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Mail(_) => "mail",
            Self::Webhook(_) => "the webhook",
        }
    }
}

/// Empties the outbox again and again until the end, which breaks off what is being sent: its lease ends, and it
/// is sent again. Says once that nothing gets through, and once that it does again.
async fn sending(sender: Sender, state: AppState, ending: CancellationToken) -> Result<()> {
    let what = sender.name();
    let mut was_down = false;
    loop {
        let Some(outcome) = ending.run_until_cancelled(sender.round(&state)).await else { return Ok(()) };
        let pause = match outcome {
            Ok(Round { down: Some(fault), .. }) => {
                if !was_down {
                    tracing::warn!(fault, "{what} doesn't get through; it waits and is tried again");
                }
                was_down = true;
                DOWN
            }
            Ok(done) => {
                if was_down && done.sent > 0 {
                    tracing::info!("{what} gets through again");
                    was_down = false;
                }
                SEND
            }
            Err(fault) => {
                tracing::warn!(error = format!("{fault:#}"), "the outbox can't be emptied; tried again in {DOWN:?}");
                DOWN
            }
        };
        if ending.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
            return Ok(());
        }
    }
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
