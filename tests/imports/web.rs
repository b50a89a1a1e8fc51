//! Files through the browser: sent in, shown, written or thrown away.

use keyward::{imports, postgres::Scope};
use reqwest::{
    Method, Response, header,
    multipart::{Form, Part},
};
use sqlx::AssertSqlSafe;
use time::Duration;
use uuid::Uuid;

use crate::{
    support::app::App,
    web::world::{A, B, CANARY_A, World, world},
};

const HEADER: &str = "License ID,Product,Product Key,Type,MAK Activations-Used/Available\n";
const KEY: &str = "QX3TJ-7WKPD-9HMCV-2BRFG-84YNX";

async fn send(app: &App, person: Option<Uuid>, files: &[(&str, Vec<u8>)]) -> Response {
    let form = files.iter().fold(Form::new(), |form, (name, bytes)| {
        form.part("files", Part::bytes(bytes.clone()).file_name((*name).to_owned()))
    });
    app.request(Method::POST, "/imports", person).multipart(form).send().await.unwrap()
}

async fn staged(app: &App, person: Option<Uuid>, rows: &str) -> String {
    let answer = send(app, person, &[("keys.csv", format!("{HEADER}{rows}").into_bytes())]).await;
    assert_eq!(answer.status(), 303);
    place(&answer)
}

fn place(answer: &Response) -> String {
    answer.headers()[header::LOCATION].to_str().unwrap().to_owned()
}

async fn count(app: &App, statement: &str) -> i64 {
    let mut tx = app.state.db.begin(Scope::System).await.unwrap();
    sqlx::query_scalar(AssertSqlSafe(statement.to_owned())).fetch_one(&mut *tx).await.unwrap()
}

async fn execute(app: &App, statement: String) {
    let mut tx = app.state.db.begin(Scope::System).await.unwrap();
    sqlx::query(AssertSqlSafe(statement)).execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
}

const SEALED_FILES: &str = "SELECT count(*) FROM import_files WHERE sealed IS NOT NULL";
const KEYS: &str = "SELECT count(*) FROM product_keys WHERE id NOT IN (SELECT key_id FROM own_keys)";

async fn portal() -> (&'static World, App) {
    let world = world().await;
    (world, world.app().await)
}

#[tokio::test]
async fn files_are_shown_then_written_then_forgotten() {
    let (world, app) = portal().await;
    let person = world.person("administrator A");
    let changed = format!("{A},alpha-suite,{CANARY_A},MAK,44/50\n{A},Visio,{KEY},MAK,1/50\n");
    let preview = staged(&app, person, &changed).await;
    assert_eq!((count(&app, KEYS).await, count(&app, SEALED_FILES).await), (2, 1));
    let page = app.get(&preview, person).await.text().await.unwrap();
    for part in ["Import 2 rows", "<del>42</del>", "<ins>44</ins>", "key ending in 84YNX", "Visio"] {
        assert!(page.contains(part), "{part}");
    }
    let added = app.get(&format!("{preview}?action=added"), person).await.text().await.unwrap();
    assert!(added.contains("84YNX") && !added.contains("AAAA7"));
    let written = app.post(&format!("{preview}/apply"), person, &[]).await;
    assert_eq!((written.status().as_u16(), place(&written)), (303, preview.clone()));
    assert_eq!((count(&app, KEYS).await, count(&app, SEALED_FILES).await), (3, 0));
    assert_eq!(count(&app, "SELECT used FROM product_keys WHERE last_five = 'AAAA7'").await, 44);
    for action in ["apply", "discard"] {
        assert_eq!(app.post(&format!("{preview}/{action}"), person, &[]).await.status(), 409, "{action} once only");
    }
    let list = app.get("/imports", person).await.text().await.unwrap();
    assert!(list.contains("keys.csv") && list.contains("Imported"));
    app.done().await;
}

#[tokio::test]
async fn what_is_discarded_or_forgotten_is_emptied() {
    let (world, app) = portal().await;
    let person = world.person("administrator A");
    let row = format!("{A},Visio,{KEY},MAK,1/50\n");
    let discarded = staged(&app, person, &row).await;
    assert_eq!(place(&app.post(&format!("{discarded}/discard"), person, &[]).await), "/imports");
    assert_eq!((count(&app, KEYS).await, count(&app, SEALED_FILES).await), (2, 0));
    let forgotten = staged(&app, person, &row).await;
    assert_eq!(imports::sweep(&app.state.db, app.clock.now()).await.unwrap(), 0);
    app.clock.turn(Duration::hours(25));
    // the planted ones wait as well
    assert_eq!(imports::sweep(&app.state.db, app.clock.now()).await.unwrap(), 3);
    assert_eq!(count(&app, SEALED_FILES).await, 0);
    app.sign_in(person.unwrap()).await;
    assert_eq!(app.post(&format!("{forgotten}/apply"), person, &[]).await.status(), 409);
    app.done().await;
}

#[tokio::test]
async fn what_changed_since_it_was_shown_is_shown_again() {
    let (world, app) = portal().await;
    let person = world.person("administrator A");
    let preview = staged(&app, person, &format!("{A},alpha-suite,{CANARY_A},MAK,44/50\n")).await;
    // As many rows as before, another content: one row changes, but from another count.
    execute(&app, "UPDATE product_keys SET used = 43 WHERE last_five = 'AAAA7'".to_owned()).await;
    let shown_again = app.post(&format!("{preview}/apply"), person, &[]).await;
    assert_eq!(place(&shown_again), format!("{preview}?notice=changed"));
    assert_eq!(count(&app, "SELECT used FROM product_keys WHERE last_five = 'AAAA7'").await, 43);
    let page = app.get(&place(&shown_again), person).await.text().await.unwrap();
    assert!(page.contains("<del>43</del>") && page.contains("no longer what you were shown"));
    assert_eq!(place(&app.post(&format!("{preview}/apply"), person, &[]).await), preview);
    assert_eq!(count(&app, "SELECT used FROM product_keys WHERE last_five = 'AAAA7'").await, 44);
    app.done().await;
}

