//! This host's places under the host keys of applications: 6 hosts a key, each activated once and reactivated
//! 9 times (DOMAIN §3). The host is told what the key has left; its clients are told that it isn't activated.

use serde_json::json;
use uuid::Uuid;

use super::host::Host;
use crate::{
    activation::{
        config::{Config, OwnKey},
        db,
        wire::Outcome,
    },
    audit::{Actor, Event},
};

impl Host {
    /// Takes or keeps this host's place under one of an application's host keys.
    pub(super) async fn take_place(
        &self,
        config: &Config,
        application: Uuid,
        before: Option<&Outcome>,
    ) -> sqlx::Result<Outcome> {
        let mut told = Outcome::HostNotActivated;
        for key in config.host_keys(application) {
            let mut tx = self.ledger.begin().await?;
            let (code, spent): (String, bool) = sqlx::query_as("SELECT * FROM responder_take_slot($1, $2, $3, $4, $5)")
                .bind(application)
                .bind(key.id)
                .bind(self.instance.id)
                .bind(&self.instance.host)
                .bind(self.instance.machine.as_slice())
                .fetch_one(&mut *tx)
                .await?;
            told = Outcome::from_code(&code).unwrap_or(Outcome::HostNotActivated);
            if spent || (told != Outcome::Done && before != Some(&told)) {
                let end = db::chain_end(&mut tx, &key.id.to_string()).await?;
                let event = self.place_event(key, told);
                let actor = Actor::system("responder");
                db::add_event(&mut tx, &self.ledger.linker, (&key.id.to_string(), end), &actor, event).await?;
            }
            tx.commit().await?;
            if told == Outcome::Done {
                return Ok(told);
            }
            if before != Some(&told) {
                tracing::warn!(result = told.code(), key = key.last_five, "this host can't use a host key");
            }
        }
        Ok(told)
    }

    fn place_event(&self, key: &OwnKey, told: Outcome) -> Event {
        let subject = format!("{} by the key ending in {}", self.instance.host, key.last_five);
        let event = match told {
            Outcome::Done => Event::done("activation.host", subject),
            _ => Event::denied("activation.host-refused", subject),
        };
        let detail = json!({ "instance": self.instance.id.to_string(), "result": told.code() });
        event.on(key.contract).with(detail).keys(vec![key.id])
    }
}
