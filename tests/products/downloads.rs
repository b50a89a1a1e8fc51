//! Files to install products from: sent in, had, resumed, and who may.

use std::{fs, path::PathBuf};

use reqwest::{
    Method, Response, StatusCode, header,
    multipart::{Form, Part},
};
use time::Duration;
use uuid::Uuid;

use keyward::postgres::Scope;

use crate::{
    support::app::{App, DOWNLOAD_LIMIT},
    web::world::world,
};

const OF_ALPHA: &str = "/products/alpha-suite/downloads";
const TAB: &str = "/products/alpha-suite?tab=downloads";
/// SHA-256 of "abc".
const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

async fn who(actor: &str) -> Option<Uuid> {
    world().await.person(actor)
}

fn form(typed: &[(&'static str, &str)], file: Option<(&'static str, Vec<u8>)>) -> Form {
    let whole = [("language", "English"), ("system", "64-bit"), ("component", "ISO")];
    let mut form = Form::new();
    for (name, value) in whole.iter().filter(|(name, _)| !typed.iter().any(|(known, _)| known == name)).chain(typed) {
        form = form.text(*name, (*value).to_owned());
    }
    match file {
        Some((name, bytes)) => form.part("file", Part::bytes(bytes).file_name(name)),
        None => form,
    }
}

async fn send(app: &App, actor: &str, form: Form) -> Response {
    app.request(Method::POST, OF_ALPHA, who(actor).await).multipart(form).send().await.unwrap()
}

/// Sends a file in as an Administrator; its id.
async fn added(app: &App, typed: &[(&'static str, &str)], name: &'static str, bytes: &[u8]) -> Uuid {
    let answer = send(app, "administrator A", form(typed, Some((name, bytes.to_vec())))).await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    let to = answer.headers()[header::LOCATION].to_str().unwrap().to_owned();
    assert!(to.starts_with(&format!("{TAB}&notice=added&undo=")), "{to}");
    to.rsplit('=').next().unwrap().parse().unwrap()
}

async fn get(app: &App, id: Uuid, actor: &str, headers: &[(header::HeaderName, &str)]) -> Response {
    let mut request = app.request(Method::GET, &format!("/downloads/{id}"), who(actor).await);
    for (name, value) in headers {
        request = request.header(name, *value);
    }
    request.send().await.unwrap()
}

async fn begin(app: &App, id: Uuid, actor: &str) -> Response {
    app.post(&format!("/downloads/{id}"), who(actor).await, &[]).await
}

async fn count(app: &App, statement: &'static str) -> i64 {
    let mut tx = app.state.db.begin(Scope::System).await.unwrap();
    sqlx::query_scalar(statement).fetch_one(&mut *tx).await.unwrap()
}

async fn run(app: &App, statement: &'static str) {
    let mut tx = app.state.db.begin(Scope::System).await.unwrap();
    sqlx::query(statement).execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
}

fn on_disk(app: &App) -> Vec<PathBuf> {
    let dir = fs::read_dir(app.keys.path().join("downloads"));
    dir.map(|entries| entries.map(|entry| entry.unwrap().path()).collect()).unwrap_or_default()
}

fn head(answer: &Response, name: header::HeaderName) -> String {
    answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
}

#[tokio::test]
async fn a_file_is_sent_in_had_in_parts_and_whole_by_its_checksum() {
    let app = world().await.app().await;
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 251) as u8).collect();
    let id = added(&app, &[("released_on", "2026-10-01")], "Übung x64.iso", &bytes).await;
    assert_eq!(on_disk(&app), [app.keys.path().join("downloads").join(id.to_string())]);

    let events = app.events().await;
    let answer = begin(&app, id, "download manager A").await;
    assert_eq!((answer.status(), head(&answer, header::LOCATION)), (StatusCode::SEE_OTHER, format!("/downloads/{id}")));
    assert_eq!(app.events().await, events + 1, "a download is recorded once, when it begins");

    let whole = get(&app, id, "download manager A", &[]).await;
    assert_eq!(whole.status(), StatusCode::OK);
    assert_eq!(head(&whole, header::ACCEPT_RANGES), "bytes");
    assert_eq!(head(&whole, header::CONTENT_LENGTH), "3000000");
    assert_eq!(head(&whole, header::CONTENT_DISPOSITION), "attachment; filename*=UTF-8''%C3%9Cbung%20x64.iso");
    let tag = head(&whole, header::ETAG);
    assert_eq!(whole.bytes().await.unwrap(), bytes);

    let first = get(&app, id, "download manager A", &[(header::RANGE, "bytes=0-999999")]).await;
    assert_eq!(first.status(), StatusCode::PARTIAL_CONTENT);
    assert_eq!(head(&first, header::CONTENT_RANGE), "bytes 0-999999/3000000");
    let mut joined = first.bytes().await.unwrap().to_vec();
    let rest =
        get(&app, id, "download manager A", &[(header::RANGE, "bytes=1000000-"), (header::IF_RANGE, &tag)]).await;
    assert_eq!(
        (rest.status(), head(&rest, header::CONTENT_LENGTH)),
        (StatusCode::PARTIAL_CONTENT, "2000000".to_owned())
    );
    joined.extend(rest.bytes().await.unwrap());
    assert!(joined == bytes, "the parts make the file");

    let other =
        get(&app, id, "download manager A", &[(header::RANGE, "bytes=5-"), (header::IF_RANGE, "\"other\"")]).await;
    assert_eq!((other.status(), other.bytes().await.unwrap().len()), (StatusCode::OK, bytes.len()));
    let beyond = get(&app, id, "download manager A", &[(header::RANGE, "bytes=3000000-")]).await;
    assert_eq!(head(&beyond, header::CONTENT_RANGE), "bytes */3000000");
    assert_eq!(beyond.status(), StatusCode::RANGE_NOT_SATISFIABLE);
    let known = get(&app, id, "download manager A", &[(header::IF_NONE_MATCH, &tag)]).await;
    assert_eq!(known.status(), StatusCode::NOT_MODIFIED);

    let asked =
        app.request(Method::HEAD, &format!("/downloads/{id}"), who("download manager A").await).send().await.unwrap();
    assert_eq!((asked.status(), head(&asked, header::CONTENT_LENGTH)), (StatusCode::OK, "3000000".to_owned()));
    assert_eq!(app.events().await, events + 1, "and no GET adds to it");

    let page = app.get(TAB, who("download manager A").await).await.text().await.unwrap();
    for part in ["Übung x64.iso", "English", "64-bit", "2.8 MiB", tag.trim_matches('"'), "Released 1 Oct 2026"] {
        assert!(page.contains(part), "{part}");
    }
    assert!(!page.contains("Add a file or a link"), "that is an Administrator's");
    app.done().await;
}

#[tokio::test]
async fn a_get_wants_the_session_that_began_it_within_a_day() {
    let app = world().await.app().await;
    let id = added(&app, &[], "a.iso", b"abc").await;
    let sent_back = format!("{TAB}&notice=begin");
    assert_eq!(head(&get(&app, id, "administrator A", &[]).await, header::LOCATION), sent_back, "nothing begun");
    begin(&app, id, "download manager A").await;
    assert_eq!(head(&get(&app, id, "administrator A", &[]).await, header::LOCATION), sent_back, "another's");
    assert_eq!(get(&app, id, "download manager A", &[]).await.status(), StatusCode::OK);
    // A second session of the same person: an address that was copied opens nothing.
    app.sign_in(who("download manager A").await.unwrap()).await;
    assert_eq!(head(&get(&app, id, "download manager A", &[]).await, header::LOCATION), sent_back);
    begin(&app, id, "download manager A").await;
    run(&app, "UPDATE download_tickets SET until = '2026-11-22 11:59Z'").await;
    assert_eq!(head(&get(&app, id, "download manager A", &[]).await, header::LOCATION), sent_back, "over");
    // The role is asked for each time.
    begin(&app, id, "download manager A").await;
    run(&app, "UPDATE grants SET revoked_at = granted_at WHERE role = 'product-download-manager'").await;
    assert_eq!(get(&app, id, "download manager A", &[]).await.status(), StatusCode::NOT_FOUND);
    app.done().await;
}

/// M365 download-vl-products, "viewing is not entitlement": the product is seen, its files aren't had.
#[tokio::test]
async fn m365_viewing_is_not_entitlement() {
    let app = world().await.app().await;
    let id = added(&app, &[], "a.iso", b"abc").await;
    for actor in ["keys reader A", "position reader A"] {
        let page = app.get(TAB, who(actor).await).await.text().await.unwrap();
        assert!(page.contains("You lack the role Product download manager on License ID 1111111."), "{actor}");
        assert!(!page.contains("a.iso") && !page.contains(ABC), "{actor}");
        assert_eq!(begin(&app, id, actor).await.status(), StatusCode::NOT_FOUND, "{actor}");
        assert_eq!(
            send(&app, actor, form(&[], Some(("b.iso", b"abc".to_vec())))).await.status(),
            StatusCode::FORBIDDEN
        );
    }
    let page = app.get(TAB, who("download manager A").await).await.text().await.unwrap();
    assert!(page.contains("a.iso") && page.contains("doesn’t mean that you hold licences for it"));
    for way in ["remove", "restore"] {
        let answer = app.post(&format!("/downloads/{id}/{way}"), who("download manager A").await, &[]).await;
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{way}");
        let answer = app.post(&format!("/downloads/{id}/{way}"), who("administrator B").await, &[]).await;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{way}");
    }
    app.done().await;
}

/// M365 download-vl-products: access outlives the agreement, for releases up to its last day.
#[tokio::test]
async fn m365_an_ended_agreement_gives_releases_until_its_last_day() {
    let app = world().await.app().await;
    let before = added(&app, &[("released_on", "2026-05-31")], "before.iso", b"abc").await;
    let after = added(&app, &[("released_on", "2026-06-01")], "after.iso", b"abc").await;
    let undated = added(&app, &[], "undated.iso", b"abc").await;
    run(&app, "UPDATE contracts SET ends_on = '2026-05-31' WHERE license_id = '1111111'").await;
    let page = app.get(TAB, who("download manager A").await).await.text().await.unwrap();
    assert!(page.contains("before.iso") && !page.contains("after.iso") && !page.contains("undated.iso"));
    assert!(page.contains("ended on 31 May 2026"));
    assert_eq!(begin(&app, before, "download manager A").await.status(), StatusCode::SEE_OTHER);
    for id in [after, undated] {
        assert_eq!(begin(&app, id, "download manager A").await.status(), StatusCode::NOT_FOUND);
    }
    let answer =
        send(&app, "administrator A", form(&[("released_on", "2026-06-02")], Some(("late.iso", b"abc".to_vec()))))
            .await;
    assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY, "nor is one added that one couldn't have");
    assert_eq!(on_disk(&app).len(), 3, "and its bytes are gone again");
    // One agreement in force is enough.
    run(&app, "UPDATE contracts SET ends_on = '2027-05-31' WHERE license_id = '1111111'").await;
    assert_eq!(begin(&app, after, "download manager A").await.status(), StatusCode::SEE_OTHER);
    app.done().await;
}

