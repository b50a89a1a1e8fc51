//! The application: what every handler shares, and (in `routes`) all routes in one registry.

mod routes;

use std::{ops::Deref, path::PathBuf, sync::Arc};

pub use routes::{router, routes};
use tokio::sync::Semaphore;

use crate::{
    audit::{self, Actor, Event, chain::Linker},
    auth::{password::Passwords, throttle::Throttle},
    clock::Clock,
    postgres::{Db, Scoped},
    products::downloads::store::Store,
    vault::Vault,
    web::strangers::Strangers,
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
    /// The log's connections for exports, [`EXPORT_LOGS`] for each. Kept from one to the next while they aren't idle for
    /// long: a new one has to find its way into the log's tables, and an export has a transaction for each part.
    pub export_log: Db,
    /// Places for files being sent in: each request holds its files in memory.
    pub uploads: Semaphore,
    /// Files to install products from.
    pub downloads: Store,
}

/// Exports that may stream at once; the next is told to come back.
const EXPORTS: usize = 4;
/// Parts of an export that are written into the log at a time, or wait there to be opened.
pub const EXPORT_LOGS: usize = 2;
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
            export_log: db.apart(EXPORTS * EXPORT_LOGS),
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
