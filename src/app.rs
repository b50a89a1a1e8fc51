//! The application: what every handler shares, and all routes in one registry.

use std::{ops::Deref, path::PathBuf, sync::Arc};

use axum::Router;
use tokio::sync::Semaphore;

use crate::{
    audit::{self, Actor, Event, chain::Linker},
    auth::{self, password::Passwords, throttle::Throttle},
    clock::Clock,
    postgres::{Db, Scoped},
    products::downloads::store::Store,
    vault::Vault,
    web::{self, registry::Routes, strangers::Strangers},
};

/// What the web side is told by the settings.
#[derive(Clone, Debug)]
pub struct WebSettings {
    /// Scheme, host and port that browsers see; forms must come from here.
    pub base_url: url::Url,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<std::net::IpAddr>,
    /// Whether a mail server is set; /notices/settings says when there is none.
    pub mail: bool,
    /// Where files to download are kept.
    pub downloads: PathBuf,
    /// Bytes that such a file may have.
    pub download_limit: u64,
}

impl WebSettings {
    /// Whether cookies may be bound to TLS.
    pub fn secure(&self) -> bool {
        self.base_url.scheme() == "https"
    }
}

/// Everything behind the handlers.
pub struct App {
    /// The database.
    pub db: Db,
    /// The vault.
    pub vault: Vault,
    /// Makes audit links.
    pub linker: Linker,
    /// Settings of the web side.
    pub web: WebSettings,
    /// Password work.
    pub passwords: Passwords,
    /// Failed sign-ins.
    pub throttle: Throttle,
    /// Denied posts of strangers, counted.
    pub strangers: Strangers,
    /// Places for exports under way: each holds a database connection for as long as it streams.
    pub exports: Arc<Semaphore>,
    /// Places for files being sent in: each request holds its files in memory.
    pub uploads: Semaphore,
    /// Files to install products from.
    pub downloads: Store,
}

/// Exports that may stream at once; the next is told to come back.
const EXPORTS: usize = 4;
/// Requests with files that are read at once; the next waits with its body unread.
const UPLOADS: usize = 2;

/// A handle on [`App`].
#[derive(Clone)]
pub struct AppState(Arc<App>);

impl Deref for AppState {
    type Target = App;
    fn deref(&self) -> &App {
        &self.0
    }
}

impl AppState {
    /// Puts the parts together.
    pub fn new(db: Db, vault: Vault, web: WebSettings) -> Self {
        let linker = Linker::new(&vault.site_keys().audit);
        let throttle = Throttle::new(db.clock().clone());
        let downloads = Store::new(web.downloads.clone(), web.download_limit);
        Self(Arc::new(App {
            db,
            vault,
            linker,
            web,
            passwords: Passwords::new(),
            throttle,
            strangers: Strangers::default(),
            exports: Arc::new(Semaphore::new(EXPORTS)),
            uploads: Semaphore::new(UPLOADS),
            downloads,
        }))
    }

    /// The clock.
    pub fn clock(&self) -> &Clock {
        self.db.clock()
    }

    /// Adds an event to the log; it stands when `tx` commits.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn record(&self, tx: &mut Scoped, actor: &Actor, event: Event) -> sqlx::Result<()> {
        audit::db::record(tx, &self.linker, self.clock().now(), actor, event).await
    }

    /// Adds many events at once.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn record_all(&self, tx: &mut Scoped, actor: &Actor, events: Vec<Event>) -> sqlx::Result<()> {
        audit::db::record_all(tx, &self.linker, self.clock().now(), actor, events).await
    }
}

/// Every route with its access; tests walk this list.
pub fn routes() -> Routes {
    Routes::default()
        .merge(web::routes())
        .merge(auth::routes())
        .merge(crate::products::routes())
        .merge(crate::contracts::routes())
        .merge(crate::keys::routes())
        .merge(crate::orders::routes())
        .merge(crate::requests::routes())
        .merge(crate::people::routes())
        .merge(crate::pools::routes())
        .merge(crate::imports::routes())
        .merge(crate::hand::routes())
        .merge(crate::exports::routes())
        .merge(crate::views::routes())
        .merge(crate::find::routes())
        .merge(crate::notices::routes())
        .merge(crate::reference::routes())
        .merge(audit::routes())
}

/// The whole service: routes inside their layers.
pub fn router(state: AppState) -> Router {
    let routes = routes();
    let unhurried = routes.unhurried();
    web::layers::wrap(routes.into_router(state.clone()), unhurried, state)
}
