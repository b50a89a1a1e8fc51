//! Mail: one message a person and batch, over SMTP.

use std::{fmt, time::Duration};

use anyhow::Result;
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{Mailbox, header},
    transport::smtp::{
        authentication::Credentials,
        client::{Certificate, Tls, TlsParameters},
        extension::ClientId,
    },
};
use secrecy::{ExposeSecret, SecretString};
use time::OffsetDateTime;
use url::Url;
use uuid::Uuid;

use super::outbox::{self, Outcome, Round, Taken, Way};
use crate::postgres::{Db, Scope};

/// For one message, from the connection to the server's last word; well below [`outbox::LEASE`].
const PATIENCE: Duration = Duration::from_secs(60);
/// How many notices of a batch a mail spells out.
const SPELLED: usize = 40;

/// How to reach the mail server.
#[derive(Clone)]
pub struct MailSettings {
    /// Its name.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is secured.
    pub security: Security,
    /// User and password, where it wants them.
    pub sign_in: Option<(String, SecretString)>,
    /// A certificate authority in PEM to trust, beside the machine's own.
    pub ca: Option<Vec<u8>>,
    /// The sender.
    pub from: Mailbox,
}

/// How a connection to the mail server is secured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// STARTTLS, and nothing without it.
    StartTls,
    /// TLS from the first byte.
    Tls,
    /// Not at all.
    Plain,
}

impl fmt::Debug for MailSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MailSettings({}:{})", self.host, self.port)
    }
}

/// Sends mail.
#[derive(Clone)]
pub struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    server: String,
}

/// A mail to be sent.
struct Mail {
    id: Uuid,
    to: Mailbox,
    made_at: OffsetDateTime,
    subject: String,
    body: String,
}

impl Mailer {
    /// A mailer; connects to nothing yet.
    ///
    /// # Errors
    /// When the certificate authority can't be read.
    pub fn new(settings: &MailSettings) -> Result<Self, lettre::transport::smtp::Error> {
        let mut tls = TlsParameters::builder(settings.host.clone());
        if let Some(pem) = &settings.ca {
            tls = tls.add_root_certificate(Certificate::from_pem(pem)?);
        }
        let tls = match settings.security {
            Security::StartTls => Tls::Required(tls.build_rustls()?),
            Security::Tls => Tls::Wrapper(tls.build_rustls()?),
            Security::Plain => Tls::None,
        };
        let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&settings.host)
            .port(settings.port)
            .tls(tls)
            .timeout(Some(PATIENCE))
            .hello_name(ClientId::Domain(settings.from.email.domain().to_owned()));
        if let Some((user, password)) = &settings.sign_in {
            transport = transport.credentials(Credentials::new(user.clone(), password.expose_secret().to_owned()));
        }
        Ok(Self {
            transport: transport.build(),
            from: settings.from.clone(),
            server: format!("{}:{}", settings.host, settings.port),
        })
    }

    /// The server it sends to, as `HOST:PORT`.
    #[must_use]
    pub fn server(&self) -> &str {
        &self.server
    }

    /// Sends one mail that says that mail works; its Message-ID.
    ///
    /// # Errors
    /// A sentence: what the server said, or why it can't be reached.
    pub async fn test(&self, to: Mailbox, base: &Url, now: OffsetDateTime) -> Result<String, String> {
        let mail = Mail {
            id: Uuid::now_v7(),
            to,
            made_at: now,
            subject: "Mail from Keyward works".to_owned(),
            body: format!(
                "This is the test that you asked for with “keyward mail test”.\r\n\r\nKeyward is at {base}\r\n"
            ),
        };
        match self.send(&mail).await {
            Outcome::Sent => Ok(self.message_id(mail.id)),
            Outcome::Refused(fault) | Outcome::Failed(fault) | Outcome::Down(fault) => Err(fault),
            Outcome::Dropped => Err("nothing was sent".to_owned()),
        }
    }

    /// The same for one message at every attempt.
    fn message_id(&self, id: Uuid) -> String {
        format!("<{id}@{}>", self.from.email.domain())
    }

    async fn send(&self, mail: &Mail) -> Outcome {
        let message = Message::builder()
            .from(self.from.clone())
            .to(mail.to.clone())
            .date(mail.made_at.into())
            .message_id(Some(self.message_id(mail.id)))
            .subject(format!("[Keyward] {}", mail.subject))
            .header(header::ContentType::TEXT_PLAIN)
            // Nobody's out-of-office shall answer (RFC 3834).
            .raw_header(header::HeaderValue::new(
                header::HeaderName::new_from_ascii_str("Auto-Submitted"),
                "auto-generated".to_owned(),
            ))
            .body(mail.body.clone());
        let message = match message {
            Ok(message) => message,
            Err(fault) => return Outcome::Refused(fault.to_string()),
        };
        // Each mail has a connection of its own: one broken off in the middle leaves nothing behind.
        match tokio::time::timeout(PATIENCE, self.transport.send(message)).await {
            Ok(Ok(_)) => Outcome::Sent,
            Ok(Err(fault)) => self.judge(&fault),
            Err(_) => Outcome::Down(format!("{} didn't answer within {} s", self.server, PATIENCE.as_secs())),
        }
    }

    /// What a failure means for this mail and for the next.
    fn judge(&self, fault: &lettre::transport::smtp::Error) -> Outcome {
        let text = format!("{}: {}", self.server, told(fault));
        match fault.status().map(|code| code.to_string()) {
            // About us and not about the recipient: authentication (RFC 4954), TLS first (RFC 3207), too much (421).
            Some(code) if matches!(code.as_str(), "421" | "454" | "530" | "534" | "535" | "538") => Outcome::Down(text),
            Some(_) if fault.is_permanent() => Outcome::Refused(text),
            Some(_) => Outcome::Failed(text),
            None => Outcome::Down(text),
        }
    }
}

