//! The database server of a test run: one throw-away cluster in memory, shared by all tests.
//!
//! `cargo test` runs all tests in one process, cargo-nextest each in its own. Either way the first test
//! starts a *keeper*, this same binary run anew, which owns the server, waits for the run to end (however it
//! ends) and then removes everything. What a killed keeper left is removed by the next run.
//!
//! `TEST_DATABASE_URL` names a server to use instead, with a superuser's rights: it gets Keyward's three
//! roles, a template database and one database per test.

use std::{
    fs::{self, DirBuilder, File},
    os::unix::{
        fs::{DirBuilderExt, MetadataExt, PermissionsExt},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use keyward::postgres::embedded::{APP, Durability, Embedded, OWNER, RESPONDER, ensure_roles};
use rustix::process::{Pid, test_kill_process};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, postgres::PgConnectOptions};
use tempfile::TempDir;
use tokio::sync::OnceCell;

/// Names the directory that a keeper keeps.
const KEEPER_DIR: &str = "KEYWARD_TEST_KEEPER_DIR";
/// Names the process whose end is the end of the run.
const KEEPER_WATCHES: &str = "KEYWARD_TEST_KEEPER_WATCHES";
/// How the names of directories for single tests begin; the number of their process follows.
const SCRATCH: &str = "scratch-";
/// The password of Keyward's roles on the server of `TEST_DATABASE_URL`.
const PASSWORD: &str = "keyward-tests";
/// The advisory lock under which tests change what they share.
pub const SHARED_LOCK: &str = "select pg_advisory_lock(7423)";

static SERVER: OnceCell<Server> = OnceCell::const_new();

/// The server of this run.
pub struct Server {
    superuser: PgConnectOptions,
    password: Option<&'static str>,
}

impl Server {
    /// Connects as a superuser, to a database that no test uses.
    pub async fn superuser(&self) -> PgConnection {
        PgConnection::connect_with(&self.superuser).await.unwrap()
    }

    /// How to connect as `role` to `database`.
    pub fn options(&self, role: &str, database: &str) -> PgConnectOptions {
        let options = self.superuser.clone().username(role).database(database);
        match self.password {
            Some(password) => options.password(password),
            None => options,
        }
    }
}

/// The server of this run; starts it when this is the first test to ask.
pub async fn shared() -> &'static Server {
    SERVER
        .get_or_init(|| async {
            match std::env::var("TEST_DATABASE_URL") {
                Ok(url) => external(&url).await,
                Err(_) => tokio::task::spawn_blocking(kept).await.unwrap(),
            }
        })
        .await
}

async fn external(url: &str) -> Server {
    let superuser: PgConnectOptions = url.parse().expect("TEST_DATABASE_URL is not a PostgreSQL address");
    let server = Server { superuser, password: Some(PASSWORD) };
    let mut connection = server.superuser().await;
    connection.execute(SHARED_LOCK).await.unwrap();
    ensure_roles(&mut connection).await.unwrap();
    for role in [OWNER, APP, RESPONDER] {
        let statement = format!("alter role {role} password '{PASSWORD}'");
        connection.execute(AssertSqlSafe(statement)).await.unwrap();
    }
    connection.close().await.unwrap();
    server
}

/// The keeper's server; starts the keeper if this run has none yet.
fn kept() -> Server {
    let base = base();
    let (run, watched) = match std::env::var("NEXTEST_RUN_ID") {
        Ok(id) => (format!("run-{id}"), std::os::unix::process::parent_id()),
        Err(_) => (format!("process-{}", std::process::id()), std::process::id()),
    };
    let dir = base.join(run);
    let starting = File::create(base.join("starting.lock")).unwrap();
    starting.lock().unwrap();
    if !is_kept(&dir) {
        sweep(&base);
        start_keeper(&dir, watched);
    }
    let socket_dir = fs::read_to_string(dir.join("ready")).unwrap();
    let superuser = PgConnectOptions::new_without_pgpass()
        .socket(socket_dir)
        .port(5432)
        .username(keyward::postgres::embedded::SUPERUSER)
        .database("postgres");
    Server { superuser, password: None }
}

