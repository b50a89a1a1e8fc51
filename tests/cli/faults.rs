//! Bad settings and damaged installations: one sentence each, no backtrace.

use std::{fs, net::TcpListener, os::unix::fs::PermissionsExt};

use super::{Installation, estate};

#[test]
fn a_port_that_is_taken() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let said = Installation::new().refused(2, &["--listen", &address]);
    assert!(
        said.contains("--listen (KEYWARD_LISTEN)") && said.contains("is taken by another program: choose another port"),
        "{said}"
    );
}

#[test]
fn settings_that_cannot_be_read() {
    let installation = Installation::new();
    let listen = super::free_address();
    for (args, name, way_out) in [
        (["--database-url", "mysql://x"], "--database-url (DATABASE_URL)", "write postgres://"),
        (["--base-url", "https://x.example/path"], "--base-url (KEYWARD_BASE_URL)", "scheme, host and port alone"),
        (["--log", "keyward=loud"], "--log (KEYWARD_LOG)", "write for example info"),
        (["--responder-listen", "maybe"], "--responder-listen", "or off"),
        (["--listen", "here"], "--listen", ""),
    ] {
        // What else listens on this machine is no part of it.
        let elsewhere = ["--listen", listen.as_str()];
        let args: Vec<&str> = if args[0] == "--listen" { args.to_vec() } else { [elsewhere, args].concat() };
        let said = installation.refused(2, &args);
        assert!(said.contains(name) && said.contains(way_out), "{said}");
    }
}

#[test]
fn a_certificate_that_is_not_there() {
    let said = Installation::new()
        .refused(2, &["--listen", &super::free_address(), "--tls-cert", "/no/such.pem", "--tls-key", "/no/such.key"]);
    assert!(said.contains("--tls-cert") && said.contains("/no/such.pem can't be read"), "{said}");
}

#[test]
fn a_database_that_does_not_answer() {
    let said =
        Installation::new().refused(1, &["--database-url", "postgres://nobody:secret@127.0.0.1:9/none", "migrate"]);
    assert!(said.contains("the database at 127.0.0.1:9/none can't be reached") && !said.contains("secret"), "{said}");
}

#[test]
fn the_kek_of_another_installation() {
    let (ours, other) = (Installation::new(), Installation::new());
    ours.done(&["migrate"]);
    ours.done(&["import", &estate("contracts.csv")]);
    other.done(&["import", &estate("contracts.csv")]);
    let kek = other.data().join("kek").display().to_string();
    let said = ours.refused(1, &["--kek-file", &kek, "audit", "verify"]);
    assert!(said.contains("another key than the one this database was sealed with: put back the KEK file"), "{said}");
}

#[test]
fn a_kek_file_that_is_damaged() {
    let installation = Installation::new();
    installation.done(&["import", &estate("contracts.csv")]);
    let kek = installation.data().join("kek");
    fs::set_permissions(&kek, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(&kek, "not a key").unwrap();
    let said = installation.refused(1, &["audit", "verify"]);
    assert!(said.contains("has no line “kek = …”"), "{said}");
}

#[test]
fn a_data_directory_of_another_postgresql_version() {
    let installation = Installation::new();
    installation.done(&["migrate"]);
    fs::write(installation.data().join("postgres/data/PG_VERSION"), "9\n").unwrap();
    let said = installation.refused(1, &["migrate"]);
    assert!(said.contains('9') && said.lines().count() == 1, "{said}");
}

#[test]
fn files_that_cannot_be_read_or_taken() {
    let installation = Installation::new();
    let said = installation.refused(1, &["import", "/no/such/file.csv"]);
    assert!(said.contains("/no/such/file.csv can't be read"), "{said}");
    let bad = format!("{}/tests/data/bad/malformed-key-group.csv", env!("CARGO_MANIFEST_DIR"));
    let said = installation.refused(1, &["import", &bad]);
    assert!(said.contains(":3: Product Key: group 3 has 4 characters, needs 5"), "{said}");
    assert_eq!(installation.done(&["export", "keys", "--format", "csv"]).lines().count(), 1, "nothing half-written");
}

#[test]
fn a_second_server_on_the_same_directory() {
    let installation = Installation::new();
    let first = installation.serve(&[]);
    let said = installation.refused(2, &["--listen", &super::free_address()]);
    assert!(said.contains("in use"), "{said}");
    assert_eq!(first.end(), Some(0));
}
