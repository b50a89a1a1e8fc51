//! SECURITY row 1 and "Slow client": whatever arrives is answered by an error line or a close, in bounded
//! memory, and others aren't hurt.

use std::time::Duration;

use keyward::responder::Limits;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;

use super::site::{Line, Site};

fn limits() -> Limits {
    Limits { first_line: Duration::from_millis(300), line: Duration::from_millis(300), ..Limits::default() }
}

/// Somebody else is served as if nothing were.
async fn others_are_served(site: &Site) {
    assert_eq!(site.ask(&site.activate(9_999)).await["needed"], 25);
}

async fn errors(site: &Site, bytes: &[u8]) -> Vec<Value> {
    let mut line = site.connect().await;
    line.send(bytes).await;
    let _ = tokio::io::AsyncWriteExt::shutdown(&mut line.write).await;
    let mut heard = Vec::new();
    while let Some(text) = line.hear_line().await {
        heard.push(serde_json::from_str(&text).unwrap());
    }
    heard
}

#[tokio::test]
async fn a_malformed_line_is_answered_by_its_fault_and_the_connection_goes_on() {
    let site = Site::new(9).await;
    let good = site.activate(1).to_string();
    let deep = "[".repeat(2_000);
    let faulty: Vec<(Vec<u8>, &str, Option<&str>)> = vec![
        (b"".to_vec(), "malformed", None),
        (b"hello".to_vec(), "malformed", None),
        (b"\xff\xfe\x00".to_vec(), "malformed", None),
        (b"{\"v\":1,\"machine\":\"\xc3\x28\"}".to_vec(), "malformed", None),
        (deep.into_bytes(), "malformed", None),
        (good.replace("\"v\":1", "\"v\":9").into(), "version", None),
        (good.replace("\"virtual\":false", "\"virtual\":\"no\"").into(), "field", Some("virtual")),
        (good.replace("\"virtual\":false", "\"virtual\":false,\"virtual\":true").into(), "field", Some("virtual")),
        (good.replace("\"virtual\":false", "\"virtual\":false,\"more\":{}").into(), "field", Some("more")),
        (good.replace("PC-0001", "").into(), "field", Some("machine")),
        (good.replace("PC-0001", &"x".repeat(65)).into(), "field", Some("machine")),
    ];
    let mut stream = Vec::new();
    for (line, _, _) in &faulty {
        stream.extend(line);
        stream.push(b'\n');
    }
    stream.extend(format!("{good}\n").as_bytes());
    let heard = errors(&site, &stream).await;
    assert_eq!(heard.len(), faulty.len() + 1);
    for ((line, word, field), heard) in faulty.iter().zip(&heard) {
        assert_eq!(
            (heard["error"].as_str(), heard["field"].as_str()),
            (Some(*word), *field),
            "{}",
            String::from_utf8_lossy(line)
        );
    }
    assert_eq!(heard.last().unwrap()["result"], "0xC004F038", "the good line behind them is served");
    others_are_served(&site).await;
    site.done().await;
}

#[tokio::test]
async fn sixteen_faulty_lines_end_the_connection() {
    let site = Site::new(9).await;
    let heard = errors(&site, &b"nonsense\n".repeat(100)).await;
    assert_eq!(heard.len(), 17);
    assert_eq!(heard[16]["error"], "too-many-faults");
    site.done().await;
}

#[tokio::test]
async fn a_line_too_long_is_refused_when_the_buffer_is_full() {
    let site = Site::new(9).await;
    let heard = errors(&site, &vec![b'x'; 200_000]).await;
    assert_eq!(heard.len(), 1);
    assert_eq!(heard[0]["error"], "too-long");
    others_are_served(&site).await;
    site.done().await;
}

#[tokio::test]
async fn half_a_line_and_then_silence_is_too_slow_and_mere_silence_is_closed() {
    let site = Site::with(9, false, limits()).await;
    let mut half = site.connect().await;
    half.send("{\"v\":1,").await;
    let mut silent = site.connect().await;
    others_are_served(&site).await;
    assert_eq!(half.hear().await["error"], "too-slow");
    assert_eq!(half.hear_line().await, None);
    assert_eq!(silent.hear_line().await, None);
    // Between two lines as well.
    let mut second = site.connect().await;
    second.ask(&site.activate(1)).await;
    second.send("{").await;
    assert_eq!(second.hear().await["error"], "too-slow");
    site.done().await;
}

