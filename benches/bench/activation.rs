//! Machines: durable, audited activations and renewals over TCP, beside pgbench -N on the same server and a TCP
//! echo over as many connections. The responder is a process of its own on an embedded, durable database.

use std::{
    fs::File,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use keyward::{
    activation::{
        administration::{self as admin, NewApplication, NewSku, SkuKind},
        fields::moment,
    },
    clock::Clock,
    postgres::{
        Db, Scope,
        embedded::{Cluster, DATABASE, Durability, Embedded},
        migrate::migrate,
    },
    vault::Vault,
};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};
use uuid::Uuid;

use crate::{
    estate::{attached, superuser},
    portal::program,
    psql,
    report::Report,
};

/// Makes this program the echo that renewals are compared with.
pub const ECHO: &str = "--tcp-echo";
/// How long each measure takes.
const TIME: Duration = Duration::from_secs(5);
/// Pools of `mak-100-pools`.
const POOLS: usize = 100;
/// Machines that the last measure knows.
const KNOWN: i64 = 1_000_000;

/// What machines ask for.
#[derive(Clone)]
struct Product {
    application: Uuid,
    sku: Uuid,
    keys: Vec<String>,
}

/// Measures what is wanted.
pub async fn measure(dir: &Path, report: &mut Report, wanted: &impl Fn(&str) -> bool) {
    if !["mak-hot-pool", "mak-100-pools", "kms-first-contact", "kms-renewals", "kms-memory"].into_iter().any(wanted) {
        return;
    }
    let data = dir.join("activation");
    let _ = std::fs::remove_dir_all(&data);
    std::fs::create_dir_all(&data).unwrap();
    let product = plant(&data).await;
    let mut responder = Responder::start(&data).await;
    let cluster = attached(&data).await;
    let anchor = pgbench(&cluster);
    if anchor.is_none() {
        report.skip("mak and kms-first-contact", "there is no pgbench beside PostgreSQL's programs");
    }
    let at = responder.at;
    let spend = |n: usize, pools: usize| {
        let product = product.clone();
        move |made: usize| mak(&product, &product.keys[(n + made * 64) % pools])
    };
    if let Some(tps) = anchor.filter(|_| wanted("mak-hot-pool")) {
        let done = drive(at, 64, 32, None, |n| spend(n, 1)).await;
        report.rate("mak-hot-pool", done.rate, tps, "1/s", Some(1.2));
        let half = drive(at, 64, 32, Some(done.rate / 2.0), |n| spend(n, 1)).await;
        println!("mak-hot-pool: {:.0}/s at half that load, p50 {:.1} ms, p99 {:.1} ms", half.rate, half.p50, half.p99);
        report.cost("mak-hot-pool-p99", half.p99, 50.0, "ms", Some(1.0));
    }
    if let Some(tps) = anchor.filter(|_| wanted("mak-100-pools")) {
        let done = drive(at, 64, 32, None, |n| spend(n, POOLS)).await;
        report.rate("mak-100-pools", done.rate, tps, "1/s", Some(1.0));
    }
    if let Some(tps) = anchor.filter(|_| wanted("kms-first-contact")) {
        let product = product.clone();
        let done = drive(at, 64, 32, None, move |_| {
            let product = product.clone();
            move |_| activate(&product, Uuid::new_v4())
        });
        report.rate("kms-first-contact", done.await.rate, tps, "1/s", Some(1.0));
    }
    if wanted("kms-renewals") {
        renewals(at, &product, report).await;
    }
    if wanted("kms-memory") {
        responder.stop();
        know(&data, &product).await;
        responder = Responder::start(&data).await;
        let before = responder.memory();
        let product = product.clone();
        let done = drive(responder.at, 256, 1, None, move |n| {
            let product = product.clone();
            move |made| activate(&product, Uuid::from_u128(1 + ((made * 256 + n) as u128 * 7_919) % KNOWN as u128))
        });
        let rate = done.await.rate;
        println!(
            "kms-memory: with {KNOWN} known machines the responder has {before:.1} MiB at its start and {:.1} MiB after renewing {rate:.0}/s for {TIME:?}",
            responder.memory()
        );
    }
    responder.stop();
}

