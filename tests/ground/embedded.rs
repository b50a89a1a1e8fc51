//! The embedded server in ordinary life.

use std::{fs, os::unix::fs::PermissionsExt, process::Command, time::Duration};

use keyward::postgres::embedded::{Cluster, Durability, Embedded, EmbeddedError, attach_or_start};
use rustix::process::{Pid, Signal, getpgid, kill_process, test_kill_process};
use sqlx::{Connection, Executor, PgConnection, postgres::PgConnectOptions};

use super::process::Supervisor;
use crate::support::cluster::scratch;

async fn connect(options: &PgConnectOptions) -> PgConnection {
    PgConnection::connect_with(options).await.unwrap()
}

async fn setting(cluster: &Cluster, name: &str) -> String {
    let mut app = connect(&cluster.app).await;
    sqlx::query_scalar("select current_setting($1)").bind(name).fetch_one(&mut app).await.unwrap()
}

#[tokio::test]
async fn the_first_start_makes_everything_and_the_next_finds_it() {
    let dir = scratch();
    let (mut server, cluster) = Embedded::start(dir.path(), Durability::Durable).await.unwrap();
    for (name, value) in [
        ("fsync", "on"),
        ("synchronous_commit", "on"),
        ("data_checksums", "on"),
        ("max_connections", "100"),
        ("listen_addresses", ""),
        ("server_encoding", "UTF8"),
        ("TimeZone", "UTC"),
    ] {
        assert_eq!(setting(&cluster, name).await, value, "{name}");
    }
    let mut owner = connect(&cluster.owner).await;
    owner.execute("create table kept as select 42 as answer").await.unwrap();
    owner.execute("grant select on kept to keyward_app").await.unwrap();
    let denied = connect(&cluster.app).await.execute("create table public.denied ()").await.unwrap_err();
    assert!(denied.to_string().contains("permission denied"), "{denied}");
    server.stop().unwrap();
    assert!(server.exited().is_some_and(|status| status.success()));
    drop(server);

    let (_server, cluster) = Embedded::start(dir.path(), Durability::Durable).await.unwrap();
    let answer: i32 =
        sqlx::query_scalar("select answer from kept").fetch_one(&mut connect(&cluster.app).await).await.unwrap();
    assert_eq!(answer, 42);
}

#[tokio::test]
async fn nobody_else_can_reach_the_data_or_the_socket() {
    let dir = scratch();
    let (server, cluster) = Embedded::start(dir.path(), Durability::ThrowAway).await.unwrap();
    for closed in [&dir.path().join("data"), &cluster.socket_dir] {
        let mode = fs::metadata(closed).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700, "{}", closed.display());
    }
    let mut superuser = connect(&cluster.superuser()).await;
    let powers: Vec<(String, bool)> = sqlx::query_as(
        "select rolname::text, rolsuper or rolbypassrls or rolcreaterole or rolcreatedb from pg_roles \
         where rolname in ('keyward_owner', 'keyward_app', 'keyward_responder') order by 1",
    )
    .fetch_all(&mut superuser)
    .await
    .unwrap();
    assert_eq!(powers.len(), 3);
    assert!(powers.iter().all(|(_, powerful)| !powerful), "{powers:?}");
    // Ctrl-C goes to our process group, so the server leads one of its own
    let pid = Pid::from_raw(server.pid());
    assert_eq!(getpgid(pid).ok(), pid);
}

#[tokio::test]
async fn what_goes_wrong_in_a_statement_leaves_no_content_in_the_log() {
    let dir = scratch();
    let (mut server, cluster) = Embedded::start(dir.path(), Durability::ThrowAway).await.unwrap();
    let mut owner = connect(&cluster.owner).await;
    owner.execute("create table once (name text primary key)").await.unwrap();
    for _ in 0..2 {
        let _ = owner.execute("insert into once values ('CANARY-IN-STATEMENT')").await;
    }
    server.stop().unwrap();
    let log = fs::read_to_string(server.log()).unwrap();
    assert!(log.contains("duplicate key value") && !log.contains("CANARY"), "{log}");
}

#[tokio::test]
async fn a_second_command_attaches_and_a_second_server_is_refused() {
    let dir = scratch();
    let mut supervisor = Supervisor::spawn(dir.path(), None);
    supervisor.ready();
    let (own, cluster) = attach_or_start(dir.path(), Durability::Durable).await.unwrap();
    assert!(own.is_none());
    connect(&cluster.app).await.execute("select 1").await.unwrap();
    let refused = Embedded::start(dir.path(), Durability::Durable).await.unwrap_err();
    assert!(matches!(refused.downcast_ref(), Some(EmbeddedError::InUse(_))), "{refused:#}");
    supervisor.let_go();
    let (own, _) = attach_or_start(dir.path(), Durability::Durable).await.unwrap();
    assert!(own.is_some());
}

