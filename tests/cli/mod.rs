//! The program as a newcomer and an operator run it: the real binary, its own embedded database, exit
//! codes and sentences.

mod faults;
mod operate;
mod responder;

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::mpsc,
    time::Duration,
};

use keyward::config::Settings;
use tempfile::TempDir;

use crate::support::cluster::scratch;

/// How long a start may take on a busy machine before the test gives up.
const PATIENCE: Duration = Duration::from_secs(60);

/// An installation in a directory of its own.
pub struct Installation {
    dir: TempDir,
}

impl Installation {
    /// An empty one.
    pub fn new() -> Self {
        Self { dir: scratch() }
    }

    /// Its data directory.
    pub fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// As the program would read them.
    pub fn settings(&self) -> Settings {
        #[derive(clap::Parser)]
        struct Line {
            #[command(flatten)]
            settings: Settings,
        }
        let line =
            <Line as clap::Parser>::parse_from(["keyward".into(), "--data-dir".into(), self.data().into_os_string()]);
        Settings { database_url: None, ..line.settings }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_keyward"));
        command
            .arg("--data-dir")
            .arg(self.data())
            .env_remove("DATABASE_URL")
            .env_remove("RUST_BACKTRACE")
            .env("KEYWARD_RESPONDER_LISTEN", "off");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs a command to its end.
    fn run(&self, args: &[&str]) -> Output {
        self.command().args(args).output().unwrap()
    }

    /// Runs a command that must succeed; what it prints.
    pub fn done(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert!(output.status.success(), "{args:?}: {}", text(&output.stderr));
        text(&output.stdout)
    }

    /// Runs a command that must end with this code; what it says.
    pub fn refused(&self, code: i32, args: &[&str]) -> String {
        let output = self.run(args);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {said}");
        assert!(!said.contains("panicked") && !said.contains("backtrace"), "{said}");
        said
    }

    /// Runs a command with something on its standard input.
    fn piped(&self, input: &str, args: &[&str]) -> Output {
        let mut child = self.command().args(args).stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    }

    /// Starts the server and waits until it says that it is ready.
    pub fn serve(&self, args: &[&str]) -> Server {
        let listen = free_address();
        let args: Vec<&str> = ["--listen", listen.as_str()].into_iter().chain(args.iter().copied()).collect();
        let mut server = self.start(&args, "Keyward is ready");
        server.address = format!("http://{listen}");
        server
    }

    /// Starts a command that serves, and waits until it says that it is ready.
    #[expect(clippy::zombie_processes, reason = "the Server returned waits, and a panic ends the whole run")]
    fn start(&self, args: &[&str], ready: &str) -> Server {
        let mut command = self.command();
        command.args(args);
        let mut child = command.spawn().unwrap();
        let (sender, lines) = mpsc::channel();
        for stream in [
            Box::new(child.stderr.take().unwrap()) as Box<dyn std::io::Read + Send>,
            Box::new(child.stdout.take().unwrap()),
        ] {
            let sender = sender.clone();
            std::thread::spawn(move || {
                for line in BufReader::new(stream).lines().map_while(Result::ok) {
                    let _ = sender.send(line);
                }
            });
        }
        let mut said = Vec::new();
        loop {
            let line = lines.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("it isn't ready: {said:?}"));
            said.push(line);
            let heard = |words: &str| said.iter().any(|line| line.contains(words));
            // The demo's sign-ins come by another stream, before or after.
            if heard(ready) && (!args.contains(&"demo") || heard("End with Ctrl+C")) {
                return Server { child, address: String::new(), said: said.join("\n") };
            }
        }
    }
}

/// A child that is killed when dropped.
pub struct Killed(pub Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A running server; killed when dropped.
pub struct Server {
    child: Child,
    address: String,
    /// What it said until it was ready.
    said: String,
}

impl Server {
    async fn get(&self, path: &str) -> reqwest::Response {
        reqwest::get(format!("{}{path}", self.address)).await.unwrap()
    }

    /// kill -9.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM, and its exit code.
    pub fn end(mut self) -> Option<i32> {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        self.child.wait().unwrap().code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// An address that was free a moment ago.
fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

/// A file of the sample estate.
pub fn estate(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("demo/estate").join(name).display().to_string()
}

/// All five, in an order that isn't the one they are taken in.
fn whole_estate() -> [String; 5] {
    ["orders.csv", "admin-center-keys.csv", "contracts.csv", "license-summary.csv", "contacts.csv"].map(estate)
}