/// Where clusters of tests live: in memory where there is such a place.
fn base() -> PathBuf {
    let memory = Path::new("/dev/shm");
    let parent = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
    let uid = rustix::process::geteuid().as_raw();
    let base = parent.join(format!("keyward-tests-{uid}"));
    // as root the server runs as somebody else, who must pass through
    let _ = DirBuilder::new().mode(0o711).create(&base);
    let found = fs::symlink_metadata(&base).unwrap();
    assert!(found.is_dir() && found.uid() == uid, "{} is not ours: remove it", base.display());
    base
}

fn is_kept(dir: &Path) -> bool {
    dir.join("ready").exists() && File::open(dir.join("keeper.lock")).is_ok_and(|lock| lock.try_lock().is_err())
}

/// Makes a directory that every user may pass through, for one test.
pub fn scratch() -> TempDir {
    let prefix = format!("{SCRATCH}{}-", std::process::id());
    let dir = tempfile::Builder::new().prefix(&prefix).tempdir_in(base()).unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o711)).unwrap();
    dir
}

/// Removes what killed keepers and killed tests left. Nobody starts a keeper meanwhile: the caller holds the
/// lock for that.
fn sweep(base: &Path) {
    for entry in fs::read_dir(base).unwrap().flatten() {
        let name = entry.file_name();
        let dead = match name.to_string_lossy().strip_prefix(SCRATCH) {
            Some(rest) => rest.split('-').next().and_then(|pid| pid.parse().ok()).is_some_and(|pid| !runs(pid)),
            None => File::open(entry.path().join("keeper.lock")).is_ok_and(|lock| lock.try_lock().is_ok()),
        };
        if dead {
            // its server may still be on its way down and in our way: then the next run does it
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

fn runs(pid: i32) -> bool {
    Pid::from_raw(pid).is_some_and(|pid| test_kill_process(pid).is_ok())
}

#[expect(clippy::zombie_processes, reason = "the keeper is to outlive us")]
fn start_keeper(dir: &Path, watched: u32) {
    DirBuilder::new().mode(0o711).recursive(true).create(dir).unwrap();
    let _ = fs::remove_file(dir.join("ready"));
    let log = File::create(dir.join("keeper.log")).unwrap();
    let mut keeper = Command::new(std::env::current_exe().unwrap())
        .args(["support::cluster::keeper", "--exact", "--ignored", "--nocapture"])
        .env(KEEPER_DIR, dir)
        .env(KEEPER_WATCHES, watched.to_string())
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        // Ctrl-C ends the run, and with the run the keeper, in that order
        .process_group(0)
        .spawn()
        .unwrap();
    let until = Instant::now() + Duration::from_secs(60);
    while !dir.join("ready").exists() {
        let ended = keeper.try_wait().unwrap();
        assert!(
            ended.is_none() && Instant::now() < until,
            "no server to test with ({ended:?}): {}",
            fs::read_to_string(dir.join("keeper.log")).unwrap_or_default()
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Not a test: what the first test of a run starts in a process of its own.
#[tokio::test]
#[ignore = "the keeper of the shared server; does nothing when run by hand"]
async fn keeper() {
    let (Ok(dir), Ok(watched)) = (std::env::var(KEEPER_DIR), std::env::var(KEEPER_WATCHES)) else {
        return;
    };
    let dir = PathBuf::from(dir);
    let watched = watched.parse().unwrap();
    let lock = File::create(dir.join("keeper.lock")).unwrap();
    lock.lock().unwrap();
    let (server, cluster) = Embedded::start(&dir.join("postgres"), Durability::ThrowAway).await.unwrap();
    fs::write(dir.join("ready.new"), cluster.socket_dir.as_os_str().as_encoded_bytes()).unwrap();
    fs::rename(dir.join("ready.new"), dir.join("ready")).unwrap();
    while runs(watched) {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    drop(server);
    fs::remove_dir_all(&dir).unwrap();
}