#[tokio::test]
async fn what_isnt_right_leaves_nothing_and_says_why_at_its_field() {
    let app = world().await.app().await;
    let rows = "SELECT count(*) FROM downloads";
    let planted = count(&app, rows).await;
    let file = || Some(("a.iso", b"abc".to_vec()));
    let zeroes = "0".repeat(64);
    for (typed, file, why) in [
        (&[("sha256", "00")][..], file(), "A SHA-256 checksum is 64 digits"),
        (&[("sha256", zeroes.as_str())][..], file(), "What arrived has another checksum"),
        (&[("url", "https://files.example/a.iso")][..], file(), "Either a file or a link"),
        (&[][..], None, "Choose a file, or give a link"),
        (&[][..], Some(("a.iso", Vec::new())), "The file is empty"),
        (&[("system", "128-bit")][..], file(), "Choose one from the list"),
        (&[("language", "")][..], file(), "Say in which language"),
        (&[("url", "http://files.example/a.iso"), ("sha256", ABC)][..], None, "This isn’t an https address"),
        (&[("component", "ABCDE-FGHJK-12345-VWXYZ-QRTPM")][..], file(), "This is a product key"),
    ] {
        let answer = send(&app, "administrator A", form(typed, file)).await;
        assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY, "{why}");
        let page = answer.text().await.unwrap();
        assert!(page.contains(why) && page.contains("aria-invalid") || page.contains("file-error"), "{why}");
    }
    let large = vec![0; usize::try_from(DOWNLOAD_LIMIT).unwrap() + 100_000];
    let answer = send(&app, "administrator A", form(&[], Some(("a.iso", large)))).await;
    assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert!(answer.text().await.unwrap().contains("at most 8 MiB"));
    assert_eq!((count(&app, rows).await, on_disk(&app).len()), (planted, 0));
    app.done().await;
}

