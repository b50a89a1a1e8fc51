//! Typed requests: what somebody reads off a machine without a connection and types at the portal.

use uuid::Uuid;

use super::{
    code::{BadCode, CodedConfirmation, CodedRequest},
    ledger::{Ledger, MakRequest, Said, Unwritten},
    wire::{Answer, Outcome},
};
use crate::audit::Actor;

/// What a typed request was told.
#[derive(Clone, Debug)]
pub struct Typed {
    /// The answer, as a confirmation file holds it.
    pub said: Said,
    /// The code to type at the machine, where it was activated; or why there is only the answer.
    pub code: Result<Option<String>, BadCode>,
}

/// Why a typed request isn't served.
#[derive(Debug, thiserror::Error)]
pub enum Unserved {
    /// The code says nothing that can be served.
    #[error(transparent)]
    Code(#[from] BadCode),
    /// No key ends so.
    #[error("no MAK that you administer ends in {0}: check the key that was installed on the machine")]
    NoKey(String),
    /// More than one key ends so.
    #[error("several MAKs end in {0}: use a request file, which holds the whole key")]
    Ambiguous(String),
    /// Only signed requests count there.
    #[error(
        "{0} takes enrolled devices only, and what they sign is too long to type: on the machine run keyward agent request --output FILE (with --enrol CODE where it was never enrolled) and bring that file"
    )]
    Enrolled(String),
    /// It wasn't written.
    #[error(transparent)]
    Unwritten(#[from] Unwritten),
}

impl Ledger {
    /// Serves a typed request for somebody who may administer `contracts`; `machine` is the machine's name as
    /// that person knows it.
    ///
    /// # Errors
    /// [`Unserved`]. The same code may be sent again: it is the same request.
    pub async fn typed(
        &self,
        asked: &CodedRequest,
        machine: &str,
        contracts: &[Uuid],
        actor: &Actor,
    ) -> Result<Typed, Unserved> {
        let id = asked.id()?;
        let config = self.config().await.map_err(Unwritten::from)?;
        let keys = config.maks_ending(&asked.last_five, contracts);
        let key = match keys[..] {
            [] => return Err(Unserved::NoKey(asked.last_five.clone())),
            [key] => key,
            [_, _, ..] => return Err(Unserved::Ambiguous(asked.last_five.clone())),
        };
        if let Some(application) = config.applications.get(&key.application).filter(|known| known.enrolled) {
            return Err(Unserved::Enrolled(application.name.clone()));
        }
        let sku = key.sku.and_then(|sku| config.sku(key.application, sku));
        let Some(sku) = sku else {
            return Ok(Typed { said: Said::outcome(id, Outcome::UnknownSku), code: Ok(None) });
        };
        let ask = asked.ask(key.application, sku.id, machine);
        let request: MakRequest = self.prepare(sku.lease_days, id, ask, asked.hardware.clone());
        let said = self.carried_batch(key, &[request], actor).await?.remove(0);
        let lease = serde_json::from_str::<Answer>(&said.line).ok().and_then(|answer| answer.lease);
        let code = lease.map(|lease| CodedConfirmation::of(&lease, &asked.hardware).map(|code| code.write()));
        Ok(Typed { said, code: code.transpose() })
    }
}
