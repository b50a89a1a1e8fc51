//! Sessions, step-up, budget, throttling, cross-site forms, headers, sealed vault: one test a rule of
//! the security design.

use std::time::Duration as StdDuration;

use keyward::{
    auth::session::{ABSOLUTE, FRESH, IDLE},
    postgres::{Db, Scope},
    vault::{Vault, VaultError, gate::BUDGET},
};
use reqwest::{Method, header};
use time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{
    matrix::holds,
    world::{CANARY_A, world},
};
use crate::support::app::App;

const PASSWORD: &str = "violet anchor drizzle seven";

async fn set_password(app: &App, email: &str) {
    let hash = app.state.passwords.hash(PASSWORD.to_owned().into()).await.unwrap();
    let mut tx = app.state.db.begin(Scope::System).await.unwrap();
    let set = sqlx::query("UPDATE people SET password_hash = $2 WHERE email = $1").bind(email).bind(hash);
    assert_eq!(set.execute(&mut *tx).await.unwrap().rows_affected(), 1);
    tx.commit().await.unwrap();
}

fn cookie(response: &reqwest::Response) -> String {
    let set = response.headers().get(header::SET_COOKIE).expect("a cookie is set").to_str().unwrap();
    set.split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn signing_in_gives_a_cookie_that_scripts_and_other_sites_do_not_get() {
    let app = world().await.app().await;
    set_password(&app, "keys.reader.a@keyward.example").await;
    let form = [("email", "Keys.Reader.A@keyward.example"), ("password", PASSWORD), ("next", "/contracts?q=1")];
    let response = app.post("/sign-in", None, &form).await;
    assert_eq!(response.status(), 303);
    assert_eq!(response.headers()[header::LOCATION], "/contracts?q=1");
    let set = response.headers()[header::SET_COOKIE].to_str().unwrap().to_owned();
    assert!(set.contains("; HttpOnly") && set.contains("; SameSite=Lax") && set.contains("; Path=/"), "{set}");
    let page =
        app.request(Method::GET, "/contracts", None).header(header::COOKIE, cookie(&response)).send().await.unwrap();
    assert_eq!(page.status(), 200);
    app.done().await;
}

#[tokio::test]
async fn the_sign_in_page_sends_nobody_to_another_site() {
    let app = world().await.app().await;
    set_password(&app, "no.grant@keyward.example").await;
    for next in ["https://elsewhere.example/", "//elsewhere.example/", "/\\elsewhere.example", "javascript:alert(1)"] {
        let form = [("email", "no.grant@keyward.example"), ("password", PASSWORD), ("next", next)];
        assert_eq!(app.post("/sign-in", None, &form).await.headers()[header::LOCATION], "/", "{next}");
    }
    app.done().await;
}

#[tokio::test]
async fn a_session_ends_idle_and_ends_for_good() {
    let world = world().await;
    let person = world.person("keys reader A");
    let app = world.app().await;
    app.clock.turn(IDLE + Duration::seconds(1));
    assert_eq!(app.get("/contracts", person).await.status(), 303, "idle too long");
    app.done().await;

    let app = world.app().await;
    let step = IDLE - Duration::minutes(1);
    let mut passed = Duration::ZERO;
    while passed + step < ABSOLUTE {
        app.clock.turn(step);
        passed += step;
        assert_eq!(app.get("/contracts", person).await.status(), 200, "busy after {passed}");
    }
    app.clock.turn(step);
    assert_eq!(app.get("/contracts", person).await.status(), 303, "however busy");
    app.done().await;
}

#[tokio::test]
async fn a_revoked_grant_and_a_disabled_person_are_out_on_the_next_request() {
    let world = world().await;
    let (app, person) = (world.app().await, world.person("administrator A"));
    assert_eq!(app.get("/contracts/1111111", person).await.status(), 200);
    let mut tx = app.state.db.begin(Scope::System).await.unwrap();
    sqlx::query("UPDATE grants SET revoked_at = $2 WHERE id = $1")
        .bind(world.planted.grants[0])
        .bind(app.clock.now())
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(app.get("/contracts/1111111", person).await.status(), 404);
    app.done().await;
}

#[tokio::test]
async fn reveal_wants_a_recent_password_and_goes_on_after_confirm() {
    let world = world().await;
    let (app, person) = (world.app().await, world.person("keys reader A"));
    set_password(&app, "keys.reader.a@keyward.example").await;
    app.clock.turn(FRESH + Duration::seconds(1));
    let reveal = format!("/keys/{}/reveal", world.planted.keys[0]);
    let back = [("back", "/products/alpha-suite?tab=keys")];

    let refused = app.post(&reveal, person, &back).await;
    assert_eq!((refused.status().as_u16(), refused.headers()[header::LOCATION].to_str().unwrap()), (303, "/confirm"));
    let asked = app.get("/confirm", person).await.text().await.unwrap();
    assert!(asked.contains("show the key"), "{asked}");

    let from = format!("{}/products/alpha-suite?tab=keys", app.base);
    let asked = app.request(Method::GET, "/confirm", person).header(header::REFERER, from).send().await.unwrap();
    assert!(asked.text().await.unwrap().contains("href=\"/products/alpha-suite?tab=keys\">Cancel"), "back to the page");

    let wrong = app.post("/confirm", person, &[("password", "not it at all, sorry")]).await;
    assert_eq!(wrong.status(), 422);
    let went_on = app.post("/confirm", person, &[("password", PASSWORD)]).await;
    assert_eq!(went_on.status(), 200);
    let new_cookie = cookie(&went_on);
    assert!(holds(&went_on.bytes().await.unwrap(), CANARY_A), "the key is shown without asking again");

    // The token was rotated, and the post that waited is gone.
    let old = app.get("/contracts", person).await;
    assert_eq!(old.status(), 303);
    let asked = app.request(Method::GET, "/confirm", None).header(header::COOKIE, new_cookie).send().await.unwrap();
    assert!(!asked.text().await.unwrap().contains("show the key"));
    app.done().await;
}

#[tokio::test]
async fn a_program_is_told_to_confirm_in_json() {
    let world = world().await;
    let (app, person) = (world.app().await, world.person("keys reader A"));
    let reveal = format!("/keys/{}/copy", world.planted.keys[0]);
    let ask = || app.request(Method::POST, &reveal, person).header(header::ACCEPT, "application/json");
    let answer: serde_json::Value = ask().send().await.unwrap().json().await.unwrap();
    assert_eq!(answer, serde_json::json!({ "key": CANARY_A, "hidden_after_seconds": 30 }));
    app.clock.turn(FRESH + Duration::seconds(1));
    let refused = ask().send().await.unwrap();
    assert_eq!(refused.status(), 403);
    let answer: serde_json::Value = refused.json().await.unwrap();
    assert_eq!((&answer["error"], &answer["confirm"]), (&"confirm".into(), &"/confirm".into()));
    app.done().await;
}

#[tokio::test]
async fn the_budget_bounds_what_one_person_reveals_in_an_hour() {
    let world = world().await;
    let (app, person) = (world.app().await, world.person("keys reader A"));
    let reveal = format!("/keys/{}/reveal", world.planted.keys[0]);
    for n in 0..BUDGET {
        assert_eq!(app.post(&reveal, person, &[]).await.status(), 200, "reveal {n}");
    }
    let over = app.post(&reveal, person, &[]).await;
    assert_eq!(over.status(), 429);
    assert!(over.headers().contains_key(header::RETRY_AFTER));
    assert!(!holds(&over.bytes().await.unwrap(), CANARY_A));
    let other = world.person("administrator A");
    assert_eq!(app.post(&reveal, other, &[]).await.status(), 200, "another person has a budget of their own");
    app.done().await;
}

#[tokio::test]
async fn failed_sign_ins_are_throttled_and_a_good_one_passes() {
    let app = world().await.app().await;
    set_password(&app, "no.grant@keyward.example").await;
    let attempt = |password| {
        let form = [("email", "no.grant@keyward.example"), ("password", password)];
        let app = &app;
        async move { app.post("/sign-in", None, &form).await.status().as_u16() }
    };
    let mut answers = Vec::new();
    for _ in 0..5 {
        answers.push(attempt("wrong").await);
    }
    assert_eq!(answers, [422, 422, 422, 429, 429]);
    assert_eq!(attempt(PASSWORD).await, 303, "the account has tokens of its own");
    app.clock.turn(Duration::seconds(20));
    assert_eq!(attempt("wrong").await, 422, "one more after twenty seconds");
    app.done().await;
}

#[tokio::test]
async fn unknown_and_known_accounts_answer_alike() {
    let app = world().await.app().await;
    set_password(&app, "no.grant@keyward.example").await;
    let mut bodies = Vec::new();
    for email in ["no.grant@keyward.example", "nobody.here@keyward.example"] {
        let response = app.post("/sign-in", None, &[("email", email), ("password", "wrong")]).await;
        bodies.push((response.status(), response.text().await.unwrap().replace(email, "EMAIL")));
    }
    assert_eq!(bodies[0], bodies[1]);
    app.done().await;
}

#[tokio::test]
async fn forms_from_other_sites_are_refused() {
    let world = world().await;
    let (app, person) = (world.app().await, world.person("administrator A"));
    let plain = reqwest::Client::new();
    let session = app.request(Method::POST, "/sign-out", person).build().unwrap().headers()[header::COOKIE].clone();
    for (name, headers) in [
        ("no header at all", vec![]),
        ("another origin", vec![("origin", "https://elsewhere.example")]),
        ("null origin", vec![("origin", "null")]),
        ("cross-site", vec![("sec-fetch-site", "cross-site"), ("origin", app.base.as_str())]),
        ("same-site", vec![("sec-fetch-site", "same-site")]),
        ("typed by hand", vec![("sec-fetch-site", "none")]),
    ] {
        let mut request = plain.post(format!("{}/exports/contracts", app.base)).header(header::COOKIE, &session);
        for (header, value) in headers {
            request = request.header(header, value);
        }
        let response = request.form(&[("format", "csv")]).send().await.unwrap();
        assert_eq!(response.status(), 403, "{name}");
    }
    let own = plain
        .post(format!("{}/exports/contracts", app.base))
        .header(header::COOKIE, &session)
        .header("sec-fetch-site", "same-origin");
    assert_eq!(own.form(&[("format", "csv")]).send().await.unwrap().status(), 200);
    app.done().await;
}

#[tokio::test]
async fn pages_carry_the_policy_and_are_kept_by_no_cache() {
    let world = world().await;
    let app = world.app().await;
    for path in ["/contracts", "/no-such-page", "/sign-in"] {
        let response = app.get(path, world.person("auditor")).await;
        let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
        assert!(header("content-security-policy").starts_with("default-src 'none'; script-src 'self'"));
        assert_eq!(header("cache-control"), "no-store", "{path}");
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("referrer-policy"), "same-origin");
    }
    app.done().await;
}

