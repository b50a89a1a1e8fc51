//! Activated by count: DOMAIN §3 from the client's side.

use keyward::{
    activation::{
        lease::{Grant, Signer},
        wire::{Answer, Outcome},
    },
    agent::{Standing, Trouble},
    vault::envelope::Key32,
};
use time::Duration;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpListener,
};
use uuid::Uuid;

use super::{agent, count, host, machine, state};
use crate::responder::site::Site;

/// ITP: the machine that waits is counted, and is activated at its own next request.
#[tokio::test]
async fn itp_a_machine_waits_is_counted_and_activated_at_its_next_request() {
    let (site, dir) = (Site::new(0).await, tempfile::tempdir().unwrap());
    count(&site, 23).await;
    let agent = agent(&site, dir.path(), 1).await;
    let asked = agent.activate().await.unwrap();
    assert_eq!((asked.answer.result, asked.answer.count), (Outcome::CountInsufficient, Some(24)));
    assert!(matches!(asked.standing, Standing::InitialGrace { .. }));
    count(&site, 24).await;
    assert!(!agent.standing().unwrap().is_licensed(), "not retroactively");
    let asked = agent.activate().await.unwrap();
    assert_eq!(asked.standing, Standing::Licensed { until: site.now() + Duration::days(180) });
    assert_eq!(state(&agent).pending, None);
    site.done().await;
}

/// ff793403: the lease ends, 30 days of grace, then notification; the host's next lease ends that.
#[tokio::test]
async fn ff793403_a_lease_ends_without_a_host() {
    let (site, dir) = (Site::new(0).await, tempfile::tempdir().unwrap());
    count(&site, 24).await;
    let agent = agent(&site, dir.path(), 1).await;
    agent.activate().await.unwrap();
    for (days, number) in [(179, 1), (2, 3), (28, 3), (1, 5)] {
        site.turn(Duration::days(days));
        assert_eq!(agent.standing().unwrap().number(), number, "after {days} more days");
    }
    count(&site, 24).await;
    assert!(agent.activate().await.unwrap().standing.is_licensed());
    site.done().await;
}

/// ITP: 7 days once activated, 2 hours before, and after a failure.
#[tokio::test]
async fn itp_the_service_asks_when_the_host_said() {
    let (site, dir) = (Site::new(0).await, tempfile::tempdir().unwrap());
    let agent = agent(&site, dir.path(), 1).await;
    let step = agent.step().await.unwrap();
    assert!(step.asked.is_some_and(|asked| asked.unwrap().answer.result == Outcome::CountInsufficient));
    let within = |wait: Duration, least: Duration| wait >= least && wait <= least * 1.1;
    assert!(within(step.next - site.now(), Duration::hours(2)), "{}", step.next - site.now());
    assert!(agent.step().await.unwrap().asked.is_none(), "not due yet");
    count(&site, 24).await;
    site.turn(Duration::minutes(133));
    let step = agent.step().await.unwrap();
    assert!(step.asked.is_some_and(|asked| asked.unwrap().standing.is_licensed()));
    assert!(within(step.next - site.now(), Duration::days(7)), "{}", step.next - site.now());
    // The host goes away: soon again, then every two hours at least.
    agent.set_host(Some("127.0.0.1:9".parse().unwrap())).await.unwrap();
    site.turn(Duration::days(8));
    let step = agent.step().await.unwrap();
    assert!(matches!(step.asked, Some(Err(Trouble::Unreachable { .. }))));
    assert!(within(step.next - site.now(), Duration::minutes(1)));
    assert!(agent.standing().unwrap().is_licensed(), "its lease holds meanwhile");
    agent.set_host(Some(host(&site))).await.unwrap();
    site.turn(Duration::minutes(2));
    assert!(agent.step().await.unwrap().asked.is_some_and(|asked| asked.is_ok()));
    site.done().await;
}