#[tokio::test]
async fn an_import_reaches_as_far_as_its_sender_does_when_it_is_written() {
    let (world, app) = portal().await;
    let (sender, operator) = (world.person("administrator A"), world.person("site operator"));
    let preview = staged(&app, sender, &format!("{A},Visio,{KEY},MAK,1/50\n")).await;
    let revoke = "UPDATE grants SET revoked_at = app_now() WHERE contract_id = '".to_owned();
    execute(&app, format!("{revoke}{}'", world.planted.contracts[0])).await;
    assert_eq!(app.get(&preview, sender).await.status(), 404, "no Administrator any more");
    // a site operator's consent doesn't widen it
    let answer = app.post(&format!("{preview}/apply"), operator, &[]).await;
    assert_eq!(place(&answer), format!("{preview}?notice=changed"));
    assert_eq!(count(&app, KEYS).await, 2);
    app.done().await;
}

#[tokio::test]
async fn a_site_operator_imports_everything_and_sees_last_groups_only() {
    let (world, app) = portal().await;
    let operator = world.person("site operator");
    let preview = staged(&app, operator, &format!("{B},Visio,{KEY},MAK,1/50\n7777777,Visio,{KEY},MAK,1/50\n")).await;
    let page = app.get(&preview, operator).await.text().await.unwrap();
    assert!(page.contains("Import 2 rows") && page.contains("84YNX") && !page.contains("7WKPD"));
    assert_eq!(app.get(&preview, world.person("administrator B")).await.status(), 404, "another's import");
    app.post(&format!("{preview}/apply"), operator, &[]).await;
    assert_eq!(count(&app, KEYS).await, 4);
    app.done().await;
}

#[tokio::test]
async fn every_fault_is_named_and_nothing_is_kept() {
    let (world, app) = portal().await;
    let person = world.person("administrator A");
    let bad = format!("{HEADER}{A},Visio,QX3TJ-7WKPD-9HMC-2BRFG-84YNX,MAK,1/50\n").into_bytes();
    let many = [HEADER.to_owned(), format!("{A},Visio,{KEY},MAK,\n").repeat(50_001)].concat().into_bytes();
    let big = vec![b'x'; 10 * 1024 * 1024 + 1];
    type Files = Vec<(&'static str, Vec<u8>)>;
    let cases: [(Files, &str); 5] = [
        (vec![("keys.csv", bad)], "keys.csv:2: Product Key: group 3 has 4 characters"),
        (vec![("many.csv", many)], "more than 50000 rows"),
        (vec![("C:\\big.csv", big)], "big.csv:1: the file has 10485761 bytes"),
        (vec![("", Vec::new())], "No file was chosen"),
        (vec![("k.csv", HEADER.as_bytes().to_vec()); 6], "at most 5"),
    ];
    let before = count(&app, "SELECT count(*) FROM imports").await;
    for (files, sentence) in cases {
        let answer = send(&app, person, &files).await;
        assert_eq!(answer.status(), 422, "{sentence}");
        let page = answer.text().await.unwrap();
        assert!(page.contains(sentence) && page.contains("Nothing was written"), "{sentence}");
        assert!(!page.contains("7WKPD"));
    }
    assert_eq!(count(&app, "SELECT count(*) FROM imports").await, before);
    let large = send(&app, person, &[("large.csv", vec![b'x'; 53 * 1024 * 1024])]).await;
    assert_eq!(large.status(), 413);
    app.done().await;
}

#[tokio::test]
async fn a_refused_row_refuses_its_file_and_the_others_can_be_written() {
    let (world, app) = portal().await;
    let person = world.person("administrator A");
    let keys = format!("{HEADER}{A},Visio,{KEY},MAK,1/50\n").into_bytes();
    let contacts = format!("License ID,Role,Name,Email\n{B},Online,Desk,desk@contoso.example\n").into_bytes();
    let answer = send(&app, person, &[("keys.csv", keys), ("contacts.csv", contacts.clone())]).await;
    let page = app.get(&place(&answer), person).await.text().await.unwrap();
    assert!(page.contains("Refused: contacts.csv") && page.contains("Import 1 row"));
    app.post(&format!("{}/apply", place(&answer)), person, &[]).await;
    assert_eq!(count(&app, KEYS).await, 3);
    assert_eq!(count(&app, "SELECT count(*) FROM contacts WHERE role = 'Online'").await, 0);
    // where nothing can be written, nothing waits
    let refused = send(&app, person, &[("contacts.csv", contacts)]).await;
    assert_eq!(app.post(&format!("{}/apply", place(&refused)), person, &[]).await.status(), 409);
    assert_eq!(count(&app, SEALED_FILES).await, 0);
    app.done().await;
}

#[tokio::test]
async fn writing_wants_a_recent_password() {
    let (world, app) = portal().await;
    let person = world.person("administrator A");
    let preview = staged(&app, person, &format!("{A},Visio,{KEY},MAK,1/50\n")).await;
    app.clock.turn(Duration::minutes(6));
    assert_eq!(place(&app.post(&format!("{preview}/apply"), person, &[]).await), "/confirm");
    assert_eq!(count(&app, KEYS).await, 2);
    app.done().await;
}
