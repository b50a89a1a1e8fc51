//! Things of the world that are corrected by hand: one of each kind under a License ID.

use keyward::postgres::Scope;
use uuid::Uuid;

use crate::support::app::{App, NOW};

/// What was planted for one License ID.
#[derive(Clone, Copy, Debug)]
pub struct Corrected {
    /// Its order line.
    pub order: Uuid,
    /// A contact.
    pub contact: Uuid,
    /// Its organisation.
    pub organization: Uuid,
    /// An agreement that stands above nothing.
    pub agreement: Uuid,
    /// A set of changes: a note on its key.
    pub set: Uuid,
}

impl Corrected {
    /// All ids.
    pub fn ids(self) -> [Uuid; 5] {
        [self.order, self.contact, self.organization, self.agreement, self.set]
    }
}

/// Plants them.
pub async fn corrected(app: &App, contract: Uuid, key: Uuid, person: Uuid) -> Corrected {
    let mut tx = app.state.db.begin(Scope::System).await.unwrap();
    let one = async |tx: &mut keyward::postgres::Scoped, statement: &'static str| -> Uuid {
        sqlx::query_scalar(statement).bind(contract).fetch_one(&mut **tx).await.unwrap()
    };
    let order = one(&mut tx, "SELECT id FROM orders WHERE contract_id = $1").await;
    let organization = one(&mut tx, "SELECT organization_id FROM contracts WHERE id = $1").await;
    let contact = one(
        &mut tx,
        "INSERT INTO contacts (id, contract_id, role, name, email)
         VALUES (gen_random_uuid(), $1, 'Primary', 'Planted Contact', 'contact@keyward.example') RETURNING id",
    )
    .await;
    let agreement =
        one(&mut tx, "INSERT INTO agreements (id, number) VALUES (gen_random_uuid(), 'AG ' || $1::text) RETURNING id")
            .await;
    let set = Uuid::now_v7();
    sqlx::query(
        "INSERT INTO changes (id, set_id, at, person_id, thing, row_id, contract_id, subject, before, after, shown)
         VALUES (gen_random_uuid(), $1, $2, $3, 'key', $4, $5, 'Planted …AAAA7', '{\"note\": \"\"}', '{\"note\": \"\"}', '[[\"Note\", \"\", \"planted\"]]')",
    )
    .bind(set)
    .bind(NOW)
    .bind(person)
    .bind(key)
    .bind(contract)
    .execute(&mut *tx)
    .await
    .unwrap();
    tx.commit().await.unwrap();
    Corrected { order, contact, organization, agreement, set }
}
