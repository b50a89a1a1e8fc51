//! An own application in the world: a row in every table that activation has.

use keyward::{
    activation::administration::{self as admin, NewApplication, NewSku, SkuKind},
    keys::ProductKey,
    postgres::Scope,
};
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

use crate::support::app::{App, NOW};

/// What was planted for one License ID.
#[derive(Clone, Copy, Debug)]
pub struct Own {
    /// The application.
    pub application: Uuid,
    /// Its edition.
    pub sku: Uuid,
    /// Its MAK.
    pub key: Uuid,
    /// A machine in the count, which is enrolled and holds an activation.
    pub cmid: Uuid,
    /// Its enrolment code.
    pub code: Uuid,
    /// The request that spent the activation.
    pub request: Uuid,
}

/// Plants an application; its MAK is `canary`, sealed as an issued one is.
pub async fn own(app: &App, contract: Uuid, name: &str, canary: &str) -> Own {
    let mut tx = app.state.db.begin(Scope::System).await.unwrap();
    let product =
        admin::add_product(&mut tx, &format!("own-{}", name.to_lowercase()), &format!("Own {name}")).await.unwrap();
    let new = NewApplication { contract, name: name.into(), enrolled: true, tolerance: 7 };
    let (application, _) = admin::add_application(&mut tx, &new).await.unwrap();
    let new = NewSku {
        application,
        product,
        edition: "Standard".into(),
        kind: SkuKind::Client,
        by_count: true,
        needed: 25,
        lease_days: 180,
    };
    let (sku, _) = admin::add_sku(&mut tx, &new).await.unwrap();
    let host_key = admin::issue_host_key(&mut tx, &app.state.vault, application, product).await.unwrap().id;
    tx.commit().await.unwrap();
    let key = super::world::key(app, contract, product, canary).await;
    let planted = Own { application, sku, key, cmid: Uuid::new_v4(), code: Uuid::new_v4(), request: Uuid::new_v4() };
    let fingerprint = app.state.vault.fingerprint(&ProductKey::parse(canary).unwrap());
    rows(app, contract, planted, host_key, &fingerprint).await;
    planted
}

/// What only the functions of the ledger may write, written by the owner.
async fn rows(app: &App, contract: Uuid, own: Own, host_key: Uuid, fingerprint: &[u8]) {
    let mut owner = PgConnection::connect_with(&app.database().owner).await.unwrap();
    let (activation, instance) = (Uuid::new_v4(), Uuid::new_v4());
    let statements = format!(
        "UPDATE product_keys SET ledger = true WHERE id = '{key}';
         INSERT INTO own_keys (key_id, application_id, contract_id, kind, sku_id, fingerprint)
            VALUES ('{key}', '{application}', '{contract}', 'MAK', '{sku}', '\\x{fingerprint}');
         INSERT INTO activations (id, key_id, application_id, sku_id, request_id, cmid, machine, virtual, board, hardware, at, way, address)
            VALUES ('{activation}', '{key}', '{application}', '{sku}', '{request}', '{cmid}', 'PLANTED', false, 'b', '{{b,NULL,NULL,NULL,NULL,NULL}}', '{NOW}', 'online', '127.0.0.1');
         INSERT INTO mak_answers (application_id, request_id, key_id, activation_id, cmid, machine, at, answer)
            VALUES ('{application}', '{request}', '{key}', '{activation}', '{cmid}', 'PLANTED', '{NOW}', '{{\"planted\":\"{request}\"}}');
         INSERT INTO kms_clients (application_id, cmid, sku_id, machine, virtual, first_seen_at, asked_at, counted, address, request_id, result, count, needed)
            VALUES ('{application}', '{cmid}', '{sku}', 'PLANTED', false, '{NOW}', '{NOW}', true, '127.0.0.1', '{request}', '0xC004F038', 1, 25);
         UPDATE kms_counts SET count = 1, next_expiry = '{NOW}'::timestamptz + interval '30 days', largest_needed = 25 WHERE application_id = '{application}';
         INSERT INTO kms_samples (application_id, at, count, capped) VALUES ('{application}', '{NOW}', 1, 1);
         INSERT INTO unverified_clients (application_id, cmid, machine, address, first_seen_at, asked_at)
            VALUES ('{application}', '{instance}', 'STRANGER', '127.0.0.1', '{NOW}', '{NOW}');
         INSERT INTO enrolment_codes (id, application_id, code_hash, note, most_uses, created_at, ends_at)
            VALUES ('{code}', '{application}', uuid_send('{code}'), 'planted', 5, '{NOW}', '{NOW}'::timestamptz + interval '9 days');
         INSERT INTO devices (application_id, cmid, public_key, machine, code_id, enrolled_at)
            VALUES ('{application}', '{cmid}', '\\x01', 'PLANTED', '{code}', '{NOW}');
         INSERT INTO responder_instances (id, host, listens, version, started_at, seen_at) VALUES ('{instance}', 'host', '127.0.0.1:1688', '0', '{NOW}', '{NOW}');
         INSERT INTO host_slots (key_id, instance_id, activations, host, machine, first_at, last_at)
            VALUES ('{host_key}', '{instance}', 1, 'host', '\\x01', '{NOW}', '{NOW}');
         INSERT INTO host_results (instance_id, application_id, result, at) VALUES ('{instance}', '{application}', '0x00000000', '{NOW}');
         INSERT INTO responder_minutes (instance_id, minute, op, result, requests) VALUES ('{instance}', '{NOW}', 'hello', '0x00000000', 1);
         INSERT INTO foreign_clients (address, first_at, last_at, contacts) VALUES ('192.0.2.1', '{NOW}', '{NOW}', 1) ON CONFLICT DO NOTHING;
         INSERT INTO lease_keys (kid, x, last_used_at) VALUES ('planted', 'planted', '{NOW}') ON CONFLICT DO NOTHING;",
        key = own.key,
        application = own.application,
        sku = own.sku,
        request = own.request,
        cmid = own.cmid,
        code = own.code,
        fingerprint = keyward::vault::files::hex(fingerprint),
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(statements)).execute(&mut owner).await.unwrap();
}