/// Known clients renewing, each lease signed anew, beside an echo over as many connections: it takes the same lines
/// and sends back lines as long as the answers.
async fn renewals(at: SocketAddr, product: &Product, report: &mut Report) {
    const CONNECTIONS: usize = 1024;
    let renew = |n: usize| {
        let product = product.clone();
        move |made: usize| activate(&product, Uuid::from_u128(((n % CONNECTIONS) * 64 + made % 64 + 1) as u128))
    };
    // The first time they are new.
    drive(at, CONNECTIONS, 1, None, renew).await;
    let ours = drive(at, CONNECTIONS, 1, None, renew).await;
    let length = ask(at, &renew(0)(0)).await.len();
    let child = Command::new(std::env::current_exe().unwrap())
        .args([ECHO, &length.to_string()])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut echo = Killed(child);
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(echo.0.stdout.as_mut().unwrap()), &mut line).unwrap();
    let anchor = drive(line.trim().parse().unwrap(), CONNECTIONS, 1, None, renew).await;
    println!("kms-renewals: p50 {:.1} ms, p99 {:.1} ms", ours.p50, ours.p99);
    report.rate("kms-renewals", ours.rate, anchor.rate, "1/s", Some(0.15));
}

/// The answer to one request, with its line feed.
async fn ask(at: SocketAddr, line: &str) -> Vec<u8> {
    let mut stream = BufReader::new(TcpStream::connect(at).await.unwrap());
    stream.write_all(line.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_until(b'\n', &mut answer).await.unwrap();
    answer
}

/// Answers each line with one of `length` bytes that holds what came.
pub async fn echo(length: usize) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("{}", listener.local_addr().unwrap());
    loop {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        tokio::spawn(async move {
            // One request is on its way at a time: what is read is a line.
            let mut buffer = [b' '; 4096];
            while let Ok(count @ 1..) = stream.read(&mut buffer).await {
                buffer[count - 1..length - 1].fill(b' ');
                buffer[length - 1] = b'\n';
                if stream.write_all(&buffer[..length]).await.is_err() {
                    return;
                }
            }
        });
    }
}

fn mak(product: &Product, key: &str) -> String {
    let (id, cmid) = (Uuid::new_v4(), Uuid::new_v4());
    let (application, sku, now) = (product.application, product.sku, moment(Clock::System.now()));
    format!(
        r#"{{"v":1,"op":"mak","id":"{id}","application":"{application}","sku":"{sku}","cmid":"{cmid}","machine":"bench","virtual":false,"time":"{now}","key":"{key}","hardware":{{"board":"{cmid}","cpu":"c","disk":"d","network":"n"}}}}"#
    ) + "\n"
}

fn activate(product: &Product, cmid: Uuid) -> String {
    let (application, sku, now, id) = (product.application, product.sku, moment(Clock::System.now()), Uuid::new_v4());
    format!(
        r#"{{"v":1,"op":"activate","id":"{id}","application":"{application}","sku":"{sku}","cmid":"{cmid}","machine":"bench","virtual":false,"time":"{now}"}}"#
    ) + "\n"
}

/// How a load was served.
struct Driven {
    rate: f64,
    p50: f64,
    p99: f64,
}

