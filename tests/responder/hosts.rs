//! Host keys: 6 hosts, each activated once and reactivated 9 times (S000, S004, WSD: DOMAIN §4).

use keyward::{activation::administration as admin, responder::instance::Instance};

use super::site::{Line, Responder, Site, instance};

async fn result(site: &Site, responder: &Responder) -> String {
    let mut line = Line::to(responder.at).await;
    let answer = line.ask(&site.activate(1)).await;
    answer["result"].as_str().unwrap().to_owned()
}

async fn used(site: &Site) -> i64 {
    site.scalar(&format!("SELECT used FROM product_keys WHERE id = '{}'", site.host_key)).await
}

/// The seventh host is told 0xC004C008, its clients 0xC004F041; more after the limit was raised.
#[tokio::test]
async fn wsd_a_host_key_admits_six_hosts() {
    let site = Site::new(0).await;
    let mut others = Vec::new();
    for number in 2..=6 {
        let host = Responder::start(&site.estate, instance(number), Default::default()).await;
        assert_eq!(result(&site, &host).await, "0xC004F038");
        others.push(host);
    }
    assert_eq!(used(&site).await, 6);
    let seventh = Responder::start(&site.estate, instance(7), Default::default()).await;
    assert_eq!(result(&site, &seventh).await, "0xC004F041");
    let told: String =
        site.scalar(&format!("SELECT result FROM host_results WHERE instance_id = '{}'", instance(7).id)).await;
    assert_eq!(told, "0xC004C008");
    site.administer(async |tx| drop(admin::set_limit(tx, site.host_key, 70).await.unwrap())).await;
    assert_eq!(result(&site, &seventh).await, "0xC004F038");
    assert_eq!(used(&site).await, 7);
    others.push(seventh);
    for host in others {
        host.stop().await;
    }
    site.assert_chain().await;
    site.done().await;
}

/// A restart isn't a reactivation; another machine under the same instance id is, nine times.
#[tokio::test]
async fn wsd_a_restart_spends_nothing_and_nine_reactivations_are_admitted() {
    let site = Site::new(0).await;
    for _ in 0..3 {
        Responder::start(&site.estate, instance(2), Default::default()).await.stop().await;
    }
    assert_eq!(used(&site).await, 2, "this one and the first");
    for machine in 0..10_u8 {
        let moved = Instance { machine: [100 + machine; 32], ..instance(2) };
        let host = Responder::start(&site.estate, moved, Default::default()).await;
        let expected = if machine < 9 { "0xC004F038" } else { "0xC004F041" };
        assert_eq!(result(&site, &host).await, expected, "reactivation {}", machine + 1);
        host.stop().await;
    }
    assert_eq!(used(&site).await, 11);
    site.done().await;
}

/// 0xC004F041 without a usable host key; MAKs need none.
#[tokio::test]
async fn sup_without_a_usable_host_key_clients_are_refused() {
    let site = Site::new(1).await;
    site.administer(async |tx| drop(admin::block_key(tx, site.host_key, true).await.unwrap())).await;
    // The block is noticed by the next batch, which reads the configuration anew.
    assert_eq!(site.ask(&site.activate(1)).await["result"], "0xC004F041");
    assert_eq!(site.ask(&site.mak(1)).await["result"], "0x00000000");
    site.administer(async |tx| drop(admin::block_key(tx, site.host_key, false).await.unwrap())).await;
    assert_eq!(site.ask(&site.activate(1)).await["result"], "0xC004F038");
    site.done().await;
}
