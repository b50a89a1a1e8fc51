//! Carried requests: what somebody brings to the portal for machines without a connection, many at once.

use std::collections::BTreeMap;

use ed25519_dalek::VerifyingKey;
use uuid::Uuid;

use super::{
    config::{Config, OwnKey},
    ledger::{Ledger, MakRequest, Said, Unwritten, Way},
    offline::Line,
    policy,
    request::Received,
    wire::{Enrol, Fault, Op, Outcome, Request},
};
use crate::audit::Actor;

/// Requests of one key in one transaction.
const BATCH: usize = 256;
/// How often a batch is tried again when the configuration changes meanwhile.
const TRIES: usize = 4;

/// What a line of a request file was told.
#[derive(Clone, Debug)]
pub struct Carried {
    /// The line's number in the file, from 1.
    pub number: usize,
    /// The machine's name, where the line could be read.
    pub machine: String,
    /// Whether it asked to enrol a device, not to be activated.
    pub enrols: bool,
    /// What goes back: an answer or an error line.
    pub said: Said,
}

impl Ledger {
    /// Serves the lines of a request file for somebody who may administer `contracts`; requests for other
    /// License IDs are told that their edition isn't known. In the order of the file.
    ///
    /// # Errors
    /// When the database fails; what was committed before stands, and the same file may be sent again.
    pub async fn carried(
        &self,
        lines: Vec<Line>,
        contracts: &[Uuid],
        actor: &Actor,
    ) -> Result<Vec<Carried>, Unwritten> {
        let config = self.config().await?;
        let mut told: Vec<Carried> = Vec::with_capacity(lines.len());
        // By key, so that each is locked once a batch.
        let mut by_key: BTreeMap<Uuid, (OwnKey, Vec<(usize, MakRequest)>)> = BTreeMap::new();
        for (number, line) in lines {
            // At once: the requests that follow in the file are signed with its key.
            if let Ok(Received { request: Request { id, op: Op::Hello { enrol: Some(enrol) }, .. }, device }) = &line {
                let said = self.enrolled(&config, contracts, *id, enrol, *device, actor).await?;
                told.push(Carried { number, machine: enrol.machine.clone(), enrols: true, said });
                continue;
            }
            let machine = line.as_ref().ok().and_then(|r| r.request.op.ask()).map(|ask| ask.machine.clone());
            let said = match self.sorted(&config, contracts, line) {
                Ok((key, request)) => {
                    let id = request.id;
                    by_key.entry(key.id).or_insert_with(|| (key, Vec::new())).1.push((told.len(), request));
                    // Until its batch says otherwise.
                    Said::fault(Some(id), &Fault::Unavailable)
                }
                Err(said) => said,
            };
            told.push(Carried { number, machine: machine.unwrap_or_default(), enrols: false, said });
        }
        for (key, requests) in by_key.into_values() {
            for batch in requests.chunks(BATCH) {
                let (places, batch): (Vec<usize>, Vec<MakRequest>) = batch.iter().cloned().unzip();
                for (place, said) in places.into_iter().zip(self.carried_batch(&key, &batch, actor).await?) {
                    told[place].said = said;
                }
            }
        }
        Ok(told)
    }

    async fn enrolled(
        &self,
        config: &Config,
        contracts: &[Uuid],
        id: Uuid,
        enrol: &Enrol,
        device: Option<VerifyingKey>,
        actor: &Actor,
    ) -> Result<Said, Unwritten> {
        let application = config.applications.get(&enrol.application);
        if application.is_none_or(|application| !contracts.contains(&application.contract)) {
            return Ok(Said::outcome(id, Outcome::UnknownSku));
        }
        Ok(self.enrol(config, id, enrol, device, actor).await?)
    }

    fn sorted(
        &self,
        config: &Config,
        contracts: &[Uuid],
        line: super::offline::Read,
    ) -> Result<(OwnKey, MakRequest), Said> {
        let received = line.map_err(|refused| Said::fault(refused.id, &refused.fault))?;
        let id = received.request.id;
        let refuse = |outcome| Said::outcome(id, outcome);
        let Op::Mak { ask, key, hardware } = received.request.op else { return Err(refuse(Outcome::UnknownSku)) };
        let typed = policy::typed(&key).map_err(refuse)?;
        let (application, sku, key) = policy::key(config, &self.site, &ask, &typed).map_err(refuse)?;
        if !contracts.contains(&application.contract) {
            return Err(refuse(Outcome::UnknownSku));
        }
        let (key, days) = (key.clone(), sku.lease_days);
        let request = self.prepare(days, id, ask, hardware);
        Ok((key, MakRequest { device: received.device, ..request }))
    }

    pub(super) async fn carried_batch(
        &self,
        key: &OwnKey,
        batch: &[MakRequest],
        actor: &Actor,
    ) -> Result<Vec<Said>, Unwritten> {
        let mut tries = 0;
        loop {
            let config = self.config().await?;
            tries += 1;
            match self.mak(&config, key, batch, Way::Offline, actor).await {
                Err(Unwritten::Stale) if tries < TRIES => {}
                other => return other,
            }
        }
    }
}