/// Asks over so many connections with so many requests on their way on each, for [`TIME`]; at `rate` a second in
/// all where one is given. Times are from when a request was due.
async fn drive<R: FnMut(usize) -> String + Send + 'static>(
    at: SocketAddr,
    connections: usize,
    window: usize,
    rate: Option<f64>,
    request: impl Fn(usize) -> R,
) -> Driven {
    let began = Instant::now() + Duration::from_millis(100);
    #[allow(clippy::cast_precision_loss)]
    let pace = rate.map(|rate| Duration::from_secs_f64(connections as f64 / rate));
    let clients: Vec<_> = (0..connections).map(|n| tokio::spawn(client(at, window, pace, began, request(n)))).collect();
    let mut times = Vec::new();
    for client in clients {
        times.extend(client.await.unwrap());
    }
    let took = began.elapsed();
    times.sort_unstable();
    let part = |of: usize| times[(times.len() - 1) * of / 100].as_secs_f64() * 1000.0;
    #[allow(clippy::cast_precision_loss)]
    Driven { rate: times.len() as f64 / took.as_secs_f64(), p50: part(50), p99: part(99) }
}

async fn client(
    at: SocketAddr,
    window: usize,
    pace: Option<Duration>,
    began: Instant,
    mut request: impl FnMut(usize) -> String,
) -> Vec<Duration> {
    let stream = TcpStream::connect(at).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let (read, mut write) = stream.into_split();
    let mut read = BufReader::with_capacity(64 * 1024, read);
    let until = began + TIME;
    let (mut due, mut times, mut made) = (std::collections::VecDeque::new(), Vec::new(), 0);
    let (mut lines, mut answer) = (String::new(), Vec::new());
    tokio::time::sleep_until(began.into()).await;
    loop {
        lines.clear();
        while due.len() < window && Instant::now() < until {
            let at = match pace {
                None => Instant::now(),
                Some(pace) => began + pace * u32::try_from(made).unwrap(),
            };
            if at > Instant::now() {
                break;
            }
            lines.push_str(&request(made));
            made += 1;
            due.push_back(at);
        }
        if !lines.is_empty() {
            write.write_all(lines.as_bytes()).await.unwrap();
        }
        let Some(sent) = due.pop_front() else {
            if Instant::now() >= until {
                return times;
            }
            let next = began + pace.unwrap_or_default() * u32::try_from(made).unwrap();
            tokio::time::sleep_until(next.into()).await;
            continue;
        };
        answer.clear();
        read.read_until(b'\n', &mut answer).await.unwrap();
        times.push(sent.elapsed());
        let good = answer.windows(12).any(|part| part == br#""0x00000000""#)
            || answer.windows(4).any(|part| part == b"\"op\"");
        assert!(good, "{}", String::from_utf8_lossy(&answer));
    }
}

/// pgbench -N, 16 clients, on the same server, which flushes to disk: transactions a second.
fn pgbench(cluster: &Cluster) -> Option<f64> {
    let program: PathBuf = psql::find()?.with_file_name("pgbench");
    let run = |args: &[&str]| {
        let options = superuser(cluster);
        let output = Command::new(&program)
            .args(args)
            .arg("--host")
            .arg(&cluster.socket_dir)
            .args(["--username", options.get_username(), DATABASE])
            .output()
            .ok()?;
        assert!(output.status.success(), "pgbench: {}", String::from_utf8_lossy(&output.stderr));
        Some(String::from_utf8(output.stdout).unwrap())
    };
    run(&["-i", "-q", "-s", "10"])?;
    let said = run(&["-N", "-c", "16", "-j", "2", "-T", "5", "-n"])?;
    let tps = said.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse().ok())?;
    println!("pgbench -N, 16 clients: {tps:.0} tps");
    Some(tps)
}

