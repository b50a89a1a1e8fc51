//! Trust: SECURITY "Count inflater". Enrolled applications believe signed requests of known devices alone.

use ed25519_dalek::SigningKey;
use keyward::{
    activation::{administration as admin, fields::moment, jws},
    responder::Limits,
};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use time::Duration;
use uuid::Uuid;

use super::site::{Site, cmid};

fn key(n: u8) -> SigningKey {
    SigningKey::from_bytes(&[n; 32])
}

fn signed(key: &SigningKey, request: &Value) -> Value {
    json!({ "v": 1, "jws": jws::sign_device(key, request.to_string().as_bytes()) })
}

fn enrol(site: &Site, client: u128, code: &str) -> Value {
    json!({ "v": 1, "op": "hello", "id": Uuid::new_v4(), "enrol": {
        "application": site.application, "cmid": cmid(client), "machine": format!("PC-{client:04}"), "code": code } })
}

async fn code(site: &Site, uses: i32) -> String {
    let mut code = String::new();
    site.administer(async |tx| {
        let keys = site.estate.vault.site_keys();
        let made = admin::add_code(tx, keys, site.application, uses, Duration::days(1), "").await.unwrap();
        code = made.0.expose_secret().to_owned();
    })
    .await;
    code
}

#[tokio::test]
async fn security_an_id_that_is_not_enrolled_is_shown_and_never_counted() {
    let site = Site::with(9, true, Limits::default()).await;
    assert_eq!(site.ask(&site.activate(1)).await["error"], "enrolment");
    assert_eq!(site.ask(&signed(&key(1), &site.activate(2))).await["error"], "enrolment");
    assert_eq!(site.ask(&site.mak(3)).await["error"], "enrolment");
    site.responder.host.beat().await.unwrap();
    assert_eq!(site.scalar::<i64>("SELECT count(*) FROM unverified_clients").await, 3);
    assert_eq!(site.scalar::<i64>("SELECT count FROM kms_counts").await, 0);
    assert_eq!(site.used().await, 0);
    site.done().await;
}

#[tokio::test]
async fn an_enrolled_device_is_counted_by_its_own_key_alone() {
    let site = Site::with(9, true, Limits::default()).await;
    let code = code(&site, 1).await;
    let wrong = site.ask(&signed(&key(1), &enrol(&site, 1, "WRONG"))).await;
    assert_eq!(wrong["error"], "enrolment");
    assert_eq!(site.ask(&enrol(&site, 1, &code)).await["error"], "enrolment", "unsigned");
    let hello = site.ask(&signed(&key(1), &enrol(&site, 1, &code))).await;
    assert_eq!(hello["result"], "0x00000000");
    // Once more the same: a retry costs no use of the code. Another device finds it used.
    assert_eq!(site.ask(&signed(&key(1), &enrol(&site, 1, &code))).await["result"], "0x00000000");
    assert_eq!(site.ask(&signed(&key(2), &enrol(&site, 2, &code))).await["error"], "enrolment");
    assert_eq!(site.ask(&signed(&key(1), &site.activate(1))).await["count"], 1);
    assert_eq!(site.ask(&signed(&key(2), &site.activate(1))).await["error"], "enrolment", "another's key");
    assert_eq!(site.ask(&signed(&key(1), &site.mak(1))).await["result"], "0x00000000");
    site.assert_chain().await;
    site.done().await;
}

/// SECURITY "Replayer": what was overheard counts nothing later; a retry of the last request is answered alike.
#[tokio::test]
async fn security_a_replayed_request_counts_nothing() {
    let site = Site::with(9, true, Limits::default()).await;
    let code = code(&site, 1).await;
    site.ask(&signed(&key(1), &enrol(&site, 1, &code))).await;
    let overheard = signed(&key(1), &site.activate(1));
    site.ask(&overheard).await;
    site.turn(Duration::hours(1));
    let mut later = site.activate(1);
    later["time"] = moment(site.now()).into();
    let last = site.ask(&signed(&key(1), &later)).await;
    assert_eq!(site.ask(&overheard).await["result"], "0xC004F06C");
    assert_eq!(site.ask(&signed(&key(1), &later)).await, last);
    site.done().await;
}

#[tokio::test]
async fn a_device_whose_trust_is_taken_away_leaves_the_count() {
    let site = Site::with(9, true, Limits::default()).await;
    let code = code(&site, 5).await;
    site.ask(&signed(&key(1), &enrol(&site, 1, &code))).await;
    site.ask(&signed(&key(1), &site.activate(1))).await;
    site.administer(async |tx| drop(admin::revoke_device(tx, site.application, cmid(1)).await.unwrap())).await;
    assert_eq!(site.scalar::<i64>("SELECT count FROM kms_counts").await, 0);
    assert_eq!(site.ask(&signed(&key(1), &site.activate(1))).await["error"], "enrolment");
    assert_eq!(site.ask(&signed(&key(1), &enrol(&site, 1, &code))).await["error"], "enrolment", "it can't enrol again");
    site.done().await;
}
