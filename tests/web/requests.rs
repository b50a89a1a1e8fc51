//! Requests over HTTP: asked, decided, sent, read back; by whom, and by whom not.

use keyward::postgres::Scope;
use reqwest::multipart::{Form, Part};
use uuid::Uuid;

use super::world::{A, ABSENT, B, CANARY_A, world};
use crate::support::app::App;

/// Sends a form; the status, and the page or where it leads.
async fn send(app: &App, actor: &str, path: &str, form: &[(&str, &str)]) -> (u16, String) {
    let answer = app.post(path, world().await.person(actor), form).await;
    let status = answer.status().as_u16();
    let location = answer.headers().get("location").map(|to| to.to_str().unwrap().to_owned());
    match location {
        Some(location) => (status, location),
        None => (status, answer.text().await.unwrap()),
    }
}

async fn page(app: &App, actor: &str, path: &str) -> String {
    let answer = app.get(path, world().await.person(actor)).await;
    assert_eq!(answer.status(), 200, "{path} as {actor}");
    answer.text().await.unwrap()
}

/// The number in `/requests/7?notice=submit`.
fn number(location: &str) -> String {
    location.trim_start_matches("/requests/").split('?').next().unwrap().to_owned()
}

async fn run(app: &App, statement: &str) {
    let mut tx = app.state.db.begin(Scope::System).await.unwrap();
    sqlx::query(sqlx::AssertSqlSafe(statement.to_owned())).execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
}

async fn counted(app: &App, statement: &str) -> i64 {
    let mut tx = app.state.db.begin(Scope::System).await.unwrap();
    sqlx::query_scalar(sqlx::AssertSqlSafe(statement.to_owned())).fetch_one(&mut *tx).await.unwrap()
}

async fn state(app: &App, number: &str) -> String {
    let mut tx = app.state.db.begin(Scope::System).await.unwrap();
    sqlx::query_scalar("SELECT state FROM requests WHERE number = $1")
        .bind(number.parse::<i64>().unwrap())
        .fetch_one(&mut *tx)
        .await
        .unwrap()
}

/// Asks for 30 more of the key of License ID A.
async fn ask(app: &App, actor: &str) -> String {
    let key = world().await.planted.keys[0].to_string();
    let form = [("kind", "mak-limit"), ("key_id", &key), ("quantity", "30"), ("justification", "A new site")];
    let (status, to) = send(app, actor, "/requests", &form).await;
    assert_eq!(status, 303, "{to}");
    number(&to)
}

async fn own(app: &App) {
    run(app, "UPDATE products SET estate = 'own' WHERE slug = 'alpha-suite'").await;
}

/// A second Administrator of A.
async fn second(app: &App) {
    app.grant(world().await.person("no grant").unwrap(), "administrator", world().await.planted.contracts[0]).await;
}

const TOTAL_A: &str = "SELECT total FROM product_keys k JOIN contracts c ON c.id = k.contract_id WHERE c.license_id = '1111111' AND k.last_five = 'AAAA7'";

#[tokio::test]
async fn an_own_products_limit_rises_in_the_transaction_that_decides() {
    let app = world().await.app().await;
    own(&app).await;
    let number = ask(&app, "keys reader A").await;
    assert_eq!(counted(&app, TOTAL_A).await, 50);
    let decision = format!("/requests/{number}/decision");
    let (status, to) = send(&app, "administrator A", &decision, &[("decision", "approve")]).await;
    assert_eq!(status, 303, "{to}");
    assert_eq!((counted(&app, TOTAL_A).await, state(&app, &number).await.as_str()), (80, "done"));
    assert_eq!(counted(&app, "SELECT count(*) FROM key_readings WHERE source = 'request' AND total = 80").await, 1);
    assert!(page(&app, "keys reader A", &to).await.contains("the limit has risen"));
    app.done().await;
}

