//! Activated by a counted key.

use std::net::SocketAddr;

use keyward::{
    activation::wire::Outcome,
    agent::{Agent, Machine, Standing, Trouble, standing::Lost},
    responder::Limits,
};
use secrecy::ExposeSecret;
use time::Duration;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

use super::{agent, host, machine, state};
use crate::responder::site::Site;

async fn keyed(site: &Site, dir: &std::path::Path, number: u16) -> Agent {
    let agent = agent(site, dir, number).await;
    agent.install_key(&site.mak.key.expose().to_lowercase()).await.unwrap();
    agent
}

#[tokio::test]
async fn a_key_is_spent_once_and_renewed_for_nothing() {
    let (site, dir) = (Site::new(2).await, tempfile::tempdir().unwrap());
    let agent = keyed(&site, dir.path(), 1).await;
    let asked = agent.activate().await.unwrap();
    assert_eq!(asked.standing, Standing::Licensed { until: site.now() + Duration::days(180) });
    site.turn(Duration::days(7));
    let renewed = agent.renew().await.unwrap();
    assert_eq!(renewed.standing, Standing::Licensed { until: site.now() + Duration::days(180) }, "a later lease");
    assert_eq!(site.used().await, 1);
    // Reinstalled on the same machine, one component changed: the same activation.
    std::fs::remove_file(agent.path()).unwrap();
    let changed = machine(1);
    let changed =
        Machine { hardware: keyward::activation::hardware::Hardware { disk: None, ..changed.hardware }, ..changed };
    let anew = keyed(&site, dir.path(), 1).await.on(changed);
    assert!(anew.activate().await.unwrap().standing.is_licensed());
    assert_eq!(site.used().await, 1);
    site.done().await;
}

/// DESIGN: beyond tolerance `status` answers 0xC004F00F; the service doesn't spend by itself, `activate` does.
#[tokio::test]
async fn the_service_spends_nothing_on_changed_hardware_and_activate_does() {
    let (site, dir) = (Site::new(2).await, tempfile::tempdir().unwrap());
    let agent = keyed(&site, dir.path(), 1).await;
    agent.activate().await.unwrap();
    let mut other = machine(1);
    (other.hardware.cpu, other.hardware.disk, other.hardware.network) = (None, None, None);
    let changed = agent.clone().on(other);
    site.turn(Duration::days(8));
    let asked = changed.renew().await.unwrap();
    assert_eq!(asked.answer.result, Outcome::HardwareBeyondTolerance);
    let until = site.now() + Duration::days(30);
    assert_eq!(asked.standing, Standing::OutOfTolerance { until, why: Lost::Hardware });
    assert_eq!(site.used().await, 1);
    assert!(changed.activate().await.unwrap().standing.is_licensed());
    assert_eq!(site.used().await, 2);
    site.done().await;
}

#[tokio::test]
async fn a_spent_key_and_a_mistyped_one_are_told_apart() {
    let (site, dir) = (Site::new(1).await, tempfile::tempdir().unwrap());
    keyed(&site, dir.path(), 1).await.activate().await.unwrap();
    let second = keyed(&site, dir.path(), 2).await;
    assert_eq!(second.activate().await.unwrap().answer.result, Outcome::LimitReached);
    let mut wrong = site.mak.key.expose().to_owned();
    let last = if wrong.ends_with('B') { 'C' } else { 'B' };
    wrong.pop();
    wrong.push(last);
    let fault = second.install_key(&wrong).await.unwrap_err();
    assert!(matches!(fault, Trouble::Key(_)) && !fault.to_string().contains(&wrong[..5]), "{fault}");
    second.uninstall_key().await.unwrap();
    assert!(matches!(second.uninstall_key().await, Err(Trouble::NoKey)));
    site.done().await;
}

/// A host that serves a request and dies before its answer arrives: the same request is sent again.
#[tokio::test]
async fn an_answer_that_got_lost_spends_nothing_twice() {
    let (site, dir) = (Site::new(5).await, tempfile::tempdir().unwrap());
    let agent = keyed(&site, dir.path(), 1).await;
    let swallowing = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = swallowing.local_addr().unwrap();
    let swallow = tokio::spawn(swallow_answer(swallowing, site.responder.at));
    agent.set_host(Some(at.to_string().parse().unwrap())).await.unwrap();
    assert!(matches!(agent.activate().await, Err(Trouble::Unreachable { .. })));
    swallow.await.unwrap();
    assert_eq!(site.used().await, 1, "it was served");
    let pending = state(&agent).pending.unwrap().id;
    agent.set_host(Some(host(&site))).await.unwrap();
    site.turn(Duration::hours(9));
    let asked = agent.activate().await.unwrap();
    assert_eq!((asked.answer.id, asked.standing.number()), (pending, 1));
    assert_eq!(site.used().await, 1);
    site.done().await;
}

/// Passes lines on, and everything back but the answer to the second line (the first is `hello`).
async fn swallow_answer(listener: TcpListener, to: SocketAddr) {
    let (client, _) = listener.accept().await.unwrap();
    let (mut client, mut host) = (BufReader::new(client), BufReader::new(TcpStream::connect(to).await.unwrap()));
    for pass in [true, false] {
        let mut line = String::new();
        client.read_line(&mut line).await.unwrap();
        host.write_all(line.as_bytes()).await.unwrap();
        line.clear();
        host.read_line(&mut line).await.unwrap();
        if pass {
            client.write_all(line.as_bytes()).await.unwrap();
        }
    }
}

/// SECURITY "Count inflater": an enrolled application takes this device after it brought a code.
#[tokio::test]
async fn security_a_device_enrols_and_signs_from_then_on() {
    let (site, dir) = (Site::with(5, true, Limits::default()).await, tempfile::tempdir().unwrap());
    let agent = keyed(&site, dir.path(), 1).await;
    assert!(matches!(agent.activate().await, Err(Trouble::Refused { word, .. }) if word == "enrolment"));
    let mut code = String::new();
    site.administer(async |tx| {
        let keys = site.estate.vault.site_keys();
        let made = keyward::activation::administration::add_code(tx, keys, site.application, 1, Duration::days(1), "");
        code = made.await.unwrap().0.expose_secret().to_owned();
    })
    .await;
    assert!(matches!(agent.enrol("WRONG").await, Err(Trouble::Refused { .. })));
    agent.enrol(&code).await.unwrap();
    assert!(agent.activate().await.unwrap().standing.is_licensed());
    assert_eq!(site.used().await, 1);
    site.done().await;
}
