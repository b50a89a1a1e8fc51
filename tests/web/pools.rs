//! Own software through the portal: registering, issuing, limits, blocks, machines, codes, the offline desk.

use keyward::{
    activation::{
        code::{CodedConfirmation, CodedRequest},
        fields::moment,
        hardware::Hardware,
        jws,
        offline::{self, REQUESTS},
        product_key,
        wire::Answer,
    },
    keys::ProductKey,
    postgres::Scope,
    responder::{self, Limits, host::Host, instance::Instance},
};
use reqwest::{StatusCode, multipart};
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use time::Duration;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::world::{A, B, world};
use crate::support::app::App;

/// A portal with an administrator who has registered an application.
struct Maker {
    app: App,
    me: Option<Uuid>,
    application: String,
    sku: String,
}

impl Maker {
    async fn new(trust: &str) -> Self {
        let world = world().await;
        let app = world.app().await;
        let me = world.person("administrator A");
        let form = [("license_id", A), ("name", "Plotter"), ("trust", trust), ("tolerance", "7")];
        let to = location(&app.post("/activation", me, &form).await);
        let application = to.trim_start_matches("/activation/").split('?').next().unwrap().to_owned();
        let form = [
            ("edition", "Standard"),
            ("product", "new"),
            ("product_name", "Plotter 5 Standard"),
            ("version", "5"),
            ("category", "Own products"),
            ("kind", "client"),
            ("by_count", "yes"),
            ("needed", "2"),
            ("lease_days", "180"),
        ];
        let to = location(&app.post(&format!("/activation/{application}/editions"), me, &form).await);
        let sku = to.split('/').nth(4).unwrap().split('?').next().unwrap().to_owned();
        Self { app, me, application, sku }
    }

    fn at(&self, end: &str) -> String {
        format!("/activation/{}{end}", self.application)
    }

    async fn page(&self, end: &str) -> String {
        let answer = self.app.get(&self.at(end), self.me).await;
        assert_eq!(answer.status(), StatusCode::OK, "{end}");
        answer.text().await.unwrap()
    }

    async fn post(&self, end: &str, form: &[(&str, &str)]) -> (StatusCode, String) {
        let answer = self.app.post(&self.at(end), self.me, form).await;
        let status = answer.status();
        let to = answer.headers().get("location").map(|to| to.to_str().unwrap().to_owned());
        (
            status,
            match to {
                Some(to) => to,
                None => answer.text().await.unwrap(),
            },
        )
    }

    /// Issues a key; its id.
    async fn issue(&self, limit: &str) -> String {
        let (status, to) = self.post("/keys", &[("kind", "mak"), ("sku", &self.sku), ("activations", limit)]).await;
        assert_eq!(status, StatusCode::SEE_OTHER, "{to}");
        to.split('/').nth(4).unwrap().split('?').next().unwrap().to_owned()
    }

    /// Copies a key by the usual gate.
    async fn copy(&self, key: &str) -> String {
        let request = self.app.request(reqwest::Method::POST, &format!("/keys/{key}/copy"), self.me);
        let answer: Value = request.header("accept", "application/json").send().await.unwrap().json().await.unwrap();
        answer["key"].as_str().unwrap().to_owned()
    }

    fn request(&self, key: &str, machine: u128) -> Value {
        json!({
            "v": 1, "op": "mak", "id": Uuid::from_u128(0xf00 + machine), "application": self.application, "sku": self.sku,
            "cmid": Uuid::from_u128(1 + machine), "machine": format!("PC-{machine}"), "virtual": false,
            "time": moment(self.app.clock.now()), "key": key, "hardware": { "board": format!("b{machine}") },
        })
    }

    /// Brings files to the offline desk.
    async fn carry(&self, files: &[(&str, String)]) -> (StatusCode, String) {
        let mut form = multipart::Form::new();
        for (name, text) in files {
            form = form.part("files", multipart::Part::text(text.clone()).file_name((*name).to_owned()));
        }
        let request = self.app.request(reqwest::Method::POST, "/activation/offline", self.me);
        let answer = request.multipart(form).send().await.unwrap();
        (answer.status(), answer.text().await.unwrap())
    }

