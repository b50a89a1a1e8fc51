//! The program itself: settings, `keyward mail test`, and a server that is killed in the middle of a mail.

use std::{collections::BTreeSet, fs};

use keyward::{cli::open, postgres::Scope};

use super::smtp::Server;
use crate::cli::Installation;

#[test]
fn mail_test_says_what_happened() {
    let installation = Installation::new();
    let server = Server::start(&["--refuse", "gone@keyward.example"]);
    let url = format!("smtp://127.0.0.1:{}?tls=none", server.port);
    let args = ["--smtp-url", url.as_str(), "--mail-from", "Keyward <keyward@portal.example>", "mail", "test"];
    let said = installation.done(&[&args[..], &["mara@keyward.example"]].concat());
    assert!(said.contains("took the mail to mara@keyward.example (Message-ID <"), "{said}");
    assert_eq!(server.mails()[0].header("Subject"), "[Keyward] Mail from Keyward works");
    let said = installation.refused(1, &[&args[..], &["gone@keyward.example"]].concat());
    assert!(said.contains("gone@keyward.example wasn't sent") && said.contains("no such user here"), "{said}");
    installation.refused(2, &[&args[..], &["nobody"]].concat());
}

#[test]
fn a_bad_setting_names_itself_and_no_password() {
    let installation = Installation::new();
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        fs::write(dir.path().join(name), text).unwrap();
        dir.path().join(name).display().to_string()
    };
    let (empty, password) = (file("not.pem", "nothing"), file("password", "hunter2\n"));
    let from = ["--mail-from", "keyward@portal.example"];
    for (args, name, way_out) in [
        (vec![], "--smtp-url (KEYWARD_SMTP_URL)", "no mail server is set"),
        (vec!["--smtp-url", "smtp://mail.example"], "--mail-from (KEYWARD_MAIL_FROM)", "mails need a sender"),
        (vec!["--smtp-url", "smtp://mail.example", "--mail-from", "me"], "--mail-from", "isn't an address"),
        (vec!["--smtp-url", "http://u:hunter2@x"], "--smtp-url", "the scheme is smtp"),
        (vec!["--smtp-url", "smtp://u@mail.example"], "--smtp-password-file", "without a password"),
        (vec!["--smtp-url", "smtp://mail.example", "--smtp-password-file", &password], "--smtp-url", "no user"),
        (vec!["--smtp-url", "smtp://u:hunter2@mail.example?tls=none"], "--smtp-url", "in the clear"),
        (
            vec!["--smtp-url", "smtp://u@mail.example", "--smtp-password-file", "/no/such"],
            "--smtp-password-file",
            "can't be read",
        ),
        (
            vec!["--smtp-url", "smtp://mail.example", "--ca-file", &empty],
            "--ca-file (KEYWARD_CA_FILE)",
            "no certificate in PEM",
        ),
    ] {
        let args = if name.starts_with("--mail-from") { args } else { [args, from.to_vec()].concat() };
        let said = installation.refused(2, &[&args[..], &["mail", "test", "mara@keyward.example"]].concat());
        assert!(said.contains(name) && said.contains(way_out) && !said.contains("hunter2"), "{said}");
    }
    // The server says so before it opens anything.
    let said = installation.refused(2, &["--smtp-url", "smtp://mail.example", "--listen", "127.0.0.1:0"]);
    assert!(said.contains("--mail-from") && !installation.data().exists(), "{said}");
}

/// kill -9 after the mail server took a mail and before it said so: the mail goes out again under its id, and nothing
/// of the rest is lost.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_killed_in_the_middle_of_a_mail_loses_none() {
    let installation = Installation::new();
    installation.done(&["import", &crate::cli::estate("contracts.csv")]);
    for name in ["mara", "ilya"] {
        let email = format!("{name}@keyward.example");
        installation.done(&["user", "add", &email, "--name", name]);
        installation.done(&["grant", &email, "product-keys-reader", "8671204", "--until", &in_three_days()]);
    }
    let mail = Server::start(&["--hold"]);
    let url = format!("smtp://127.0.0.1:{}?tls=none", mail.port);
    let args = ["--smtp-url", url.as_str(), "--mail-from", "keyward@portal.example"];
    let keyward = installation.serve(&args);
    tokio::task::block_in_place(|| mail.wait_for(1));
    keyward.kill();
    mail.release();
    // The dead server's lease would hold for five minutes: let it be over.
    let settings = installation.settings();
    let opened = open::for_server(&settings).await.unwrap();
    let mut tx = opened.db.begin(Scope::System).await.unwrap();
    sqlx::query("UPDATE outbox SET next_at = made_at").execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    opened.close().await.unwrap();
    let keyward = installation.serve(&args);
    tokio::task::block_in_place(|| mail.wait_for(3));
    assert_eq!(keyward.end(), Some(0));
    let mails = mail.mails();
    assert_eq!(mails.len(), 3);
    let ids: BTreeSet<&str> = mails.iter().map(|mail| mail.header("Message-ID")).collect();
    let people: BTreeSet<&String> = mails.iter().flat_map(|mail| &mail.to).collect();
    assert_eq!((ids.len(), people.len()), (2, 2), "{mails:?}");
}

fn in_three_days() -> String {
    (keyward::clock::Clock::System.now().date() + time::Duration::days(3)).to_string()
}
