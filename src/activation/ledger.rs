//! The MAK ledger: a batch of requests on one key in one transaction. Looks under the key's lock, decides by
//! the rules of [`super::mak`], writes activations, answers and one audit event that names them, commits.

use std::sync::Arc;

use ed25519_dalek::VerifyingKey;
use serde_json::json;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{
    config::{Application, Config, OwnKey},
    db::{self, Answered, ChainEnd, Spent},
    hardware::Hardware,
    lease::{Grant, Signer},
    mak::{Decision, Pool},
    offline,
    policy::{self, Devices},
    wire::{Answer, Ask, Fault, Outcome},
};
use crate::{
    audit::{Actor, Event, chain::Linker},
    postgres::{Db, Scope, Scoped},
    vault::files::SiteKeys,
};

/// What a request was told: a line, and the word that counts it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// A result's code or an error's word.
    pub word: &'static str,
    /// The line, without its line feed.
    pub line: String,
}

impl Said {
    /// An answer.
    pub fn answer(answer: &Answer) -> Self {
        Self { word: answer.result.code(), line: answer.line() }
    }

    /// An outcome without more.
    pub fn outcome(id: Uuid, outcome: Outcome) -> Self {
        Self::answer(&Answer::new(id, outcome))
    }

    /// An error line.
    pub fn fault(id: Option<Uuid>, fault: &Fault) -> Self {
        Self { word: fault.word(), line: fault.line(id) }
    }
}

/// Why a batch wasn't written. Nothing of it stands.
#[derive(Debug, thiserror::Error)]
pub enum Unwritten {
    /// The configuration has changed since it was read: read it again.
    #[error("the configuration changed")]
    Stale,
    /// The database.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// By which way activations reach the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// The machine asked itself.
    Online,
    /// Its request was carried.
    Offline,
}

impl Way {
    fn as_str(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Offline => "offline",
        }
    }
}

/// A request on a key that was found.
#[derive(Clone, Debug)]
pub struct MakRequest {
    /// Its id.
    pub id: Uuid,
    /// Who asks.
    pub ask: Ask,
    /// The machine.
    pub hardware: Hardware,
    /// The device that signed it.
    pub device: Option<VerifyingKey>,
    /// From where.
    pub address: String,
    /// The activation that it becomes if it spends one.
    pub fresh: Uuid,
    /// The lease of that one: signed before the key is locked.
    pub lease: String,
    /// Until when that one holds.
    pub ends: OffsetDateTime,
}

/// Requests on one key, and what is decided about them by.
struct Batch<'a> {
    application: &'a Application,
    key: &'a OwnKey,
    lease_days: i64,
    requests: &'a [MakRequest],
    way: Way,
}

/// What was decided on a batch; requests are named by their places in it.
#[derive(Default)]
struct Decided {
    /// What each is told.
    said: Vec<Said>,
    /// Those with a new answer; the activation that it tells of, and until when its lease holds.
    kept: Vec<(usize, Option<(Uuid, OffsetDateTime)>)>,
    /// Those that spend an activation.
    spent: Vec<usize>,
    /// How many were told an activation that was spent before.
    again: usize,
}

/// Writes to the ledger and to the count.
#[derive(Clone)]
pub struct Ledger {
    /// A pool whose role may call the responder's functions.
    pub db: Db,
    /// For whom its transactions work.
    pub scope: Scope,
    /// The site's keys.
    pub site: Arc<SiteKeys>,
    /// Makes audit links.
    pub linker: Linker,
    /// Signs leases.
    pub signer: Arc<Signer>,
}

impl Ledger {
    /// Begins a transaction.
    ///
    /// # Errors
    /// When no connection is to be had.
    pub async fn begin(&self) -> sqlx::Result<Scoped> {
        self.db.begin(self.scope).await
    }

    /// The present.
    pub fn now(&self) -> OffsetDateTime {
        self.db.clock().now()
    }