/// A clock that is turned back gains nothing.
#[tokio::test]
async fn a_clock_turned_back_does_not_prolong_a_lease() {
    let (site, dir) = (Site::new(0).await, tempfile::tempdir().unwrap());
    count(&site, 24).await;
    let agent = agent(&site, dir.path(), 1).await;
    agent.activate().await.unwrap();
    site.turn(Duration::days(185));
    agent.set_host(Some("127.0.0.1:9".parse().unwrap())).await.unwrap();
    assert!(matches!(agent.step().await.unwrap().asked, Some(Err(Trouble::Unreachable { .. }))));
    // The service looks at the clock; a day later it writes down what it saw.
    site.turn(Duration::seconds(30));
    agent.step().await.unwrap();
    let seen = state(&agent).seen;
    assert_eq!(seen, site.now(), "it was seen");
    site.turn(Duration::days(-100));
    assert_eq!(agent.standing().unwrap().number(), 3, "still out of tolerance");
    assert_eq!(state(&agent).turned_back(site.now()), Some(Duration::days(100)));
    site.done().await;
}

/// Somebody who poses as the host: a lease under another key isn't taken, and the old one stays.
#[tokio::test]
async fn another_sites_host_is_refused() {
    let (site, dir) = (Site::new(0).await, tempfile::tempdir().unwrap());
    count(&site, 24).await;
    let agent = agent(&site, dir.path(), 1).await;
    agent.activate().await.unwrap();
    let before = state(&agent);
    let issuer = before.site.clone().unwrap().iss;
    let signer = Signer::new(&Key32::from_bytes([9; 32]), issuer.strip_prefix("urn:uuid:").unwrap().parse().unwrap());
    let forged = signer.lease(&Grant {
        application: before.application,
        sku: before.sku,
        cmid: before.cmid,
        id: Uuid::from_u128(1),
        at: site.now(),
        days: 180,
        hardware: None,
    });
    let impostor = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = impostor.local_addr().unwrap().to_string();
    let posing = tokio::spawn(async move {
        let mut client = BufReader::new(impostor.accept().await.unwrap().0);
        let mut line = String::new();
        client.read_line(&mut line).await.unwrap();
        let asked: serde_json::Value = serde_json::from_str(&line).unwrap();
        let id = asked["id"].as_str().unwrap().parse().unwrap();
        let answer = Answer::new(id, Outcome::Done).counted(25, 25).leased(forged);
        client.write_all(format!("{}\n", answer.line()).as_bytes()).await.unwrap();
    });
    agent.set_host(Some(at.parse().unwrap())).await.unwrap();
    let fault = agent.activate().await.unwrap_err();
    assert!(matches!(fault, Trouble::OtherSite { .. }) && fault.to_string().contains("trust FILE"), "{fault}");
    posing.await.unwrap();
    assert_eq!(state(&agent).lease, before.lease);
    assert!(agent.standing().unwrap().is_licensed());
    site.done().await;
}

/// A cloned image: on another mainboard the same file makes itself another id.
#[tokio::test]
async fn a_copied_state_file_is_another_machine() {
    let (site, dir) = (Site::new(0).await, tempfile::tempdir().unwrap());
    count(&site, 24).await;
    let original = agent(&site, dir.path(), 1).await;
    assert_eq!(original.activate().await.unwrap().answer.count, Some(25));
    std::fs::copy(original.path(), dir.path().join("copy.json")).unwrap();
    let copy =
        keyward::agent::Agent::new(dir.path().join("copy.json")).on(machine(2)).by(site.estate.db.clock().clone());
    assert_eq!(copy.activate().await.unwrap().answer.count, Some(26));
    assert_ne!(state(&copy).cmid, state(&original).cmid);
    // A new id by hand takes the old one's place in the count.
    copy.renew_id().await.unwrap();
    assert_eq!(copy.activate().await.unwrap().answer.count, Some(26));
    assert_eq!(state(&copy).previous_cmid, None, "told once");
    site.done().await;
}
