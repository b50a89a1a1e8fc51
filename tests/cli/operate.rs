//! From the first start to a killed one.

use std::{fs, process::Stdio, time::Duration};

use keyward::postgres::embedded::{Durability, attach_or_start};
use sqlx::{Connection, PgConnection};

use super::{Installation, text, whole_estate};

const PASSWORD: &str = "violet anchor drizzle seven";

fn rows(installation: &Installation) -> usize {
    installation.done(&["export", "keys", "--format", "csv"]).lines().count() - 1
}

#[tokio::test]
async fn a_fresh_installation_says_its_first_steps_and_they_work() {
    let installation = Installation::new();
    let server = installation.serve(&[]);
    for step in ["keyward user add EMAIL", "keyward grant EMAIL administrator --all", "keyward import FILE"] {
        assert!(server.said.contains(step), "{}", server.said);
        assert!(server.get("/sign-in").await.text().await.unwrap().contains(step));
    }
    // All of it beside the running server.
    let added = installation.piped(
        PASSWORD,
        &["user", "add", "desk@keyward.example", "--name", "Desk", "--site-operator", "--password-stdin"],
    );
    assert!(added.status.success(), "{}", text(&added.stderr));
    installation.done(&["grant", "desk@keyward.example", "administrator", "--all"]);
    let files = whole_estate();
    let said = installation.done(&["import", &files[0], &files[1], &files[2], &files[3], &files[4]]);
    for summary in ["contracts, 14 rows: 14 added", "28 added", "225 added", "474 added", "180 added"] {
        assert!(said.contains(summary), "{said}");
    }
    assert!(!server.get("/sign-in").await.text().await.unwrap().contains("First steps"));
    let listed = installation.done(&["user", "list"]);
    assert!(listed.contains("site operator") && listed.contains("14 License IDs"), "{listed}");
    assert_eq!(rows(&installation), 474);
    assert!(installation.done(&["audit", "verify"]).contains("is whole"));
    assert_eq!(server.end(), Some(0));
}

#[test]
fn passwords_are_asked_to_be_good() {
    let installation = Installation::new();
    let add = ["user", "add", "a@keyward.example", "--name", "A", "--password-stdin"];
    let short = installation.piped("fourteen chars", &add);
    assert_eq!(short.status.code(), Some(1));
    assert!(text(&short.stderr).contains("at least 15 characters; this one has 14"));
    let none = installation.piped("", &add);
    assert!(text(&none.stderr).contains("no password came on the standard input"));
    assert!(installation.piped(PASSWORD, &add).status.success());
    let again = installation.piped(PASSWORD, &add);
    assert_eq!(again.status.code(), Some(1));
    assert!(text(&again.stderr).contains("there is an account a@keyward.example already"));
}

