//! The example client in Python, written from docs/protocol.md alone: what it says with our own responder.

use std::{
    path::{Path, PathBuf},
    sync::LazyLock,
};

use keyward::{activation::administration as admin, clock::Clock};
use secrecy::ExposeSecret;
use tempfile::TempDir;
use time::Duration;

use super::site::{Responder, Site, instance};

/// A Python that has what the client needs; none is no reason to pass.
static PYTHON: LazyLock<String> = LazyLock::new(|| {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/ensure-python.sh");
    let output = std::process::Command::new(script).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
});

struct Client {
    state: PathBuf,
    at: String,
}

impl Client {
    fn new(dir: &TempDir, name: &str, responder: &Responder) -> Self {
        Self { state: dir.path().join(name), at: responder.at.to_string() }
    }

    /// Runs a command; whether it says that it succeeded, and what it prints.
    async fn run(&self, args: &[&str]) -> (bool, String) {
        let client = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/python/client.py");
        let mut command = tokio::process::Command::new(&*PYTHON);
        command.arg(client).arg(&self.state).arg(&self.at).args(args);
        let output = command.output().await.unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
        (output.status.success(), said)
    }
}

#[test]
fn the_client_is_short() {
    let client = include_str!("../../examples/python/client.py");
    assert!(client.lines().count() < 150);
}

#[tokio::test]
async fn a_client_in_python_is_activated_by_key_and_by_count() {
    let site = Site::new(1).await;
    site.administer(async |tx| drop(admin::change_sku(tx, site.client, 2, 180).await.unwrap())).await;
    // Python has the machine's clock.
    let responder = Responder::start_at(&site.estate, instance(1), Default::default(), Clock::System).await;
    let dir = tempfile::tempdir().unwrap();
    let (one, two) = (Client::new(&dir, "one", &responder), Client::new(&dir, "two", &responder));
    let (application, sku) = (site.application.to_string(), site.client.to_string());
    for client in [&one, &two] {
        assert!(client.run(&["hello"]).await.0);
    }
    let (done, said) = one.run(&["activate", &application, &sku]).await;
    assert!(!done && said.starts_with("0xC004F038"), "{said}");
    assert!(two.run(&["activate", &application, &sku]).await.0);
    assert!(two.run(&["show"]).await.1.starts_with("licensed until"));
    let key = site.mak.key.expose();
    let mak = ["mak", &application, &sku, key, "board=b1", "cpu=c1", "disk=d1"];
    assert!(one.run(&mak).await.0);
    assert!(one.run(&mak).await.0, "the same machine again");
    assert!(one.run(&["show", "board=b1", "cpu=c1", "disk=d2"]).await.0, "a new disk is within tolerance");
    assert!(!one.run(&["show", "board=b2"]).await.0);
    let (done, said) = one.run(&["status", &application, &sku, "board=b2"]).await;
    assert!(!done && said.starts_with("0xC004F00F"), "{said}");
    let (done, said) = two.run(&["mak", &application, &sku, key, "board=b9"]).await;
    assert!(!done && said.starts_with("0xC004C020"), "{said}");
    let typo = match key.strip_prefix('B') {
        Some(rest) => format!("C{rest}"),
        None => format!("B{}", &key[1..]),
    };
    assert_eq!(two.run(&["mak", &application, &sku, &typo]).await.1.trim(), "the key is mistyped");
    assert_eq!(site.used().await, 1);
    responder.stop().await;
    site.done().await;
}

#[tokio::test]
async fn a_client_in_python_enrols_and_signs() {
    let site = Site::with(1, true, Default::default()).await;
    let mut code = String::new();
    site.administer(async |tx| {
        let keys = site.estate.vault.site_keys();
        let made = admin::add_code(tx, keys, site.application, 1, Duration::days(30_000), "").await.unwrap();
        code = made.0.expose_secret().to_owned();
    })
    .await;
    let responder = Responder::start_at(&site.estate, instance(1), Default::default(), Clock::System).await;
    let dir = tempfile::tempdir().unwrap();
    let client = Client::new(&dir, "client", &responder);
    let (application, sku) = (site.application.to_string(), site.client.to_string());
    assert_eq!(client.run(&["activate", &application, &sku]).await.1.split(' ').next(), Some("enrolment"));
    assert!(client.run(&["enrol", &application, &code]).await.0);
    assert!(client.run(&["activate", &application, &sku]).await.1.starts_with("0xC004F038"));
    assert!(client.run(&["mak", &application, &sku, site.mak.key.expose(), "board=b1"]).await.0);
    responder.stop().await;
    site.done().await;
}
