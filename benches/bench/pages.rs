//! Lists under load for a reader of 100 License IDs among 10,000, and the same pages from [`crate::bare`].

use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use sqlx::{Connection, PgConnection};

use crate::{
    bare,
    estate::{ADMINISTRATOR, Estate, READER, superuser},
    load::{Client, Served, drive},
    portal::Portal,
    report::{Report, median},
};

const ROUNDS: usize = 5;
const WARM_UP: Duration = Duration::from_millis(1_500);
const TIME: Duration = Duration::from_secs(3);
/// Of the bare handler's requests a second.
const RATE: f64 = 0.4;
/// Its p99 over ours: ours is under 2.5 times its.
const TAIL: f64 = 0.4;
/// Seconds that a page may take whoever sees all 10,000 License IDs and their million keys.
const PATIENCE: f64 = 2.0;

/// Measures each page and each search, in turn with the bare handler's.
pub async fn measure(estate: &Estate, portal: &Portal, report: &mut Report, wanted: &dyn Fn(&str) -> bool) {
    let cookie = estate.sign_in(READER).await;
    let (_child, address) = start_bare(estate);
    let last_five = a_last_five(estate).await;
    let pages = [
        ("pages", "products-page", "products-page-p99", "/products".to_owned()),
        ("pages", "keys-page", "keys-page-p99", "/products/windows-server-2022-datacenter?tab=keys".to_owned()),
        ("search", "search-name", "search-name-p99", "/products?q=server+2022".to_owned()),
        ("search", "search-last-five", "search-last-five-p99", format!("/products?q={last_five}")),
    ];
    for (group, name, tail, path) in pages {
        if !wanted(group) {
            continue;
        }
        same(portal.address, address, &path, &cookie).await;
        drive(portal.address, &path, Some(&cookie), WARM_UP).await;
        drive(address, &path, None, WARM_UP).await;
        let (mut ours, mut bare) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            ours.push(drive(portal.address, &path, Some(&cookie), TIME).await);
            bare.push(drive(address, &path, None, TIME).await);
        }
        let middle = |served: &[Served], of: fn(&Served) -> f64| median(served.iter().map(of).collect());
        report.rate(name, middle(&ours, |s| s.rate), middle(&bare, |s| s.rate), "req/s", Some(RATE));
        report.cost(tail, middle(&ours, |s| s.p99), middle(&bare, |s| s.p99), "ms", Some(TAIL));
    }
    if wanted("pages") {
        whole(estate, portal, report).await;
    }
}

/// The same estate for whoever administers all of it: what is planned for a hundred License IDs may take the square of
/// them for ten thousand.
async fn whole(estate: &Estate, portal: &Portal, report: &mut Report) {
    let cookie = estate.sign_in(ADMINISTRATOR).await;
    for (name, path) in [
        ("overview-of-all", "/"),
        ("contracts-of-all", "/contracts"),
        ("contracts-search-of-all", "/contracts?q=subsidiary"),
        ("products-of-all", "/products"),
        ("notices-of-all", "/notices"),
    ] {
        let mut times = Vec::new();
        for _ in 0..ROUNDS {
            let began = Instant::now();
            Client::connect(portal.address).await.unwrap().text(path, Some(&cookie)).await;
            times.push(began.elapsed().as_secs_f64());
        }
        report.cost(name, median(times), PATIENCE, "s", Some(1.0));
    }
}

/// Ends with its last use.
struct Bare(Child);

impl Drop for Bare {
    fn drop(&mut self) {
        let _ = (self.0.kill(), self.0.wait());
    }
}

/// Both answer with the same page, to the byte: what is compared is how it came about.
async fn same(ours: SocketAddr, bare: SocketAddr, path: &str, cookie: &str) {
    // A page says the minute it was made in: two of them may straddle its end, once.
    for last in [false, true] {
        let ours = Client::connect(ours).await.unwrap().text(path, Some(cookie)).await;
        let bare = Client::connect(bare).await.unwrap().text(path, None).await;
        if ours == bare {
            println!("{path}: {} bytes", ours.len());
            return;
        }
        let (a, b) = ours.lines().zip(bare.lines()).find(|(a, b)| a != b).unwrap_or_default();
        assert!(!last, "{path}: the two pages differ:\n{a}\n{b}");
    }
}

fn start_bare(estate: &Estate) -> (Bare, SocketAddr) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .arg(bare::FLAG)
        .arg(&estate.data)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    (Bare(child), line.trim().parse().unwrap())
}

/// The last group of one of the reader's keys.
async fn a_last_five(estate: &Estate) -> String {
    let mut connection = PgConnection::connect_with(&superuser(&estate.cluster().await)).await.unwrap();
    sqlx::query_scalar(
        "SELECT k.last_five FROM product_keys k JOIN grants g ON g.contract_id = k.contract_id JOIN people p ON p.id = g.person_id
         WHERE p.email = $1 ORDER BY k.id LIMIT 1",
    )
    .bind(READER)
    .fetch_one(&mut connection)
    .await
    .unwrap()
}
