//! Finding a host: SRV, the cached one, and failing over.

use std::net::{Ipv4Addr, SocketAddr};

use hickory_resolver::proto::{
    op::Message,
    rr::{
        Name, RData, Record, RecordType,
        rdata::{A, SRV},
    },
};
use keyward::agent::{Agent, Dns, Product, Trouble};
use tokio::{
    net::{TcpListener, UdpSocket},
    task::JoinHandle,
};

use super::{count, machine, state};
use crate::responder::site::{Responder, Site, instance};

/// A name server that knows these hosts of `example.test`: priority and port; their address is this machine.
async fn name_server(hosts: Vec<(u16, u16)>) -> (SocketAddr, JoinHandle<()>) {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let at = socket.local_addr().unwrap();
    let serving = tokio::spawn(async move {
        let mut bytes = [0; 1500];
        while let Ok((length, from)) = socket.recv_from(&mut bytes).await {
            let query = Message::from_vec(&bytes[..length]).unwrap();
            let asked = query.queries[0].clone();
            let mut reply = Message::response(query.metadata.id, query.metadata.op_code);
            reply.add_query(asked.clone());
            let name = asked.name().to_utf8();
            match asked.query_type() {
                RecordType::SRV if name == "_keyward._tcp.example.test." => {
                    for (at, (priority, port)) in hosts.iter().enumerate() {
                        let target = Name::from_utf8(format!("host{at}.example.test.")).unwrap();
                        let data = RData::SRV(SRV::new(*priority, 1, *port, target));
                        reply.add_answer(Record::from_rdata(asked.name().clone(), 60, data));
                    }
                }
                RecordType::A if name.starts_with("host") => {
                    let data = RData::A(A(Ipv4Addr::LOCALHOST));
                    reply.add_answer(Record::from_rdata(asked.name().clone(), 60, data));
                }
                _ => {}
            }
            socket.send_to(&reply.to_vec().unwrap(), from).await.unwrap();
        }
    });
    (at, serving)
}

async fn closed_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port()
}

fn agent(site: &Site, dir: &std::path::Path, dns: SocketAddr, domain: &str) -> Agent {
    Agent::new(dir.join("agent.json"))
        .of(Product { application: site.application, sku: site.client })
        .on(machine(1))
        .by(site.estate.db.clock().clone())
        .asking(Dns { server: Some(dns), domain: Some(domain.into()) })
}

#[tokio::test]
async fn rfc_2782_the_next_host_is_asked_when_the_first_is_down_and_the_one_that_answered_is_kept() {
    let (site, dir) = (Site::new(0).await, tempfile::tempdir().unwrap());
    count(&site, 24).await;
    let second = Responder::start(&site.estate, instance(2), keyward::responder::Limits::default()).await;
    let down = closed_port().await;
    let (dns, serving) = name_server(vec![(10, down), (20, second.at.port()), (30, site.responder.at.port())]).await;
    let agent = agent(&site, dir.path(), dns, "example.test");
    let asked = agent.activate().await.unwrap();
    assert!(asked.standing.is_licensed());
    let kept = state(&agent).cached_host.unwrap();
    assert_eq!((kept.host.as_str(), kept.port), ("host1.example.test", second.at.port()));
    // The one that was kept ends: DNS tells of another.
    second.stop().await;
    assert!(agent.activate().await.unwrap().standing.is_licensed());
    assert_eq!(state(&agent).cached_host.unwrap().port, site.responder.at.port());
    serving.abort();
    site.done().await;
}

#[tokio::test]
async fn without_a_record_the_sentence_says_which_one_to_publish() {
    let (site, dir) = (Site::new(0).await, tempfile::tempdir().unwrap());
    let (dns, serving) = name_server(vec![]).await;
    let fault = agent(&site, dir.path(), dns, "elsewhere.test").activate().await.unwrap_err();
    let said = fault.to_string();
    assert!(matches!(fault, Trouble::NoHost(_)), "{said}");
    assert!(said.contains("no SRV record _keyward._tcp.elsewhere.test.") && said.contains("set-host"), "{said}");
    serving.abort();
    site.done().await;
}
