//! Proxy and offline: a request file is carried to the portal, a confirmation file back.

use keyward::{
    activation::{
        offline::{self, CONFIRMATIONS, REQUESTS},
        wire::Answer,
    },
    audit::Actor,
};
use serde_json::json;
use time::Duration;

use super::site::Site;

#[tokio::test]
async fn vamt_isolated_machines_are_activated_by_carried_files_many_at_once() {
    let site = Site::new(2).await;
    let requests: Vec<String> = (0..3).map(|client| site.mak(client).to_string()).collect();
    let mut other = site.mak(4);
    other["key"] = "nonsense".into();
    let mut file = offline::write(REQUESTS, requests.iter().map(String::as_str));
    file.push_str(&offline::write(REQUESTS, [other.to_string().as_str(), "{}"]));
    site.turn(Duration::days(20));
    let ledger = site.ledger().await;
    let actor = Actor::system("tests");
    let carried = ledger.carried(offline::read(file.as_bytes()).unwrap(), &[site.contract], &actor).await.unwrap();
    let words: Vec<&str> = carried.iter().map(|line| line.said.word).collect();
    assert_eq!(words, ["0x00000000", "0x00000000", "0xC004C020", "0xC004C001", "field"]);
    assert_eq!((carried[0].machine.as_str(), carried[4].number), ("PC-0000", 7));
    let back = offline::write(CONFIRMATIONS, carried.iter().map(|line| line.said.line.as_str()));
    let lines = offline::confirmations(back.as_bytes()).unwrap();
    let answer: Answer = serde_json::from_str(&lines[1]).unwrap();
    let asked: serde_json::Value = serde_json::from_str(&requests[1]).unwrap();
    assert_eq!(json!(answer.id), asked["id"]);
    assert_eq!(site.lease(&json!({ "lease": answer.lease })).await.sub, super::site::cmid(1));
    // The same file once more: the same confirmations, and nothing spent.
    let again = ledger.carried(offline::read(file.as_bytes()).unwrap(), &[site.contract], &actor).await.unwrap();
    assert_eq!(again[0].said.line, carried[0].said.line);
    assert_eq!(site.used().await, 2);
    assert_eq!(site.scalar::<i64>("SELECT count(*) FROM activations WHERE way = 'offline'").await, 2);
    site.assert_chain().await;
    site.done().await;
}

#[tokio::test]
async fn somebody_elses_license_id_and_a_request_too_old_are_refused() {
    let site = Site::new(2).await;
    let file = offline::write(REQUESTS, [site.mak(1).to_string().as_str()]);
    let lines = || offline::read(file.as_bytes()).unwrap();
    let ledger = site.ledger().await;
    let actor = Actor::system("tests");
    assert_eq!(ledger.carried(lines(), &[], &actor).await.unwrap()[0].said.word, "0xC004F042");
    site.turn(Duration::days(61));
    assert_eq!(ledger.carried(lines(), &[site.contract], &actor).await.unwrap()[0].said.word, "0xC004F06C");
    assert_eq!(site.used().await, 0);
    site.done().await;
}
