//! All keys, decrypted and recorded, as CSV over HTTP; beside it psql's `\copy` of as many plain rows.

use std::{
    fs::File,
    io::{BufReader, Read, Write},
    path::Path,
    time::{Duration, Instant},
};

use http_body_util::BodyExt;

use crate::{
    estate::{ADMINISTRATOR, Estate},
    load::Client,
    portal::Portal,
    psql,
    report::{Report, median},
};

/// Odd, and more than a few: what psql takes swings from round to round.
const ROUNDS: usize = 7;
const KEYS: usize = 1_000_000;
/// What an export may add to the process, in MiB.
const MEMORY: f64 = 64.0;

/// Measures both in turn.
pub async fn measure(estate: &Estate, portal: &Portal, report: &mut Report) {
    let Some(psql) = psql::find() else {
        return report.skip("export-keys", "there is no psql beside PostgreSQL's programs or on the PATH");
    };
    let cluster = estate.cluster().await;
    let (ours, plain) = (estate.dir.join("export.csv"), estate.dir.join("plain.csv"));
    let copy = format!(
        "\\copy (select license_id, parent_program, organization, product, product_key, type, activations, seats, osa_status from bench.plain_keys) to '{}'",
        plain.display()
    );
    let cookie = estate.sign_in(ADMINISTRATOR).await;
    // The file's pages and the connection's caches are warm for both sides.
    psql::run(&psql, &cluster, &copy);
    Client::connect(portal.address).await.unwrap().get("/products", Some(&cookie)).await.unwrap();
    let before = portal.memory("VmRSS");
    let (mut rates, mut anchors) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        // Each writes a file that isn't there: to empty the one of the round before, and to write out at its end what
        // took its place, is time of whoever closes it, and only psql's closing is measured.
        let _ = (std::fs::remove_file(&ours), std::fs::remove_file(&plain));
        let took = export(portal, &cookie, &ours).await;
        assert_eq!(lines(&ours), KEYS + 1, "the export holds a heading and every key");
        let copied = psql::run(&psql, &cluster, &copy);
        assert_eq!(lines(&plain), KEYS);
        println!(
            "export-keys: {:.2} s, psql {:.2} s{}",
            took.as_secs_f64(),
            copied.as_secs_f64(),
            if round == 0 { " (warming up)" } else { "" }
        );
        if round > 0 {
            rates.push(rate(took));
            anchors.push(rate(copied));
        }
    }
    report.rate("export-keys", median(rates), median(anchors), "keys/s", Some(0.67));
    let (peak, after) = (portal.memory("VmHWM"), portal.memory("VmRSS"));
    println!(
        "export-keys: memory {before:.1} MiB before, {peak:.1} at its peak, {after:.1} after {} exports",
        ROUNDS + 1
    );
    report.cost("export-keys-memory", peak - before, MEMORY, "MiB", Some(1.0));
    let _ = (std::fs::remove_file(ours), std::fs::remove_file(plain));
}

/// From the click to the file's last byte. One task reads the connection and writes the file, as psql does and curl: no
/// thread is woken for each piece.
async fn export(portal: &Portal, cookie: &str, to: &Path) -> Duration {
    let (client, connection) = Client::open(portal.address).await.unwrap();
    let (took, ended) = tokio::join!(download(client, cookie, to), connection);
    ended.unwrap();
    took
}

async fn download(mut client: Client, cookie: &str, to: &Path) -> Duration {
    let mut file = File::create(to).unwrap();
    let began = Instant::now();
    let mut response = client.post("/exports/keys", cookie, "format=csv&scope=all").await;
    assert_eq!(response.status(), 200);
    let mut first = None;
    while let Some(frame) = response.frame().await {
        first.get_or_insert_with(|| began.elapsed());
        file.write_all(frame.unwrap().data_ref().unwrap()).unwrap();
    }
    println!("export-keys: first byte after {:.2} s", first.unwrap().as_secs_f64());
    began.elapsed()
}

fn lines(path: &Path) -> usize {
    let mut file = BufReader::new(File::open(path).unwrap());
    let (mut buffer, mut lines) = (vec![0; 1 << 16], 0);
    loop {
        match file.read(&mut buffer).unwrap() {
            0 => return lines,
            n => lines += buffer[..n].iter().filter(|byte| **byte == b'\n').count(),
        }
    }
}

fn rate(took: Duration) -> f64 {
    1_000_000.0 / took.as_secs_f64()
}
