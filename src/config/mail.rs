//! The settings of mail and webhooks.

use std::{fs, path::Path};

use lettre::message::Mailbox;
use percent_encoding::percent_decode_str;
use secrecy::{ExposeSecret, SecretString};
use url::{Host, Url};

use super::{BadSetting, Settings};
use crate::notices::mail::{MailSettings, Mailer, Security};

const URL: &str = "--smtp-url (KEYWARD_SMTP_URL)";
const PASSWORD_FILE: &str = "--smtp-password-file (KEYWARD_SMTP_PASSWORD_FILE)";
const FROM: &str = "--mail-from (KEYWARD_MAIL_FROM)";
const CA: &str = "--ca-file (KEYWARD_CA_FILE)";

impl Settings {
    /// What sends mail; `None` where no mail server is set.
    ///
    /// # Errors
    /// A setting that can't be used. The URL may hold a password and is never repeated.
    pub fn mailer(&self) -> Result<Option<Mailer>, BadSetting> {
        let Some(settings) = self.mail()? else { return Ok(None) };
        Mailer::new(&settings).map(Some).map_err(|fault| BadSetting::new(CA, fault))
    }

    /// The certificate authority to trust beside the machine's own, in PEM.
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn ca(&self) -> Result<Option<Vec<u8>>, BadSetting> {
        let Some(file) = &self.ca_file else { return Ok(None) };
        let pem = read(CA, file)?;
        if pem.contains("-----BEGIN CERTIFICATE-----") {
            return Ok(Some(pem.into_bytes()));
        }
        Err(BadSetting::new(
            CA,
            format!("{} holds no certificate in PEM: it begins with -----BEGIN CERTIFICATE-----", file.display()),
        ))
    }

    fn mail(&self) -> Result<Option<MailSettings>, BadSetting> {
        let Some(url) = &self.smtp_url else { return Ok(None) };
        let server = server(url)?;
        let from = self.mail_from.as_deref().ok_or_else(|| {
            BadSetting::new(
                FROM,
                "mails need a sender: name one, for example --mail-from \"Keyward <keyward@example.org>\"",
            )
        })?;
        let from: Mailbox = from.parse().map_err(|_| {
            BadSetting::new(
                FROM,
                format!("“{from}” isn't an address: write keyward@example.org or \"Keyward <keyward@example.org>\""),
            )
        })?;
        let password = match (&self.smtp_password_file, server.password) {
            (Some(file), None) => Some(read(PASSWORD_FILE, file)?.lines().next().unwrap_or_default().to_owned().into()),
            (Some(_), Some(_)) => {
                return Err(BadSetting::new(PASSWORD_FILE, "the URL holds a password too: leave one of them out"));
            }
            (None, password) => password,
        };
        let sign_in = match (server.user, password) {
            (Some(user), Some(password)) => Some((user, password)),
            (Some(_), None) => {
                return Err(BadSetting::new(
                    PASSWORD_FILE,
                    "the URL names a user without a password: put it into a file and name that, or leave the user out",
                ));
            }
            (None, Some(_)) => {
                return Err(BadSetting::new(URL, "there is a password but no user: write smtp://USER@HOST"));
            }
            (None, None) => None,
        };
        if sign_in.is_some() && server.security == Security::Plain && !server.loopback {
            return Err(BadSetting::new(
                URL,
                "tls=none would send the password in the clear: leave it out, or leave the user out",
            ));
        }
        Ok(Some(MailSettings {
            host: server.host,
            port: server.port,
            security: server.security,
            sign_in,
            ca: self.ca()?,
            from,
        }))
    }
}

struct Server {
    host: String,
    port: u16,
    loopback: bool,
    security: Security,
    user: Option<String>,
    password: Option<SecretString>,
}

/// Reads the URL; it may hold a password, so that no message repeats it.
fn server(url: &SecretString) -> Result<Server, BadSetting> {
    let bad = |fault: &str| BadSetting::new(URL, fault);
    let url = Url::parse(url.expose_secret())
        .map_err(|_| bad("this isn't a URL: write smtp://USER@mail.example.org, or smtps://…"))?;
    let host = url
        .host_str()
        .filter(|host| !host.is_empty())
        .ok_or_else(|| bad("it names no host: write smtp://USER@mail.example.org"))?;
    let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    // For a scheme that it doesn't know, `url` leaves numbers unread.
    let loopback = host == "localhost"
        || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
        || matches!(url.host(), Some(Host::Ipv4(ip)) if ip.is_loopback());
    let mut plain = false;
    for (name, value) in url.query_pairs() {
        match (name.as_ref(), value.as_ref()) {
            ("tls", "none") => plain = true,
            ("tls", "required") => plain = false,
            _ => return Err(bad("behind the “?” stands tls=none, tls=required or nothing")),
        }
    }
    let (security, port) = match (url.scheme(), plain) {
        ("smtp", false) => (Security::StartTls, 587),
        ("smtp", true) => (Security::Plain, 25),
        ("smtps", false) => (Security::Tls, 465),
        ("smtps", true) => return Err(bad("smtps is TLS from the first byte: leave out tls=none")),
        _ => return Err(bad("the scheme is smtp (STARTTLS) or smtps (TLS from the first byte)")),
    };
    if !matches!(url.path(), "" | "/") {
        return Err(bad("nothing stands behind host and port: write smtp://USER@mail.example.org:587"));
    }
    let decoded = |text: &str| {
        percent_decode_str(text)
            .decode_utf8()
            .map(std::borrow::Cow::into_owned)
            .map_err(|_| bad("user and password are UTF-8, with %-escapes"))
    };
    let user = if url.username().is_empty() { None } else { Some(decoded(url.username())?) };
    let password = url.password().map(decoded).transpose()?.map(SecretString::from);
    Ok(Server { host, port: url.port().unwrap_or(port), loopback, security, user, password })
}

fn read(setting: &str, file: &Path) -> Result<String, BadSetting> {
    fs::read_to_string(file).map_err(|fault| {
        BadSetting::new(
            setting,
            format!("{} can't be read ({fault}): name a file that the user running Keyward may read", file.display()),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_url(url: &str) -> Result<Server, BadSetting> {
        server(&SecretString::from(url))
    }

    #[test]
    fn starttls_is_required_unless_the_url_says_otherwise() {
        let server = read_url("smtp://kw%40x:p%2Fw@mail.example.org").unwrap();
        assert_eq!((server.security, server.port), (Security::StartTls, 587));
        assert_eq!(server.user.as_deref(), Some("kw@x"));
        assert_eq!(server.password.unwrap().expose_secret(), "p/w");
        let server = read_url("smtps://mail.example.org").unwrap();
        assert_eq!((server.security, server.port), (Security::Tls, 465));
        let server = read_url("smtp://127.0.0.1:2525?tls=none").unwrap();
        assert_eq!((server.security, server.port, server.loopback), (Security::Plain, 2525, true));
    }

    #[test]
    fn a_bad_url_names_the_setting_and_never_its_password() {
        for url in [
            "",
            "mail.example.org",
            "http://u:hunter2@x",
            "smtp://",
            "smtp://u:hunter2@x?tls=maybe",
            "smtp://u:hunter2@x/path",
            "smtps://u:hunter2@x?tls=none",
        ] {
            let fault = read_url(url).err().unwrap_or_else(|| panic!("{url}")).to_string();
            assert!(fault.starts_with("--smtp-url (KEYWARD_SMTP_URL): ") && !fault.contains("hunter2"), "{fault}");
        }
    }
}
