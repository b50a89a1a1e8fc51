//! Keyward in a process of its own, to be killed: this binary, run anew.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use keyward::postgres::embedded::{Durability, Embedded};
const DIR: &str = "KEYWARD_TEST_SUPERVISE";

/// A user without any rights, the same number on every Unix that tests run on.
pub const NOBODY: u32 = 65_534;

/// Whether the tests run as root, with another user to give the server to.
pub fn root() -> bool {
    rustix::process::geteuid().is_root()
}

/// A process that supervises a server until it is killed or let go.
pub struct Supervisor {
    child: Child,
}

impl Supervisor {
    /// Starts one; as `uid` if given (we are root then), from a copy beside `dir`.
    pub fn spawn(dir: &Path, uid: Option<u32>) -> Self {
        let program = match uid {
            Some(_) => copy_in(dir.parent().unwrap()),
            None => std::env::current_exe().unwrap(),
        };
        let mut command = Command::new(program);
        command
            .args(["ground::process::supervise", "--exact", "--ignored", "--nocapture"])
            .env(DIR, dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        if let Some(uid) = uid {
            command.uid(uid).gid(uid);
        }
        Self { child: command.spawn().unwrap() }
    }

    /// Waits until its server is ready; says the server's process id.
    pub fn ready(&mut self) -> i32 {
        let lines = BufReader::new(self.child.stdout.as_mut().unwrap()).lines();
        // libtest's own words may stand before ours on the line
        lines
            .map_while(Result::ok)
            .find_map(|line| line.split_once("server-ready ")?.1.parse().ok())
            .expect("the supervisor ended before its server was ready")
    }

    /// `kill -9`.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Lets it end by itself, and waits for that.
    pub fn let_go(mut self) {
        drop(self.child.stdin.take());
        assert!(self.child.wait().unwrap().success());
    }

    /// Whether it has ended.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }
}

/// A copy of this binary where every user can run it.
fn copy_in(dir: &Path) -> PathBuf {
    let copy = dir.join("tests");
    // By another process: what this one has open for writing, each child of another test holds too for a moment, and
    // a program that somebody may write can't be started.
    let copied = Command::new("cp").arg(std::env::current_exe().unwrap()).arg(&copy).status().unwrap();
    assert!(copied.success());
    fs::set_permissions(&copy, fs::Permissions::from_mode(0o755)).unwrap();
    copy
}

/// Not a test: what [`Supervisor`] runs.
#[tokio::test]
#[ignore = "the process that other tests kill; does nothing when run by hand"]
async fn supervise() {
    let Some(dir) = std::env::var_os(DIR) else {
        return;
    };
    let (mut server, _) = Embedded::start(Path::new(&dir), Durability::Durable).await.unwrap();
    println!("server-ready {}", server.pid());
    std::io::stdout().flush().unwrap();
    let until_let_go = || std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
    tokio::task::spawn_blocking(until_let_go).await.unwrap().unwrap();
    server.stop().unwrap();
}