/// What a form sends to may be opened by its address: in a new tab, from the history. It says so, with a way on.
#[tokio::test]
async fn an_address_of_a_form_is_no_empty_page() {
    let world = world().await;
    let app = world.app().await;
    let person = world.person("administrator A");
    let reveal = format!("/keys/{}/reveal", world.planted.keys[0]);
    let response = app.get(&reveal, person).await;
    assert_eq!(response.status(), 405);
    assert_eq!(response.headers()["allow"], "POST");
    let page = response.text().await.unwrap();
    assert!(page.contains("No page is at this address") && page.contains("href=\"/\""), "{page}");
    app.done().await;
}

#[tokio::test]
async fn a_sealed_vault_serves_everything_but_secrets() {
    let world = world().await;
    let app = world.app().await;
    std::fs::remove_file(app.keys.path().join("kek")).unwrap();
    let db = Db::connect(app.database().app.clone(), 2, app.clock.clone()).await.unwrap();
    let vault = Vault::open(&db, &app.keys.path().join("kek"), &app.keys.path().join("responder.key")).await.unwrap();
    assert!(vault.is_sealed());
    let sealed = App::beside(db, vault).await;
    let person = world.person("administrator A");
    sealed.sign_in(person.unwrap()).await;
    let page = sealed.get("/contracts/1111111?tab=keys", person).await;
    assert_eq!(page.status(), 200);
    assert!(page.text().await.unwrap().contains("sealed"), "the page says so");
    let reveal = format!("/keys/{}/reveal", world.planted.keys[0]);
    for (path, form) in [(reveal.as_str(), vec![]), ("/exports/keys", vec![("scope", "all"), ("format", "csv")])] {
        let answer = sealed.post(path, person, &form).await;
        assert_eq!(answer.status(), 503, "{path}");
        let text = answer.text().await.unwrap();
        assert!(text.contains("KEK file") && !holds(text.as_bytes(), CANARY_A), "{text}");
        assert!(!text.contains(app.keys.path().to_str().unwrap()), "where it lies is for the log: {text}");
    }
    assert_eq!(sealed.post("/exports/contracts", person, &[("format", "csv")]).await.status(), 200);
    sealed.stop();
    app.done().await;
}