/// SECURITY, "Insider approver": the server refuses, and so does the database.
#[tokio::test]
async fn the_asker_does_not_decide_what_is_granted_here() {
    let app = world().await.app().await;
    own(&app).await;
    let number = ask(&app, "administrator A").await;
    assert!(page(&app, "administrator A", &format!("/requests/{number}")).await.contains("Nobody else administers"));
    let decision = format!("/requests/{number}/decision");
    let (status, html) = send(&app, "administrator A", &decision, &[("decision", "approve")]).await;
    assert_eq!(status, 403);
    assert!(html.contains("another Administrator"), "{html}");
    assert_eq!((counted(&app, TOTAL_A).await, state(&app, &number).await.as_str()), (50, "submitted"));
    let me = world().await.person("administrator A").unwrap();
    for statement in [
        "UPDATE requests SET state = 'done', decided_by = app_person() WHERE number = $1",
        "UPDATE requests SET state = 'done' WHERE number = $1",
        "UPDATE requests SET quantity = 5000 WHERE number = $1",
        "UPDATE requests SET estate = 'vendor' WHERE number = $1",
        "UPDATE requests SET asker_id = (SELECT id FROM people WHERE id <> app_person() LIMIT 1) WHERE number = $1",
    ] {
        let mut tx = app.state.db.begin(Scope::Person(me)).await.unwrap();
        let refused = sqlx::query(statement).bind(number.parse::<i64>().unwrap()).execute(&mut *tx).await.unwrap_err();
        let code = refused.as_database_error().unwrap().code().unwrap().into_owned();
        assert!(["23514", "23502", "42501"].contains(&code.as_str()), "{statement}: {refused}");
    }
    second(&app).await;
    assert!(!page(&app, "administrator A", &format!("/requests/{number}")).await.contains("Nobody else administers"));
    assert_eq!(send(&app, "no grant", &decision, &[("decision", "approve")]).await.0, 303);
    assert_eq!(counted(&app, TOTAL_A).await, 80);
    app.done().await;
}

/// Issue 3: two people deciding at once: one wins, the other is told who decided, and what.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_deciders_one_wins_and_the_other_is_told() {
    let app = world().await.app().await;
    own(&app).await;
    second(&app).await;
    let number = ask(&app, "keys reader A").await;
    let decision = format!("/requests/{number}/decision");
    let (one, other) = tokio::join!(
        send(&app, "administrator A", &decision, &[("decision", "approve")]),
        send(&app, "no grant", &decision, &[("decision", "decline"), ("comment", "not this year")]),
    );
    let (won, lost) =
        if one.0 == 303 { (("administrator A", "approved"), other) } else { (("no grant", "declined"), one) };
    assert_eq!(lost.0, 409, "{}", lost.1);
    assert!(lost.1.contains(&format!("{} {} request {number}", won.0, won.1)), "{}", lost.1);
    let risen = if won.1 == "approved" { 80 } else { 50 };
    assert_eq!(counted(&app, TOTAL_A).await, risen);
    app.done().await;
}

#[tokio::test]
async fn a_vendor_request_is_sent_and_done_when_the_total_is_read_back() {
    let app = world().await.app().await;
    let number = ask(&app, "keys reader A").await;
    let at = |rest: &str| format!("/requests/{number}/{rest}");
    // no second person is asked for: the asker sends it himself
    let sent = [("step", "send"), ("sent_on", "2026-11-21"), ("reference", "CASE-77")];
    assert_eq!(send(&app, "keys reader A", &at("step"), &sent).await.0, 303);
    let html = page(&app, "keys reader A", &at("packet")).await;
    for part in [A, "AAAA7", "30 activations more, which makes 80 in all", "A new site"] {
        assert!(html.contains(part), "{part}");
    }
    assert!(!super::matrix::holds(html.as_bytes(), CANARY_A));
    // less than asked for: it stays open, and the key has its reading
    let (status, to) = send(&app, "keys reader A", &at("reading"), &[("total", "60"), ("used", "45")]).await;
    assert_eq!((status, state(&app, &number).await.as_str()), (303, "sent"));
    assert!(page(&app, "keys reader A", &to).await.contains("still below what was asked for"));
    assert_eq!(counted(&app, TOTAL_A).await, 60);
    assert_eq!(send(&app, "keys reader A", &at("reading"), &[("total", "80")]).await.0, 303);
    assert_eq!((state(&app, &number).await.as_str(), counted(&app, TOTAL_A).await), ("done", 80));
    assert_eq!(counted(&app, "SELECT count(*) FROM key_readings WHERE source = 'typed'").await, 2);
    app.done().await;
}

