//! Mail, against a real server that is down for a while, refuses somebody, is slow, or isn't who it says.

use std::{collections::BTreeSet, fs};

use keyward::{
    auth::roles::Role,
    notices::{
        mail::{MailSettings, Mailer, Security, round},
        outbox::LEASE,
        plan::plan,
    },
    people::{accounts, model::Target},
    postgres::Db,
};
use time::Duration;
use url::Url;

use super::{put, smtp::Server, texts};
use crate::support::people::World;

fn base() -> Url {
    "https://keyward.example/".parse().unwrap()
}

/// Sends what is due; how many were taken.
async fn send(world: &World, mailer: &Mailer) -> u64 {
    round(&world.db, Some(mailer), &base()).await.unwrap().sent
}

#[tokio::test]
async fn a_notice_is_one_mail_with_a_link_and_the_outboxs_id() {
    let world = World::new().await;
    let server = Server::start(&[]);
    let mara = world.person("mara").await;
    put(&world, "12", "Your request was approved.", &[&mara], None).await;
    put(&world, "12", "Your request was approved.", &[&mara], None).await;
    assert_eq!(send(&world, &server.mailer()).await, 1);
    assert_eq!(send(&world, &server.mailer()).await, 0);
    let mails = server.mails();
    let id = texts(&world, "SELECT id::text FROM outbox").await;
    assert_eq!(mails.len(), 1);
    let mail = &mails[0];
    assert_eq!(mail.to, ["mara@northwind.example"]);
    assert_eq!(mail.from, "keyward@portal.example");
    assert_eq!(mail.header("Message-ID"), format!("<{}@portal.example>", id[0]));
    assert_eq!(mail.header("Subject"), "[Keyward] Request 12");
    assert_eq!(mail.header("Auto-Submitted"), "auto-generated");
    assert!(
        mail.body().starts_with("Your request was approved.\r\nhttps://keyward.example/requests/12\r\n"),
        "{}",
        mail.data
    );
    assert!(mail.body().contains("https://keyward.example/notices/settings"));
    world.done().await;
}

#[tokio::test]
async fn a_server_that_is_down_for_a_while_gets_it_when_it_is_back() {
    let world = World::new().await;
    let server = Server::start(&[]);
    let mailer = server.mailer();
    let stopped = server.stop();
    let mara = world.person("mara").await;
    for about in ["1", "2", "3"] {
        put(&world, about, "Something happened.", &[&mara], None).await;
    }
    let first = round(&world.db, Some(&mailer), &base()).await.unwrap();
    assert!(first.sent == 0 && first.down.is_some(), "{first:?}");
    // One attempt told enough: the other two weren't tried.
    assert_eq!(texts(&world, "SELECT attempts::text FROM outbox ORDER BY attempts").await, ["0", "0", "1"]);
    let server = stopped.start(&[]);
    assert_eq!(send(&world, &mailer).await, 2, "the first one waits for its next try");
    world.clock.turn(Duration::minutes(1));
    assert_eq!(send(&world, &mailer).await, 1);
    let ids: BTreeSet<String> = server.mails().iter().map(|mail| mail.header("Message-ID").to_owned()).collect();
    assert_eq!((server.mails().len(), ids.len()), (3, 3));
    world.done().await;
}

#[tokio::test]
async fn a_refused_recipient_keeps_nobody_else_from_their_mail() {
    let world = World::new().await;
    let server = Server::start(&["--refuse", "gone@northwind.example"]);
    let (gone, mara) = (world.person("gone").await, world.person("mara").await);
    put(&world, "1", "Something happened.", &[&gone, &mara], None).await;
    assert_eq!(send(&world, &server.mailer()).await, 1);
    assert_eq!(server.mails()[0].to, ["mara@northwind.example"]);
    let ended = texts(&world, "SELECT outcome || ': ' || fault FROM outbox ORDER BY outcome").await;
    assert!(ended[0].starts_with("refused: ") && ended[0].contains("no such user here"), "{ended:?}");
    world.clock.turn(Duration::days(30));
    assert_eq!(send(&world, &server.mailer()).await, 0, "it isn't tried for ever");
    world.done().await;
}

#[tokio::test]
async fn a_server_that_has_no_time_gets_it_later() {
    let world = World::new().await;
    let server = Server::start(&["--busy"]);
    let mailer = server.mailer();
    let (mara, ilya) = (world.person("mara").await, world.person("ilya").await);
    put(&world, "1", "Something happened.", &[&mara, &ilya], None).await;
    let first = round(&world.db, Some(&mailer), &base()).await.unwrap();
    assert_eq!((first.sent, first.down), (0, None), "each mail has its own answer");
    let _server = server.stop().start(&[]);
    world.clock.turn(Duration::minutes(1));
    assert_eq!(send(&world, &mailer).await, 2);
    world.done().await;
}

