//! Settings: each a flag and an environment variable. A bad one names itself, what is wrong with its
//! value, and the way out.

mod mail;

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
};

use clap::Args;
use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::PgConnectOptions;
use url::Url;

use crate::app::WebSettings;

/// The settings of every command.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Settings")]
pub struct Settings {
    /// PostgreSQL to use, e.g. postgres://keyward@db/keyward. Without it, an embedded server runs in the data directory
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, global = true, value_name = "URL")]
    pub database_url: Option<SecretString>,
    /// The same database as its owner, for migrations. Without it, the same URL serves for both
    #[arg(long, env = "KEYWARD_DATABASE_OWNER_URL", hide_env_values = true, global = true, value_name = "URL")]
    pub database_owner_url: Option<SecretString>,
    /// Where Keyward keeps its files [default: /var/lib/keyward for root, else ~/.local/share/keyward]
    #[arg(long, env = "KEYWARD_DATA_DIR", global = true, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Address and port of the portal
    #[arg(long, env = "KEYWARD_LISTEN", default_value = "127.0.0.1:8080", global = true, value_name = "ADDRESS:PORT")]
    pub listen: SocketAddr,
    /// Scheme, host and port as browsers see them; forms are taken from there only [default: http://LISTEN]
    #[arg(long, env = "KEYWARD_BASE_URL", global = true, value_name = "URL")]
    pub base_url: Option<Url>,
    /// Address and port of the activation responder, or `off`
    #[arg(
        long,
        env = "KEYWARD_RESPONDER_LISTEN",
        default_value = "127.0.0.1:1688",
        global = true,
        value_name = "ADDRESS:PORT|off"
    )]
    pub responder_listen: ResponderListen,
    /// Connections that the responder serves at once
    #[arg(long, env = "KEYWARD_RESPONDER_CONNECTIONS", default_value_t = 4096, global = true, value_name = "NUMBER")]
    pub responder_connections: usize,
    /// Connections of one address that the responder serves at once
    #[arg(
        long,
        env = "KEYWARD_RESPONDER_CONNECTIONS_PER_ADDRESS",
        default_value_t = 16,
        global = true,
        value_name = "NUMBER"
    )]
    pub responder_connections_per_address: usize,
    /// The key-encryption key [default: `kek` in the data directory, made once]
    #[arg(long, env = "KEYWARD_KEK_FILE", global = true, value_name = "FILE")]
    pub kek_file: Option<PathBuf>,
    /// Keys for fingerprints, audit links and leases [default: `responder.key` in the data directory, made once]
    #[arg(long, env = "KEYWARD_RESPONDER_KEY_FILE", global = true, value_name = "FILE")]
    pub responder_key_file: Option<PathBuf>,
    /// Proxies whose X-Forwarded-For is believed, separated by commas
    #[arg(long, env = "KEYWARD_TRUSTED_PROXIES", value_delimiter = ',', global = true, value_name = "ADDRESS,…")]
    pub trusted_proxies: Vec<IpAddr>,
    /// Certificate chain in PEM; with --tls-key the portal speaks HTTPS
    #[arg(long, env = "KEYWARD_TLS_CERT", requires = "tls_key", global = true, value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,
    /// The certificate's key in PEM
    #[arg(long, env = "KEYWARD_TLS_KEY", requires = "tls_cert", global = true, value_name = "FILE")]
    pub tls_key: Option<PathBuf>,
    /// Address and port of /metrics, for Prometheus; off without it
    #[arg(long, env = "KEYWARD_ADMIN_LISTEN", global = true, value_name = "ADDRESS:PORT")]
    pub admin_listen: Option<SocketAddr>,
    /// Server that takes mail: smtp://USER@HOST[:587] (STARTTLS, always), smtps://USER@HOST[:465], or smtp://HOST:25?tls=none. Without it no mail is sent
    #[arg(long, env = "KEYWARD_SMTP_URL", hide_env_values = true, global = true, value_name = "URL")]
    pub smtp_url: Option<SecretString>,
    /// File whose first line is the mail server's password, where the URL doesn't hold it
    #[arg(long, env = "KEYWARD_SMTP_PASSWORD_FILE", requires = "smtp_url", global = true, value_name = "FILE")]
    pub smtp_password_file: Option<PathBuf>,
    /// Sender of mails, e.g. "Keyward <keyward@example.org>"; needed with --smtp-url
    #[arg(long, env = "KEYWARD_MAIL_FROM", global = true, value_name = "ADDRESS")]
    pub mail_from: Option<String>,
    /// Certificate authority in PEM to trust, beside the machine's own, for the mail server and the webhook
    #[arg(long, env = "KEYWARD_CA_FILE", global = true, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
    /// Largest file to download that the portal takes in and keeps in the data directory, such as 500MiB or 16GiB
    #[arg(long, env = "KEYWARD_DOWNLOAD_LIMIT", default_value = "16GiB", global = true, value_name = "SIZE")]
    pub download_limit: Size,
    /// What to log: error, warn, info, debug, or a filter such as info,sqlx=warn; `json:` in front for JSON lines
    #[arg(long, env = "KEYWARD_LOG", default_value = "warn,keyward=info", global = true, value_name = "FILTER")]
    pub log: String,
}