/// A client that dribbles doesn't get more time with every byte.
#[tokio::test]
async fn a_dribbling_client_gets_no_more_time() {
    let site = Site::with(9, false, limits()).await;
    let Line { mut read, mut write } = site.connect().await;
    let dribbling = async {
        while tokio::io::AsyncWriteExt::write_all(&mut write, b" ").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let hearing = async {
        let mut said = String::new();
        let _ = read.read_to_string(&mut said).await;
        assert!(said.contains("too-slow"), "{said}");
    };
    tokio::select! { () = dribbling => {}, () = hearing => {} }
    site.done().await;
}

#[tokio::test]
async fn one_address_has_its_share_and_the_next_is_told_busy() {
    let site = Site::with(9, false, Limits { per_address: 3, ..Limits::default() }).await;
    let mut inside = Vec::new();
    for client in 0..3 {
        let mut line = site.connect().await;
        line.ask(&site.activate(client)).await;
        inside.push(line);
    }
    let mut refused = site.connect().await;
    refused.tell(&site.activate(4)).await;
    assert_eq!(refused.hear().await["error"], "busy");
    assert_eq!(refused.hear_line().await, None);
    assert_eq!(inside[0].ask(&site.activate(5)).await["count"], 4, "those inside are served");
    drop(inside);
    site.done().await;
}

/// 10,000 connections, half of them with half a line: each ends or is told so, and one that was inside before
/// is served all the while.
#[tokio::test]
async fn ten_thousand_connections_hurt_nobody() {
    let limits = Limits { connections: 64, per_address: 64, ..limits() };
    let site =
        Site::with(9, false, Limits { first_line: Duration::from_secs(1), line: Duration::from_secs(30), ..limits })
            .await;
    let mut inside = site.connect().await;
    inside.ask(&site.activate(1)).await;
    let memory = || {
        let status = std::fs::read_to_string("/proc/self/statm").unwrap();
        status.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
    };
    let before = memory();
    let mut refused = 0;
    for round in 0..20 {
        let mut flood = Vec::new();
        for n in 0..500 {
            let Ok(stream) = tokio::net::TcpStream::connect(site.responder.at).await else { continue };
            if n % 2 == 0 {
                let _ = stream.try_write(b"{\"v\":1,\"op\":");
            }
            flood.push(stream);
        }
        assert_eq!(inside.ask(&site.activate(2)).await["count"], 2, "round {round}");
        for mut stream in flood {
            let mut said = Vec::new();
            let read = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut said)).await;
            assert!(read.is_ok(), "every connection ends");
            refused += usize::from(String::from_utf8_lossy(&said).contains("busy"));
        }
    }
    assert!(refused > 0);
    let grown = memory().saturating_sub(before);
    assert!(grown < 256 << 20, "memory grew by {grown} bytes");
    assert_eq!(inside.ask(&site.activate(3)).await["count"], 3);
    drop(inside);
    site.done().await;
}

/// DESIGN, the line not to cross: a DCE/RPC bind gets a bind_nak, a row that the portal shows, and nothing more.
#[tokio::test]
async fn design_a_client_of_another_protocol_gets_a_bind_nak_and_a_row() {
    let site = Site::new(9).await;
    let mut line = site.connect().await;
    let mut bind = vec![5, 0, 11, 3, 0x10, 0, 0, 0, 72, 0, 0, 0, 7, 0, 0, 0];
    bind.resize(72, 0);
    line.send(&bind).await;
    let mut nak = Vec::new();
    line.read.read_to_end(&mut nak).await.unwrap();
    assert_eq!((nak.len(), &nak[..4], nak[12]), (21, &[5, 0, 13, 3][..], 7));
    site.responder.host.beat().await.unwrap();
    assert_eq!(site.scalar::<String>("SELECT address FROM foreign_clients").await, "127.0.0.1");
    site.done().await;
}

/// Shutdown answers what it has accepted.
#[tokio::test]
async fn security_2_an_end_answers_what_was_accepted() {
    let site = Site::new(1_000).await;
    let mut line = site.connect().await;
    let requests: String = (0..60).map(|client| format!("{}\n", site.mak(client))).collect();
    line.send(requests).await;
    // The first answer shows that the lines have arrived.
    let first = line.hear().await;
    site.responder.end();
    let mut answered = usize::from(first["result"] == json!("0x00000000"));
    while let Some(text) = line.hear_line().await {
        answered += usize::from(text.contains("0x00000000"));
    }
    assert_eq!(i64::try_from(answered).unwrap(), site.used().await, "acknowledged is what was spent");
    site.done().await;
}
