//! Batches, written: again where the configuration has changed or the database refused. Each request is known by
//! its id, so that one that was written although the outcome got lost isn't written twice.

use std::sync::Arc;

use uuid::Uuid;

use super::host::{Host, PACE, View};
use crate::{
    activation::{
        count::KmsRequest,
        ledger::{MakRequest, Said, Unwritten, Way},
        wire::{Ask, Fault, Outcome},
    },
    audit::Actor,
};

/// How often a batch is tried.
const TRIES: u32 = 4;

impl Host {
    /// Serves requests of one application.
    pub(super) async fn write_counted(self: Arc<Self>, application: Uuid, batch: Arc<[KmsRequest]>) -> Vec<Said> {
        let mut view = self.view();
        for round in 1..=TRIES {
            // The host's place as of this configuration: its key may have been blocked since the request came.
            if view.hosts.get(&application) != Some(&Outcome::Done) {
                return batch.iter().map(|r| Said::outcome(r.id, Outcome::HostNotActivated)).collect();
            }
            match self.ledger.kms(&view.config, application, &batch).await {
                Ok(said) => {
                    self.strangers(batch.iter().map(|request| (&request.ask, &request.address)), &said);
                    return said;
                }
                Err(fault) => view = self.after(&fault, round, view).await,
            }
        }
        batch.iter().map(|request| unavailable(request.id)).collect()
    }

    /// Serves requests on one key.
    pub(super) async fn write_spent(self: Arc<Self>, fingerprint: String, batch: Arc<[MakRequest]>) -> Vec<Said> {
        let actor = Actor::system("responder");
        let mut view = self.view();
        for round in 1..=TRIES {
            // Looked up anew: what was changed since the writer began counts.
            let written = match view.config.key(&fingerprint) {
                Some(key) => self.ledger.mak(&view.config, key, &batch, Way::Online, &actor).await,
                None => Err(Unwritten::Stale),
            };
            match written {
                Ok(said) => {
                    self.strangers(batch.iter().map(|request| (&request.ask, &request.address)), &said);
                    return said;
                }
                Err(fault) => view = self.after(&fault, round, view).await,
            }
        }
        batch.iter().map(|request| unavailable(request.id)).collect()
    }

    /// The configuration for another try.
    async fn after(&self, fault: &Unwritten, round: u32, view: Arc<View>) -> Arc<View> {
        if let Unwritten::Database(fault) = fault {
            tracing::warn!(%fault, round, "a batch wasn't written");
            tokio::time::sleep(PACE * round * round).await;
        }
        self.refreshed().await.unwrap_or_else(|fault| {
            tracing::warn!(%fault, "the configuration can't be read");
            view
        })
    }

    /// Remembers who signed with a key that isn't enrolled.
    fn strangers<'a>(&self, asks: impl Iterator<Item = (&'a Ask, &'a String)>, said: &[Said]) {
        for ((ask, address), said) in asks.zip(said) {
            if said.word == Fault::Enrolment("").word()
                && let Ok(address) = address.parse()
            {
                self.tally.unverified(ask.application, ask.cmid, &ask.machine, address);
            }
        }
    }
}

fn unavailable(id: Uuid) -> Said {
    Said::fault(Some(id), &Fault::Unavailable)
}
