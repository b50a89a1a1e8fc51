//! Webhooks, against a real receiver that checks what it is sent as the manual says.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use axum::{Router, body::Bytes, extract::State, http::HeaderMap, response::IntoResponse, routing::post};
use hmac::{Hmac, KeyInit, Mac};
use keyward::{
    notices::{
        outbox::{LEASE, Round},
        webhook::{Caller, round, secret},
    },
    vault::Vault,
};
use sha2::Sha256;
use time::Duration;
use tokio::{net::TcpListener, sync::Notify};
use url::Url;
use uuid::Uuid;

use super::{put, texts};
use crate::support::people::World;

/// What came in.
#[derive(Clone, Debug)]
struct Received {
    path: String,
    event_id: String,
    signature: String,
    body: String,
}

#[derive(Default)]
struct Inner {
    received: Mutex<Vec<Received>>,
    answers: Mutex<VecDeque<u16>>,
    come: Notify,
    go: Notify,
    holds: Mutex<bool>,
}

/// A receiver; answers 200 once its answers are used up.
#[derive(Clone)]
struct Receiver {
    inner: Arc<Inner>,
    url: String,
}

impl Receiver {
    async fn start(answers: &[u16]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/in?from=keyward", listener.local_addr().unwrap());
        let inner = Arc::new(Inner { answers: Mutex::new(answers.to_vec().into()), ..Inner::default() });
        let app = Router::new().route("/in", post(take)).route("/elsewhere", post(take)).with_state(inner.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { inner, url }
    }

    fn received(&self) -> Vec<Received> {
        self.inner.received.lock().unwrap().clone()
    }
}

async fn take(
    State(inner): State<Arc<Inner>>,
    uri: axum::http::Uri,
    head: HeaderMap,
    body: Bytes,
) -> impl IntoResponse {
    let line = |name: &str| head.get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
    inner.received.lock().unwrap().push(Received {
        path: uri.to_string(),
        event_id: line("keyward-event-id"),
        signature: line("keyward-signature"),
        body: String::from_utf8(body.to_vec()).unwrap(),
    });
    let holds = *inner.holds.lock().unwrap();
    if holds {
        inner.come.notify_one();
        inner.go.notified().await;
    }
    let status = inner.answers.lock().unwrap().pop_front().unwrap_or(200);
    (axum::http::StatusCode::from_u16(status).unwrap(), [("location", "/elsewhere")])
}

/// A site with a webhook.
struct Site {
    world: World,
    vault: Arc<Vault>,
    webhook: Uuid,
    _keys: tempfile::TempDir,
}

impl Site {
    async fn new(url: &str) -> Self {
        let world = World::new().await;
        let keys = tempfile::tempdir().unwrap();
        let vault = Vault::open(&world.db, &keys.path().join("kek"), &keys.path().join("site")).await.unwrap();
        let webhook = Uuid::now_v7();
        let mut tx = world.system().await;
        sqlx::query("INSERT INTO webhooks (id, url, created_at) VALUES ($1, $2, app_now())")
            .bind(webhook)
            .bind(url)
            .execute(&mut *tx)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        Self { world, vault: Arc::new(vault), webhook, _keys: keys }
    }

    async fn send(&self) -> Round {
        let base: Url = "https://keyward.example/".parse().unwrap();
        round(&self.world.db, &Caller::new(None).unwrap(), &self.vault, &base).await.unwrap()
    }

    async fn outcomes(&self) -> Vec<String> {
        texts(
            &self.world,
            "SELECT coalesce(outcome, 'waits') || ' ' || fault FROM outbox WHERE way = 'webhook' ORDER BY made_at",
        )
        .await
    }
}

/// As a receiver does it (docs/operations.md): time, then HMAC-SHA-256 over `SECONDS.BODY`.
fn verify(secret: &str, received: &Received, now: i64) -> Result<(), &'static str> {
    let (time, hash) = received.signature.split_once(',').ok_or("no signature")?;
    let seconds: i64 = time.strip_prefix("t=").and_then(|text| text.parse().ok()).ok_or("no time")?;
    if (now - seconds).abs() > 300 {
        return Err("too old");
    }
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("{seconds}.{}", received.body).as_bytes());
    let made: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    if hash.strip_prefix("v1=") == Some(&made) { Ok(()) } else { Err("forged") }
}

#[tokio::test]
async fn an_event_is_signed_so_that_neither_a_forged_nor_an_old_one_passes() {
    let receiver = Receiver::start(&[]).await;
    let site = Site::new(&receiver.url).await;
    let (mara, ilya) = (site.world.person("mara").await, site.world.person("ilya").await);
    put(&site.world, "12", "It was approved: CNRYA-7QX2K-9WPVM-4TJHB-AAAA7.", &[&mara, &ilya], None).await;
    assert_eq!(site.send().await.sent, 1, "one event, however many people");
    assert_eq!(site.send().await.sent, 0);
    let received = receiver.received();
    let (event, secret, now) =
        (&received[0], secret(&site.vault, site.webhook), site.world.clock.now().unix_timestamp());
    assert_eq!(event.path, "/in?from=keyward");
    assert_eq!(verify(&secret, event, now), Ok(()));
    assert_eq!(verify(&secret, event, now + 301), Err("too old"));
    assert_eq!(verify("whsec_other", event, now), Err("forged"));
    let changed = Received { body: event.body.replace("approved", "declined"), ..event.clone() };
    assert_eq!(verify(&secret, &changed, now), Err("forged"));
    let told: serde_json::Value = serde_json::from_str(&event.body).unwrap();
    assert_eq!(told["id"], event.event_id);
    assert_eq!((&told["kind"], &told["about"]), (&"request-approved".into(), &"12".into()));
    assert_eq!(told["url"], "https://keyward.example/requests/12");
    assert!(!crate::web::matrix::holds(event.body.as_bytes(), "CNRYA-7QX2K-9WPVM-4TJHB-AAAA7"), "{}", event.body);
    site.world.done().await;
}

