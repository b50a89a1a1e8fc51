//! Enrolling a device: by its own request, or carried by somebody.

use ed25519_dalek::VerifyingKey;
use serde_json::json;
use uuid::Uuid;

use super::{
    config::Config,
    db,
    ledger::{Ledger, Said},
    wire::{Answer, Enrol, Fault, LINE, Outcome, PIPELINE, Site},
};
use crate::audit::{Actor, Event};

impl Ledger {
    /// What a `hello` is told: the site and its public keys.
    pub fn hello(&self, config: &Config, id: Uuid) -> Said {
        let site = Site {
            iss: self.signer.issuer().to_owned(),
            keys: config.lease_keys.clone(),
            line: LINE,
            pipeline: PIPELINE,
        };
        Said::answer(&Answer { site: Some(site), ..Answer::new(id, Outcome::Done) })
    }

    /// Makes the key that signed a `hello` stand for its client, by the code that an administrator handed out. The same
    /// once more changes nothing.
    ///
    /// # Errors
    /// When the database fails. A refusal is the answer.
    pub async fn enrol(
        &self,
        config: &Config,
        id: Uuid,
        enrol: &Enrol,
        device: Option<VerifyingKey>,
        actor: &Actor,
    ) -> sqlx::Result<Said> {
        let refused = |why| Ok(Said::fault(Some(id), &Fault::Enrolment(why)));
        let Some(device) = device else { return refused("a hello that enrols is signed by the device's own key") };
        let Some(application) = config.applications.get(&enrol.application) else {
            return Ok(Said::outcome(id, Outcome::UnknownSku));
        };
        let code = enrol.code.trim().to_ascii_uppercase();
        let mut tx = self.begin().await?;
        let (outcome, fresh): (String, bool) = sqlx::query_as("SELECT * FROM responder_enrol($1, $2, $3, $4, $5)")
            .bind(enrol.application)
            .bind(enrol.cmid)
            .bind(&enrol.machine)
            .bind(self.site.enrolment_hash(&code).as_slice())
            .bind(device.as_bytes().as_slice())
            .fetch_one(&mut *tx)
            .await?;
        if fresh {
            let chain = application.contract.to_string();
            let end = db::chain_end(&mut tx, &chain).await?;
            let event = Event::done("device.enrol", format!("{} of {}", enrol.machine, application.name))
                .on(application.contract)
                .with(json!({ "cmid": enrol.cmid.to_string() }));
            db::add_event(&mut tx, &self.linker, (&chain, end), actor, event).await?;
        }
        tx.commit().await?;
        match outcome.as_str() {
            "done" => Ok(self.hello(config, id)),
            "closed" => refused("the application is closed"),
            "spent" => refused("the code has been used as often as it may be"),
            "revoked" => refused("this device's trust was taken away"),
            _ => refused("the code isn't valid, or no more"),
        }
    }
}
