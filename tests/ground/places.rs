//! Directories that are hard to serve from, and users that may not do much.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, chown},
};

use keyward::postgres::embedded::{Durability, Embedded, EmbeddedError, attach_or_start};
use sqlx::{Connection, Executor, PgConnection};

use super::process::{NOBODY, Supervisor, root};
use crate::support::cluster::scratch;

#[tokio::test]
async fn a_path_too_long_for_a_socket_gets_a_short_one_elsewhere() {
    let dir = scratch();
    let deep = dir.path().join("a-directory-with-a-long-name".repeat(3)).join("and-another-one".repeat(3));
    let (server, cluster) = Embedded::start(&deep, Durability::ThrowAway).await.unwrap();
    assert!(!cluster.socket_dir.starts_with(dir.path()));
    assert_eq!(fs::metadata(&cluster.socket_dir).unwrap().permissions().mode() & 0o777, 0o700);
    let (own, attached) = attach_or_start(&deep, Durability::ThrowAway).await.unwrap();
    assert!(own.is_none());
    assert_eq!(attached.socket_dir, cluster.socket_dir);
    PgConnection::connect_with(&attached.app).await.unwrap();
    drop(server);
    assert!(!cluster.socket_dir.exists());
}

#[tokio::test]
async fn root_may_keep_its_data_where_the_servers_user_cannot_go() {
    if !root() {
        return; // an ordinary user runs the server as itself
    }
    let home = scratch();
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let dir = home.path().join("data-dir/postgres");
    for _ in 0..2 {
        let (_server, cluster) = Embedded::start(&dir, Durability::Durable).await.unwrap();
        let mut owner = PgConnection::connect_with(&cluster.owner).await.unwrap();
        owner.execute("create table if not exists t as select generate_series(1, 10000)").await.unwrap();
        let mut superuser = PgConnection::connect_with(&cluster.superuser()).await.unwrap();
        superuser.execute("checkpoint").await.unwrap();
        let (own, _) = attach_or_start(&dir, Durability::Durable).await.unwrap();
        assert!(own.is_none());
    }
    assert_eq!(fs::metadata(home.path()).unwrap().permissions().mode() & 0o777, 0o700);
    // and a killed one is followed by the next here too
    let mut supervisor = Supervisor::spawn(&dir, None);
    supervisor.ready();
    supervisor.kill();
    Embedded::start(&dir, Durability::Durable).await.unwrap();
}

#[tokio::test]
async fn data_of_an_ordinary_user_stays_that_users_when_root_starts_it() {
    if !root() {
        return; // only root can become another user
    }
    let home = scratch();
    let dir = home.path().join("postgres");
    fs::create_dir(&dir).unwrap();
    chown(&dir, Some(NOBODY), Some(NOBODY)).unwrap();
    let mut supervisor = Supervisor::spawn(&dir, Some(NOBODY));
    supervisor.ready();
    let (own, cluster) = attach_or_start(&dir, Durability::Durable).await.unwrap();
    assert!(own.is_none(), "root attaches to the user's server");
    PgConnection::connect_with(&cluster.app).await.unwrap();
    supervisor.let_go();

    drop(Embedded::start(&dir, Durability::Durable).await.unwrap());
    for name in ["data", "data/base", "data/PG_VERSION", "run", "postgres.log", "supervisor.lock"] {
        assert_eq!(fs::metadata(dir.join(name)).unwrap().uid(), NOBODY, "{name}");
    }
    let mut again = Supervisor::spawn(&dir, Some(NOBODY));
    again.ready();
    again.let_go();
}

#[tokio::test]
async fn data_of_root_is_refused_with_a_sentence() {
    if !root() {
        return; // needs a directory that belongs to root
    }
    let dir = scratch();
    fs::create_dir(dir.path().join("data")).unwrap();
    let refused = Embedded::start(dir.path(), Durability::ThrowAway).await.unwrap_err();
    assert!(matches!(refused.downcast_ref(), Some(EmbeddedError::ForeignOwner { owner: 0, .. })), "{refused:#}");
}
