//! What becomes of a request: answered at once, done aside, or handed to its pool's writer.

use std::{net::IpAddr, sync::Arc};

use ed25519_dalek::VerifyingKey;
use futures_util::FutureExt;
use tokio::sync::oneshot;
use uuid::Uuid;

use super::host::{Host, View};
use crate::{
    activation::{
        config::OwnKey,
        count::KmsRequest,
        ledger::{MakRequest, Said},
        policy,
        request::Received,
        wire::{Ask, Fault, Op, Outcome},
    },
    audit::Actor,
};

/// Requests outside the writers (`status`, enrolments) that may wait; the next is told `busy`.
pub(super) const ASIDE: usize = 1_024;
/// Of those, how many work at once.
pub(super) const ASIDE_AT_ONCE: usize = 4;

/// An answer that is there, or will be.
pub enum Pending {
    /// There.
    Said(Said),
    /// Told when its transaction is committed.
    Waits(oneshot::Receiver<Said>),
}

impl Host {
    /// What becomes of a request.
    pub async fn ask(self: &Arc<Self>, received: Received, address: IpAddr) -> Pending {
        let id = received.request.id;
        let device = received.device;
        let asked = match received.request.op {
            Op::Hello { enrol: None } => Ok(Pending::Said(self.ledger.hello(&self.view().config, id))),
            Op::Hello { enrol: Some(enrol) } => {
                let host = self.clone();
                self.aside(id, async move {
                    let view = host.refreshed().await?;
                    host.ledger.enrol(&view.config, id, &enrol, device, &Actor::system("responder")).await
                })
            }
            Op::Status { ask, hardware } => {
                let host = self.clone();
                self.aside(id, async move {
                    // As of now: what an administrator has just changed counts.
                    let view = host.refreshed().await?;
                    host.ledger.status(&view.config, id, &ask, hardware.as_ref()).await
                })
            }
            Op::Activate(ask) => self.activate(id, ask, device, address).await,
            Op::Mak { ask, key, hardware } => match self.pool(&ask, &key).await {
                Ok((pool, days)) => self.trusted(&ask, device.is_some(), address).map(|()| {
                    let request = self.ledger.prepare(days, id, ask, hardware);
                    (pool, MakRequest { device, address: address.to_string(), ..request })
                }),
                Err(refused) => Err(refused),
            }
            .and_then(|(pool, request)| self.submit_mak(pool, request)),
        };
        asked.unwrap_or_else(|refused| Pending::Said(refused.said(id)))
    }

    async fn activate(
        self: &Arc<Self>,
        id: Uuid,
        ask: Ask,
        device: Option<VerifyingKey>,
        address: IpAddr,
    ) -> Result<Pending, Refused> {
        let mut view = self.view();
        let allowed = |view: &View| -> Result<i64, Outcome> {
            let (application, sku) = policy::countable(&view.config, &ask)?;
            match view.hosts.get(&application.id) {
                Some(Outcome::Done) => Ok(sku.lease_days),
                _ => Err(Outcome::HostNotActivated),
            }
        };
        let mut found = allowed(&view);
        // Another configuration might answer differently.
        if found.is_err() {
            view = self.refreshed().await?;
            found = allowed(&view);
        }
        let days = found?;
        self.trusted(&ask, device.is_some(), address)?;
        let application = ask.application;
        let request = self.ledger.prepare_counted(days, id, ask);
        let request = KmsRequest { device, address: address.to_string(), ..request };
        let begin = || {
            let host = self.clone();
            move |batch| host.clone().write_counted(application, batch).boxed()
        };
        Ok(Pending::Waits(self.counts.submit(application, request, begin)?))
    }

    /// The key that a `mak` names and the days of its leases.
    async fn pool(&self, ask: &Ask, key: &str) -> Result<(OwnKey, i64), Refused> {
        let key = policy::typed(key)?;
        let find = |view: &View| -> Result<(OwnKey, i64), Outcome> {
            let (_, sku, key) = policy::key(&view.config, &self.ledger.site, ask, &key)?;
            Ok((key.clone(), sku.lease_days))
        };
        let mut found = find(&self.view());
        if found.is_err() {
            found = find(&*self.refreshed().await?);
        }
        Ok(found?)
    }

    fn submit_mak(self: &Arc<Self>, key: OwnKey, request: MakRequest) -> Result<Pending, Refused> {
        let begin = || {
            let (host, fingerprint) = (self.clone(), key.fingerprint);
            move |batch| host.clone().write_spent(fingerprint.clone(), batch).boxed()
        };
        Ok(Pending::Waits(self.pools.submit(key.id, request, begin)?))
    }

    /// Requests of an application for enrolled devices have to be signed; by whom is looked at with the ledger.
    fn trusted(&self, ask: &Ask, signed: bool, address: IpAddr) -> Result<(), Refused> {
        let enrolled = self.view().config.applications.get(&ask.application).is_some_and(|known| known.enrolled);
        if signed || !enrolled {
            return Ok(());
        }
        self.tally.unverified(ask.application, ask.cmid, &ask.machine, address);
        Err(Refused::Fault(Fault::Enrolment("this request isn't signed")))
    }

    /// Work that isn't gathered in batches: in a task of its own, bounded.
    fn aside(
        &self,
        id: Uuid,
        work: impl Future<Output = sqlx::Result<Said>> + Send + 'static,
    ) -> Result<Pending, Refused> {
        let place = self.aside.clone().try_acquire_owned().map_err(|_| Fault::Busy)?;
        let at_once = self.at_once.clone();
        let (tell, told) = oneshot::channel();
        tokio::spawn(async move {
            let _turn = at_once.acquire().await;
            let said = work.await.unwrap_or_else(|fault| {
                tracing::warn!(%fault, "a request can't be served");
                Said::fault(Some(id), &Fault::Unavailable)
            });
            let _ = tell.send(said);
            drop(place);
        });
        Ok(Pending::Waits(told))
    }
}

/// Why a request goes no further.
#[derive(Clone, Debug)]
pub(super) enum Refused {
    Outcome(Outcome),
    Fault(Fault),
}

impl Refused {
    pub(super) fn said(&self, id: Uuid) -> Said {
        match self {
            Self::Outcome(outcome) => Said::outcome(id, *outcome),
            Self::Fault(fault) => Said::fault(Some(id), fault),
        }
    }
}

impl From<Outcome> for Refused {
    fn from(outcome: Outcome) -> Self {
        Self::Outcome(outcome)
    }
}

impl From<Fault> for Refused {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<sqlx::Error> for Refused {
    fn from(fault: sqlx::Error) -> Self {
        tracing::warn!(%fault, "a request can't be served");
        Self::Fault(Fault::Unavailable)
    }
}
