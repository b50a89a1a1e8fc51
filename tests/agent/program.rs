//! `keyward agent` as a process: verbs, exit codes, sentences, kill -9.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    process::{Command, Output, Stdio},
    time::Duration,
};

use keyward::{
    activation::lease::{Grant, Signer},
    agent::state::State,
    clock::Clock,
    responder::Limits,
    vault::envelope::Key32,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::responder::site::{Responder, Site, instance};

/// A machine with the program on it.
struct Desk {
    dir: TempDir,
    product: [String; 2],
}

impl Desk {
    fn new(application: Uuid, sku: Uuid) -> Self {
        Self { dir: tempfile::tempdir().unwrap(), product: [application.to_string(), sku.to_string()] }
    }

    fn state(&self) -> PathBuf {
        self.dir.path().join("agent.json")
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_keyward"));
        command.arg("agent").args(args).arg("--state").arg(self.state());
        command.args(["--application", &self.product[0], "--sku", &self.product[1]]);
        command.args(["--machine", "DESK-1", "--virtual", "true", "--hardware", "board=b1,cpu=c1"]);
        command.env_remove("RUST_BACKTRACE").env_remove("KEYWARD_AGENT_STATE");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    fn done(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn refused(&self, code: i32, args: &[&str]) -> String {
        let output = self.run(args);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{args:?}: {said}");
        assert!(!said.contains("panicked"), "{said}");
        said
    }

    fn read(&self) -> State {
        State::read(&fs::read(self.state()).unwrap()).unwrap()
    }
}

/// A responder by the machine's own clock, as the program has it.
async fn by_the_systems_clock(site: &Site) -> Responder {
    Responder::start_at(&site.estate, instance(2), Limits::default(), Clock::System).await
}

async fn off_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap()
}

#[tokio::test]
async fn the_verbs_that_administrators_know_do_what_they_know() {
    let site = Site::new(3).await;
    let responder = by_the_systems_clock(&site).await;
    let desk = Desk::new(site.application, site.client);
    let (at, key) = (responder.at.to_string(), site.mak.key.expose().to_owned());
    off_thread(move || {
        assert!(desk.done(&["/skms", &at]).contains(&at));
        let waits = desk.refused(1, &["/ato"]);
        assert!(waits.contains("0xC004F038") && waits.contains("count is 1"), "{waits}");
        let mut said = desk.done(&["/ipk", &key]);
        said += &desk.done(&["/ato"]);
        said += &desk.done(&["/xpr"]);
        assert!(said.contains("DESK-1: activated until") && said.contains("180 days left"), "{said}");
        said += &desk.done(&["/dli"]);
        said += &desk.done(&["/dlv"]);
        for words in ["licensed (1)", "named by set-host", "by a key", "10080", "Component board", "of the first host"]
        {
            assert!(said.contains(words), "{words}: {said}");
        }
        let last_five = key.rsplit('-').next().unwrap();
        assert!(said.contains(&format!("key ending in {last_five}")), "{said}");
        assert!(!said.contains(&key) && !said.contains(&key[..11]), "the whole key is never shown: {said}");
        assert_eq!(fs::metadata(desk.state()).unwrap().permissions().mode() & 0o777, 0o600);
        // What one machine learnt of the site, another one can be given.
        let file = desk.dir.path().join("site.json");
        fs::write(&file, desk.done(&["site"])).unwrap();
        assert!(desk.done(&["trust", file.to_str().unwrap()]).contains("urn:uuid:"));
        assert!(desk.done(&["/upk"]).contains("not activated yet"), "the initial grace still runs");
        assert!(desk.done(&["/ckms"]).contains("DNS"));
        assert!(desk.refused(2, &["/skms", "a b"]).contains("isn't a host"));
        assert!(desk.refused(2, &["/nonsense"]).contains("/nonsense"));
        assert!(desk.refused(1, &["/ipk", "BBBBB-BBBBB-BBBBB-BBBBB-BBBBB"]).contains("isn't right"));
        assert!(desk.refused(1, &["trust", "/dev/null"]).contains("isn't a site file"));
    })
    .await;
    assert_eq!(site.used().await, 1);
    responder.stop().await;
    site.done().await;
}

#[test]
fn a_host_that_is_down_is_a_failure_with_a_way_out() {
    let desk = Desk::new(Uuid::from_u128(1), Uuid::from_u128(2));
    desk.done(&["set-host", "127.0.0.1:9"]);
    let said = desk.refused(1, &["activate"]);
    assert!(said.contains("127.0.0.1:9: nothing listens there") && said.contains("set-host"), "{said}");
    assert!(desk.done(&["show-all"]).contains("no answer"));
}

#[test]
fn nothing_set_up_is_a_matter_of_usage_and_help_has_examples() {
    let dir = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_keyward"));
        command.arg("agent").args(args).arg("--state").arg(dir.path().join("none.json")).output().unwrap()
    };
    let output = run(&["/xpr"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--application ID and --sku ID"));
    let help = run(&["--help"]);
    assert!(help.status.success());
    let help = String::from_utf8(help.stdout).unwrap();
    for words in ["/skms", "/ckms", "/ipk", "/ato", "/dli", "/dlv", "/xpr", "/upk", "Examples:", "agent run"] {
        assert!(help.contains(words), "{words}");
    }
}

#[test]
fn a_damaged_state_file_is_named_with_a_way_out_and_never_overwritten() {
    let desk = Desk::new(Uuid::from_u128(1), Uuid::from_u128(2));
    desk.done(&["set-host", "a.example"]);
    let whole = fs::read_to_string(desk.state()).unwrap();
    for damage in [whole[..whole.len() / 2].to_owned(), whole.replace("cmid", "cnid"), String::new(), "[]".into()] {
        fs::write(desk.state(), &damage).unwrap();
        for verb in ["/xpr", "/dlv", "/ato", "run"] {
            let said = desk.refused(1, &[verb]);
            assert!(said.contains("agent.json is damaged") && said.contains("put a copy of it back"), "{said}");
        }
        assert_eq!(fs::read_to_string(desk.state()).unwrap(), damage);
    }
}

/// kill -9 at any moment of a command that writes: the file is the old or the new state, and the next command works.
#[test]
fn kill_9_leaves_a_whole_state() {
    let desk = Desk::new(Uuid::from_u128(1), Uuid::from_u128(2));
    desk.done(&["set-host", "first.example"]);
    let cmid = desk.read().cmid;
    let mut landed = [0, 0];
    for round in 0..40_u64 {
        let name = format!("host{round}.example");
        let mut child = desk.command(&["set-host", &name]).spawn().unwrap();
        std::thread::sleep(Duration::from_micros(500 * round));
        child.kill().unwrap();
        child.wait().unwrap();
        let state = desk.read();
        assert_eq!(state.cmid, cmid);
        landed[usize::from(state.host.is_some_and(|host| host.host == name))] += 1;
    }
    // What a killed writer left is in nobody's way.
    fs::write(desk.dir.path().join(".agent.json.new"), "{\"format\":\"keyw").unwrap();
    desk.done(&["set-host", "last.example"]);
    assert_eq!(desk.read().host.unwrap().host, "last.example");
    assert_eq!(landed.iter().sum::<i32>(), 40, "killed before and after the write: {landed:?}");
}

/// A state whose lease began so many days ago, signed by a key that it trusts.
fn aged(desk: &Desk, days: i64, trusted: bool) {
    desk.done(&["set-host", "a.example"]);
    let mut state: Value = serde_json::from_slice(&fs::read(desk.state()).unwrap()).unwrap();
    let site = Uuid::from_u128(9);
    let signer = Signer::new(&Key32::from_bytes([1; 32]), site);
    let begun = Clock::System.now() - time::Duration::days(days);
    let uuid = |name: &str| state[name].as_str().unwrap().parse().unwrap();
    let lease = signer.lease(&Grant {
        application: uuid("application"),
        sku: uuid("sku"),
        cmid: uuid("cmid"),
        id: Uuid::from_u128(5),
        at: begun,
        days: 180,
        hardware: None,
    });
    let keys = Signer::new(&Key32::from_bytes([if trusted { 1 } else { 2 }; 32]), site).public();
    state["site"] = json!({ "iss": signer.issuer(), "keys": [keys] });
    state["lease"] = lease.into();
    let installed = OffsetDateTime::replace_nanosecond(begun, 0).unwrap();
    state["installed_at"] = installed.format(&time::format_description::well_known::Rfc3339).unwrap().into();
    fs::write(desk.state(), state.to_string()).unwrap();
}

#[test]
fn xpr_tells_each_state() {
    for (days, trusted, words) in [
        (10, true, "activated until"),
        (185, true, "the lease ended and wasn't renewed"),
        (250, true, "not activated, and the time for it is over"),
        (10, false, "not activated yet"),
        (40, false, "not activated, and the time for it is over"),
    ] {
        let desk = Desk::new(Uuid::from_u128(1), Uuid::from_u128(2));
        aged(&desk, days, trusted);
        let said = desk.done(&["/xpr"]);
        assert!(said.contains(words), "{days} {trusted}: {said}");
        assert!(desk.done(&["/dlv"]).contains(if trusted { "by count" } else { "isn't to be believed" }));
    }
}

#[tokio::test]
async fn the_service_renews_and_ends_on_sigterm() {
    let site = Site::new(3).await;
    let responder = by_the_systems_clock(&site).await;
    let desk = Desk::new(site.application, site.client);
    let (at, key) = (responder.at.to_string(), site.mak.key.expose().to_owned());
    off_thread(move || {
        desk.done(&["/skms", &at]);
        desk.done(&["/ipk", &key]);
        let mut child = desk.command(&["run"]).spawn().unwrap();
        let until = std::time::Instant::now() + Duration::from_secs(60);
        while desk.read().lease.is_none() {
            assert!(std::time::Instant::now() < until && child.try_wait().unwrap().is_none());
            std::thread::sleep(Duration::from_millis(20));
        }
        let pid = rustix::process::Pid::from_child(&child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        let logged = String::from_utf8_lossy(&[output.stderr, output.stdout].concat()).into_owned();
        assert!(!logged.contains(&key[..11]), "{logged}");
    })
    .await;
    assert_eq!(site.used().await, 1);
    responder.stop().await;
    site.done().await;
}