/// A sender that is killed after the server took the mail and before it said so: the mail goes out once more, and
/// is the same mail.
#[tokio::test(flavor = "multi_thread")]
async fn a_killed_sender_lets_go_and_the_mail_keeps_its_id() {
    let world = World::new().await;
    let server = Server::start(&["--hold"]);
    let mara = world.person("mara").await;
    put(&world, "1", "Something happened.", &[&mara], None).await;
    let (db, mailer) = (world.db.clone(), server.mailer());
    let sender = tokio::spawn(async move { round(&db, Some(&mailer), &base()).await.map(drop) });
    tokio::task::block_in_place(|| server.wait_for(1));
    sender.abort();
    assert!(sender.await.unwrap_err().is_cancelled());
    server.release();
    assert_eq!(send(&world, &server.mailer()).await, 0, "the dead sender's lease still holds");
    world.clock.turn(LEASE);
    assert_eq!(send(&world, &server.mailer()).await, 1);
    let mails = server.mails();
    assert_eq!(mails.len(), 2);
    assert_eq!(mails[0].header("Message-ID"), mails[1].header("Message-ID"));
    assert_eq!(mails[0].data, mails[1].data);
    world.done().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn several_senders_send_each_mail_once() {
    let world = World::new().await;
    let server = Server::start(&[]);
    let mara = world.person("mara").await;
    for n in 0..24 {
        put(&world, &n.to_string(), "Something happened.", &[&mara], None).await;
    }
    let mut senders = Vec::new();
    for _ in 0..3 {
        let (db, mailer) =
            (Db::connect(world.test.app.clone(), 2, world.clock.clone()).await.unwrap(), server.mailer());
        senders.push(tokio::spawn(async move {
            let sent = round(&db, Some(&mailer), &base()).await.unwrap().sent;
            db.close().await;
            sent
        }));
    }
    let mut sent = 0;
    for sender in senders {
        sent += sender.await.unwrap();
    }
    let ids: BTreeSet<String> = server.mails().iter().map(|mail| mail.header("Message-ID").to_owned()).collect();
    assert_eq!((sent, server.mails().len(), ids.len()), (24, 24, 24));
    world.done().await;
}

/// While a slow server thinks, another sender on the same database leaves that mail alone.
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_server_isnt_asked_twice() {
    let world = World::new().await;
    let server = Server::start(&["--hold"]);
    let mara = world.person("mara").await;
    put(&world, "1", "Something happened.", &[&mara], None).await;
    let (db, mailer) = (world.db.clone(), server.mailer());
    let slow = tokio::spawn(async move { round(&db, Some(&mailer), &base()).await.unwrap().sent });
    tokio::task::block_in_place(|| server.wait_for(1));
    assert_eq!(send(&world, &server.mailer()).await, 0);
    server.release();
    assert_eq!(slow.await.unwrap(), 1);
    world.clock.turn(LEASE);
    assert_eq!(send(&world, &server.mailer()).await, 0);
    assert_eq!(server.mails().len(), 1);
    world.done().await;
}

/// A server with a certificate of its own making, as many houses have.
fn certificate(dir: &std::path::Path) -> (String, String, Vec<u8>) {
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned(), "localhost".to_owned()]).unwrap();
    let (cert, key) = (dir.join("cert.pem"), dir.join("key.pem"));
    fs::write(&cert, made.cert.pem()).unwrap();
    fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    (cert.display().to_string(), key.display().to_string(), made.cert.pem().into_bytes())
}

#[tokio::test]
async fn starttls_wants_a_certificate_that_a_setting_trusts() {
    let world = World::new().await;
    let dir = tempfile::tempdir().unwrap();
    let (cert, key, pem) = certificate(dir.path());
    let server = Server::start(&["--tls", &cert, &key, "--user", "keyward", "correct horse"]);
    let mara = world.person("mara").await;
    put(&world, "1", "Something happened.", &[&mara], None).await;
    let settings = |ca: Option<Vec<u8>>, password: &str| MailSettings {
        security: Security::StartTls,
        sign_in: Some(("keyward".into(), password.to_owned().into())),
        ca,
        ..server.settings()
    };
    let untrusted = Mailer::new(&settings(None, "correct horse")).unwrap();
    let refused = round(&world.db, Some(&untrusted), &base()).await.unwrap().down.unwrap();
    assert!(refused.to_lowercase().contains("certificate"), "{refused}");
    world.clock.turn(Duration::minutes(1));
    let wrong = Mailer::new(&settings(Some(pem.clone()), "wrong")).unwrap();
    let refused = round(&world.db, Some(&wrong), &base()).await.unwrap().down.unwrap();
    assert!(refused.contains("535") && !refused.contains("wrong"), "{refused}");
    world.clock.turn(Duration::minutes(2));
    let trusted = Mailer::new(&settings(Some(pem), "correct horse")).unwrap();
    assert_eq!(send(&world, &trusted).await, 1);
    let mails = server.mails();
    assert!(mails.len() == 1 && mails[0].tls && mails[0].user.is_some(), "{mails:?}");
    world.done().await;
}

