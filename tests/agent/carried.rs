//! Without any connection: a request is carried to the portal and the confirmation back.

use keyward::{
    activation::{
        administration as admin,
        code::{BadCode, CodedRequest},
        offline::{self, CONFIRMATIONS},
        typed::Unserved,
    },
    agent::{Agent, Product, Trouble},
    audit::Actor,
    responder::Limits,
};
use secrecy::ExposeSecret;
use time::Duration;

use super::{machine, state};
use crate::responder::site::Site;

/// An agent that never meets a host: its site's keys were brought.
async fn isolated(site: &Site, dir: &std::path::Path, number: u16) -> Agent {
    let agent = Agent::new(dir.join(format!("{number}.json")))
        .of(Product { application: site.application, sku: site.client })
        .on(machine(number))
        .by(site.estate.db.clock().clone());
    agent.install_key(site.mak.key.expose()).await.unwrap();
    agent
}

async fn trust(site: &Site, agent: &Agent) {
    let signer = site.ledger().await.signer;
    agent.trust(signer.issuer().into(), vec![signer.public()]).await.unwrap();
}

#[tokio::test]
async fn vamt_isolated_machines_take_a_joined_confirmation_file_each_its_own() {
    let (site, dir) = (Site::new(2).await, tempfile::tempdir().unwrap());
    let agents = [
        isolated(&site, dir.path(), 1).await,
        isolated(&site, dir.path(), 2).await,
        isolated(&site, dir.path(), 3).await,
    ];
    let mut file = String::new();
    for agent in &agents {
        trust(&site, agent).await;
        file.push_str(&agent.request_file().await.unwrap());
    }
    assert_eq!(agents[0].request_file().await.unwrap().lines().nth(1), file.lines().nth(1), "the same request again");
    site.turn(Duration::days(3));
    let lines = offline::read(file.as_bytes()).unwrap();
    let ledger = site.ledger().await;
    let carried = ledger.carried(lines, &[site.contract], &Actor::system("tests")).await.unwrap();
    let back = offline::write(CONFIRMATIONS, carried.iter().map(|line| line.said.line.as_str()));
    for agent in &agents[..2] {
        assert!(agent.confirm_file(back.as_bytes()).await.unwrap().standing.is_licensed());
        assert!(matches!(agent.confirm_file(back.as_bytes()).await, Err(Trouble::NoAnswer)), "it is answered");
    }
    let refused = agents[2].confirm_file(back.as_bytes()).await.unwrap();
    assert_eq!(refused.answer.result.code(), "0xC004C020");
    assert!(matches!(agents[2].confirm_file(b"something else").await, Err(Trouble::NoAnswer)));
    site.done().await;
}

#[tokio::test]
async fn a_typed_code_activates_and_typed_again_spends_nothing() {
    let (site, dir) = (Site::new(2).await, tempfile::tempdir().unwrap());
    let agent = isolated(&site, dir.path(), 1).await;
    let code = agent.request_code().await.unwrap();
    assert!(code.len() <= 15 * 7, "{code}");
    let (ledger, actor) = (site.ledger().await, Actor::system("tests"));
    let asked = CodedRequest::read(&code).unwrap();
    let typed = ledger.typed(&asked, "LAB-7", &[site.contract], &actor).await.unwrap();
    let confirmation = typed.code.unwrap().unwrap();
    assert!(matches!(agent.confirm_code(&confirmation).await, Err(Trouble::NoSite)), "whose it is can't be told");
    trust(&site, &agent).await;
    assert!(agent.confirm_code(&confirmation.to_lowercase().replace('-', " ")).await.unwrap().standing.is_licensed());
    let again = ledger.typed(&asked, "LAB-7", &[site.contract], &actor).await.unwrap();
    assert_eq!((again.said.line, site.used().await), (typed.said.line, 1));
    assert_eq!(site.scalar::<String>("SELECT machine FROM activations").await, "LAB-7");
    // Re-imaged, a component less: the confirmation says what the activation is bound to.
    std::fs::remove_file(agent.path()).unwrap();
    let mut less = machine(1);
    less.hardware.disk = None;
    let anew = isolated(&site, dir.path(), 1).await.on(less);
    trust(&site, &anew).await;
    let asked = CodedRequest::read(&anew.request_code().await.unwrap()).unwrap();
    let typed = ledger.typed(&asked, "LAB-7", &[site.contract], &actor).await.unwrap();
    assert!(anew.confirm_code(&typed.code.unwrap().unwrap()).await.unwrap().standing.is_licensed());
    assert_eq!(site.used().await, 1);
    assert!(matches!(ledger.typed(&asked, "LAB-7", &[], &actor).await, Err(Unserved::NoKey(_))));
    site.done().await;
}

