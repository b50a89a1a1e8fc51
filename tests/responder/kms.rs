//! The count: DOMAIN §3, as clients meet it.

use serde_json::json;
use sqlx::{Connection, Executor, PgConnection};
use time::Duration;
use uuid::Uuid;

use super::site::{Responder, Site, cmid, instance};

/// ITP activate-windows-clients: 24 wait, the 25th doesn't, and each is activated by its own next request.
#[tokio::test]
async fn itp_twenty_four_wait_and_the_twenty_fifth_does_not() {
    let site = Site::new(0).await;
    let mut line = site.connect().await;
    for client in 0..24_u8 {
        let answer = line.ask(&site.activate(client.into())).await;
        assert_eq!(answer["result"], "0xC004F038", "{answer}");
        assert_eq!((answer["count"].as_i64(), answer["needed"].as_i64()), (Some(i64::from(client) + 1), Some(25)));
        assert!(answer.get("lease").is_none());
        assert_eq!((&answer["activation_interval"], &answer["renewal_interval"]), (&json!(120), &json!(10_080)));
    }
    let answer = line.ask(&site.activate(24)).await;
    assert_eq!(answer["result"], "0x00000000");
    let claims = site.lease(&answer).await;
    assert_eq!((claims.sub, claims.aud, claims.sku), (cmid(24), site.application, site.client));
    assert_eq!(claims.exp - claims.iat, 180 * 86_400);
    assert_eq!(line.ask(&site.activate(0)).await["result"], "0x00000000", "the first, at its own next request");
    site.done().await;
}

/// WSD kms-general 08/13/2025: one count of clients and servers; VMs count like machines.
#[tokio::test]
async fn wsd_clients_servers_and_virtual_machines_are_one_count() {
    let site = Site::new(0).await;
    let mut line = site.connect().await;
    for client in 0..3 {
        let mut request = site.activate(client);
        request["virtual"] = true.into();
        line.ask(&request).await;
    }
    for (client, result) in [(3_u8, "0xC004F038"), (4, "0x00000000")] {
        let mut request = site.activate(client.into());
        request["sku"] = json!(site.server);
        let answer = line.ask(&request).await;
        assert_eq!((answer["result"].as_str(), answer["count"].as_i64()), (Some(result), Some(i64::from(client) + 1)));
    }
    site.done().await;
}

/// ITP: who asked within 30 days; a renewal begins them anew.
#[tokio::test]
async fn itp_a_client_leaves_the_count_after_thirty_days_without_asking() {
    let site = Site::new(0).await;
    for client in 0..3 {
        site.ask(&site.activate(client)).await;
    }
    site.turn(Duration::days(29));
    assert_eq!(site.ask(&site.activate(0)).await["count"], 3);
    site.turn(Duration::days(1));
    assert_eq!(site.ask(&site.activate(0)).await["count"], 1, "two have not asked for 30 days");
    site.turn(Duration::days(29));
    assert_eq!(site.ask(&site.activate(3)).await["count"], 2, "renewed, it stays 30 days more");
    site.done().await;
}