    /// Reads the configuration.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn config(&self) -> sqlx::Result<Config> {
        db::config(&mut self.begin().await?).await
    }

    /// Prepares a request: the lease that it gets if it spends an activation.
    pub fn prepare(&self, lease_days: i64, id: Uuid, ask: Ask, hardware: Hardware) -> MakRequest {
        let (fresh, at) = (Uuid::now_v7(), self.now());
        let lease = self.signer.lease(&Grant {
            application: ask.application,
            sku: ask.sku,
            cmid: ask.cmid,
            id: fresh,
            at,
            days: lease_days,
            hardware: Some(&hardware),
        });
        let ends = at + Duration::days(lease_days);
        MakRequest { id, ask, hardware, device: None, address: String::new(), fresh, lease, ends }
    }

    /// Serves a batch of requests on one key, in their order; an answer is told only when all are committed.
    ///
    /// # Errors
    /// [`Unwritten`]: nothing of the batch stands, unless the database was lost while it committed. Sending
    /// the same requests again is right in any case.
    pub async fn mak(
        &self,
        config: &Config,
        key: &OwnKey,
        batch: &[MakRequest],
        way: Way,
        actor: &Actor,
    ) -> Result<Vec<Said>, Unwritten> {
        let mut tx = self.begin().await?;
        let application = config.applications.get(&key.application).ok_or(Unwritten::Stale)?;
        let sku = key.sku.and_then(|sku| config.sku(key.application, sku)).ok_or(Unwritten::Stale)?;
        let mut devices = Devices::of(&mut tx, application, batch.iter().map(|r| &r.ask)).await?;
        let ids: Vec<Uuid> = batch.iter().map(|request| request.id).collect();
        let boards: Vec<&str> = batch.iter().map(|request| request.hardware.board.as_str()).collect();
        let found = db::mak_look(&mut tx, key.application, key.id, &ids, &boards).await?;
        let (generation, pool, end) = found.ok_or(Unwritten::Stale)?;
        if generation != config.generation {
            return Err(Unwritten::Stale);
        }
        let batch = Batch { application, key, lease_days: sku.lease_days, requests: batch, way };
        let decided = self.decide(&batch, &mut devices, pool, tx.now());
        devices.write(&mut tx).await?;
        if !decided.kept.is_empty() {
            self.write(&mut tx, &batch, &decided, end, actor).await?;
        }
        tx.commit().await?;
        Ok(decided.said)
    }

    /// Decides on each request of a batch in its turn, by the pool as the earlier ones left it. Touches no database.
    fn decide(&self, batch: &Batch<'_>, devices: &mut Devices, mut pool: Pool, now: OffsetDateTime) -> Decided {
        let mut decided = Decided::default();
        for (at, request) in batch.requests.iter().enumerate() {
            let repeated = pool.answers.contains_key(&request.id);
            if let Err(refused) = devices.believe(&request.ask, request.device.as_ref(), repeated) {
                decided.said.push(refused.said(request.id));
                continue;
            }
            // A retry is the same line, with the clock that it had then.
            if !repeated && let Err(outcome) = admitted(batch.application, batch.way, request.ask.time, now) {
                decided.said.push(Said::outcome(request.id, outcome));
                continue;
            }
            let decision = pool.decide(request.id, request.fresh, &request.hardware, batch.application.tolerance);
            let (activation, answer) = match decision {
                Decision::Repeat(line) => {
                    decided.said.push(Said { word: "repeated", line });
                    continue;
                }
                Decision::Spend => {
                    decided.spent.push(at);
                    let answer = Answer::new(request.id, Outcome::Done).confirmed(request.fresh);
                    (Some((request.fresh, request.ends)), answer.leased(request.lease.as_str()))
                }
                Decision::Again(id, hardware) => {
                    decided.again += 1;
                    let lease = self.again(request, id, &hardware, batch.lease_days, now);
                    let ends = now + Duration::days(batch.lease_days);
                    (Some((id, ends)), Answer::new(request.id, Outcome::Done).confirmed(id).leased(lease))
                }
                Decision::Refuse(outcome) => (None, Answer::new(request.id, outcome)),
            };
            decided.kept.push((at, activation));
            let one = Said::answer(&answer);
            pool.answers.insert(request.id, one.line.clone());
            decided.said.push(one);
        }
        decided
    }

    /// Writes what was decided: the activations, the answers, and one event where an activation was told.
    async fn write(
        &self,
        tx: &mut Scoped,
        batch: &Batch<'_>,
        decided: &Decided,
        end: ChainEnd,
        actor: &Actor,
    ) -> Result<(), Unwritten> {
        let Batch { key, requests, way, .. } = *batch;
        let spent: Vec<Spent<'_>> = decided.spent.iter().map(|at| row(&requests[*at])).collect();
        let kept = decided.kept.iter().map(|(at, told)| answered(&requests[*at], *told, &decided.said[*at].line));
        let kept: Vec<Answered<'_>> = kept.collect();
        db::mak_write(tx, (key.application, key.id, way.as_str()), &spent, &kept).await?;
        if !spent.is_empty() || decided.again > 0 {
            let event = event(&batch.application.name, key, &spent, decided.again, way);
            db::add_event(tx, &self.linker, (&key.id.to_string(), end), actor, event).await?;
        }
        Ok(())
    }

    fn again(&self, request: &MakRequest, id: Uuid, hardware: &Hardware, days: i64, at: OffsetDateTime) -> String {
        self.signer.lease(&Grant {
            application: request.ask.application,
            sku: request.ask.sku,
            cmid: request.ask.cmid,
            id,
            at,
            days,
            hardware: Some(hardware),
        })
    }

    /// How a client stands; counts and spends nothing.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn status(
        &self,
        config: &Config,
        id: Uuid,
        ask: &Ask,
        hardware: Option<&Hardware>,
    ) -> sqlx::Result<Said> {
        let (application, sku) = match policy::named(config, ask) {
            Ok(named) => named,
            Err(outcome) => return Ok(Said::outcome(id, outcome)),
        };
        let mut tx = self.begin().await?;
        if let Some(hardware) = hardware
            && let Some(held) = db::mak_state(&mut tx, ask.application, ask.sku, ask.cmid).await?
        {
            let answer = if held.blocked {
                Answer::new(id, Outcome::KeyBlocked)
            } else if held.hardware.is_same(hardware, application.tolerance) {
                let last: Option<Answer> = serde_json::from_str(&held.answer).ok();
                let lease = last.and_then(|last| last.lease);
                Answer { lease, ..Answer::new(id, Outcome::Done).confirmed(held.activation) }
            } else {
                Answer::new(id, Outcome::HardwareBeyondTolerance).confirmed(held.activation)
            };
            return Ok(Said::answer(&answer));
        }
        if application.closed || !sku.by_count {
            return Ok(Said::outcome(id, Outcome::NotEnabled));
        }
        let (count, lease, ends) = db::kms_state(&mut tx, ask.application, ask.cmid).await?.unwrap_or_default();
        let now = tx.now();
        tx.commit().await?;
        let outcome = if count >= sku.needed { Outcome::Done } else { Outcome::CountInsufficient };
        let lease = lease.filter(|_| ends.is_some_and(|ends| ends > now));
        Ok(Said::answer(&Answer { lease, ..Answer::new(id, outcome).counted(count, sku.needed) }))
    }
}