#[tokio::test]
async fn a_right_checksum_is_taken_and_a_file_is_removed_and_brought_back() {
    let app = world().await.app().await;
    let id = added(&app, &[("sha256", &ABC.to_uppercase())], "a.iso", b"abc").await;
    let post = async |way: &str| app.post(&format!("/downloads/{id}/{way}"), who("administrator A").await, &[]).await;
    let answer = post("remove").await;
    let to = head(&answer, header::LOCATION);
    assert_eq!(to, format!("{TAB}&notice=removed&undo={id}"));
    let page = app.get(&to, who("administrator A").await).await.text().await.unwrap();
    assert!(page.contains("Removed a.iso.") && page.contains(&format!("action=\"/downloads/{id}/restore\"")));
    assert_eq!(begin(&app, id, "administrator A").await.status(), StatusCode::NOT_FOUND);
    assert_eq!(post("restore").await.status(), StatusCode::SEE_OTHER);
    assert_eq!(begin(&app, id, "administrator A").await.status(), StatusCode::SEE_OTHER);

    // A week after it was removed its bytes go, and with them the way back.
    post("remove").await;
    app.state.downloads.sweep(&app.state.db).await.unwrap();
    assert_eq!(on_disk(&app).len(), 1);
    app.clock.turn(Duration::days(7) + Duration::seconds(1));
    app.state.downloads.sweep(&app.state.db).await.unwrap();
    assert!(on_disk(&app).is_empty());
    app.sign_in(who("administrator A").await.unwrap()).await;
    assert_eq!(post("restore").await.status(), StatusCode::CONFLICT);
    app.done().await;
}

