//! A responder on a database: the configuration in memory, what it did, and its end.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use futures_util::{FutureExt, future::BoxFuture};
use serde_json::json;
use tokio::{
    sync::{Mutex, Semaphore},
    time::Instant,
};
use uuid::Uuid;

use super::{
    asks::{ASIDE, ASIDE_AT_ONCE},
    instance::Instance,
    tally::{Counts, Tally},
    writer::Writers,
};
use crate::{
    activation::{
        config::Config,
        count::KmsRequest,
        db,
        lease::Signer,
        ledger::{Ledger, MakRequest},
        wire::Outcome,
    },
    audit::chain::Linker,
    postgres::{Db, Scope},
    vault::files::SiteKeys,
};

/// Configurations read for requests that name something unknown: one after the other, no more often than this.
pub(super) const PACE: Duration = Duration::from_millis(20);

/// The configuration with what this host may do under it.
pub(super) struct View {
    /// The configuration.
    pub config: Config,
    /// What the host was told about each application's host key.
    pub hosts: HashMap<Uuid, Outcome>,
}

/// A responder on a database.
pub struct Host {
    pub(super) ledger: Ledger,
    pub(super) instance: Instance,
    view: RwLock<Arc<View>>,
    /// When the last reading of the configuration began.
    reading: Mutex<Instant>,
    pub(super) counts: Writers<KmsRequest>,
    pub(super) pools: Writers<MakRequest>,
    pub(super) aside: Arc<Semaphore>,
    pub(super) at_once: Arc<Semaphore>,
    /// What it did.
    pub tally: Tally,
}

impl Host {
    /// Begins on a database, with the site's keys.
    ///
    /// # Errors
    /// When the database can't be used, or belongs to another site's keys.
    pub async fn begin(db: Db, site: SiteKeys, instance: Instance, listens: &str) -> Result<Arc<Self>> {
        let mut tx = db.begin(Scope::Responder).await?;
        let config = db::config(&mut tx).await.context(
            "the database has no activation service for this version: start the portal first, or run keyward migrate",
        )?;
        if config.site_keys.as_ref().is_some_and(|known| *known != site.id) {
            bail!(
                "the responder's key file belongs to another database: give --responder-key-file (KEYWARD_RESPONDER_KEY_FILE) the one that was made with this database"
            );
        }
        let signer = Signer::new(&site.signing, config.site);
        let public = signer.public();
        sqlx::query("SELECT responder_begin($1, $2, $3, $4, $5, $6)")
            .bind(instance.id)
            .bind(&instance.host)
            .bind(listens)
            .bind(env!("CARGO_PKG_VERSION"))
            .bind(&public.kid)
            .bind(&public.x)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        let linker = Linker::new(&site.audit);
        let ledger = Ledger { db, scope: Scope::Responder, site: Arc::new(site), linker, signer: Arc::new(signer) };
        // Nothing is known yet: the reading below takes the host's places.
        let mut config = config;
        config.generation = -1;
        let nothing = View { config, hosts: HashMap::new() };
        let host = Self {
            ledger,
            instance,
            view: RwLock::new(Arc::new(nothing)),
            reading: Mutex::new(Instant::now()),
            counts: Writers::default(),
            pools: Writers::default(),
            aside: Arc::new(Semaphore::new(ASIDE)),
            at_once: Arc::new(Semaphore::new(ASIDE_AT_ONCE)),
            tally: Tally::default(),
        };
        host.refreshed().await?;
        Ok(Arc::new(host))
    }

    /// Its connections, to be closed after the last answer.
    pub fn db(&self) -> &Db {
        &self.ledger.db
    }

    pub(super) fn view(&self) -> Arc<View> {
        self.view.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The configuration as it is now: read after this call began, once for all who wait for it. Boxed, because it
    /// is rare: as a part of each request's own future it made that 16 KB long, to be moved twice and kept by each
    /// connection.
    pub(super) fn refreshed(&self) -> BoxFuture<'_, sqlx::Result<Arc<View>>> {
        self.refresh().boxed()
    }

    async fn refresh(&self) -> sqlx::Result<Arc<View>> {
        let asked = Instant::now();
        let mut begun = self.reading.lock().await;
        if *begun > asked {
            return Ok(self.view());
        }
        tokio::time::sleep_until(*begun + PACE).await;
        *begun = Instant::now();
        let config = self.ledger.config().await?;
        let before = self.view();
        if config.generation == before.config.generation {
            return Ok(before);
        }
        let mut hosts = HashMap::new();
        for application in config.applications.keys() {
            let told = self.take_place(&config, *application, before.hosts.get(application)).await?;
            hosts.insert(*application, told);
        }
        let view = Arc::new(View { config, hosts });
        *self.view.write().unwrap_or_else(PoisonError::into_inner) = view.clone();
        Ok(view)
    }

    /// A client of another protocol came.
    pub fn foreign(&self, address: IpAddr) {
        tracing::warn!(%address, "a Windows KMS client is pointed at this portal: see Troubleshooting");
        self.tally.foreign(address);
    }

    /// Writes down what was done since the last time, and looks whether the configuration has changed.
    ///
    /// # Errors
    /// When the database fails; nothing is forgotten then.
    pub async fn beat(&self) -> sqlx::Result<()> {
        let counts = self.tally.take();
        if let Err(fault) = self.write_down(&counts).await {
            self.tally.put_back(counts);
            return Err(fault);
        }
        for ((op, result), n) in counts.done {
            metrics::counter!("keyward_responder_requests_total", "op" => op, "result" => result).increment(n);
        }
        self.refreshed().await.map(drop)
    }

    async fn write_down(&self, counts: &Counts) -> sqlx::Result<()> {
        let done: Vec<_> = counts.done.iter().map(|((op, word), n)| json!([op, word, n])).collect();
        let foreign: Vec<_> = counts.foreign.iter().map(|(address, n)| json!([address.to_string(), n])).collect();
        let mut unverified: HashMap<Uuid, [Vec<String>; 3]> = HashMap::new();
        for ((application, cmid), (machine, address)) in &counts.unverified {
            let [ids, machines, addresses] = unverified.entry(*application).or_default();
            ids.push(cmid.to_string());
            machines.push(machine.clone());
            addresses.push(address.to_string());
        }
        let mut tx = self.ledger.begin().await?;
        sqlx::query("SELECT responder_beat($1, $2, $3, $4)")
            .bind(self.instance.id)
            .bind(self.ledger.signer.public().kid)
            .bind(json!(done))
            .bind(json!(foreign))
            .execute(&mut *tx)
            .await?;
        for (application, [ids, machines, addresses]) in unverified {
            sqlx::query("SELECT responder_unverified($1, $2::text[]::uuid[], $3, $4)")
                .bind(application)
                .bind(ids)
                .bind(machines)
                .bind(addresses)
                .execute(&mut *tx)
                .await?;
        }
        tx.commit().await
    }

    /// Answers what was accepted and writes down the rest; after the last session has ended.
    pub async fn finish(&self) {
        self.counts.finish().await;
        self.pools.finish().await;
        if let Err(fault) = self.beat().await {
            tracing::warn!(%fault, "what the responder did last can't be written down");
        }
    }
}
