//! PostgreSQL's own client, for the anchors that copy a table to or from a file.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use keyward::postgres::embedded::Cluster;

use crate::estate::superuser;

/// `psql` of the newest PostgreSQL here, if there is one.
pub fn find() -> Option<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .collect();
    versions.sort();
    let own = std::env::var_os("KEYWARD_PG_BIN").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let cache = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")));
    own.into_iter()
        .chain(versions.into_iter().rev().map(|(_, dir)| dir))
        .chain(std::env::split_paths(&path))
        .chain([PathBuf::from("/var/cache/keyward/postgres/bin")])
        .chain(cache.map(|cache| cache.join("keyward/postgres/bin")))
        .map(|dir| dir.join("psql"))
        .find(|psql| psql.is_file())
}

/// Runs one command of psql's; how long it took, psql's own start included.
pub fn run(psql: &Path, cluster: &Cluster, command: &str) -> Duration {
    let options = superuser(cluster);
    let began = Instant::now();
    let output = Command::new(psql)
        .args(["--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", "--host"])
        .arg(&cluster.socket_dir)
        .args(["--port", &options.get_port().to_string(), "--username", options.get_username()])
        .args(["--dbname", options.get_database().unwrap(), "--command", command])
        .env("PGOPTIONS", "")
        .output()
        .unwrap();
    let took = began.elapsed();
    assert!(output.status.success(), "psql: {}", String::from_utf8_lossy(&output.stderr));
    took
}