#[tokio::test]
async fn a_receiver_that_fails_gets_the_same_event_again_under_a_new_time() {
    let receiver = Receiver::start(&[500, 503]).await;
    let site = Site::new(&receiver.url).await;
    let mara = site.world.person("mara").await;
    put(&site.world, "1", "Something happened.", &[&mara], None).await;
    assert_eq!(site.send().await.sent, 0);
    assert_eq!(site.send().await, Round::default(), "not before a minute has passed");
    site.world.clock.turn(Duration::minutes(1));
    assert_eq!(site.send().await.sent, 0);
    site.world.clock.turn(Duration::minutes(2));
    assert_eq!(site.send().await.sent, 1);
    let received = receiver.received();
    assert_eq!(received.len(), 3);
    assert!(received.iter().all(|event| event.event_id == received[0].event_id && event.body == received[0].body));
    assert_ne!(received[0].signature, received[2].signature, "signed anew: an old time would be refused");
    site.world.done().await;
}

#[tokio::test]
async fn a_redirect_isnt_followed() {
    let receiver = Receiver::start(&[307]).await;
    let site = Site::new(&receiver.url).await;
    let mara = site.world.person("mara").await;
    put(&site.world, "1", "Something happened.", &[&mara], None).await;
    let done = site.send().await;
    assert!(done.down.is_some_and(|fault| fault.contains("a redirect, which isn't followed")));
    let received = receiver.received();
    assert!(received.len() == 1 && received[0].path.starts_with("/in"), "{received:?}");
    site.world.done().await;
}

#[tokio::test]
async fn a_receiver_that_is_down_or_gone() {
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", nobody.local_addr().unwrap());
    drop(nobody);
    let site = Site::new(&url).await;
    let mara = site.world.person("mara").await;
    put(&site.world, "1", "Something happened.", &[&mara], None).await;
    put(&site.world, "2", "Something else happened.", &[&mara], None).await;
    let done = site.send().await;
    assert!(done.down.is_some_and(|fault| fault.contains("can't be reached")));
    // Moved by its operator: what waits goes to the new address.
    let receiver = Receiver::start(&[410]).await;
    let mut tx = site.world.system().await;
    sqlx::query("UPDATE webhooks SET ended_at = app_now()").execute(&mut *tx).await.unwrap();
    sqlx::query("INSERT INTO webhooks (id, url, created_at) VALUES (gen_random_uuid(), $1, app_now())")
        .bind(&receiver.url)
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    site.world.clock.turn(Duration::minutes(1));
    assert_eq!(site.send().await.sent, 1);
    let outcomes = site.outcomes().await;
    assert!(outcomes.iter().any(|outcome| outcome.starts_with("refused the receiver answers 410")), "{outcomes:?}");
    // And removed: what waits is dropped.
    put(&site.world, "3", "A third thing happened.", &[&mara], None).await;
    site.world.run("UPDATE webhooks SET ended_at = app_now() WHERE ended_at IS NULL AND id <> $1", Uuid::nil()).await;
    assert_eq!(site.send().await, Round::default());
    assert!(site.outcomes().await.contains(&"dropped ".to_owned()));
    site.world.done().await;
}

#[tokio::test]
async fn a_slow_receiver_isnt_called_twice() {
    let receiver = Receiver::start(&[]).await;
    *receiver.inner.holds.lock().unwrap() = true;
    let site = Arc::new(Site::new(&receiver.url).await);
    let mara = site.world.person("mara").await;
    put(&site.world, "1", "Something happened.", &[&mara], None).await;
    let slow = tokio::spawn({
        let site = site.clone();
        async move { site.send().await }
    });
    receiver.inner.come.notified().await;
    assert_eq!(site.send().await, Round::default());
    receiver.inner.go.notify_one();
    assert_eq!(slow.await.unwrap().sent, 1);
    site.world.clock.turn(LEASE);
    assert_eq!(site.send().await, Round::default());
    assert_eq!(receiver.received().len(), 1);
    Arc::into_inner(site).unwrap().world.done().await;
}

/// A sender that is killed while the receiver thinks: the event comes once more, with its id.
#[tokio::test]
async fn a_killed_caller_lets_go_and_the_event_keeps_its_id() {
    let receiver = Receiver::start(&[]).await;
    *receiver.inner.holds.lock().unwrap() = true;
    let site = Arc::new(Site::new(&receiver.url).await);
    let mara = site.world.person("mara").await;
    put(&site.world, "1", "Something happened.", &[&mara], None).await;
    let killed = tokio::spawn({
        let site = site.clone();
        async move { site.send().await }
    });
    receiver.inner.come.notified().await;
    killed.abort();
    assert!(killed.await.unwrap_err().is_cancelled());
    *receiver.inner.holds.lock().unwrap() = false;
    assert_eq!(site.send().await, Round::default());
    site.world.clock.turn(LEASE);
    assert_eq!(site.send().await.sent, 1);
    let received = receiver.received();
    assert_eq!((received.len(), &received[0].event_id), (2, &received[1].event_id));
    Arc::into_inner(site).unwrap().world.done().await;
}