#[tokio::test]
async fn the_sweep_takes_what_nothing_names_and_nothing_else() {
    let app = world().await.app().await;
    let id = added(&app, &[], "a.iso", b"abc").await;
    let dir = app.keys.path().join("downloads");
    let left = ["draft-0193".to_owned(), Uuid::now_v7().to_string()].map(|name| dir.join(name));
    let (foreign, written) = (dir.join("notes.txt"), dir.join("draft-0194"));
    let young = dir.join(Uuid::now_v7().to_string());
    for path in left.iter().chain([&foreign, &written, &young]) {
        fs::write(path, "x").unwrap();
    }
    // The sweep's clock is the app's; what it doesn't know waits a week.
    let (now, week) = (app.state.clock().now(), std::time::Duration::from_secs(7 * 86_400));
    let touch = |path: &std::path::Path, at: std::time::SystemTime| {
        fs::File::options().write(true).open(path).unwrap().set_modified(at).unwrap();
    };
    touch(&left[1], std::time::SystemTime::from(now) - 2 * week);
    touch(&young, std::time::SystemTime::from(now));
    let held = fs::File::open(&written).unwrap();
    held.lock().unwrap();
    app.state.downloads.sweep(&app.state.db).await.unwrap();
    let mut found = on_disk(&app);
    let mut want = vec![dir.join(id.to_string()), foreign, written, young];
    found.sort();
    want.sort();
    assert_eq!(found, want);
    app.done().await;
}

#[tokio::test]
async fn a_link_shows_its_address_once_its_download_was_begun() {
    let app = world().await.app().await;
    let typed = [("url", "https://files.example.org/setup%20x64.exe?v=2"), ("sha256", ABC), ("component", "EXE")];
    let answer = send(&app, "administrator A", form(&typed, None)).await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    let id: Uuid = head(&answer, header::LOCATION).rsplit('=').next().unwrap().parse().unwrap();
    let before = app.get(TAB, who("download manager A").await).await.text().await.unwrap();
    assert!(
        before.contains("On files.example.org")
            && before.contains("setup x64.exe")
            && !before.contains("https://files")
    );
    let answer = begin(&app, id, "download manager A").await;
    let to = head(&answer, header::LOCATION);
    assert_eq!(to, format!("{TAB}&ready={id}"));
    let after = app.get(&to, who("download manager A").await).await.text().await.unwrap();
    assert!(after.contains("href=\"https://files.example.org/setup%20x64.exe?v=2\" rel=\"noreferrer noopener\""));
    app.done().await;
}

/// The two walls say the same as the table of roles.
#[tokio::test]
async fn manage_user_roles_vl_downloads_are_for_two_roles_in_sql_too() {
    let app = world().await.app().await;
    for (actor, may) in [
        ("keys reader A", 0),
        ("position reader A", 0),
        ("download manager A", 1),
        ("administrator A", 1),
        ("administrator B", 1),
        ("revoked", 0),
        ("site operator", 0),
        ("auditor", 0),
        ("no grant", 0),
    ] {
        let mut tx = app.state.db.begin(Scope::Person(who(actor).await.unwrap())).await.unwrap();
        let contracts: i64 =
            sqlx::query_scalar("SELECT count(*) FROM app_downloads()").fetch_one(&mut *tx).await.unwrap();
        let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM downloads").fetch_one(&mut *tx).await.unwrap();
        assert_eq!((contracts, rows), (may, may), "{actor}");
        // Nobody writes another's: not the rows of a product that he doesn't look after, nor what a file is.
        let stolen = sqlx::query("UPDATE downloads SET url = 'https://evil.example/'").execute(&mut *tx).await;
        assert!(stolen.is_err(), "{actor}");
    }
    app.done().await;
}
