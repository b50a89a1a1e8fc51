//! `keyward serve`.

use std::{net::SocketAddr, process::ExitCode};

use anyhow::Result;
use tokio::net::TcpListener;

use super::{
    background::{self, Senders},
    open::{self, Opened},
    responder,
};
use crate::{
    app::{self, AppState},
    auth,
    config::{BadSetting, Settings},
    lifecycle::Lifecycle,
    notices::webhook::Caller,
    postgres::Scope,
    responder::serve as serve_machines,
    telemetry,
    web::server,
};

/// Serves until told to end.
///
/// # Errors
/// Settings, or a task that died.
pub async fn run(settings: &Settings) -> Result<ExitCode> {
    // Before the database: a port that is taken shows at once.
    let listener = listen(settings).await?;
    senders(settings)?;
    let machines = responder::listen(settings).await?;
    let opened = open::for_server(settings).await?;
    if nobody_yet(&opened).await? {
        eprintln!("{}", first_steps());
    }
    serve(settings, listener, machines, opened).await?;
    Ok(ExitCode::SUCCESS)
}

/// Takes the portal's port.
///
/// # Errors
/// A [`BadSetting`] when it is taken or isn't ours.
pub async fn listen(settings: &Settings) -> Result<TcpListener> {
    bind(settings.listen, "--listen (KEYWARD_LISTEN)", "choose another port").await
}

/// Takes a port; `setting` names it, `instead` is the way out.
///
/// # Errors
/// A [`BadSetting`] when it is taken or isn't ours.
pub(super) async fn bind(at: SocketAddr, setting: &str, instead: &str) -> Result<TcpListener> {
    TcpListener::bind(at).await.map_err(|fault| {
        let why = if fault.kind() == std::io::ErrorKind::AddrInUse {
            "is taken by another program".to_owned()
        } else {
            format!("can't be listened on ({fault})")
        };
        BadSetting::new(setting, format!("{at} {why}: {instead}, or end what runs there")).into()
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

/// What notices leave by.
///
/// # Errors
/// A [`BadSetting`].
fn senders(settings: &Settings) -> Result<Senders> {
    let caller = Caller::new(settings.ca()?.as_deref())
        .map_err(|fault| BadSetting::new("--ca-file (KEYWARD_CA_FILE)", format!("{fault:#}")))?;
    Ok(Senders { mailer: settings.mailer()?, caller })
}

/// Serves an open installation on `listener`, and machines on theirs.
///
/// # Errors
/// A task that died, or an embedded server that ended badly.
pub async fn serve(
    settings: &Settings,
    listener: TcpListener,
    machines: Option<TcpListener>,
    opened: Opened,
) -> Result<()> {
    let web = settings.web(listener.local_addr()?)?;
    let tls = match (&settings.tls_cert, &settings.tls_key) {
        (Some(cert), Some(key)) => Some(server::tls(cert, key)?),
        _ => None,
    };
    if let Some(at) = settings.admin_listen {
        telemetry::serve_metrics(at).await?;
    }
    let senders = senders(settings)?;
    let Opened { db, vault, responder: role, embedded } = opened;
    if let Err(sealed) = vault.ensure_unsealed() {
        tracing::warn!("{sealed}");
    }
    let host = match &machines {
        Some(machines) => Some(responder::host(settings, role, vault.site_keys().clone(), machines).await?),
        None => None,
    };
    // From here on a signal ends it in order: before it says that it is ready.
    let mut lifecycle = Lifecycle::new()?;
    tracing::info!(address = %web.base_url, "Keyward is ready");
    let state = AppState::new(db.clone(), vault, web);
    lifecycle.task("portal", server::serve(listener, tls, app::router(state.clone()), lifecycle.ending()));
    let hosts = host.as_ref().map(|host| host.db().clone());
    if let (Some(machines), Some(host)) = (machines, host) {
        tracing::info!(address = %machines.local_addr()?, "the responder is ready");
        lifecycle.task("responder", serve_machines(machines, host, responder::limits(settings), lifecycle.ending()));
    }
    background::begin(&mut lifecycle, &state, &settings.data_dir()?, senders);
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
    if let Some(hosts) = hosts {
        hosts.close().await;
    }
    db.close().await;
    if let Some(server) = &mut embedded {
        server.stop()?;
    }
    outcome
}