#[tokio::test]
async fn an_import_with_the_new_total_closes_the_request_in_its_transaction() {
    let world = world().await;
    let app = world.app().await;
    let number = ask(&app, "keys reader A").await;
    let step = format!("/requests/{number}/step");
    assert_eq!(send(&app, "keys reader A", &step, &[("step", "send")]).await.0, 303);
    let linker = keyward::audit::chain::Linker::new(&app.state.vault.site_keys().audit);
    let importer = keyward::imports::Importer {
        db: &app.state.db,
        vault: &app.state.vault,
        linker: &linker,
        actor: keyward::audit::Actor::system("import"),
        who: keyward::imports::Who::System,
    };
    for (total, stands) in [(79, "sent"), (80, "done")] {
        let text = format!(
            "License ID,Product,Product Key,Type,MAK Activations-Used/Available\n{A},alpha-suite,{CANARY_A},MAK,42/{total}\n"
        );
        let file = crate::support::estate::file("keys.csv", &text);
        importer.run(vec![file], &mut |_, _| ()).await.unwrap();
        assert_eq!(state(&app, &number).await, stands, "{total}");
    }
    let html = page(&app, "keys reader A", &format!("/requests/{number}")).await;
    assert!(html.contains("Keyward closed it") && html.contains("An import brought the new total."));
    let closed = "SELECT count(*) FROM audit_events WHERE action = 'request.close' AND actor = 'system:import'";
    assert_eq!(counted(&app, closed).await, 1);
    app.done().await;
}

#[tokio::test]
async fn a_second_person_is_asked_for_by_a_setting_of_the_license_id() {
    let app = world().await.app().await;
    let setting = format!("/contracts/{A}/second-person");
    assert_eq!(send(&app, "keys reader A", &setting, &[("second_person", "yes")]).await.0, 403);
    assert_eq!(send(&app, "administrator A", &setting, &[("second_person", "yes")]).await.0, 303);
    assert!(page(&app, "keys reader A", &format!("/contracts/{A}")).await.contains("a second person decides"));
    let number = ask(&app, "administrator A").await;
    let at = |rest: &str| format!("/requests/{number}/{rest}");
    assert_eq!(send(&app, "administrator A", &at("step"), &[("step", "send")]).await.0, 409);
    assert_eq!(send(&app, "administrator A", &at("decision"), &[("decision", "approve")]).await.0, 403);
    // switched off afterwards: what was submitted under it stays under it
    assert_eq!(send(&app, "administrator A", &setting, &[("second_person", "no")]).await.0, 303);
    assert_eq!(send(&app, "administrator A", &at("step"), &[("step", "send")]).await.0, 409);
    second(&app).await;
    assert_eq!(send(&app, "no grant", &at("decision"), &[("decision", "approve")]).await.0, 303);
    assert_eq!(send(&app, "administrator A", &at("step"), &[("step", "send")]).await.0, 303);
    assert_eq!(state(&app, &number).await, "sent");
    app.done().await;
}

async fn ask_for_access(app: &App, actor: &str, license_id: &str, until: &str) -> (u16, String) {
    let form = [
        ("kind", "access"),
        ("license_id", license_id),
        ("role", "product-keys-reader"),
        ("until", until),
        ("justification", "The rollout in Leeds"),
    ];
    send(app, actor, "/requests", &form).await
}