#[tokio::test]
async fn without_starttls_nothing_is_said_where_it_is_required() {
    let world = World::new().await;
    let server = Server::start(&[]);
    let mara = world.person("mara").await;
    put(&world, "1", "Something happened.", &[&mara], None).await;
    let mailer = Mailer::new(&MailSettings { security: Security::StartTls, ..server.settings() }).unwrap();
    let done = round(&world.db, Some(&mailer), &base()).await.unwrap();
    assert!(done.sent == 0 && done.down.is_some(), "{done:?}");
    assert!(server.mails().is_empty());
    world.done().await;
}

#[tokio::test]
async fn who_may_not_see_it_any_more_isnt_sent_it() {
    let world = World::new().await;
    let server = Server::start(&[]);
    let organization = world.organization("Northwind", None).await;
    let contract = world.contract("8671204", organization, None).await;
    let people = [world.person("stays").await, world.person("leaves").await, world.person("closed").await];
    for person in &people {
        let _ = world.give(person, Role::ProductKeysReader, Target::Contract(contract), None).await;
    }
    put(&world, "1", "Something happened.", &[&people[0], &people[1], &people[2]], Some(contract)).await;
    let _ = world.take(&people[1], Role::ProductKeysReader, contract).await;
    let mut tx = world.system().await;
    accounts::disable(&mut tx, people[2].id).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(send(&world, &server.mailer()).await, 1);
    assert_eq!(server.mails()[0].to, ["stays@northwind.example"]);
    assert_eq!(texts(&world, "SELECT outcome FROM outbox ORDER BY 1").await, ["dropped", "dropped", "sent"]);
    world.done().await;
}

#[tokio::test]
async fn what_one_run_of_the_planner_tells_a_person_is_one_mail() {
    let world = World::new().await;
    let server = Server::start(&[]);
    let organization = world.organization("Northwind", None).await;
    for license_id in ["1", "2", "3"] {
        let contract = world.contract(license_id, organization, None).await;
        world.run("UPDATE contracts SET ends_on = '2026-12-31' WHERE id = $1", contract).await;
    }
    for name in ["mara", "ilya"] {
        let person = world.person(name).await;
        let _ = world.give(&person, Role::Administrator, Target::All, None).await;
    }
    assert_eq!(plan(&world.db).await.unwrap(), 6);
    assert_eq!(send(&world, &server.mailer()).await, 2);
    for mail in server.mails() {
        assert_eq!(mail.header("Subject"), "[Keyward] 3 notices");
        assert!(
            ["1", "2", "3"].iter().all(|id| mail.body().contains(&format!("https://keyward.example/contracts/{id}")))
        );
    }
    world.done().await;
}

#[tokio::test]
async fn no_key_leaves_by_mail() {
    const CANARY: &str = "CNRYA-7QX2K-9WPVM-4TJHB-AAAA7";
    let world = World::new().await;
    let server = Server::start(&[]);
    let mara = world.person("mara").await;
    put(&world, "1", &format!("More for {CANARY}, they said."), &[&mara], None).await;
    send(&world, &server.mailer()).await;
    let data = &server.mails()[0].data;
    assert!(!crate::web::matrix::holds(data.as_bytes(), CANARY), "{data}");
    let kept = texts(&world, "SELECT sentence FROM notices").await;
    assert_eq!(kept, ["More for •••••-•••••-•••••-•••••-AAAA7, they said."]);
    world.done().await;
}

#[tokio::test]
async fn old_news_isnt_sent_when_a_server_is_set_at_last() {
    let world = World::new().await;
    let server = Server::start(&[]);
    let mara = world.person("mara").await;
    put(&world, "1", "Something happened.", &[&mara], None).await;
    world.clock.turn(Duration::days(6));
    put(&world, "2", "Something else happened.", &[&mara], None).await;
    assert_eq!(round(&world.db, None, &base()).await.unwrap().sent, 0);
    assert_eq!(send(&world, &server.mailer()).await, 1);
    assert_eq!(server.mails()[0].header("Subject"), "[Keyward] Request 2");
    assert_eq!(texts(&world, "SELECT outcome FROM outbox ORDER BY made_at").await, ["late", "sent"]);
    world.done().await;
}
