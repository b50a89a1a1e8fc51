//! Counted keys: DOMAIN §2 and §4, as clients meet them.

use keyward::activation::administration as admin;
use serde_json::json;
use uuid::Uuid;

use super::site::{Site, cmid};

/// protocol.md, Leases: `exp`, kept beside the answer so that lists can show it; of an activation found again too.
#[tokio::test]
async fn the_end_of_each_lease_is_kept_with_its_answer() {
    let site = Site::new(1).await;
    let ends = "SELECT string_agg(coalesce(extract(epoch FROM lease_ends_at)::bigint::text, 'none'), ' ' ORDER BY at) FROM mak_answers";
    let mut expected = Vec::new();
    for days in [0, 30] {
        site.turn(time::Duration::days(days));
        let mut request = site.mak(1);
        request["id"] = json!(Uuid::new_v4());
        request["time"] = keyward::activation::fields::moment(site.now()).into();
        let answer = site.ask(&request).await;
        expected.push(site.lease(&answer).await.exp.to_string());
    }
    site.turn(time::Duration::days(1));
    let mut refused = site.mak(2);
    refused["time"] = keyward::activation::fields::moment(site.now()).into();
    assert_eq!(site.ask(&refused).await["result"], "0xC004C020");
    expected.push("none".to_owned());
    assert_eq!(site.scalar::<String>(ends).await, expected.join(" "));
    site.done().await;
}

/// ITP: each activation counts; at the limit 0xC004C020, and a raised limit lets the next one in.
#[tokio::test]
async fn itp_each_machine_spends_one_up_to_the_limit() {
    let site = Site::new(2).await;
    let mut line = site.connect().await;
    for client in 0..2 {
        let answer = line.ask(&site.mak(client)).await;
        assert_eq!(answer["result"], "0x00000000", "{answer}");
        let claims = site.lease(&answer).await;
        assert_eq!(json!(claims.jti), answer["confirmation"]);
        assert_eq!((claims.sub, claims.hw.unwrap().board), (cmid(client), format!("board-{client}")));
    }
    let refused = site.mak(2);
    let answer = line.ask(&refused).await;
    assert_eq!(answer["result"], "0xC004C020");
    assert!(answer.get("lease").is_none());
    site.administer(async |tx| drop(admin::set_limit(tx, site.mak.id, 3).await.unwrap())).await;
    assert_eq!(line.ask(&refused).await, answer, "the same request is answered alike");
    assert_eq!(line.ask(&site.mak(2)).await["result"], "0x00000000");
    assert_eq!(site.used().await, 3);
    assert_eq!(site.scalar::<i64>("SELECT count(*) FROM activations").await, 3);
    drop(line);
    site.assert_chain().await;
    site.done().await;
}

/// DOMAIN §4 (ITP): re-imaged on unchanged hardware, the stored confirmation is taken again.
#[tokio::test]
async fn itp_the_same_machine_takes_its_confirmation_again_and_spends_nothing() {
    let site = Site::new(1).await;
    let first = site.ask(&site.mak(1)).await;
    // Re-imaged: a new id, a new name, a new disk.
    let mut again = site.mak(1);
    (again["cmid"], again["machine"]) = (json!(cmid(77)), "PC-NEW".into());
    again["hardware"]["disk"] = "disk-new".into();
    let second = site.ask(&again).await;
    assert_eq!(second["confirmation"], first["confirmation"]);
    assert_eq!(site.lease(&second).await.sub, cmid(77));
    assert_eq!(site.used().await, 1);
    site.done().await;
}

/// ITP local-reactivation: a significant hardware change needs a new confirmation.
#[tokio::test]
async fn itp_a_new_mainboard_spends_one() {
    let site = Site::new(9).await;
    let first = site.ask(&site.mak(1)).await;
    let mut changed = site.mak(1);
    changed["hardware"]["board"] = "board-new".into();
    let second = site.ask(&changed).await;
    assert_ne!(second["confirmation"], first["confirmation"]);
    assert_eq!(site.used().await, 2);
    site.done().await;
}

/// 0xC004F00F: beyond tolerance `status` says so, and the next `mak` spends one.
#[tokio::test]
async fn sup_beyond_tolerance_status_says_so_and_the_next_mak_spends_one() {
    let site = Site::new(9).await;
    let first = site.ask(&site.mak(1)).await;
    let mut status = site.request("status", 1);
    status["hardware"] = super::site::hardware(1);
    let within = site.ask(&status).await;
    assert_eq!((&within["result"], &within["lease"]), (&json!("0x00000000"), &first["lease"]));
    for part in ["cpu", "disk", "network"] {
        status["hardware"][part] = "another".into();
    }
    assert_eq!(site.ask(&status).await["result"], "0xC004F00F");
    assert_eq!(site.used().await, 1, "a status spends nothing");
    let mut next = site.mak(1);
    next["hardware"] = status["hardware"].clone();
    assert_eq!(site.ask(&next).await["result"], "0x00000000");
    assert_eq!(site.used().await, 2);
    assert_eq!(site.ask(&status).await["result"], "0x00000000", "bound to the new hardware by now");
    site.done().await;
}

