//! `keyward responder`: machines alone, without the portal and without the KEK.

use std::{process::ExitCode, sync::Arc};

use anyhow::{Context, Result};
use rustix::process::{Resource, getrlimit, setrlimit};
use sqlx::postgres::PgConnectOptions;
use tokio::net::TcpListener;

use super::serve;
use crate::{
    clock::Clock,
    config::{BadSetting, Database, ResponderListen, Settings},
    lifecycle::Lifecycle,
    postgres::{
        Db, Role,
        embedded::{self, Durability},
        migrate::{migrate, place},
    },
    responder::{self, Limits, host::Host, instance::Instance},
    telemetry,
    vault::files::{self, SiteKeys},
};

/// Connections to the database: as many batches may be on their way at once.
const CONNECTIONS: u32 = 12;
/// The setting, as messages name it.
const LISTEN: &str = "--responder-listen (KEYWARD_RESPONDER_LISTEN)";

/// Serves until told to end.
///
/// # Errors
/// Settings, or a task that died.
pub async fn run(settings: &Settings) -> Result<ExitCode> {
    let Some(listener) = listen(settings).await? else {
        return Err(
            BadSetting::new(LISTEN, "a responder that is off has nothing to do: name an address and a port").into()
        );
    };
    let site = site_keys(settings)?;
    let (mut embedded, role) = match settings.database()? {
        Database::Embedded(dir) => {
            let (embedded, cluster) = embedded::attach_or_start(&dir, Durability::Durable).await?;
            migrate(&cluster.owner).await?;
            (embedded, cluster.responder)
        }
        Database::External { app, .. } => (None, *app),
    };
    if let Some(at) = settings.admin_listen {
        telemetry::serve_metrics(at).await?;
    }
    let host = host(settings, role, site, &listener).await?;
    let mut lifecycle = Lifecycle::new()?;
    tracing::info!(address = %listener.local_addr()?, "the responder is ready");
    lifecycle.task("responder", responder::serve(listener, host.clone(), limits(settings), lifecycle.ending()));
    let outcome = lifecycle.run().await;
    host.db().close().await;
    if let Some(server) = &mut embedded {
        server.stop()?;
    }
    outcome.map(|()| ExitCode::SUCCESS)
}

/// Takes the responder's port, unless it is off.
///
/// # Errors
/// A [`BadSetting`] when it is taken or isn't ours.
pub async fn listen(settings: &Settings) -> Result<Option<TcpListener>> {
    match settings.responder_listen {
        ResponderListen::Off => Ok(None),
        ResponderListen::At(at) => serve::bind(at, LISTEN, "choose another port or `off`").await.map(Some),
    }
}

/// What the settings let it put up with.
pub fn limits(settings: &Settings) -> Limits {
    Limits {
        connections: settings.responder_connections,
        per_address: settings.responder_connections_per_address,
        ..Limits::default()
    }
}

/// Makes the host that answers.
///
/// # Errors
/// When the database can't be used as the responder's role.
pub async fn host(
    settings: &Settings,
    role: PgConnectOptions,
    site: SiteKeys,
    listener: &TcpListener,
) -> Result<Arc<Host>> {
    room_for(settings.responder_connections);
    let at = place(&role);
    let db = Db::connect_as(Role::Responder, role, CONNECTIONS, Clock::System).await.with_context(|| {
        format!("the responder can't use the database at {at}: its user needs the role (GRANT keyward_responder TO that user), or set {LISTEN} to off")
    })?;
    let instance = Instance::open(&settings.data_dir()?)?;
    Host::begin(db, site, instance, &listener.local_addr()?.to_string()).await
}

fn site_keys(settings: &Settings) -> Result<SiteKeys> {
    let path = settings.responder_key_file()?;
    let keys = files::read_site_keys(&path)?;
    keys.ok_or_else(|| {
        BadSetting::new(
            "--responder-key-file (KEYWARD_RESPONDER_KEY_FILE)",
            format!("{} isn't there: copy the portal's responder.key to this machine", path.display()),
        )
        .into()
    })
}

/// Raises the number of files that this process may have open: each connection is one. Best effort; without it
/// connections wait in the system's queue.
fn room_for(connections: usize) {
    let wanted = u64::try_from(connections).unwrap_or(u64::MAX).saturating_add(1_024);
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current.is_some_and(|current| current < wanted) {
        limit.current = Some(limit.maximum.map_or(wanted, |maximum| maximum.min(wanted)));
        if let Err(fault) = setrlimit(Resource::Nofile, limit) {
            tracing::warn!(%fault, "the limit of open files can't be raised");
        }
    }
}