/// Where the responder listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponderListen {
    /// Nowhere.
    Off,
    /// At this address.
    At(SocketAddr),
}

impl std::str::FromStr for ResponderListen {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "off" => Ok(Self::Off),
            _ => text
                .parse()
                .map(Self::At)
                .map_err(|_| "write an address and a port, such as 127.0.0.1:1688, or off".to_owned()),
        }
    }
}

/// A number of bytes, written with its unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size(pub u64);

impl std::str::FromStr for Size {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let units = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1_u64 << 40)];
        units
            .into_iter()
            .find_map(|(unit, bytes)| text.strip_suffix(unit)?.trim_end().parse::<u64>().ok()?.checked_mul(bytes))
            // What a database counts.
            .filter(|bytes| i64::try_from(*bytes).is_ok())
            .map(Self)
            .ok_or_else(|| "write a whole number with KiB, MiB, GiB or TiB, such as 16GiB".to_owned())
    }
}

/// A setting that can't be used; ends the program with exit code 2.
#[derive(Debug)]
pub struct BadSetting(String);

impl BadSetting {
    /// `setting` as the user writes it, what is wrong with it, and the way out.
    pub fn new(setting: &str, fault: impl fmt::Display) -> Self {
        Self(format!("{setting}: {fault}"))
    }
}

impl fmt::Display for BadSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadSetting {}

/// Which database to use.
#[derive(Clone, Debug)]
pub enum Database {
    /// An embedded server in this directory.
    Embedded(PathBuf),
    /// A server elsewhere.
    External {
        /// As the owner, for migrations.
        owner: Box<PgConnectOptions>,
        /// As the server.
        app: Box<PgConnectOptions>,
        /// Whether one URL serves for both.
        same: bool,
    },
}

impl Settings {
    /// The data directory.
    ///
    /// # Errors
    /// When none is set and there is no home directory to put one in.
    pub fn data_dir(&self) -> Result<PathBuf, BadSetting> {
        match &self.data_dir {
            Some(dir) => Ok(dir.clone()),
            None => default_data_dir("keyward"),
        }
    }

    /// The KEK file.
    ///
    /// # Errors
    /// As [`Settings::data_dir`].
    pub fn kek_file(&self) -> Result<PathBuf, BadSetting> {
        self.kek_file.clone().map_or_else(|| Ok(self.data_dir()?.join("kek")), Ok)
    }

    /// The site's other keys.
    ///
    /// # Errors
    /// As [`Settings::data_dir`].
    pub fn responder_key_file(&self) -> Result<PathBuf, BadSetting> {
        self.responder_key_file.clone().map_or_else(|| Ok(self.data_dir()?.join("responder.key")), Ok)
    }