/// 0xC004C001: a wrong character, a key nobody issued, a key of another edition.
#[tokio::test]
async fn sup_an_invalid_key_is_refused() {
    let site = Site::new(9).await;
    let other = keyward::activation::product_key::generate();
    let mistyped = site.mak.key.expose().replace('-', "").chars().rev().collect::<String>();
    for key in ["AAAAA-AAAAA-AAAAA-AAAAA-AAAAA", other.expose(), &mistyped] {
        let mut request = site.mak(1);
        request["key"] = key.into();
        assert_eq!(site.ask(&request).await["result"], "0xC004C001", "{key}");
    }
    let mut request = site.mak(1);
    request["sku"] = json!(site.server);
    assert_eq!(site.ask(&request).await["result"], "0xC004C001");
    assert_eq!(site.used().await, 0);
    site.done().await;
}

/// 0xC004C003, also for a machine that holds an activation of it.
#[tokio::test]
async fn sup_a_blocked_key_activates_nothing() {
    let site = Site::new(9).await;
    site.ask(&site.mak(1)).await;
    site.administer(async |tx| drop(admin::block_key(tx, site.mak.id, true).await.unwrap())).await;
    for client in [1, 2] {
        assert_eq!(site.ask(&site.mak(client)).await["result"], "0xC004C003");
    }
    let mut status = site.request("status", 1);
    status["hardware"] = super::site::hardware(1);
    assert_eq!(site.ask(&status).await["result"], "0xC004C003");
    site.administer(async |tx| drop(admin::block_key(tx, site.mak.id, false).await.unwrap())).await;
    assert_eq!(site.ask(&site.mak(2)).await["result"], "0x00000000");
    site.done().await;
}

/// Many lines without waiting: answers in the order of the requests, in few transactions.
#[tokio::test]
async fn lines_may_be_sent_without_waiting_and_are_answered_in_their_order() {
    let site = Site::new(500).await;
    let mut line = site.connect().await;
    let requests: Vec<_> = (0..500).map(|client| site.mak(client)).collect();
    let (mut read, mut write) = (line.read, line.write);
    let sending = async {
        for request in &requests {
            tokio::io::AsyncWriteExt::write_all(&mut write, format!("{request}\n").as_bytes()).await.unwrap();
        }
    };
    let hearing = async {
        let mut ids = Vec::new();
        for _ in &requests {
            let mut text = String::new();
            tokio::io::AsyncBufReadExt::read_line(&mut read, &mut text).await.unwrap();
            let answer: serde_json::Value = serde_json::from_str(&text).unwrap();
            assert_eq!(answer["result"], "0x00000000");
            ids.push(answer["id"].clone());
        }
        ids
    };
    let ((), ids) = tokio::join!(sending, hearing);
    assert_eq!(ids, requests.iter().map(|request| request["id"].clone()).collect::<Vec<_>>());
    assert_eq!(site.used().await, 500);
    let events: i64 = site.scalar("SELECT count(*) FROM audit_events WHERE action = 'activation.mak'").await;
    assert!(events < 250, "{events} events: one a batch");
    let named: i64 = site
        .scalar("SELECT sum(jsonb_array_length(detail->'activations'))::bigint FROM audit_events WHERE action = 'activation.mak'")
        .await;
    assert_eq!(named, 500, "each activation is named by an event");
    line = site.connect().await;
    drop(line);
    site.assert_chain().await;
    site.done().await;
}

/// Two requests with one id in one batch are one request.
#[tokio::test]
async fn one_id_sent_many_times_at_once_spends_one() {
    let site = Site::new(9).await;
    let request = site.mak(1);
    let other = {
        let mut other = site.mak(2);
        other["id"] = request["id"].clone();
        other
    };
    let mut line = site.connect().await;
    for at in 0..40 {
        line.tell(if at % 2 == 0 { &request } else { &other }).await;
    }
    let first = line.hear().await;
    for _ in 1..40 {
        assert_eq!(line.hear().await, first);
    }
    assert_eq!(site.used().await, 1);
    assert_ne!(Uuid::parse_str(first["confirmation"].as_str().unwrap()).unwrap(), Uuid::nil());
    drop(line);
    site.done().await;
}