#[tokio::test]
async fn access_is_given_with_its_end_when_it_is_approved() {
    let app = world().await.app().await;
    let (status, to) = ask_for_access(&app, "no grant", A, "2026-12-31").await;
    assert_eq!(status, 303, "{to}");
    let number = number(&to);
    assert!(!page(&app, "no grant", "/contracts").await.contains(A));
    assert!(page(&app, "administrator A", "/requests?who=decide").await.contains(&format!("/requests/{number}")));
    assert!(!page(&app, "keys reader A", "/requests").await.contains(&format!("/requests/{number}\"")));
    assert!(!page(&app, "administrator B", "/requests").await.contains(&format!("/requests/{number}\"")));
    let decision = format!("/requests/{number}/decision");
    assert_eq!(send(&app, "no grant", &decision, &[("decision", "approve")]).await.0, 403);
    assert_eq!(send(&app, "administrator A", &decision, &[("decision", "approve")]).await.0, 303);
    assert!(page(&app, "no grant", "/contracts").await.contains(A), "from the next request on");
    app.clock.turn(time::Duration::days(40));
    app.sign_in(world().await.person("no grant").unwrap()).await;
    assert!(!page(&app, "no grant", "/contracts").await.contains(A), "it has ended by itself");
    app.done().await;
}

/// DESIGN, "Roles": whether a License ID exists isn't told to who holds nothing there.
#[tokio::test]
async fn access_to_a_license_id_that_is_there_and_to_one_that_is_not_read_the_same() {
    let mut seen = Vec::new();
    for license_id in [B, ABSENT] {
        let app = world().await.app().await;
        let (status, to) = ask_for_access(&app, "no grant", license_id, "").await;
        let mut told = vec![format!("{status} {to}")];
        let number = number(&to);
        assert_eq!(ask_for_access(&app, "no grant", license_id, "").await.0, 422, "asked for already");
        for path in [to.clone(), "/requests".to_owned(), "/".to_owned(), format!("/requests/{number}/packet")] {
            let answer = app.get(&path, world().await.person("no grant")).await;
            told.push(format!("{} {}", answer.status(), answer.text().await.unwrap()));
        }
        for (rest, field, value) in [
            ("decision", "decision", "approve"),
            ("comment", "comment", "soon, please"),
            ("due", "due_on", "2026-12-24"),
            ("reading", "total", "7"),
            ("step", "step", "send"),
            ("step", "step", "withdraw"),
            ("step", "step", "answer"),
        ] {
            let (status, text) = send(&app, "no grant", &format!("/requests/{number}/{rest}"), &[(field, value)]).await;
            told.push(format!("{rest} {status} {text}"));
        }
        told.push(page(&app, "no grant", &format!("/requests/{number}")).await);
        seen.push(told.into_iter().map(|text| text.replace(license_id, "LICENSE")).collect::<Vec<_>>());
        app.done().await;
    }
    assert!(seen[0][1].contains("doesn’t say whether it does"));
    for (there, not) in seen[0].iter().zip(&seen[1]) {
        assert_eq!(there, not);
    }
}