    /// The database.
    ///
    /// # Errors
    /// When a URL can't be read.
    pub fn database(&self) -> Result<Database, BadSetting> {
        let Some(url) = &self.database_url else {
            return Ok(Database::Embedded(self.data_dir()?.join("postgres")));
        };
        let app = database_url("--database-url (DATABASE_URL)", url)?;
        let owner = match &self.database_owner_url {
            Some(url) => database_url("--database-owner-url (KEYWARD_DATABASE_OWNER_URL)", url)?,
            None => app.clone(),
        };
        Ok(Database::External { owner: Box::new(owner), app: Box::new(app), same: self.database_owner_url.is_none() })
    }

    /// Settings of the web side, once the port is known.
    ///
    /// # Errors
    /// When the base URL isn't a bare http or https address.
    pub fn web(&self, bound: SocketAddr) -> Result<WebSettings, BadSetting> {
        const NAME: &str = "--base-url (KEYWARD_BASE_URL)";
        let scheme = if self.tls_cert.is_some() { "https" } else { "http" };
        let base_url = match &self.base_url {
            Some(url) => url.clone(),
            None => Url::parse(&format!("{scheme}://{bound}")).map_err(|fault| BadSetting::new(NAME, fault))?,
        };
        if !matches!(base_url.scheme(), "http" | "https") || base_url.host().is_none() || base_url.path() != "/" {
            return Err(BadSetting::new(
                NAME,
                format!(
                    "“{base_url}” isn't scheme, host and port alone: write for example https://keyward.example.org"
                ),
            ));
        }
        Ok(WebSettings {
            base_url,
            trusted_proxies: self.trusted_proxies.clone(),
            mail: self.smtp_url.is_some(),
            downloads: self.data_dir()?.join("downloads"),
            download_limit: self.download_limit.0,
        })
    }
}

fn database_url(name: &str, url: &SecretString) -> Result<PgConnectOptions, BadSetting> {
    let text = url.expose_secret();
    let postgres = text.starts_with("postgres://") || text.starts_with("postgresql://");
    // The value holds a password: it isn't repeated.
    text.parse().ok().filter(|_| postgres).ok_or_else(|| {
        BadSetting::new(name, "this isn't a PostgreSQL URL: write postgres://USER:PASSWORD@HOST:PORT/DATABASE")
    })
}

/// `/var/lib/NAME` for root, else `$XDG_DATA_HOME/NAME` or `~/.local/share/NAME`.
///
/// # Errors
/// When there is no home directory.
pub fn default_data_dir(name: &str) -> Result<PathBuf, BadSetting> {
    if rustix::process::geteuid().is_root() {
        return Ok(Path::new("/var/lib").join(name));
    }
    let home = || {
        std::env::var_os("HOME").filter(|home| !home.is_empty()).map(|home| PathBuf::from(home).join(".local/share"))
    };
    std::env::var_os("XDG_DATA_HOME")
        .filter(|dir| !dir.is_empty())
        .map(PathBuf::from)
        .or_else(home)
        .map(|dir| dir.join(name))
        .ok_or_else(|| {
            BadSetting::new(
                "--data-dir (KEYWARD_DATA_DIR)",
                "there is no home directory to put the data in: name a directory",
            )
        })
}

#[cfg(test)]
mod tests {
    use super::Size;

    #[test]
    fn a_size_is_a_number_with_its_unit() {
        assert_eq!("16GiB".parse(), Ok(Size(17_179_869_184)));
        assert_eq!("500 MiB".parse(), Ok(Size(524_288_000)));
        for wrong in ["", "16", "16GB", "-1GiB", "1.5GiB", "99999999999TiB", "GiB"] {
            assert!(wrong.parse::<Size>().is_err(), "{wrong}");
        }
    }
}