#[tokio::test]
async fn a_wrong_kek_and_lost_site_keys_stop_the_start_with_a_sentence() {
    let world = world().await;
    let app = world.app().await;
    let other = tempfile::tempdir().unwrap();
    keyward::vault::files::make_kek(&other.path().join("kek")).unwrap();
    let site = app.keys.path().join("responder.key");
    let db = &app.state.db;
    let wrong = Vault::open(db, &other.path().join("kek"), &site).await.err().unwrap();
    assert!(matches!(wrong, VaultError::WrongKek(_)) && wrong.to_string().contains("put back the KEK file"), "{wrong}");
    let lost = Vault::open(db, &app.keys.path().join("kek"), &other.path().join("responder.key")).await.err().unwrap();
    assert!(matches!(lost, VaultError::WrongSiteKeys(_)), "{lost}");
    app.done().await;
}

/// Where the audit row can't be written, nothing is released.
#[tokio::test]
async fn no_value_leaves_without_a_row() {
    let world = world().await;
    let (app, person) = (world.app().await, world.person("administrator A"));
    let mut owner = <sqlx::PgConnection as sqlx::Connection>::connect_with(&app.database().owner).await.unwrap();
    let break_log = "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'could not extend file: No space left on device'; END $$;
                     CREATE TRIGGER full_disk BEFORE INSERT ON audit_events FOR EACH STATEMENT EXECUTE FUNCTION full_disk()";
    sqlx::raw_sql(break_log).execute(&mut owner).await.unwrap();
    let reveal = format!("/keys/{}/reveal", world.planted.keys[0]);
    for (path, form) in [(reveal.as_str(), vec![]), ("/exports/keys", vec![("scope", "all"), ("format", "csv")])] {
        let answer = app.post(path, person, &form).await;
        assert_eq!(answer.status(), 500, "{path}");
        assert!(!holds(&answer.bytes().await.unwrap(), CANARY_A), "{path}");
    }
    app.done().await;
}