#[tokio::test]
async fn of_many_first_commands_one_starts_the_server_and_all_get_it() {
    let dir = scratch();
    let start = || attach_or_start(dir.path(), Durability::ThrowAway);
    let (a, b, c) = tokio::join!(start(), start(), start());
    let all = [a.unwrap(), b.unwrap(), c.unwrap()];
    assert_eq!(all.iter().filter(|(own, _)| own.is_some()).count(), 1);
    for (_, cluster) in &all {
        connect(&cluster.owner).await.execute("select 1").await.unwrap();
    }
}

#[tokio::test]
async fn the_end_of_the_server_is_noticed() {
    let dir = scratch();
    let (mut server, _) = Embedded::start(dir.path(), Durability::Durable).await.unwrap();
    assert!(server.exited().is_none());
    kill_process(Pid::from_raw(server.pid()).unwrap(), Signal::KILL).unwrap();
    let status = server.ended().await.unwrap();
    assert!(!status.success());
    assert_eq!(server.exited(), Some(status));
    drop(server);
    Embedded::start(dir.path(), Durability::Durable).await.unwrap();
}

#[tokio::test]
async fn the_server_outlives_the_thread_that_asked_for_it() {
    let dir = scratch();
    let path = dir.path().to_owned();
    let ask = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(Embedded::start(&path, Durability::ThrowAway)).unwrap()
    };
    let (mut server, cluster) = std::thread::spawn(ask).join().unwrap();
    // a server told to stop would end this statement
    connect(&cluster.app).await.execute("select pg_sleep(0.2)").await.unwrap();
    assert!(server.exited().is_none());
}

#[tokio::test]
async fn data_of_another_major_version_is_refused_by_name() {
    let dir = scratch();
    drop(Embedded::start(dir.path(), Durability::ThrowAway).await.unwrap());
    fs::write(dir.path().join("data/PG_VERSION"), "9\n").unwrap();
    let refused = Embedded::start(dir.path(), Durability::ThrowAway).await.unwrap_err();
    let Some(EmbeddedError::OtherVersion { data: 9, found, .. }) = refused.downcast_ref() else {
        panic!("{refused:#}");
    };
    let sentence = refused.to_string();
    assert!(sentence.contains("made by PostgreSQL 9, "), "{sentence}");
    assert!(sentence.contains(&format!("is PostgreSQL {found}: install PostgreSQL 9")), "{sentence}");
    assert!(!sentence.contains('\n'));
}

#[tokio::test]
async fn a_server_that_cannot_start_says_why_in_one_sentence() {
    let dir = scratch();
    drop(Embedded::start(dir.path(), Durability::ThrowAway).await.unwrap());
    fs::write(dir.path().join("data/postgresql.auto.conf"), "shared_buffers = 'plenty'\n").unwrap();
    let refused = Embedded::start(dir.path(), Durability::ThrowAway).await.unwrap_err().to_string();
    assert!(refused.contains("FATAL") || refused.contains("contains errors"), "{refused}");
    assert!(refused.contains("postgres.log"), "{refused}");
}

#[tokio::test]
async fn a_pid_file_that_names_a_stranger_is_no_obstacle() {
    let dir = scratch();
    let (mut server, _) = Embedded::start(dir.path(), Durability::Durable).await.unwrap();
    let pid_file = dir.path().join("data/postmaster.pid");
    let text = fs::read_to_string(&pid_file).unwrap();
    server.stop().unwrap();
    drop(server);
    // the number was given to another program since, as happens at once in a container
    let mut stranger = Command::new("sleep").arg("600").spawn().unwrap();
    let rest = text.split_once('\n').unwrap().1;
    fs::write(&pid_file, format!("{}\n{rest}", stranger.id())).unwrap();
    let started = Embedded::start(dir.path(), Durability::Durable).await;
    let unharmed = stranger.try_wait().unwrap().is_none();
    stranger.kill().unwrap();
    stranger.wait().unwrap();
    started.unwrap();
    assert!(unharmed);
}

#[tokio::test]
async fn a_dropped_start_takes_its_server_down() {
    let dir = scratch();
    drop(Embedded::start(dir.path(), Durability::ThrowAway).await.unwrap());
    let pid_file = dir.path().join("data/postmaster.pid");
    let started = {
        let mut start = Box::pin(Embedded::start(dir.path(), Durability::ThrowAway));
        loop {
            let waited = tokio::time::timeout(Duration::from_millis(1), &mut start).await;
            if let Ok(text) = fs::read_to_string(&pid_file) {
                break text;
            }
            assert!(waited.is_err(), "ready without a pid file");
        }
    };
    let pid = started.lines().next().unwrap().parse().ok().and_then(Pid::from_raw).unwrap();
    assert!(test_kill_process(pid).is_err(), "the server outlived its start");
}