/// S000: the exception is for Open Value and Open Value Subscription, not for Open License.
#[tokio::test]
async fn s000_the_kms_exception_is_open_value_only() {
    let app = world().await.app().await;
    let form = |computers: &'static str| {
        [
            ("kind", "kms-exception"),
            ("license_id", A),
            ("product", "Windows Server 2025 Datacenter"),
            ("quantity", "10"),
            ("computers", computers),
            ("justification", "Two hosts"),
        ]
    };
    for (program, status, why) in [
        ("Open License", 422, "retired that programme"),
        ("Enterprise", 422, "is for Open Value and Open Value Subscription"),
        ("Open Value", 303, ""),
        ("Open Value Subscription", 303, ""),
    ] {
        run(&app, &format!("UPDATE contracts SET program = '{program}' WHERE license_id = '{A}'")).await;
        let html = page(&app, "keys reader A", &format!("/requests/new?license_id={A}&kind=kms-exception")).await;
        assert!(html.contains(why), "{program}");
        assert_eq!(html.contains("name=\"quantity\""), status == 303, "{program}");
        let (answered, text) = send(&app, "keys reader A", "/requests", &form("12")).await;
        assert_eq!(answered, status, "{program}: {text}");
        assert!(text.contains(why), "{program}");
    }
    let (status, html) = send(&app, "keys reader A", "/requests", &form("4")).await;
    assert_eq!(status, 422);
    assert!(html.contains("at least 5"), "{html}");
    app.done().await;
}

#[tokio::test]
async fn what_is_wrong_is_said_at_its_field_and_the_input_is_kept() {
    let world = world().await;
    let app = world.app().await;
    let key = world.planted.keys[0].to_string();
    let before = counted(&app, "SELECT count(*) FROM requests").await;
    let whole = format!("it is {CANARY_A}");
    for (field, value, why) in [
        ("quantity", "0", "Write a whole number"),
        ("quantity", "-20", "Write a whole number"),
        ("quantity", "many", "Write a whole number"),
        ("justification", " ", "Say why"),
        ("justification", &whole, "a whole product key"),
        ("authorization", "a\nb", "on one line"),
        ("due_on", "2026-11-21", "This day has passed"),
        ("due_on", "soon", "This isn’t a date"),
        ("kind", "kms-hosts", "what fits it"),
        ("kind", "anything", "Choose what to ask for"),
    ] {
        let mut form =
            vec![("kind", "mak-limit"), ("key_id", key.as_str()), ("quantity", "30"), ("justification", "A new site")];
        form.retain(|(name, _)| *name != field);
        form.push((field, value));
        let (status, html) = send(&app, "keys reader A", "/requests", &form).await;
        assert_eq!(status, 422, "{field}={value}: {html}");
        assert_eq!(html.matches(why).count(), 2, "at the field and at the top: {why}: {html}");
    }
    for license_id in [B, ABSENT] {
        let form = [
            ("kind", "kms-hosts"),
            ("license_id", license_id),
            ("product", "x"),
            ("quantity", "5"),
            ("justification", "x"),
        ];
        let (status, html) = send(&app, "keys reader A", "/requests", &form).await;
        assert_eq!(status, 422);
        assert!(html.contains("no License ID with this number on which"), "{html}");
    }
    let foreign = world.planted.keys[1].to_string();
    for key in [foreign.as_str(), "00000000-0000-0000-0000-00000000dead", "x"] {
        let form = [("kind", "mak-limit"), ("key_id", key), ("quantity", "30"), ("justification", "x")];
        assert_eq!(send(&app, "keys reader A", "/requests", &form).await.0, 404);
    }
    assert_eq!(counted(&app, "SELECT count(*) FROM requests").await, before, "nothing is half-written");
    app.done().await;
}

#[tokio::test]
async fn a_draft_is_its_writers_alone_until_it_is_submitted() {
    let world = world().await;
    let app = world.app().await;
    let key = world.planted.keys[0].to_string();
    let form = [
        ("kind", "mak-limit"),
        ("key_id", key.as_str()),
        ("quantity", "30"),
        ("justification", "A new site"),
        ("then", "draft"),
    ];
    let (_, to) = send(&app, "keys reader A", "/requests", &form).await;
    let number = number(&to);
    let at = |rest: &str| format!("/requests/{number}{rest}");
    for path in ["", "/edit", "/packet"] {
        assert_eq!(app.get(&at(path), world.person("administrator A")).await.status(), 404, "{path}");
    }
    assert!(page(&app, "keys reader A", &at("/edit")).await.contains("A new site"));
    let changed = [("quantity", "45"), ("justification", "A larger site")];
    assert_eq!(send(&app, "keys reader A", &at("/edit"), &changed).await.0, 303);
    assert_eq!(send(&app, "keys reader A", &at("/step"), &[("step", "submit")]).await.0, 303);
    let html = page(&app, "administrator A", &at("")).await;
    assert!(html.contains("45 more: 50 → 95") && html.contains("A larger site"));
    assert_eq!(send(&app, "keys reader A", &at("/edit"), &changed).await.0, 409, "it stays as it was handed in");
    app.done().await;
}

