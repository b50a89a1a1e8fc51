//! The KMS count: a batch of requests of one application in one transaction. Looks under the count's lock,
//! decides by the rules of [`super::kms`], writes the clients, commits.

use std::collections::{BTreeMap, HashMap, HashSet};

use ed25519_dalek::VerifyingKey;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{
    config::Config,
    db::{self, Counted},
    kms::{Asked, Count, Last},
    lease::Grant,
    ledger::{Ledger, Said, Unwritten},
    policy::{self, Devices},
    wire::{Answer, Ask, Outcome},
};

/// A request to be counted, of an edition that was found.
#[derive(Clone, Debug)]
pub struct KmsRequest {
    /// Its id.
    pub id: Uuid,
    /// Who asks.
    pub ask: Ask,
    /// The device that signed it.
    pub device: Option<VerifyingKey>,
    /// From where.
    pub address: String,
    /// The lease that it gets when the count suffices: signed before the count is locked.
    pub lease: String,
    /// Until when that one holds.
    pub ends: OffsetDateTime,
}

impl Ledger {
    /// Prepares a request: the lease that it gets when the count suffices.
    pub fn prepare_counted(&self, lease_days: i64, id: Uuid, ask: Ask) -> KmsRequest {
        let at = self.now();
        let lease = self.signer.lease(&Grant {
            application: ask.application,
            sku: ask.sku,
            cmid: ask.cmid,
            id: Uuid::now_v7(),
            at,
            days: lease_days,
            hardware: None,
        });
        let ends = at + Duration::days(lease_days);
        KmsRequest { id, ask, device: None, address: String::new(), lease, ends }
    }

    /// Serves a batch of requests of one application, in their order; an answer is told only when all are
    /// committed.
    ///
    /// # Errors
    /// As [`Ledger::mak`].
    pub async fn kms(&self, config: &Config, application: Uuid, batch: &[KmsRequest]) -> Result<Vec<Said>, Unwritten> {
        let application = config.applications.get(&application).ok_or(Unwritten::Stale)?;
        let mut tx = self.begin().await?;
        let mut devices = Devices::of(&mut tx, application, batch.iter().map(|r| &r.ask)).await?;
        let (generation, mut count) =
            db::kms_look(&mut tx, application.id, &asked_about(batch)).await?.ok_or(Unwritten::Stale)?;
        if generation != config.generation {
            return Err(Unwritten::Stale);
        }
        let counted: HashSet<Uuid> =
            count.clients.iter().filter(|(_, client)| client.counted).map(|(cmid, _)| *cmid).collect();
        let decided = decide(config, &mut devices, &mut count, batch, tx.now());
        devices.write(&mut tx).await?;
        let rows = decided.rows(&count);
        if !rows.is_empty() {
            let gone: Vec<(Uuid, Uuid)> = count.gone.iter().map(|(id, by)| (*id, *by)).collect();
            let fresh = rows.iter().filter(|row| !counted.contains(&row.cmid)).count();
            let fresh = i32::try_from(fresh).unwrap_or(i32::MAX);
            db::kms_write(&mut tx, application.id, fresh, &rows, &gone).await?;
        }
        tx.commit().await?;
        Ok(decided.said)
    }
}

/// What was decided on a batch.
struct Decided<'a> {
    /// What each request is told, in their order.
    said: Vec<Said>,
    /// The last request of each client that was counted. Ordered, so that two batches write in one order.
    asked: BTreeMap<Uuid, &'a KmsRequest>,
    /// When the new leases end.
    ends: HashMap<Uuid, OffsetDateTime>,
}

/// Decides on each request of a batch in its turn, by the count as the earlier ones left it. Touches no database.
fn decide<'a>(
    config: &Config,
    devices: &mut Devices,
    count: &mut Count,
    batch: &'a [KmsRequest],
    now: OffsetDateTime,
) -> Decided<'a> {
    let said = Vec::with_capacity(batch.len());
    let mut decided = Decided { said, asked: BTreeMap::new(), ends: HashMap::new() };
    for request in batch {
        let last = count.clients.get(&request.ask.cmid).and_then(|client| client.last.as_ref());
        let repeated = last.is_some_and(|last| last.request == request.id);
        if let Err(refused) = devices.believe(&request.ask, request.device.as_ref(), repeated) {
            decided.said.push(refused.said(request.id));
            continue;
        }
        // A retry is the same line, with the clock that it had then.
        let clock = if repeated { Ok(()) } else { policy::clock(request.ask.time, now) };
        let sku = match policy::countable(config, &request.ask).and_then(|(_, sku)| clock.map(|()| sku)) {
            Ok(sku) => sku,
            Err(outcome) => {
                decided.said.push(Said::outcome(request.id, outcome));
                continue;
            }
        };
        let last = count.ask(Asked {
            request: request.id,
            cmid: request.ask.cmid,
            previous: request.ask.previous_cmid.filter(|id| devices.may_replace(*id, request.device.as_ref())),
            machine: &request.ask.machine,
            needed: sku.needed,
            lease: &request.lease,
        });
        if !repeated {
            decided.asked.insert(request.ask.cmid, request);
            if last.result == Outcome::Done {
                decided.ends.insert(request.ask.cmid, request.ends);
            }
        }
        decided.said.push(answer(request.id, last));
    }
    decided
}

impl Decided<'_> {
    /// The clients to write.
    fn rows<'r>(&'r self, count: &'r Count) -> Vec<Counted<'r>> {
        let row = |(cmid, request): (&'r Uuid, &&'r KmsRequest)| {
            let client = count.clients.get(cmid)?;
            Some(Counted {
                cmid: *cmid,
                sku: request.ask.sku,
                is_virtual: request.ask.r#virtual,
                ends: self.ends.get(cmid).copied(),
                address: &request.address,
                client,
                last: client.last.as_ref()?,
            })
        };
        self.asked.iter().filter_map(row).collect()
    }
}

/// The clients that a batch names, each with the request that asks about it.
fn asked_about(batch: &[KmsRequest]) -> Vec<(Uuid, Option<Uuid>)> {
    let mut asked: Vec<_> = batch
        .iter()
        .flat_map(|r| [Some((r.ask.cmid, Some(r.id))), r.ask.previous_cmid.map(|previous| (previous, None))])
        .flatten()
        .collect();
    asked.sort_unstable();
    asked.dedup();
    asked
}

fn answer(id: Uuid, last: Last) -> Said {
    let lease = last.lease.filter(|_| last.result == Outcome::Done);
    Said::answer(&Answer { lease, ..Answer::new(id, last.result).counted(last.count, last.needed) })
}