/// WSD: renewing pushes the lease's end; below the threshold the lease that is out stands.
#[tokio::test]
async fn wsd_a_renewal_pushes_the_lease_and_a_fallen_count_takes_none_back() {
    let site = Site::new(0).await;
    let request = |client| {
        let mut request = site.activate(client);
        request["sku"] = json!(site.server);
        request
    };
    let mut first = json!(null);
    for client in 0..5 {
        first = site.ask(&request(client)).await;
    }
    let ends = "SELECT lease_ends_at FROM kms_clients WHERE lease_ends_at IS NOT NULL";
    let before: time::OffsetDateTime = site.scalar(ends).await;
    assert_eq!(before, site.now() + Duration::days(180));
    site.turn(Duration::days(7));
    let mut renewal = request(4);
    renewal["time"] = json!(keyward::activation::fields::moment(site.now()));
    let renewed = site.ask(&renewal).await;
    assert!(site.lease(&renewed).await.exp > site.lease(&first).await.exp);
    assert_eq!(site.scalar::<time::OffsetDateTime>(ends).await, before + Duration::days(7));
    site.turn(Duration::days(40));
    let mut late = request(4);
    late["time"] = json!(keyward::activation::fields::moment(site.now()));
    assert_eq!(site.ask(&late).await["result"], "0xC004F038");
    assert_eq!(site.scalar::<time::OffsetDateTime>(ends).await, before + Duration::days(7), "it stands");
    let mut status = late.clone();
    status["op"] = "status".into();
    let status = site.ask(&status).await;
    assert_eq!((&status["result"], &status["lease"]), (&json!("0xC004F038"), &renewed["lease"]));
    site.done().await;
}

/// SUP error-0xc004f06c: more than four hours off; such a client isn't counted.
#[tokio::test]
async fn sup_a_clock_more_than_four_hours_off_is_refused() {
    let site = Site::new(9).await;
    for hours in [-5, 5] {
        let mut request = site.activate(1);
        request["time"] = json!(keyward::activation::fields::moment(site.now() + Duration::hours(hours)));
        let answer = site.ask(&request).await;
        assert_eq!(answer["result"], "0xC004F06C");
    }
    let mut request = site.mak(1);
    request["time"] = json!(keyward::activation::fields::moment(site.now() - Duration::hours(5)));
    assert_eq!(site.ask(&request).await["result"], "0xC004F06C");
    assert_eq!(site.ask(&site.activate(2)).await["count"], 1);
    site.done().await;
}

/// SUP 0xC004F042: another application's edition, or none that is known.
#[tokio::test]
async fn sup_an_unknown_sku_or_application_is_refused() {
    let site = Site::new(0).await;
    for field in ["sku", "application"] {
        let mut request = site.activate(1);
        request[field] = json!(Uuid::new_v4());
        assert_eq!(site.ask(&request).await["result"], "0xC004F042");
    }
    site.done().await;
}

/// What an administrator changes counts at the next request.
#[tokio::test]
async fn a_changed_threshold_and_a_closed_application_count_at_once() {
    let site = Site::new(0).await;
    assert_eq!(site.ask(&site.activate(1)).await["result"], "0xC004F038");
    site.administer(async |tx| {
        keyward::activation::administration::change_sku(tx, site.client, 2, 30).await.unwrap();
    })
    .await;
    let answer = site.ask(&site.activate(2)).await;
    assert_eq!((&answer["result"], &answer["needed"]), (&json!("0x00000000"), &json!(2)));
    site.administer(async |tx| {
        keyward::activation::administration::close_application(tx, site.application, true).await.unwrap();
    })
    .await;
    assert_eq!(site.ask(&site.activate(2)).await["result"], "0xC004F039");
    site.done().await;
}

/// DESIGN: a retry with one id gets the same bytes and counts nothing.
#[tokio::test]
async fn design_a_retry_gets_the_same_bytes() {
    let site = Site::new(9).await;
    site.administer(async |tx| {
        keyward::activation::administration::change_sku(tx, site.client, 1, 180).await.unwrap();
    })
    .await;
    for op in [Site::activate, Site::mak] {
        let request = op(&site, 1);
        let mut told = Vec::new();
        for _ in 0..3 {
            let mut line = site.connect().await;
            line.tell(&request).await;
            told.push(line.hear_line().await.unwrap());
            site.turn(Duration::hours(3));
        }
        assert!(told[0].contains("lease") && told.iter().all(|line| *line == told[0]), "{told:?}");
    }
    assert_eq!(site.used().await, 1);
    assert_eq!(site.scalar::<i64>("SELECT requests FROM kms_clients").await, 1);
    site.done().await;
}