#[tokio::test]
async fn a_question_goes_back_to_the_asker_and_the_answer_comes_back() {
    let app = world().await.app().await;
    let number = ask(&app, "keys reader A").await;
    let at = |rest: &str| format!("/requests/{number}/{rest}");
    let (status, html) = send(&app, "administrator A", &at("decision"), &[("decision", "ask")]).await;
    assert_eq!(status, 422);
    assert!(html.contains("Write the question."));
    let question = [("decision", "ask"), ("comment", "How many machines?")];
    assert_eq!(send(&app, "administrator A", &at("decision"), &question).await.0, 303);
    assert_eq!(send(&app, "administrator A", &at("decision"), &[("decision", "approve")]).await.0, 409);
    assert!(page(&app, "keys reader A", "/").await.contains("1 waits for your answer"));
    assert_eq!(send(&app, "keys reader A", &at("step"), &[("step", "answer"), ("comment", "180")]).await.0, 303);
    let html = page(&app, "administrator A", &format!("/requests/{number}")).await;
    assert!(html.contains("How many machines?") && html.contains("180"));
    let refused = [("decision", "decline"), ("comment", "Use the KMS host.")];
    assert_eq!(send(&app, "administrator A", &at("decision"), &refused).await.0, 303);
    assert_eq!(state(&app, &number).await, "declined");
    app.done().await;
}

async fn attach(app: &App, actor: &str, number: &str, name: &str, bytes: Vec<u8>) -> (u16, String) {
    let form = Form::new().part("file", Part::bytes(bytes).file_name(name.to_owned()));
    let path = format!("/requests/{number}/files");
    let answer =
        app.request(reqwest::Method::POST, &path, world().await.person(actor)).multipart(form).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[tokio::test]
async fn files_are_told_apart_by_content_and_only_downloaded() {
    let world = world().await;
    let app = world.app().await;
    let number = ask(&app, "keys reader A").await;
    assert_eq!(attach(&app, "keys reader A", &number, "../pläne.exe", b"%PDF-1.7".to_vec()).await.0, 303);
    for (name, bytes, why) in [
        ("a.pdf", b"MZ\x00\x01".to_vec(), "none of PDF"),
        ("a.txt", format!("the key is {CANARY_A}").into_bytes(), "a whole product key"),
        ("a.txt", Vec::new(), "empty"),
    ] {
        let (status, html) = attach(&app, "keys reader A", &number, name, bytes).await;
        assert_eq!(status, 422);
        assert!(html.contains(why), "{why}");
    }
    assert_eq!(attach(&app, "keys reader A", &number, "big.txt", vec![b'a'; 6 * 1024 * 1024]).await.0, 413);
    let html = page(&app, "administrator A", &format!("/requests/{number}")).await;
    let href =
        html.split("href=\"").find(|part| part.contains("/files/")).unwrap().split('"').next().unwrap().to_owned();
    let answer = app.get(&href, world.person("administrator A")).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "application/pdf");
    assert_eq!(answer.headers()["content-disposition"], "attachment; filename*=UTF-8''pl%C3%A4ne.exe.pdf");
    assert_eq!(answer.bytes().await.unwrap().as_ref(), b"%PDF-1.7");
    assert_eq!(app.get(&href, world.person("position reader A")).await.status(), 404);
    // under another request it isn't there
    let elsewhere = href.replace(&format!("/requests/{number}/"), &format!("/requests/{}/", world.planted.requests[0]));
    assert_eq!(app.get(&elsewhere, world.person("administrator A")).await.status(), 404);
    app.done().await;
}

