//! `keyward serve`.

use std::{process::ExitCode, time::Duration};

use anyhow::Result;
use tokio::net::TcpListener;

use super::open::{self, Opened};
use crate::{
    app::{self, AppState},
    audit::{Actor, Event, heads::HeadFile},
    auth,
    config::{BadSetting, Settings},
    lifecycle::Lifecycle,
    postgres::Scope,
    telemetry,
    web::{server, strangers::Counts},
};

/// How often the denied posts of strangers are written down.
const STRANGERS: Duration = Duration::from_secs(60);
/// How often the ends of the audit chains are signed.
const HEADS: Duration = Duration::from_secs(60);
/// How often uploads that nobody decided on are looked for.
const SWEEP: Duration = Duration::from_secs(3600);

/// Serves until told to end.
///
/// # Errors
/// Settings, or a task that died.
pub async fn run(settings: &Settings) -> Result<ExitCode> {
    // Before the database: a port that is taken shows at once.
    let listener = listen(settings).await?;
    let opened = open::for_server(settings).await?;
    if nobody_yet(&opened).await? {
        eprintln!("{}", first_steps());
    }
    serve(settings, listener, opened).await?;
    Ok(ExitCode::SUCCESS)
}

/// Takes the portal's port.
///
/// # Errors
/// A [`BadSetting`] when it is taken or isn't ours.
pub async fn listen(settings: &Settings) -> Result<TcpListener> {
    let at = settings.listen;
    TcpListener::bind(at).await.map_err(|fault| {
        let why = if fault.kind() == std::io::ErrorKind::AddrInUse {
            "is taken by another program".to_owned()
        } else {
            format!("can't be listened on ({fault})")
        };
        BadSetting::new("--listen (KEYWARD_LISTEN)", format!("{at} {why}: choose another port, or end what runs there"))
            .into()
    })
}

async fn nobody_yet(opened: &Opened) -> Result<bool> {
    let mut tx = opened.db.begin(Scope::System).await?;
    Ok(auth::db::none_yet(&mut tx).await?)
}

fn first_steps() -> &'static str {
    "There are no accounts yet. First steps, on this machine:\n\
     \x20 1. keyward user add EMAIL --name NAME --site-operator --password-stdin\n\
     \x20 2. keyward grant EMAIL administrator --all\n\
     \x20 3. keyward import FILE…    (what the vendor's admin centre exports)"
}

/// Serves an open installation on `listener`.
///
/// # Errors
/// A task that died, or an embedded server that ended badly.
pub async fn serve(settings: &Settings, listener: TcpListener, opened: Opened) -> Result<()> {
    let web = settings.web(listener.local_addr()?)?;
    let tls = match (&settings.tls_cert, &settings.tls_key) {
        (Some(cert), Some(key)) => Some(server::tls(cert, key)?),
        _ => None,
    };
    if let Some(at) = settings.admin_listen {
        telemetry::serve_metrics(at).await?;
    }
    let Opened { db, vault, embedded } = opened;
    if let Err(sealed) = vault.ensure_unsealed() {
        tracing::warn!("{sealed}");
    }
    // From here on a signal ends it in order: before it says that it is ready.
    let mut lifecycle = Lifecycle::new()?;
    tracing::info!(address = %web.base_url, "Keyward is ready");
    let state = AppState::new(db.clone(), vault, web);
    let ending = lifecycle.ending();
    lifecycle.task("portal", server::serve(listener, tls, app::router(state.clone()), ending.clone()));
    lifecycle.task("strangers", {
        let (state, ending) = (state.clone(), ending.clone());
        async move {
            while ending.run_until_cancelled(tokio::time::sleep(STRANGERS)).await.is_some() {
                write_strangers(&state).await;
            }
            write_strangers(&state).await;
            Ok(())
        }
    });
    lifecycle.task("uploads", {
        let (db, ending) = (db.clone(), ending.clone());
        async move {
            loop {
                if let Err(fault) = crate::imports::db::sweep(&db, db.clock().now()).await {
                    tracing::warn!(%fault, "uploads that nobody decided on couldn't be emptied; tried again in an hour");
                }
                if ending.run_until_cancelled(tokio::time::sleep(SWEEP)).await.is_none() {
                    return Ok(());
                }
            }
        }
    });
    lifecycle.task("audit heads", {
        let mut file = HeadFile::new(&settings.data_dir()?, &state.vault.site_keys().signing);
        let db = db.clone();
        async move {
            loop {
                let more = ending.run_until_cancelled(tokio::time::sleep(HEADS)).await.is_some();
                if let Err(fault) = file.append(&db).await {
                    tracing::warn!(
                        error = format!("{fault:#}"),
                        "the ends of the audit chains couldn't be signed; tried again in a minute"
                    );
                }
                if !more {
                    return Ok(());
                }
            }
        }
    });
    let mut embedded = embedded;
    let outcome = match &mut embedded {
        None => lifecycle.run().await,
        Some(server) => {
            let running = lifecycle.run();
            tokio::pin!(running);
            tokio::select! {
                outcome = &mut running => outcome,
                status = server.ended() => Err(anyhow::anyhow!("the embedded PostgreSQL ended by itself ({status:?}): see {}", server.log().display())),
            }
        }
    };
    db.close().await;
    if let Some(server) = &mut embedded {
        server.stop()?;
    }
    outcome
}

/// Writes the counts of the last minute as events; lost counts are no reason to stop serving.
async fn write_strangers(state: &AppState) {
    let Counts { by_address, others } = state.strangers.take();
    if by_address.is_empty() && others == 0 {
        return;
    }
    let counted = by_address.into_iter().map(|(address, n)| (address.to_string(), n));
    let rest = (others > 0).then(|| ("other addresses".to_owned(), others));
    let events = counted
        .chain(rest)
        .map(|(address, n)| Event::denied("strangers", address).with(serde_json::json!({ "posts": n })))
        .collect();
    let written = async {
        let mut tx = state.db.begin(Scope::System).await?;
        state.record_all(&mut tx, &Actor::system("strangers"), events).await?;
        tx.commit().await
    };
    if let Err(fault) = written.await {
        tracing::warn!(%fault, "the denied posts of strangers couldn't be written down");
    }
}
