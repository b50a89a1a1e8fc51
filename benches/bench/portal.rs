//! The portal as its users run it: the program itself, in a process of its own.

use std::{
    fs::File,
    net::{SocketAddr, TcpListener},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use crate::load::Client;

/// The program that is measured.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_keyward");

/// A running portal.
pub struct Portal {
    /// Where it listens.
    pub address: SocketAddr,
    /// From the start of the process to the first 200 of `/readyz`.
    pub took: Duration,
    child: Child,
}

impl Portal {
    /// Starts one on a data directory and waits until it is ready.
    pub async fn start(data: &Path) -> Self {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let log = File::create(data.parent().unwrap().join("portal.log")).unwrap();
        let mut command = program(data);
        command.args(["serve", "--responder-listen", "off", "--listen", &address.to_string()]);
        let began = Instant::now();
        let child = command.stdout(Stdio::null()).stderr(log).spawn().unwrap();
        let mut portal = Self { address, took: Duration::ZERO, child };
        while !ready(address).await {
            assert!(portal.child.try_wait().unwrap().is_none(), "the portal ended: see portal.log");
            assert!(began.elapsed() < Duration::from_secs(60), "the portal wasn't ready after a minute");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        portal.took = began.elapsed();
        portal
    }

    /// A figure from the kernel's account of this process, in MiB.
    pub fn memory(&self, name: &str) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
    }

    /// Ends it as a service manager does.
    pub fn stop(mut self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        assert!(self.child.wait().unwrap().success(), "the portal ended badly: see portal.log");
    }
}

impl Drop for Portal {
    /// A measure that panicked leaves nothing running.
    fn drop(&mut self) {
        let _ = (self.child.kill(), self.child.wait());
    }
}

/// The program with nothing of our own environment that could lead it elsewhere.
pub fn program(data: &Path) -> Command {
    let mut command = Command::new(PROGRAM);
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if name == "DATABASE_URL" || (name.starts_with("KEYWARD_") && name != "KEYWARD_PG_BIN") {
            command.env_remove(&*name);
        }
    }
    command.arg("--data-dir").arg(data);
    command
}

async fn ready(address: SocketAddr) -> bool {
    match Client::connect(address).await {
        Some(mut client) => client.get("/readyz", None).await.is_ok_and(|answer| answer.status == 200),
        None => false,
    }
}