/// Keys that can't be read aren't keys that nobody has: no empty file leaves, and no event says so.
#[tokio::test]
async fn a_reading_that_fails_is_no_empty_export() {
    let world = world().await;
    let (app, person) = (world.app().await, world.person("administrator A"));
    let mut owner = <sqlx::PgConnection as sqlx::Connection>::connect_with(&app.database().owner).await.unwrap();
    sqlx::raw_sql("ALTER TABLE product_keys RENAME COLUMN strung TO lost").execute(&mut owner).await.unwrap();
    let answer = app.post("/exports/keys", person, &[("scope", "all"), ("format", "csv")]).await;
    assert_eq!(answer.status(), 500);
    let done: i64 =
        sqlx::query_scalar("SELECT count(*) FROM audit_events WHERE action = 'keys.export' AND outcome = 'done'")
            .fetch_one(&mut owner)
            .await
            .unwrap();
    assert_eq!(done, 0);
    app.done().await;
}

/// A ciphertext moved to another row, or to another License ID, doesn't open (rogue DBA).
#[tokio::test]
async fn swapped_ciphertexts_do_not_open() {
    let world = world().await;
    let (app, person) = (world.app().await, world.person("administrator A"));
    let mut tx = app.state.db.begin(Scope::System).await.unwrap();
    sqlx::query("UPDATE product_keys k SET sealed = o.sealed, data_key_id = o.data_key_id FROM product_keys o WHERE k.id = $1 AND o.id = $2")
        .bind(world.planted.keys[0])
        .bind(world.planted.keys[1])
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let answer = app.post(&format!("/keys/{}/reveal", world.planted.keys[0]), person, &[]).await;
    assert_ne!(answer.status(), 200);
    // The head of a file is sent by then: that it isn't whole shows in its end, which doesn't come.
    let export = app.post("/exports/keys", person, &[("scope", "all"), ("format", "csv")]).await;
    assert_eq!(export.status(), 200);
    assert!(export.bytes().await.is_err(), "a file without the key ends as if it were whole");
    app.done().await;
}