#[tokio::test]
async fn another_machines_confirmation_and_a_slip_are_refused() {
    let (site, dir) = (Site::new(2).await, tempfile::tempdir().unwrap());
    let (one, other) = (isolated(&site, dir.path(), 1).await, isolated(&site, dir.path(), 2).await);
    let (ledger, actor) = (site.ledger().await, Actor::system("tests"));
    let asked = CodedRequest::read(&one.request_code().await.unwrap()).unwrap();
    let code = ledger.typed(&asked, "LAB-1", &[site.contract], &actor).await.unwrap().code.unwrap().unwrap();
    trust(&site, &other).await;
    assert!(matches!(other.confirm_code(&code).await, Err(Trouble::Lease(_))));
    let slip = format!("{}{}", &code[..code.len() - 1], if code.ends_with('A') { 'B' } else { 'A' });
    assert!(matches!(other.confirm_code(&slip).await, Err(Trouble::Code(BadCode::Group(30)))));
    assert_eq!(state(&other).lease, None);
    site.done().await;
}

/// An enrolled application, and a device that no host ever meets: one file enrols it and asks.
#[tokio::test]
async fn an_isolated_device_enrols_by_its_request_file_and_has_no_code() {
    let (site, dir) = (Site::with(2, true, Limits::default()).await, tempfile::tempdir().unwrap());
    let mut code = String::new();
    site.administer(async |tx| {
        let keys = site.estate.vault.site_keys();
        let made = admin::add_code(tx, keys, site.application, 1, Duration::days(9), "").await.unwrap();
        code = made.0.expose_secret().to_owned();
    })
    .await;
    let agent = isolated(&site, dir.path(), 1).await;
    trust(&site, &agent).await;
    let ledger = site.ledger().await;
    let carry = async |file: String| {
        let lines = offline::read(file.as_bytes()).unwrap();
        let carried = ledger.carried(lines, &[site.contract], &Actor::system("tests")).await.unwrap();
        offline::write(CONFIRMATIONS, carried.iter().map(|line| line.said.line.as_str()))
    };
    // Without a code nobody believes it, and it is told so.
    let back = carry(agent.request_file().await.unwrap()).await;
    assert!(matches!(agent.confirm_file(back.as_bytes()).await, Err(Trouble::NotServed(_))), "{back}");
    let file = agent.enrolling_request_file(&format!(" {} ", code.to_lowercase())).await.unwrap();
    assert_eq!(file.lines().count(), 3, "{file}");
    let back = carry(file).await;
    assert!(agent.confirm_file(back.as_bytes()).await.unwrap().standing.is_licensed(), "{back}");
    assert!(matches!(agent.request_code().await, Err(Trouble::Signed)));
    // Renewed by a file of one request.
    site.turn(Duration::days(90));
    let file = agent.request_file().await.unwrap();
    assert_eq!(file.lines().count(), 2, "{file}");
    assert!(agent.confirm_file(carry(file).await.as_bytes()).await.unwrap().standing.is_licensed());
    assert_eq!(site.used().await, 1);
    site.assert_chain().await;
    site.done().await;
}