    async fn actions(&self) -> Vec<String> {
        let mut tx = self.app.state.db.begin(Scope::System).await.unwrap();
        sqlx::query_scalar("SELECT action FROM audit_events ORDER BY at, chain, seq").fetch_all(&mut *tx).await.unwrap()
    }
}

fn location(answer: &reqwest::Response) -> String {
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    answer.headers()["location"].to_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_issued_key_is_sealed_shown_by_the_gate_and_activates_carried_requests() {
    let maker = Maker::new("open").await;
    let id = maker.issue("2").await;
    let page = maker.page(&format!("/keys/{id}")).await;
    assert!(page.contains("•••••-•••••-•••••-•••••-") && page.contains("0 of 2"), "{page}");
    let key = maker.copy(&id).await;
    assert_eq!(product_key::check(&ProductKey::parse(&key).unwrap()), Ok(()));
    let catalogue = maker.app.get("/products/plotter-5-standard?tab=keys", maker.me).await.text().await.unwrap();
    assert!(catalogue.contains(&key[24..]), "it stands in the product’s Keys tab");

    let requests: Vec<String> = (0..3).map(|machine| maker.request(&key, machine).to_string()).collect();
    let first = offline::write(REQUESTS, requests[..2].iter().map(String::as_str));
    let second = offline::write(REQUESTS, [requests[2].as_str(), "{}"]);
    let files = [("one.txt", first), ("two.txt", second), ("photo.jpg", "JFIF".to_owned())];
    let (status, page) = maker.carry(&files).await;
    assert_eq!(status, StatusCode::OK);
    for part in [
        "2 machines activated",
        "0 machines activated, 2 requests refused",
        "request a higher limit",
        "doesn’t begin with the line",
    ] {
        assert!(page.replace("&#39;", "’").replace("&#x27;", "’").contains(part), "{part}: {page}");
    }
    let ids: Vec<(&str, String)> = (0..3).map(|m| ("request", Uuid::from_u128(0xf00 + m).to_string())).collect();
    let ids: Vec<(&str, &str)> = ids.iter().map(|(name, id)| (*name, id.as_str())).collect();
    let file = maker.app.post("/activation/offline/file", maker.me, &ids).await.text().await.unwrap();
    let answers = offline::confirmations(file.as_bytes()).unwrap();
    let leases = answers.iter().filter(|line| serde_json::from_str::<Answer>(line).unwrap().lease.is_some());
    assert_eq!(leases.count(), 2, "{file}");
    assert!(maker.page(&format!("/keys/{id}")).await.contains("2 of 2"));
    assert!(maker.page("/machines").await.contains("PC-1"));
    let actions = maker.actions().await;
    for action in [
        "application.add",
        "sku.add",
        "own-key.issue",
        "key.copy",
        "activation.carried",
        "activation.mak",
        "activation.confirmations",
    ] {
        assert!(actions.iter().any(|known| known == action), "{action}");
    }
    maker.app.done().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_needs_a_reason_and_is_never_below_what_is_used() {
    let maker = Maker::new("open").await;
    let id = maker.issue("2").await;
    let key = maker.copy(&id).await;
    let requests: Vec<String> = (0..2).map(|machine| maker.request(&key, machine).to_string()).collect();
    maker.carry(&[("two.txt", offline::write(REQUESTS, requests.iter().map(String::as_str)))]).await;
    let at = format!("/keys/{id}/limit");
    for (limit, reason, told) in [("1", "less", "2 are used"), ("5", "", "Fill this in"), ("x", "more", "whole number")]
    {
        let (status, page) = maker.post(&at, &[("limit", limit), ("reason", reason)]).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(page.contains(told), "{told}");
    }
    assert!(maker.page(&format!("/keys/{id}")).await.contains("2 of 2"), "nothing was changed");
    let (status, _) = maker.post(&at, &[("limit", "1,000"), ("reason", "The new branch")]).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    assert!(maker.page(&format!("/keys/{id}")).await.contains("2 of 1,000"));
    let mut tx = maker.app.state.db.begin(Scope::System).await.unwrap();
    let detail: Value = sqlx::query_scalar("SELECT detail FROM audit_events WHERE action = 'own-key.limit'")
        .fetch_one(&mut *tx)
        .await
        .unwrap();
    assert_eq!(detail, json!({ "limit": 1000, "before": 2, "reason": "The new branch" }));
    drop(tx);
    maker.app.done().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blocked_key_activates_nothing_until_the_block_is_lifted() {
    let maker = Maker::new("open").await;
    let id = maker.issue("9").await;
    let key = maker.copy(&id).await;
    let file = |machine| offline::write(REQUESTS, [maker.request(&key, machine).to_string().as_str()]);
    maker.post(&format!("/keys/{id}/block"), &[("blocked", "yes")]).await;
    let (_, page) = maker.carry(&[("a.txt", file(1))]).await;
    assert!(page.contains("0xC004C003"), "{page}");
    maker.post(&format!("/keys/{id}/block"), &[("blocked", "no")]).await;
    let (_, page) = maker.carry(&[("a.txt", file(2))]).await;
    assert!(page.contains("1 machine activated"), "{page}");
    maker.app.done().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn issuing_blocking_and_limits_want_a_recent_password() {
    let maker = Maker::new("open").await;
    let id = maker.issue("9").await;
    maker.app.clock.turn(Duration::minutes(6));
    for (end, form) in [
        ("/keys".to_owned(), vec![("kind", "mak"), ("sku", maker.sku.as_str()), ("activations", "5")]),
        (format!("/keys/{id}/block"), vec![("blocked", "yes")]),
        (format!("/keys/{id}/limit"), vec![("limit", "50"), ("reason", "x")]),
        ("/devices".to_owned(), vec![("note", "x"), ("devices", "5"), ("days", "5")]),
    ] {
        let (status, to) = maker.post(&end, &form).await;
        assert_eq!(status, StatusCode::SEE_OTHER);
        assert!(to.starts_with("/confirm"), "{end}: {to}");
    }
    let page = maker.page("/keys").await;
    assert!(page.contains("0 of 9") && !page.contains("Blocked"), "nothing happened");
    maker.app.done().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_form_says_so_at_its_field_and_writes_nothing() {
    let maker = Maker::new("open").await;
    let app = &maker.app;
    for (form, told) in [
        ([("license_id", B), ("name", "X"), ("trust", "open"), ("tolerance", "7")], "You administer no License ID"),
        (
            [("license_id", A), ("name", "Plotter"), ("trust", "open"), ("tolerance", "7")],
            "has an application of this name",
        ),
        ([("license_id", A), ("name", ""), ("trust", "open"), ("tolerance", "7")], "Fill this in"),
        ([("license_id", A), ("name", "X"), ("trust", "maybe"), ("tolerance", "7")], "Choose one of the two"),
        ([("license_id", A), ("name", "X"), ("trust", "open"), ("tolerance", "14")], "from 0 to 13"),
    ] {
        let answer = app.post("/activation", maker.me, &form).await;
        assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY, "{told}");
        let page = answer.text().await.unwrap();
        assert!(page.contains(told), "{told}");
    }
    let edition = |edition, product, name| {
        vec![
            ("edition", edition),
            ("product", product),
            ("product_name", name),
            ("kind", "client"),
            ("lease_days", "180"),
        ]
    };
    for (form, told) in [
        (edition("Standard", "new", "Another"), "has an edition of this name"),
        (edition("Pro", "new", "Plotter 5 Standard"), "A product of this name is there already"),
        (edition("Pro", "nonsense", ""), "Choose one of the products"),
        (edition("", "new", ""), "Fill this in"),
    ] {
        let (status, page) = maker.post("/editions", &form).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{told}");
        assert!(page.contains(told), "{told}");
    }
    let mut tx = app.state.db.begin(Scope::System).await.unwrap();
    let counts: (i64, i64, i64) = sqlx::query_as(
        "SELECT (SELECT count(*) FROM applications), (SELECT count(*) FROM skus), (SELECT count(*) FROM products WHERE estate = 'own')",
    )
    .fetch_one(&mut *tx)
    .await
    .unwrap();
    assert_eq!(counts, (3, 3, 3), "those of the world and the one that is right");
    drop(tx);
    maker.app.done().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_of_an_isolated_machine_is_typed_and_its_confirmation_is_shown() {
    let maker = Maker::new("open").await;
    let id = maker.issue("5").await;
    let key = maker.copy(&id).await;
    let asked = CodedRequest {
        last_five: key[24..].to_owned(),
        cmid: Uuid::from_u128(77),
        is_virtual: false,
        time: maker.app.clock.now(),
        hardware: Hardware { board: "00112233445566ff".into(), ..Hardware::default() },
    };
    let code = asked.write().unwrap();
    let typed = format!("PC-0077 {}\nPC-0078 {}", code.to_lowercase(), code.replacen(&code[..1], "%", 1));
    let answer = maker.app.post("/activation/offline/codes", maker.me, &[("codes", &typed)]).await;
    let page = answer.text().await.unwrap();
    assert!(page.contains("PC-0077") && page.contains("which no code holds"), "{page}");
    let shown = page.split("<code>").map(|part| part.split('<').next().unwrap_or_default());
    let confirmations: Vec<CodedConfirmation> = shown.filter_map(|code| CodedConfirmation::read(code).ok()).collect();
    assert_eq!(confirmations.len(), 1);
    assert!(maker.page(&format!("/keys/{id}")).await.contains("1 of 5"));
    maker.app.done().await;
}

/// protocol.md, Files: a device that no host ever meets enrols and is activated by one file; a code can't say that.
#[tokio::test(flavor = "multi_thread")]
async fn a_carried_file_enrols_a_device_and_a_typed_code_is_told_to_be_one() {
    let maker = Maker::new("enrolled").await;
    let id = maker.issue("5").await;
    let key = maker.copy(&id).await;
    let (_, page) = maker.post("/devices", &[("note", "Lab"), ("devices", "1"), ("days", "5")]).await;
    let code = page.split("<code>").nth(1).unwrap().split('<').next().unwrap().to_owned();
    let hello = |machine: u128, code: &str| {
        json!({ "v": 1, "op": "hello", "id": Uuid::from_u128(0xe00 + machine), "enrol": { "application": maker.application,
            "cmid": Uuid::from_u128(1 + machine), "machine": format!("PC-{machine}"), "code": code } })
    };
    let signed = |machine: u8, request: &Value| {
        let device = ed25519_dalek::SigningKey::from_bytes(&[machine; 32]);
        json!({ "v": 1, "jws": jws::sign_device(&device, request.to_string().as_bytes()) }).to_string()
    };
    let lines = [
        signed(1, &hello(1, &code)),
        signed(1, &maker.request(&key, 1)),
        signed(2, &hello(2, "WRONG")),
        signed(2, &maker.request(&key, 2)),
    ];
    let file = offline::write(REQUESTS, lines.iter().map(String::as_str));
    let (_, page) = maker.carry(&[("lab.txt", file.clone())]).await;
    assert!(page.contains("1 machine activated, 1 device enrolled, 2 requests refused"), "{page}");
    assert!(
        page.contains("Enrolled") && page.contains("the code isn") && page.contains("value=\"00000000-0000-0000"),
        "{page}"
    );
    let (_, again) = maker.carry(&[("lab.txt", file)]).await;
    assert!(again.contains("1 machine activated, 1 device enrolled") && again.contains("as before"), "{again}");
    assert!(maker.page(&format!("/keys/{id}")).await.contains("1 of 5"));
    assert!(maker.actions().await.iter().filter(|action| *action == "device.enrol").count() == 1);

    let asked = CodedRequest {
        last_five: key[24..].to_owned(),
        cmid: Uuid::from_u128(9),
        is_virtual: false,
        time: maker.app.clock.now(),
        hardware: Hardware { board: "00112233445566ff".into(), ..Hardware::default() },
    };
    let typed = format!("PC-9 {}", asked.write().unwrap());
    let answer = maker.app.post("/activation/offline/codes", maker.me, &[("codes", &typed)]).await;
    assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let page = answer.text().await.unwrap();
    assert!(page.contains("takes enrolled devices only") && page.contains("--enrol CODE"), "{page}");
    maker.app.done().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_enrolment_code_is_shown_once_and_a_device_loses_its_trust_by_its_name() {
    let world = world().await;
    let maker = Maker::new("enrolled").await;
    let (status, page) = maker.post("/devices", &[("note", "First floor"), ("devices", "5"), ("days", "5")]).await;
    assert_eq!(status, StatusCode::OK);
    let code = page.split("<code>").nth(1).unwrap().split('<').next().unwrap().to_owned();
    assert_eq!(code.len(), 14, "{code}");
    let later = maker.page("/devices").await;
    assert!(later.contains("First floor") && !later.contains(&code));

    let own = world.planted.own[0];
    let machine = format!("/activation/{}/machines/{}", own.application, own.cmid);
    let refused = maker.app.post(&format!("{machine}/revoke"), maker.me, &[("machine", "OTHER")]).await;
    assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let done = maker.app.post(&format!("{machine}/revoke"), maker.me, &[("machine", "PLANTED")]).await;
    assert_eq!(done.status(), StatusCode::SEE_OTHER);
    let page = maker.app.get(&machine, maker.me).await.text().await.unwrap();
    assert!(page.contains("Trust taken away") && !page.contains("/revoke"), "{page}");
    let list = format!("/activation/{}/machines?state=counted", own.application);
    assert!(maker.app.get(&list, maker.me).await.text().await.unwrap().contains("No machine matches"));
    maker.app.done().await;
}

/// What a machine does over TCP shows on the page: the count, then the threshold reached.
#[tokio::test(flavor = "multi_thread")]
async fn machines_that_ask_over_tcp_show_in_the_count() {
    let maker = Maker::new("open").await;
    let product = maker.page("/keys").await;
    let product = product.split("name=\"product\"").nth(1).unwrap().split("value=\"").nth(1).unwrap();
    let product = product.split('"').next().unwrap().to_owned();
    let (status, _) = maker.post("/keys", &[("kind", "host"), ("product", &product)]).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let at = listener.local_addr().unwrap();
    let instance = Instance { id: Uuid::new_v4(), host: "act1".into(), machine: [7; 32] };
    let keys = maker.app.state.vault.site_keys().clone();
    let host = Host::begin(maker.app.state.db.clone(), keys, instance, &at.to_string()).await.unwrap();
    let ending = CancellationToken::new();
    let serving = tokio::spawn(responder::serve(listener, host, Limits::default(), ending.clone()));
    for (machine, result) in [(1_u128, "0xC004F038"), (2, "0x00000000")] {
        let request = json!({
            "v": 1, "op": "activate", "id": Uuid::new_v4(), "application": maker.application, "sku": maker.sku,
            "cmid": Uuid::from_u128(machine), "machine": format!("TCP-{machine}"), "virtual": true,
            "time": moment(maker.app.clock.now()),
        });
        let mut stream = BufReader::new(TcpStream::connect(at).await.unwrap());
        stream.write_all(format!("{request}\n").as_bytes()).await.unwrap();
        let mut line = String::new();
        stream.read_line(&mut line).await.unwrap();
        let answer: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(answer["result"], result, "{answer}");
    }
    let page = maker.page("").await;
    assert!(page.contains("<strong>2</strong> machines asked") && page.contains("Count reached"), "{page}");
    let machines = maker.page("/machines?sort=name").await;
    assert!(machines.contains("Waits for the count") && machines.contains("Activated"));
    let keys = maker.page("/keys").await;
    assert!(keys.contains("1 of 6"), "the host has taken a place");
    ending.cancel();
    serving.await.unwrap().unwrap();
    maker.app.done().await;
}

/// The machines' names on a page of the list, in its order.
fn names(page: &str) -> Vec<String> {
    let rows = page.split("<tr data-row").skip(1);
    rows.map(|row| row.split("data-panel").nth(1).unwrap().split(['>', '<']).nth(1).unwrap().to_owned()).collect()
}

/// protocol.md, Leases: a key's lease ends like any other, and asking with the key again renews it.
#[tokio::test(flavor = "multi_thread")]
async fn a_machine_that_a_key_activated_shows_when_its_lease_ends() {
    let maker = Maker::new("open").await;
    let id = maker.issue("2").await;
    let key = maker.copy(&id).await;
    let request = maker.request(&key, 7);
    maker.carry(&[("one.txt", offline::write(REQUESTS, [request.to_string().as_str()]))]).await;
    let ends = (maker.app.clock.now() + Duration::days(180)).date().to_string();
    let list = maker.page("/machines?way=key").await;
    assert!(list.contains(&format!("<time datetime=\"{ends}")) && list.contains("Activated"), "{ends}: {list}");
    let panel = maker.page(&format!("/machines/{}", request["cmid"].as_str().unwrap())).await;
    assert!(panel.contains("Lease ends</dt><dd>"), "{panel}");
    assert_eq!(names(&maker.page("/machines?state=activated").await), ["PC-7"]);
    assert!(maker.page("/machines?state=ended").await.contains("No machine matches"));
    // As half a year later, which no session sees.
    let mut owner = PgConnection::connect_with(&maker.app.database().owner).await.unwrap();
    let later = "ALTER TABLE mak_answers DISABLE TRIGGER ALL; UPDATE mak_answers SET lease_ends_at = lease_ends_at - interval '180 days'";
    sqlx::raw_sql(later).execute(&mut owner).await.unwrap();
    assert_eq!(names(&maker.page("/machines?state=ended").await), ["PC-7"]);
    assert!(maker.page("/machines?way=key").await.contains("Lease ended"));
    // Another answer to the same client: the latest one counts.
    sqlx::raw_sql(
        "INSERT INTO mak_answers (application_id, request_id, key_id, activation_id, cmid, machine, at, answer)
         SELECT application_id, gen_random_uuid(), key_id, activation_id, cmid, 'PC-7-new', at + interval '1 minute', '{}' FROM mak_answers",
    )
    .execute(&mut owner)
    .await
    .unwrap();
    let list = maker.page("/machines?way=key").await;
    assert!(names(&list) == ["PC-7-new"] && list.contains("Not known") && list.contains("Activated"), "{list}");
    sqlx::raw_sql("UPDATE product_keys SET blocked_at = now() WHERE ledger").execute(&mut owner).await.unwrap();
    owner.close().await.unwrap();
    assert_eq!(names(&maker.page("/machines?state=blocked").await), ["PC-7-new"]);
    assert!(maker.page("/machines?state=activated").await.contains("No machine matches"));
    maker.app.done().await;
}

/// Each filter by itself and each order, over machines of every state.
#[tokio::test(flavor = "multi_thread")]
async fn the_list_of_machines_is_filtered_sorted_searched_and_paged() {
    let maker = Maker::new("open").await;
    let now = maker.app.clock.now();
    let mut owner = PgConnection::connect_with(&maker.app.database().owner).await.unwrap();
    // Name, seconds since it asked, days until its lease ends, counted, replaced, cloned.
    let machines = [
        ("alpha", 10, Some(100), true, false, false),
        ("Beta", 20, Some(-1), true, false, true),
        ("gamma", 30, None, true, false, false),
        ("delta_1", 40, Some(90), false, true, false),
        ("omega", 50, Some(120), false, false, false),
    ];
    for (at, (name, ago, lease, counted, replaced, cloned)) in (1_u128..).zip(machines) {
        sqlx::query(
            "INSERT INTO kms_clients (application_id, cmid, sku_id, machine, virtual, first_seen_at, asked_at, counted, lease_ends_at,
                 superseded_by, cloned_at, address, request_id, result, count, needed)
             VALUES ($1, $2, $3, $4, false, $5::timestamptz - interval '40 days', $5::timestamptz - make_interval(secs => $6),
                 $7, $5::timestamptz + make_interval(days => $8), $9, $10, '', gen_random_uuid(), '0x00000000', 1, 2)",
        )
        .bind(maker.application.parse::<Uuid>().unwrap())
        .bind(Uuid::from_u128(at))
        .bind(maker.sku.parse::<Uuid>().unwrap())
        .bind(name)
        .bind(now)
        .bind(f64::from(ago))
        .bind(counted)
        .bind(lease)
        .bind(replaced.then(|| Uuid::from_u128(99)))
        .bind(cloned.then_some(now))
        .execute(&mut owner)
        .await
        .unwrap();
    }
    for (query, expected) in [
        ("", "alpha Beta gamma delta_1 omega"),
        ("sort=last", "omega delta_1 gamma Beta alpha"),
        ("sort=name", "alpha Beta delta_1 gamma omega"),
        ("sort=-name", "omega gamma delta_1 Beta alpha"),
        ("sort=lease", "Beta delta_1 alpha omega gamma"),
        ("sort=-lease", "omega alpha delta_1 Beta gamma"),
        ("state=activated", "alpha omega"),
        ("state=ended", "Beta"),
        ("state=waiting", "gamma"),
        ("state=replaced", "delta_1"),
        ("state=counted", "alpha Beta gamma"),
        ("state=cloned", "Beta"),
        ("state=revoked", ""),
        ("state=blocked", ""),
        ("state=no-such-word", "alpha Beta gamma delta_1 omega"),
        ("way=count&sort=name", "alpha Beta delta_1 gamma omega"),
        ("way=key", ""),
        ("q=ETA", "Beta"),
        ("q=_", "delta_1"),
        ("q=ga&sort=name", "gamma omega"),
        ("q=a&state=activated", "alpha omega"),
        ("q=00000000-0000-0000-0000-000000000004", "delta_1"),
    ] {
        let page = maker.page(&format!("/machines?{query}")).await;
        assert_eq!(names(&page).join(" "), expected, "{query}");
    }
    let page = maker.page("/machines?columns=name.cmid&sort=name").await;
    assert!(page.contains("00000000-0000-0000-0000-000000000001") && !page.contains("data-label=\"State\""), "{page}");
    sqlx::query(
        "INSERT INTO kms_clients (application_id, cmid, sku_id, machine, virtual, first_seen_at, asked_at, counted, address, request_id, result, count, needed)
         SELECT $1, gen_random_uuid(), $2, 'M-' || lpad(n::text, 6, '0'), false, $3, $3, true, '', gen_random_uuid(), '', 1, 2 FROM generate_series(1, 10050) n",
    )
    .bind(maker.application.parse::<Uuid>().unwrap())
    .bind(maker.sku.parse::<Uuid>().unwrap())
    .bind(now)
    .execute(&mut owner)
    .await
    .unwrap();
    let page = maker.page("/machines?q=M-&sort=name&page=2").await;
    assert!(page.contains("51–100 of more than 10,000") && names(&page)[0] == "M-000051", "{page}");
    let last = maker.page("/machines?q=M-&sort=name&page=5000").await;
    assert!(last.contains("9,951–10,000 of more than 10,000") && !last.contains("rel=\"next\""), "{last}");
    assert!(maker.page("/machines?q=M-01005").await.contains("1–1 of 1<"));
    owner.close().await.unwrap();
    maker.app.done().await;
}

/// A view of the machines stands among those of Activation, opens their list, and is nobody else's to count.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_list_of_machines_shows_can_be_saved_as_a_view() {
    let world = world().await;
    let maker = Maker::new("open").await;
    let query = format!("application={}&state=waiting&columns=name.cmid&page=3", maker.application);
    let form = [("list", "/activation"), ("query", query.as_str()), ("name", "Waiting here")];
    let to = location(&maker.app.post("/views", maker.me, &form).await);
    assert!(to.starts_with(&format!("{}?state=waiting&columns=name.cmid", maker.at("/machines"))), "{to}");
    assert!(!to.contains("page=") && to.ends_with("did=view"), "{to}");
    let views = maker.app.get("/views?list=activation", maker.me).await.text().await.unwrap();
    assert!(
        views.contains("State: waiting, Machines of an application") && views.contains("data-view-count>0<"),
        "{views}"
    );
    let foreign = maker.page("/machines").await;
    assert!(foreign.contains(&format!("name=\"query\" value=\"application={}", maker.application)), "{foreign}");
    let query = format!("application={}", world.planted.own[1].application);
    let form = [("list", "/activation"), ("query", query.as_str()), ("name", "Another's")];
    location(&maker.app.post("/views", maker.me, &form).await);
    let views = maker.app.get("/views", maker.me).await.text().await.unwrap();
    let row = views.split("Another").nth(1).unwrap().split("</tr>").next().unwrap();
    assert!(row.contains("You may no longer open this list") && !row.contains("data-view-count"), "{row}");
    maker.app.done().await;
}
