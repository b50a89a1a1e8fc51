//! Own software in the browser: registered, given a key, activated by real machines, and the offline desk.

use std::fs;

use keyward::{
    activation::{
        fields::moment,
        offline::{self, REQUESTS},
    },
    responder::{self, Limits, host::Host, instance::Instance},
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    driver::Scripts,
    page::Browser,
    portal::{Journey, Person},
};

/// Registers an application with an edition that needs one machine; their ids.
async fn register(browser: &Browser) -> (String, String) {
    browser.open("/activation").await;
    browser.click("details.fold summary").await;
    browser.fill("#name", "Label Printer").await;
    browser.fill("#license_id", "OWN-0001").await;
    browser.click("//form[@action='/activation']//button").await;
    browser.see_text("h1", |text| text == "Label Printer").await;
    browser.fill("#edition", "Desk").await;
    browser.fill("#product_name", "Label Printer 3").await;
    browser.fill("#needed", "1").await;
    browser.click("//button[.='Register this edition']").await;
    browser.see(".panel .command code").await;
    let path = browser.path().await;
    let parts: Vec<&str> = path.split(['/', '?']).collect();
    (parts[2].to_owned(), parts[4].to_owned())
}

/// Issues a MAK and shows it; its characters.
async fn issue(browser: &Browser, application: &str) -> String {
    browser.open(&format!("/activation/{application}/keys")).await;
    browser.click("//summary[contains(., 'Issue a MAK')]").await;
    browser.fill("#activations", "5").await;
    browser.click("//button[.='Issue this MAK']").await;
    browser.click(".panel [data-reveal]").await;
    browser.see_text(".panel .key-text, .key-row .key-text", |text| !text.contains('•')).await
}

async fn tell(at: std::net::SocketAddr, request: &Value) -> Value {
    let mut stream = BufReader::new(TcpStream::connect(at).await.unwrap());
    stream.write_all(format!("{request}\n").as_bytes()).await.unwrap();
    let mut line = String::new();
    stream.read_line(&mut line).await.unwrap();
    serde_json::from_str(&line).unwrap()
}

/// Register, issue, copy, a machine over TCP, and the count shows it.
#[tokio::test]
async fn an_application_is_registered_and_a_machine_activates() {
    let journey = Journey::of(Person::Admin, Scripts::On).await;
    let browser = &journey.browser;
    let (application, sku) = register(browser).await;
    let key = issue(browser, &application).await;
    browser.click("//a[contains(@class, 'panel-close')]").await;
    browser.click("//summary[contains(., 'Issue a host key')]").await;
    browser.click("//button[.='Issue this host key']").await;
    browser.see_text(".panel h2", |text| text.starts_with("Key ending in")).await;

    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let at = listener.local_addr().unwrap();
    let instance = Instance { id: Uuid::new_v4(), host: "act2.northwind.example".into(), machine: [7; 32] };
    let keys = journey.app.state.vault.site_keys().clone();
    let host = Host::begin(journey.app.state.db.clone(), keys, instance, &at.to_string()).await.unwrap();
    let ending = CancellationToken::new();
    let serving = tokio::spawn(responder::serve(listener, host, Limits::default(), ending.clone()));
    let mut request = json!({
        "v": 1, "op": "activate", "id": Uuid::new_v4(), "application": application, "sku": sku, "cmid": Uuid::new_v4(),
        "machine": "LABEL-1", "virtual": false, "time": moment(journey.app.clock.now()),
    });
    assert_eq!(tell(at, &request).await["result"], "0x00000000");
    request["op"] = "mak".into();
    request["id"] = json!(Uuid::new_v4());
    request["key"] = key.into();
    request["hardware"] = json!({ "board": "b1" });
    assert_eq!(tell(at, &request).await["result"], "0x00000000");

    browser.open(&format!("/activation/{application}")).await;
    browser.see_text(".tile-number", |text| text.split_whitespace().next() == Some("1")).await;
    browser.click("//main//nav//a[.='Machines']").await;
    assert_eq!(browser.texts("tbody .row-link").await, ["LABEL-1", "LABEL-1"], "by count and by key");
    browser.click("tbody .row-link").await;
    browser.see_text(".panel h2", |text| text == "LABEL-1").await;
    browser.click("//main//nav//a[.='Keys']").await;
    browser.see_text("tbody .meter-text", |text| text == "1 of 5").await;
    ending.cancel();
    serving.await.unwrap().unwrap();
    journey.end(&[]).await;
}

/// Request files at the desk, one of them wrong, and the confirmations come down.
#[tokio::test]
async fn request_files_are_carried_and_confirmations_come_back() {
    let journey = Journey::of(Person::Admin, Scripts::On).await;
    let browser = &journey.browser;
    let (application, sku) = register(browser).await;
    let key = issue(browser, &application).await;
    let dir = tempfile::tempdir().unwrap();
    let request = json!({
        "v": 1, "op": "mak", "id": Uuid::new_v4(), "application": application, "sku": sku, "cmid": Uuid::new_v4(),
        "machine": "VAULT-1", "virtual": false, "time": moment(journey.app.clock.now()), "key": key, "hardware": { "board": "b1" },
    });
    let (good, bad) = (dir.path().join("requests.txt"), dir.path().join("holiday.txt"));
    fs::write(&good, offline::write(REQUESTS, [request.to_string().as_str()])).unwrap();
    fs::write(&bad, "a picture").unwrap();
    browser.open("/activation/offline").await;
    let paths = [good.to_str().unwrap(), bad.to_str().unwrap()].join("\n");
    browser.find("#files").await.send_keys(paths).await.unwrap();
    browser.click("//button[contains(., 'Activate these machines')]").await;
    let page = browser.see_text("main", |text| text.contains("1 machine activated")).await;
    assert!(page.contains("VAULT-1") && page.contains("Nothing of this file was taken"), "{page}");
    browser.click("//button[contains(., 'Download the confirmations')]").await;
    let (name, bytes) = browser.downloaded().await;
    assert_eq!(name, "confirmations.txt");
    let lines = offline::confirmations(&bytes).unwrap();
    assert_eq!(lines.len(), 1);
    assert!(lines[0].contains(request["id"].as_str().unwrap()));
    journey.end(&[]).await;
}