#[test]
fn what_keyward_exports_imports_again_unchanged() {
    let installation = Installation::new();
    let files = whole_estate();
    installation.done(&["import", &files[0], &files[1], &files[2], &files[3], &files[4]]);
    for format in ["tsv", "csv"] {
        for what in ["contracts", "keys"] {
            let out = installation.dir.path().join(format!("{what}.{format}")).display().to_string();
            installation.done(&["export", what, "--format", format, "--output", &out]);
            let said = installation.done(&["import", &out]);
            assert!(said.contains(" 0 added, 0 changed") && !said.contains(" 0 rows"), "{said}");
        }
    }
    let vendor = fs::read(super::estate("admin-center-keys.csv")).unwrap();
    let ours = fs::read(installation.dir.path().join("keys.tsv")).unwrap();
    let sorted = |bytes: &[u8]| {
        let mut lines: Vec<String> = text(bytes).split("\r\n").map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(sorted(&ours), sorted(&vendor), "the admin centre's own shape, line for line");
}

/// Rows of several License IDs come from the database at a time (decision 51), each key with what is its own.
#[test]
fn keys_leave_by_license_id_with_any_osa_status() {
    let installation = Installation::new();
    let files = whole_estate();
    installation.done(&["import", &files[0], &files[1]]);
    let file = installation.dir.path().join("keys.tsv").display().to_string();
    let export = || {
        installation.done(&["export", "keys", "--format", "tsv", "--output", &file]);
        text(&fs::read(&file).unwrap())
    };
    let before = export();
    let numbers: Vec<&str> = before.lines().skip(1).map(|line| line.split('\t').next().unwrap()).collect();
    assert!(numbers.is_sorted() && numbers.len() == 474);
    let mut distinct = numbers.clone();
    distinct.dedup();
    assert_eq!(distinct.len(), 13, "one of the 14 holds none, and a row at most 10");

    let after = before.replacen("\tAvailable\r\n", "\tEin\\gelöst \\\\ \\x41 \\101\r\n", 3);
    assert_ne!(after, before);
    fs::write(&file, &after).unwrap();
    let said = installation.done(&["import", &file]);
    assert!(said.contains(" 0 added, 3 changed"), "{said}");
    assert_eq!(export(), after);
}

#[test]
fn a_dry_run_shows_every_row_and_writes_none() {
    let installation = Installation::new();
    let files = whole_estate();
    let said = installation.done(&["import", "--dry-run", &files[0], &files[1], &files[2], &files[3], &files[4]]);
    assert_eq!(said.lines().filter(|line| line.contains(": added ")).count(), 14 + 28 + 225 + 474 + 180);
    assert!(said.contains("474 would be added") && said.ends_with("Nothing was written.\n"));
    assert!(!said.contains("KVXYQ-"), "keys are masked");
    assert_eq!(rows(&installation), 0);
}

#[tokio::test]
async fn without_its_kek_the_portal_serves_and_says_what_to_do() {
    let installation = Installation::new();
    let files = whole_estate();
    installation.done(&["import", &files[1]]);
    fs::rename(installation.data().join("kek"), installation.data().join("kek.away")).unwrap();
    let server = installation.serve(&[]);
    assert!(
        server.said.contains("the vault is sealed") && server.said.contains("Put the file back"),
        "{}",
        server.said
    );
    assert_eq!(server.get("/readyz").await.text().await.unwrap(), "ok, vault sealed\n");
    let said = installation.refused(1, &["export", "keys"]);
    assert!(said.contains("the vault is sealed"), "{said}");
    let said = installation.refused(1, &["import", &files[1]]);
    assert!(said.contains("the vault is sealed"), "{said}");
    assert_eq!(server.end(), Some(0));
    fs::rename(installation.data().join("kek.away"), installation.data().join("kek")).unwrap();
    assert_eq!(rows(&installation), 474);
}

/// kill -9 of an import and of the server at many moments: the next command just works, a file is
/// there whole or not at all, and the log holds.
#[test]
fn killed_at_any_moment_nothing_is_half_written() {
    let installation = Installation::new();
    installation.done(&["migrate"]);
    let keys = super::estate("admin-center-keys.csv");
    let mut whole = 0;
    for moment in 0..12 {
        let mut import = installation.command().args(["import", &keys]).stderr(Stdio::null()).spawn().unwrap();
        // Spread over what an import takes; where it lands doesn't matter to what is asserted.
        std::thread::sleep(Duration::from_millis(40 * moment));
        import.kill().unwrap();
        import.wait().unwrap();
        let rows = rows(&installation);
        assert!(rows == 0 || rows == 474, "{rows} rows after a kill at {moment}");
        whole += usize::from(rows == 474);
        assert!(installation.done(&["audit", "verify"]).contains("is whole"));
    }
    installation.serve(&[]).kill();
    let server = installation.serve(&[]);
    assert!(installation.done(&["import", &keys]).contains("474 rows"));
    assert_eq!(rows(&installation), 474, "{whole} of 12 kills came after the commit");
    server.kill();
}

#[tokio::test]
async fn the_demo_prints_its_sign_ins_and_shows_an_estate() {
    let installation = Installation::new();
    let demo = installation.serve(&["demo"]);
    assert!(
        demo.said.contains("The password is the same for all")
            || demo.said.contains("the password is the same for all"),
        "{}",
        demo.said
    );
    let emails: Vec<&str> =
        demo.said.lines().filter_map(|line| line.split_whitespace().find(|word| word.contains('@'))).collect();
    assert_eq!(emails.len(), 4, "{}", demo.said);
    let password = &demo.said.split("same for all: ").nth(1).unwrap().lines().next().unwrap().to_owned();
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    for (email, keys) in emails.iter().zip([true, true, true, false]) {
        let form = [("email", *email), ("password", password)];
        let signed_in = client
            .post(format!("{}/sign-in", demo.address))
            .header("origin", &demo.address)
            .form(&form)
            .send()
            .await
            .unwrap();
        assert_eq!(signed_in.status(), 303, "{email}");
        let cookie = signed_in.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
        let page = client
            .get(format!("{}/products", demo.address))
            .header("cookie", cookie)
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap();
        assert_eq!(page.contains("Windows 11 Pro"), keys, "{email}");
    }
    demo.kill();
    // A second start is the same demo; a reset one is another.
    assert!(installation.serve(&["demo"]).said.contains(password));
    assert!(!installation.serve(&["demo", "--reset"]).said.contains(password));
}

/// Killed in the middle of what it makes up, the demo's next start tells the rest, and nothing twice.
#[tokio::test]
async fn a_demo_that_was_killed_midway_is_whole_after_its_next_start() {
    let told = "SELECT (SELECT count(*) FROM activations) || ' ' || (SELECT count(*) FROM kms_clients) || ' ' || (SELECT count(*) FROM devices)
        || ' ' || (SELECT count(*) FROM unverified_clients) || ' ' || (SELECT sum(requests) FROM kms_clients)
        || ' ' || (SELECT count(*) FROM host_slots WHERE activations = 1) || ' '
        || (SELECT count(*) FROM kms_samples s JOIN applications a ON a.id = s.application_id AND s.at < a.created_at + interval '89 days 22 hours')
        || ' ' || (SELECT string_agg(state, ' ' ORDER BY number) FROM requests) || ' ' || (SELECT count(*) FROM request_entries)
        || ' ' || (SELECT count(*) FROM key_readings)";
    let undisturbed = Installation::new();
    let server = undisturbed.serve(&["demo"]);
    let whole: String = ask(&undisturbed, told).await.unwrap();
    server.kill();
    for (count, within) in
        [("SELECT count(*) FROM kms_samples", 41..360), ("SELECT count(*) FROM request_entries", 4..9)]
    {
        let installation = Installation::new();
        let counted = killed_midway(&installation, count, within).await;
        let server = installation.serve(&["demo"]);
        assert_eq!(ask::<String>(&installation, told).await.unwrap(), whole, "killed at {counted} of {count}");
        server.kill();
    }
    // Whole, it stays as it is.
    let server = undisturbed.serve(&["demo"]);
    assert_eq!(ask::<String>(&undisturbed, told).await.unwrap(), whole);
    server.kill();
}

/// Kills a demo's start as soon as what `count` counts is `within`; how many there were by then.
async fn killed_midway(installation: &Installation, count: &'static str, within: std::ops::Range<i64>) -> i64 {
    let listen = super::free_address();
    let mut command = installation.command();
    let mut demo = super::Killed(
        command
            .args(["--listen", listen.as_str(), "demo"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap(),
    );
    // From then on nobody else can take the database's directory.
    let pid = installation.data().join("postgres/data/postmaster.pid");
    while !pid.exists() {
        assert_eq!(demo.0.try_wait().unwrap(), None, "it ended");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    loop {
        assert_eq!(demo.0.try_wait().unwrap(), None, "it ended");
        if let Some(counted) = ask::<i64>(installation, count).await.filter(|counted| *counted >= within.start) {
            demo.0.kill().unwrap();
            demo.0.wait().unwrap();
            assert!(counted < within.end, "killed too late, at {counted}");
            return counted;
        }
    }
}

/// One value from the database of a running installation; none while it isn't ready for that.
async fn ask<T>(installation: &Installation, statement: &'static str) -> Option<T>
where
    T: Send + Unpin + for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
{
    let (own, cluster) = attach_or_start(&installation.data().join("postgres"), Durability::Durable).await.ok()?;
    assert!(own.is_none(), "a server runs here");
    let mut owner = PgConnection::connect_with(&cluster.owner).await.ok()?;
    sqlx::query_scalar(statement).fetch_one(&mut owner).await.ok()
}

#[test]
fn roles_are_given_and_taken_on_the_command_line() {
    let installation = Installation::new();
    installation.done(&["import", &super::estate("contracts.csv")]);
    let added = installation.piped(PASSWORD, &["user", "add", "a@keyward.example", "--name", "A", "--password-stdin"]);
    assert!(added.status.success());
    installation.done(&["grant", "a@keyward.example", "product-keys-reader", "8671204", "--until", "2099-12-31"]);
    let said =
        installation.done(&["grant", "a@keyward.example", "administrator", "--organization", "Northwind Holding AG"]);
    assert!(said.contains("License IDs now"), "{said}");
    let said = installation.refused(1, &["grant", "a@keyward.example", "administrator", "0000000"]);
    assert!(said.contains("there is no License ID “0000000”"), "{said}");
    let said = installation.refused(2, &["grant", "a@keyward.example", "boss", "8671204"]);
    assert!(said.contains("there is no role “boss”"), "{said}");
    let said = installation.refused(2, &["grant", "a@keyward.example", "administrator"]);
    assert!(said.contains("LICENSE_ID"), "{said}");
    installation.done(&["revoke", "a@keyward.example", "product-keys-reader", "8671204"]);
    let said = installation.refused(1, &["revoke", "a@keyward.example", "product-keys-reader", "8671204"]);
    assert!(said.contains("nothing to take away"), "{said}");
    assert!(installation.done(&["user", "disable", "a@keyward.example"]).contains("Closed the account"));
    assert!(installation.done(&["user", "list"]).contains("disabled"));
}

#[tokio::test]
async fn health_and_metrics_are_there_for_operators() {
    let installation = Installation::new();
    let metrics = super::free_address();
    let server = installation.serve(&["--admin-listen", &metrics]);
    assert_eq!(server.get("/healthz").await.text().await.unwrap(), "ok\n");
    assert_eq!(server.get("/readyz").await.text().await.unwrap(), "ok\n");
    let listen = server.address.trim_start_matches("http://").to_owned();
    installation.done(&["healthcheck", "--listen", &listen]);
    let text = reqwest::get(format!("http://{metrics}/metrics")).await.unwrap().text().await.unwrap();
    assert!(text.contains(r#"keyward_requests_total{method="GET",route="/readyz",status="200"} 1"#), "{text}");
    assert_eq!(server.end(), Some(0));
    let said = installation.refused(1, &["healthcheck", "--listen", &listen]);
    assert!(said.contains("can't be reached"), "{said}");
}

/// Signed ends of chains, kept elsewhere, show a database that was put back to an older state.
#[test]
fn signed_heads_show_a_log_that_was_put_back() {
    let installation = Installation::new();
    installation.done(&["import", &super::estate("contracts.csv")]);
    assert_eq!(installation.serve(&[]).end(), Some(0));
    let heads = installation.data().join("audit-heads.jsonl");
    let kept = installation.dir.path().join("kept.jsonl").display().to_string();
    fs::copy(&heads, &kept).unwrap();
    let said = installation.done(&["audit", "verify", "--heads", &kept]);
    assert!(said.contains("15 ends of chains compared"), "{said}");

    let copy = |from: &str, to: &str| {
        assert!(std::process::Command::new("cp").args(["-a", from, to]).status().unwrap().success());
    };
    let data = installation.data().join("postgres").display().to_string();
    let older = installation.dir.path().join("older").display().to_string();
    copy(&data, &older);
    installation.done(&["import", &super::estate("contacts.csv")]);
    fs::remove_file(&heads).unwrap();
    assert_eq!(installation.serve(&[]).end(), Some(0));
    fs::copy(&heads, &kept).unwrap();
    fs::remove_dir_all(&data).unwrap();
    copy(&older, &data);
    assert!(installation.done(&["audit", "verify"]).contains("is whole"), "alone, the chains can't tell");
    let said = installation.refused(1, &["audit", "verify", "--heads", &kept]);
    assert!(said.contains("put back to an earlier state"), "{said}");
}