/// What stands against a request whatever its key has left.
fn admitted(application: &Application, way: Way, asked: OffsetDateTime, now: OffsetDateTime) -> Result<(), Outcome> {
    if application.closed {
        return Err(Outcome::NotEnabled);
    }
    match way {
        Way::Online => policy::clock(asked, now),
        Way::Offline if now - asked > Duration::days(offline::DAYS) || asked - now > policy::SKEW => {
            Err(Outcome::ClockSkew)
        }
        Way::Offline => Ok(()),
    }
}

fn row(request: &MakRequest) -> Spent<'_> {
    Spent {
        id: request.fresh,
        sku: request.ask.sku,
        request: request.id,
        cmid: request.ask.cmid,
        machine: &request.ask.machine,
        is_virtual: request.ask.r#virtual,
        hardware: &request.hardware,
        address: &request.address,
    }
}

fn answered<'a>(request: &'a MakRequest, told: Option<(Uuid, OffsetDateTime)>, answer: &'a str) -> Answered<'a> {
    Answered {
        request: request.id,
        activation: told.map(|(id, _)| id),
        cmid: request.ask.cmid,
        machine: &request.ask.machine,
        answer,
        ends: told.map(|(_, ends)| ends),
    }
}

/// One event a batch, on the key's own chain: a hot key's writers wait for each other anyway, and for nobody else.
fn event(application: &str, key: &OwnKey, spent: &[Spent<'_>], again: usize, way: Way) -> Event {
    let subject = format!("{} spent of {application}, key ending in {}", spent.len(), key.last_five);
    let ids: Vec<String> = spent.iter().map(|row| row.id.to_string()).collect();
    Event::done("activation.mak", subject)
        .on(key.contract)
        .with(json!({ "activations": ids, "again": again, "way": way.as_str() }))
        .keys(vec![key.id])
}