/// A fault with its causes.
fn told(fault: &dyn std::error::Error) -> String {
    let mut text = fault.to_string();
    let mut cause = fault.source();
    while let Some(next) = cause {
        let words = next.to_string();
        if !text.contains(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        cause = next.source();
    }
    text
}

/// Sends the mails that are due.
///
/// # Errors
/// When the database fails.
pub async fn round(db: &Db, mailer: Option<&Mailer>, base: &Url) -> Result<Round> {
    outbox::give_up_late(db, Way::Mail).await?;
    let mut round = Round::default();
    let Some(mailer) = mailer else { return Ok(round) };
    while let Some(taken) = outbox::take(db, Way::Mail).await? {
        let outcome = match mail(db, &taken, base).await? {
            Some(mail) => mailer.send(&mail).await,
            None => Outcome::Dropped,
        };
        if outbox::settle(db, Way::Mail, &taken, outcome, &mut round).await?.is_break() {
            break;
        }
    }
    Ok(round)
}

#[derive(sqlx::FromRow)]
struct Line {
    email: String,
    name: String,
    subject: String,
    sentence: String,
    link: String,
}

/// The mail of a person and batch; none where the account is closed or nothing of it may be seen any more.
async fn mail(db: &Db, taken: &Taken, base: &Url) -> Result<Option<Mail>> {
    let (Some(person), Some(batch)) = (taken.person_id, taken.batch) else { return Ok(None) };
    // In the recipient's own scope: what they may not see on a page doesn't go out to them either.
    let mut tx = db.begin(Scope::Person(person)).await?;
    let lines: Vec<Line> = sqlx::query_as(
        "SELECT p.email, p.name, n.subject, n.sentence, n.link
         FROM notice_recipients r JOIN notices n ON n.id = r.notice_id JOIN people p ON p.id = r.person_id
         WHERE r.batch = $1 AND r.person_id = $2 AND r.by_mail AND p.disabled_at IS NULL
         ORDER BY n.kind, n.subject, n.id",
    )
    .bind(batch)
    .bind(person)
    .fetch_all(&mut *tx)
    .await?;
    drop(tx);
    let Some(first) = lines.first() else { return Ok(None) };
    let Ok(address) = first.email.parse() else { return Ok(None) };
    Ok(Some(Mail {
        id: taken.id,
        to: Mailbox::new(Some(first.name.clone()), address),
        made_at: taken.made_at,
        subject: subject(&lines),
        body: body(&lines, base),
    }))
}

fn subject(lines: &[Line]) -> String {
    match lines {
        [only] => only.subject.clone(),
        _ => format!("{} notices", lines.len()),
    }
}

fn body(lines: &[Line], base: &Url) -> String {
    let at = |path: &str| base.join(path).map_or_else(|_| base.to_string(), |url| url.to_string());
    let mut text = String::new();
    for line in lines.iter().take(SPELLED) {
        text.push_str(&format!("{}\r\n{}\r\n\r\n", line.sentence, at(&line.link)));
    }
    let more = lines.len().saturating_sub(SPELLED);
    if more > 0 {
        text.push_str(&format!("And {more} more: {}\r\n\r\n", at("/notices")));
    }
    text.push_str(&format!("-- \r\nWhat you get by mail is your choice: {}\r\n", at("/notices/settings")));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(n: usize) -> Line {
        Line {
            email: "a@keyward.example".into(),
            name: "A".into(),
            subject: format!("Subject {n}"),
            sentence: format!("Sentence {n}."),
            link: format!("/requests/{n}"),
        }
    }

    #[test]
    fn a_mail_says_the_sentence_and_where_to_look() {
        let base = "https://keyward.example/".parse().unwrap();
        let text = body(&[line(12)], &base);
        assert!(text.starts_with("Sentence 12.\r\nhttps://keyward.example/requests/12\r\n"), "{text}");
        assert!(text.contains("https://keyward.example/notices/settings"));
        assert_eq!(subject(&[line(12)]), "Subject 12");
    }

    #[test]
    fn many_notices_are_one_mail_of_readable_length() {
        let base = "https://keyward.example/".parse().unwrap();
        let lines: Vec<Line> = (0..100).map(line).collect();
        let text = body(&lines, &base);
        assert!(text.contains("Sentence 39.") && !text.contains("Sentence 40."), "{text}");
        assert!(text.contains("And 60 more: https://keyward.example/notices\r\n"));
        assert_eq!(subject(&lines), "100 notices");
    }
}
