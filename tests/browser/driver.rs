//! Chromium and its driver: a pair of processes for one journey, ended with it.

use std::{
    env,
    fs::File,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::PathBuf,
    process::{Child, ChildStdout, Command, Stdio},
    time::Duration,
};

use serde_json::json;
use tempfile::TempDir;
use thirtyfour::{
    ChromiumLikeCapabilities, DesiredCapabilities, WebDriver, common::capabilities::chrome::ChromeCapabilities,
};

/// As STACK: Chromium without what would talk to the outside or wants a screen.
const FLAGS: [&str; 13] = [
    "--headless",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
    "--force-device-scale-factor=1",
    "--lang=en-GB",
    // Chromium then ends when its driver does, however that ends
    "--remote-debugging-pipe",
];

/// What a browser is started as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scripts {
    /// As people have it.
    On,
    /// JavaScript switched off in the browser's settings.
    Off,
}

/// A running pair. Ends with its value, also when the test panics.
pub struct Pair {
    /// The session.
    pub driver: Option<WebDriver>,
    /// Where downloads go.
    pub downloads: TempDir,
    session: String,
    port: u16,
    child: Child,
    // open until the end: the driver must not die of a closed pipe
    _stdout: BufReader<ChildStdout>,
    _profile: TempDir,
    _turn: File,
}

impl Pair {
    /// Waits for its turn, then starts one: journeys run one after the other, since they share the machine with
    /// all other tests.
    pub async fn start(scripts: Scripts) -> Self {
        let turn = File::create(PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("browser.lock")).unwrap();
        let turn = tokio::task::spawn_blocking(move || turn.lock().map(|()| turn)).await.unwrap().unwrap();
        let browser = program(
            "CHROMIUM_BIN",
            "Chromium",
            &["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"],
        );
        let driver = program(
            "CHROMEDRIVER_BIN",
            "Chromium's WebDriver",
            &["chromedriver", "/usr/lib/chromium/chromedriver", "/usr/lib/chromium-browser/chromedriver"],
        );
        let mut child = Command::new(&driver)
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|fault| panic!("{} doesn't start: {fault}", driver.display()));
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let port = port(&mut stdout);
        let (profile, downloads) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        // built before the session: from here on the driver ends with this value
        let mut pair = Self {
            driver: None,
            downloads,
            session: String::new(),
            port,
            child,
            _stdout: stdout,
            _profile: profile,
            _turn: turn,
        };
        let wanted = pair.capabilities(&browser, scripts);
        let session = WebDriver::new(format!("http://127.0.0.1:{port}"), wanted)
            .await
            .unwrap_or_else(|fault| panic!("Chromium doesn't start under its driver: {fault}"));
        pair.session = session.session_id().to_string();
        pair.driver = Some(session);
        pair
    }

    fn capabilities(&self, browser: &std::path::Path, scripts: Scripts) -> ChromeCapabilities {
        let mut wanted = DesiredCapabilities::chrome();
        wanted.set_binary(browser.to_str().unwrap()).unwrap();
        for flag in FLAGS {
            wanted.add_arg(flag).unwrap();
        }
        if rustix::process::geteuid().is_root() {
            wanted.add_arg("--no-sandbox").unwrap();
        }
        wanted.add_arg(&format!("--user-data-dir={}", self._profile.path().display())).unwrap();
        let mut settings = json!({
            "download.default_directory": self.downloads.path(),
            "download.prompt_for_download": false,
            "credentials_enable_service": false,
        });
        if scripts == Scripts::Off {
            settings["profile.managed_default_content_settings.javascript"] = json!(2);
        }
        wanted.add_experimental_option("prefs", settings).unwrap();
        wanted.set_browser_log_level(thirtyfour::LoggingPrefsLogLevel::All).unwrap();
        wanted
    }

    /// Ends the session as its driver does it; false when the driver doesn't answer.
    fn end_session(&self) -> std::io::Result<()> {
        if self.session.is_empty() {
            return Ok(());
        }
        let mut connection = TcpStream::connect(("127.0.0.1", self.port))?;
        connection.set_read_timeout(Some(Duration::from_secs(10)))?;
        let request =
            format!("DELETE /session/{} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n", self.session);
        connection.write_all(request.as_bytes())?;
        connection.read(&mut [0; 64]).map(drop)
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        // what the driver doesn't do any more, the closed pipe does: Chromium ends with its driver
        let _ = self.end_session();
        if let Some(driver) = self.driver.take() {
            // the session is over; the handle must not try to end it again
            let _ = driver.leak();
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The port that the driver chose, from what it prints.
fn port(stdout: &mut impl BufRead) -> u16 {
    stdout
        .lines()
        .map_while(Result::ok)
        .find_map(|line| {
            line.strip_prefix("ChromeDriver was started successfully on port ")?.trim_end_matches('.').parse().ok()
        })
        .expect("chromedriver ended before it said its port")
}

/// Finds a program as scripts/ensure-chromium.sh does.
fn program(setting: &str, what: &str, names: &[&str]) -> PathBuf {
    if let Some(named) = env::var_os(setting) {
        return PathBuf::from(named);
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let places: Vec<PathBuf> = env::split_paths(&path).collect();
    names
        .iter()
        // joining an absolute name gives that name
        .flat_map(|name| places.iter().map(move |place| place.join(name)))
        .find(|candidate| candidate.is_file())
        .unwrap_or_else(|| {
            panic!("{what} is missing: run scripts/ensure-chromium.sh, which installs it or says how, or set {setting}")
        })
}