/// The machine that was given a new id isn't counted twice.
#[tokio::test]
async fn a_previous_machine_id_leaves_the_count() {
    let site = Site::new(0).await;
    site.ask(&site.activate(1)).await;
    let mut request = site.activate(2);
    request["previous_cmid"] = json!(cmid(1));
    assert_eq!(site.ask(&request).await["count"], 1);
    let by: Uuid = site.scalar("SELECT superseded_by FROM kms_clients WHERE NOT counted").await;
    assert_eq!(by, cmid(2));
    assert_eq!(site.ask(&site.activate(1)).await["count"], 2, "it is still about");
    site.done().await;
}

/// DOMAIN §7: duplicate ids freeze the count; they are detected and shown.
#[tokio::test]
async fn domain_two_machines_with_one_id_are_detected_and_count_once() {
    let site = Site::new(0).await;
    for machine in ["PC-A", "PC-B", "PC-A"] {
        let mut request = site.activate(1);
        request["machine"] = machine.into();
        assert_eq!(site.ask(&request).await["count"], 1);
    }
    assert_eq!(site.scalar::<i64>("SELECT count(*) FROM kms_clients WHERE cloned_at IS NOT NULL").await, 1);
    assert_eq!(site.scalar::<Vec<String>>("SELECT former_names FROM kms_clients").await, ["PC-B"]);
    site.done().await;
}

/// Several responders on one database give one count.
#[tokio::test]
async fn two_responders_give_one_count() {
    let site = Site::new(0).await;
    let other = Responder::start(&site.estate, instance(2), Default::default()).await;
    let mut lines = [site.connect().await, super::site::Line::to(other.at).await];
    for client in 0..20 {
        let answer = lines[client % 2].ask(&site.activate(client as u128)).await;
        assert_eq!(answer["count"], client + 1);
    }
    drop(lines);
    other.stop().await;
    site.done().await;
}

/// DOMAIN §3: a genuine host forgets all but twice the largest threshold; the capped count is shown beside.
#[tokio::test]
async fn domain_the_capped_count_is_kept_beside_the_true_one() {
    let site = Site::new(0).await;
    let mut line = site.connect().await;
    for client in 0..60 {
        line.tell(&site.activate(client)).await;
    }
    for client in 0..60 {
        assert_eq!(line.hear().await["count"], client + 1);
    }
    site.responder.host.beat().await.unwrap();
    assert_eq!(site.scalar::<i64>("SELECT count FROM kms_samples").await, 60);
    assert_eq!(site.scalar::<i64>("SELECT capped FROM kms_samples").await, 50);
    let done: i64 = site
        .scalar("SELECT sum(requests)::bigint FROM responder_minutes WHERE op = 'activate' AND result = '0x00000000'")
        .await;
    assert_eq!(done, 36);
    drop(line);
    site.done().await;
}

/// Decisions 33 and 39: the functions plan their look for a client on an empty table and keep it; another index than the
/// primary key's would read every client of the application for each request.
#[tokio::test]
async fn a_client_is_looked_up_by_its_key_even_on_an_empty_table() {
    let site = Site::new(0).await;
    let mut owner = PgConnection::connect_with(&site.estate.database.owner).await.unwrap();
    for statement in [
        "SET plan_cache_mode = force_generic_plan",
        "SET enable_seqscan = off",
        "PREPARE look (uuid, uuid) AS SELECT ctid FROM kms_clients WHERE application_id = $1 AND cmid = $2",
    ] {
        owner.execute(statement).await.unwrap();
    }
    let explain = "EXPLAIN (COSTS OFF) EXECUTE look (gen_random_uuid(), gen_random_uuid())";
    let plan: Vec<String> = sqlx::query_scalar(explain).fetch_all(&mut owner).await.unwrap();
    assert!(plan.iter().any(|line| line.contains("using kms_clients_pkey")), "{plan:#?}");
    owner.close().await.unwrap();
    site.done().await;
}