/// Keys rest sealed: no table holds a canary in clear, nor does the log of the program.
#[tokio::test]
async fn a_thief_of_the_database_reads_no_key() {
    let app = world().await.app().await;
    let mut owner = <sqlx::PgConnection as sqlx::Connection>::connect_with(&app.database().owner).await.unwrap();
    let tables: Vec<String> = sqlx::query_scalar("SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'")
        .fetch_all(&mut owner)
        .await
        .unwrap();
    assert!(tables.len() > 15, "{tables:?}");
    let mut rows = 0;
    for table in tables {
        let statement = format!("SELECT row_to_json(t)::text FROM {table} t");
        let all: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(statement)).fetch_all(&mut owner).await.unwrap();
        rows += all.len();
        for row in all {
            assert!(!holds(row.as_bytes(), CANARY_A), "{table}: {row}");
        }
    }
    assert!(rows > 20, "{rows}");
    app.done().await;
}

#[tokio::test]
async fn a_client_that_dribbles_its_head_is_let_go() {
    let app = world().await.app().await;
    let mut stream = TcpStream::connect(app.base.trim_start_matches("http://")).await.unwrap();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n").await.unwrap();
    let mut rest = Vec::new();
    // 10 s for a head, and some for a busy machine.
    tokio::time::timeout(StdDuration::from_secs(30), stream.read_to_end(&mut rest))
        .await
        .expect("the server ends it")
        .unwrap();
    app.done().await;
}

#[tokio::test]
async fn the_search_keeps_no_whole_key_in_the_address() {
    let world = world().await;
    let (app, person) = (world.app().await, world.person("keys reader A"));
    let answer = app.get(&format!("/products?q={CANARY_A}"), person).await;
    assert_eq!(answer.headers()[header::LOCATION], "/products?q=AAAA7");
    let found = app.get("/products?q=aaaa7", person).await.text().await.unwrap();
    assert!(found.contains("alpha-suite") && !found.contains("beta-suite"));
    app.done().await;
}

/// The same key under several License IDs is one key with several places (S000, "Use one product key for
/// multiple organizations in the same ownership structure").
#[tokio::test]
async fn s000_a_shared_key_is_one_key_with_several_places() {
    let world = world().await;
    let app = world.app().await;
    let shared = "SHARE-7QX2K-9WPVM-4TJHB-ZZZZ9";
    let [a, b] = world.planted.contracts;
    let product = app.product_of(world.planted.keys[0]).await;
    let in_a = super::world::key(&app, a, product, shared).await;
    let in_b = super::world::key(&app, b, product, shared).await;
    app.grant(world.person("administrator A").unwrap(), "product-keys-reader", b).await;
    let page = app.get("/products/alpha-suite?tab=keys", world.person("administrator A")).await.text().await.unwrap();
    assert_eq!(page.matches("<li class=\"key-row\"").count(), 2, "the canary and the shared key");
    assert_eq!(page.matches("-ZZZZ9<").count(), 1, "shown once");
    for place in [in_a, in_b] {
        assert!(page.contains(&format!("value=\"{place}\"")), "each place can be ticked");
    }
    // Who sees one place isn't told of the other.
    let page = app.get("/products/alpha-suite?tab=keys", world.person("keys reader A")).await.text().await.unwrap();
    assert!(page.contains("-ZZZZ9<") && !page.contains("2222222"));
    app.done().await;
}