async fn plant(data: &Path) -> Product {
    let (mut embedded, cluster) = Embedded::start(&data.join("postgres"), Durability::Durable).await.unwrap();
    migrate(&cluster.owner).await.unwrap();
    let db = Db::connect(cluster.app.clone(), 2, Clock::System).await.unwrap();
    let vault = Vault::open(&db, &data.join("kek"), &data.join("responder.key")).await.unwrap();
    let mut tx = db.begin(Scope::System).await.unwrap();
    let (contract, organization) = (Uuid::now_v7(), Uuid::now_v7());
    for statement in [
        format!("INSERT INTO organizations (id, name) VALUES ('{organization}', 'Maker')"),
        format!(
            "INSERT INTO contracts (id, license_id, organization_id, created_at) VALUES ('{contract}', '1', '{organization}', app_now())"
        ),
    ] {
        sqlx::query(AssertSqlSafe(statement)).execute(&mut *tx).await.unwrap();
    }
    let product = admin::add_product(&mut tx, "plotter", "Plotter").await.unwrap();
    let application = NewApplication { contract, name: "Plotter".into(), enrolled: false, tolerance: 7 };
    let (application, _) = admin::add_application(&mut tx, &application).await.unwrap();
    let sku = NewSku {
        application,
        product,
        edition: "Desk".into(),
        kind: SkuKind::Custom,
        by_count: true,
        needed: 1,
        lease_days: 180,
    };
    let (sku, _) = admin::add_sku(&mut tx, &sku).await.unwrap();
    let mut keys = Vec::new();
    for _ in 0..POOLS {
        keys.push(admin::issue_mak(&mut tx, &vault, sku, 100_000_000).await.unwrap().key.expose().to_owned());
    }
    admin::issue_host_key(&mut tx, &vault, application, product).await.unwrap();
    tx.commit().await.unwrap();
    db.close().await;
    embedded.stop().unwrap();
    Product { application, sku, keys }
}

/// Makes the machines known.
async fn know(data: &Path, product: &Product) {
    let (mut embedded, cluster) = Embedded::start(&data.join("postgres"), Durability::Durable).await.unwrap();
    let mut connection = PgConnection::connect_with(&superuser(&cluster)).await.unwrap();
    let (application, sku) = (product.application, product.sku);
    let statement = format!(
        "TRUNCATE kms_clients;
         INSERT INTO kms_clients (application_id, cmid, sku_id, machine, virtual, first_seen_at, asked_at, counted, address, request_id, result, count, needed)
         SELECT '{application}', lpad(to_hex(n), 32, '0')::uuid, '{sku}', 'PC-' || n, false, now(), now() - n % 10 * interval '1 day', true, '127.0.0.1', gen_random_uuid(), '0x00000000', 1, 1
         FROM generate_series(1, {KNOWN}) AS n;
         UPDATE kms_counts SET count = {KNOWN}, next_expiry = now();
         ANALYZE kms_clients"
    );
    connection.execute(AssertSqlSafe(statement)).await.unwrap();
    connection.close().await.unwrap();
    embedded.stop().unwrap();
}

/// Killed when dropped.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = (self.0.kill(), self.0.wait());
    }
}

struct Responder {
    at: SocketAddr,
    child: Killed,
}

impl Responder {
    /// Starts one, which runs the database too, and waits until it answers.
    async fn start(data: &Path) -> Self {
        let at = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let log = File::create(data.join("responder.log")).unwrap();
        let mut command = program(data);
        command.args([
            "responder",
            "--responder-connections-per-address",
            "2000",
            "--responder-listen",
            &at.to_string(),
        ]);
        let child = command.stdout(Stdio::null()).stderr(log).spawn().unwrap();
        let responder = Self { at, child: Killed(child) };
        let until = Instant::now() + Duration::from_secs(60);
        while !responder.answers().await {
            assert!(Instant::now() < until, "the responder doesn't answer: see responder.log");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        responder
    }

    async fn answers(&self) -> bool {
        let Ok(mut stream) = TcpStream::connect(self.at).await else { return false };
        let hello = format!("{{\"v\":1,\"op\":\"hello\",\"id\":\"{}\"}}\n", Uuid::new_v4());
        stream.write_all(hello.as_bytes()).await.is_ok() && stream.read(&mut [0; 64]).await.is_ok_and(|count| count > 0)
    }

    /// Memory of its process, in MiB.
    fn memory(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.0.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
    }

    fn stop(mut self) {
        let pid = rustix::process::Pid::from_child(&self.child.0);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        assert!(self.child.0.wait().unwrap().success(), "the responder ended badly: see responder.log");
    }
}
