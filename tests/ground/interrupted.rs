//! `kill -9` at every point: the next start just works.

use std::{fs, path::Path, time::Duration};

use keyward::postgres::embedded::{Durability, Embedded, attach_or_start};
use rustix::process::{Pid, Signal, kill_process};
use sqlx::{Connection, Executor, PgConnection};

use super::process::Supervisor;
use crate::support::cluster::scratch;

/// What appears one after the other in the course of a first start.
const MILESTONES: [&str; 8] = [
    "supervisor.lock",
    "postgres.lock",
    "data.new",
    "data.new/PG_VERSION",
    "data.new/base/1/PG_VERSION",
    "data/PG_VERSION",
    "data/postmaster.pid",
    "run/.s.PGSQL.5432",
];

/// Kills a first start as soon as it has come to `milestone`.
async fn kill_at(dir: &Path, milestone: &str) {
    let mut supervisor = Supervisor::spawn(dir, None);
    while !dir.join(milestone).exists() {
        assert!(!supervisor.has_ended(), "ended before {milestone}");
        tokio::time::sleep(Duration::from_micros(200)).await;
    }
    supervisor.kill();
}

#[tokio::test]
async fn a_first_start_killed_anywhere_is_completed_by_the_next() {
    for milestone in MILESTONES {
        let dir = scratch();
        kill_at(dir.path(), milestone).await;
        let started = Embedded::start(dir.path(), Durability::Durable).await;
        let (_server, cluster) = started.unwrap_or_else(|fault| panic!("after {milestone}: {fault:#}"));
        for options in [&cluster.owner, &cluster.app, &cluster.responder] {
            PgConnection::connect_with(options).await.unwrap();
        }
        assert!(!dir.path().join("data.new").exists());
    }
}

#[tokio::test]
async fn kills_in_a_row_on_one_directory_do_not_add_up() {
    let dir = scratch();
    for milestone in MILESTONES {
        kill_at(dir.path(), milestone).await;
    }
    Embedded::start(dir.path(), Durability::Durable).await.unwrap();
}

/// Commits a row, then leaves a transaction open.
async fn write(connection: &mut PgConnection, round: i32) {
    connection.execute("create table if not exists kept (round int)").await.unwrap();
    sqlx::query("insert into kept values ($1)").bind(round).execute(&mut *connection).await.unwrap();
    connection.execute("begin").await.unwrap();
    connection.execute("insert into kept values (-1)").await.unwrap();
}

async fn kept(connection: &mut PgConnection) -> Vec<i32> {
    sqlx::query_scalar("select round from kept order by 1").fetch_all(connection).await.unwrap()
}

#[tokio::test]
async fn a_killed_supervisor_loses_nothing_that_was_committed() {
    let dir = scratch();
    for round in 0..3 {
        let mut supervisor = Supervisor::spawn(dir.path(), None);
        supervisor.ready();
        let (_, cluster) = attach_or_start(dir.path(), Durability::Durable).await.unwrap();
        let mut open = PgConnection::connect_with(&cluster.owner).await.unwrap();
        write(&mut open, round).await;
        supervisor.kill();
        let (_server, cluster) = Embedded::start(dir.path(), Durability::Durable).await.unwrap();
        let mut owner = PgConnection::connect_with(&cluster.owner).await.unwrap();
        assert_eq!(kept(&mut owner).await, (0..=round).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn a_supervisor_killed_together_with_its_server_loses_nothing_either() {
    let dir = scratch();
    for round in 0..6 {
        let mut supervisor = Supervisor::spawn(dir.path(), None);
        let server = Pid::from_raw(supervisor.ready()).unwrap();
        let (_, cluster) = attach_or_start(dir.path(), Durability::Durable).await.unwrap();
        let mut open = PgConnection::connect_with(&cluster.owner).await.unwrap();
        write(&mut open, round).await;
        kill_process(server, Signal::KILL).unwrap();
        supervisor.kill();
        let (_server, cluster) = Embedded::start(dir.path(), Durability::Durable).await.unwrap();
        let mut owner = PgConnection::connect_with(&cluster.owner).await.unwrap();
        assert_eq!(kept(&mut owner).await, (0..=round).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn the_server_goes_when_its_supervisor_is_killed() {
    let dir = scratch();
    let mut supervisor = Supervisor::spawn(dir.path(), None);
    supervisor.ready();
    let lock = fs::File::open(dir.path().join("postgres.lock")).unwrap();
    assert!(lock.try_lock().is_err(), "a running server holds its lock");
    supervisor.kill();
    // every process of the server holds the lock: this returns when the last is gone
    tokio::task::spawn_blocking(move || lock.lock().unwrap()).await.unwrap();
}