/// A request beside its key, offered by itself over 90 %.
#[tokio::test]
async fn request_more_stands_at_the_key() {
    let world = world().await;
    let app = world.app().await;
    let key = world.planted.keys[0];
    let tab = format!("/contracts/{A}?tab=keys");
    let html = page(&app, "keys reader A", &tab).await;
    assert!(html.contains(&format!("/requests/new?key={key}")) && !html.contains("ask for more before"));
    assert!(html.contains(&format!("/requests/{}", world.planted.requests[0])), "the planted one is open");
    let withdraw = format!("/requests/{}/step", world.planted.requests[0]);
    assert_eq!(send(&app, "administrator A", &withdraw, &[("step", "withdraw")]).await.0, 303);
    run(&app, "UPDATE product_keys SET used = 46").await;
    let html = page(&app, "keys reader A", &tab).await;
    assert!(
        html.contains("92 % used: ask for more before the next rollout.")
            && !html.contains("class=\"badge warn\" href")
    );
    app.done().await;
}

/// An ended role closes what was asked under it.
#[tokio::test]
async fn a_request_is_seen_as_long_as_the_role_is_held() {
    let world = world().await;
    let app = world.app().await;
    let number = ask(&app, "keys reader A").await;
    let path = format!("/requests/{number}");
    assert_eq!(app.get(&path, world.person("position reader A")).await.status(), 404);
    let reader: Uuid = world.person("keys reader A").unwrap();
    run(&app, &format!("UPDATE grants SET revoked_at = now() WHERE person_id = '{reader}'")).await;
    assert_eq!(app.get(&path, world.person("keys reader A")).await.status(), 404);
    app.done().await;
}

/// Whoever waits for a step is told of it; nobody of a draft, and nobody of what isn't there.
#[tokio::test]
async fn the_others_are_told_of_each_step() {
    let world = world().await;
    let app = world.app().await;
    let told = async |actor: &str| {
        let mut tx = app.state.db.begin(Scope::System).await.unwrap();
        let kinds: Vec<String> = sqlx::query_scalar(
            "SELECT n.kind FROM notices n JOIN notice_recipients r ON r.notice_id = n.id WHERE r.person_id = $1 AND n.about LIKE 'request:3:%'
             ORDER BY r.made_at, n.kind",
        )
        .bind(world.person(actor).unwrap())
        .fetch_all(&mut *tx)
        .await
        .unwrap();
        kinds
    };
    let before = counted(&app, "SELECT count(*) FROM notices").await;
    let number = ask(&app, "keys reader A").await;
    assert_eq!((number.as_str(), told("administrator A").await), ("3", vec!["request-submitted".to_owned()]));
    let decision = format!("/requests/{number}/decision");
    send(&app, "administrator A", &decision, &[("decision", "ask"), ("comment", "How many?")]).await;
    send(&app, "keys reader A", &format!("/requests/{number}/step"), &[("step", "answer"), ("comment", "180")]).await;
    send(&app, "administrator A", &decision, &[("decision", "approve")]).await;
    send(&app, "keys reader A", &format!("/requests/{number}/step"), &[("step", "withdraw")]).await;
    assert_eq!(told("keys reader A").await, ["request-approved", "request-question"]);
    assert_eq!(told("administrator A").await, ["request-answered", "request-submitted", "request-withdrawn"]);
    ask_for_access(&app, "no grant", ABSENT, "").await;
    assert_eq!(counted(&app, "SELECT count(*) FROM notices").await, before + 5);
    assert_eq!(told("administrator B").await, Vec::<String>::new());
    app.done().await;
}
