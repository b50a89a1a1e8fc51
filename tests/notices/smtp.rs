//! A real mail server in a process of its own (`smtp.py`, made possible by `scripts/ensure-smtp.sh`).

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use keyward::notices::mail::{MailSettings, Mailer, Security};
use serde::Deserialize;
use tempfile::TempDir;

/// How long something may take on a busy machine before the test gives up.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the server took.
#[derive(Clone, Debug, Deserialize)]
pub struct Mail {
    /// The recipients.
    pub to: Vec<String>,
    /// The sender.
    pub from: String,
    /// Whether it came over TLS.
    pub tls: bool,
    /// Who signed in.
    pub user: Option<String>,
    /// Head and body as they came.
    pub data: String,
}

impl Mail {
    /// A line of the head.
    pub fn header(&self, name: &str) -> &str {
        let line = self.data.lines().take_while(|line| !line.is_empty()).find_map(|line| line.strip_prefix(name));
        line.and_then(|rest| rest.strip_prefix(": ")).unwrap_or_else(|| panic!("no {name} in {}", self.data))
    }

    /// The body, decoded from quoted-printable as far as line breaks go.
    pub fn body(&self) -> String {
        let (_, body) = self.data.split_once("\r\n\r\n").unwrap();
        body.replace("=\r\n", "").replace("=3D", "=")
    }
}

/// A mail server; ends with this value.
pub struct Server {
    child: Child,
    dir: TempDir,
    /// Where it listens.
    pub port: u16,
}

impl Server {
    /// A server on a port of its own.
    pub fn start(args: &[&str]) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), 0, args)
    }

    fn start_in(dir: TempDir, port: u16, args: &[&str]) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/notices/smtp.py");
        let mut child = Command::new(python())
            .arg(script)
            .arg("--dir")
            .arg(dir.path())
            .args(["--port", &port.to_string()])
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let port = line.trim().strip_prefix("ready ").unwrap_or_else(|| panic!("the mail server says {line:?}"));
        Self { port: port.parse().unwrap(), child, dir }
    }

    /// Ends it; what it took stays. Starts another on the same port later.
    pub fn stop(mut self) -> Stopped {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        let dir = std::mem::replace(&mut self.dir, tempfile::tempdir().unwrap());
        Stopped { dir, port: self.port }
    }

    /// What it took so far, in order.
    pub fn mails(&self) -> Vec<Mail> {
        mails(self.dir.path())
    }

    /// Waits until it has taken so many.
    pub fn wait_for(&self, count: usize) {
        let until = Instant::now() + PATIENCE;
        while self.mails().len() < count {
            assert!(Instant::now() < until, "{} of {count} mails came", self.mails().len());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Lets a server that holds its answers back answer.
    pub fn release(&self) {
        fs::write(self.dir.path().join("release"), "").unwrap();
    }

    /// How to reach it without TLS.
    pub fn settings(&self) -> MailSettings {
        MailSettings {
            host: "127.0.0.1".into(),
            port: self.port,
            security: Security::Plain,
            sign_in: None,
            ca: None,
            from: "Keyward <keyward@portal.example>".parse().unwrap(),
        }
    }

    /// What sends to it without TLS.
    pub fn mailer(&self) -> Mailer {
        Mailer::new(&self.settings()).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A server that was ended.
pub struct Stopped {
    dir: TempDir,
    port: u16,
}

impl Stopped {
    /// Starts it again, where it was.
    pub fn start(self, args: &[&str]) -> Server {
        Server::start_in(self.dir, self.port, args)
    }
}

fn mails(dir: &Path) -> Vec<Mail> {
    let mut files: Vec<PathBuf> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|known| known == "mail"))
        .collect();
    files.sort();
    files.iter().map(|path| serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()).collect()
}

fn python() -> PathBuf {
    if let Some(named) = std::env::var_os("KEYWARD_SMTP_PYTHON") {
        return named.into();
    }
    // target/debug/deps/main-… → target
    let binary = std::env::current_exe().unwrap();
    let python = binary.ancestors().nth(3).unwrap().join("smtp/bin/python");
    assert!(python.exists(), "{} is missing: run scripts/ensure-smtp.sh, as `make test` does", python.display());
    python
}
