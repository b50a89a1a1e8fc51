//! The webhook: each notice as signed JSON to the address that a site operator has set.
//!
//! The receiver checks `Keyward-Signature: t=SECONDS,v1=HEX`, where HEX is HMAC-SHA-256 under the secret over
//! `SECONDS.BODY`, refuses what is older than a few minutes, and drops an `id` that it has seen: so neither a
//! forged nor a repeated event counts.

use std::{net::IpAddr, sync::Arc, time::Duration};

use anyhow::{Context, Result};
use hmac::{Hmac, KeyInit, Mac};
use http_body_util::Full;
use hyper::{Request, body::Bytes, client::conn::http1, header};
use hyper_util::rt::TokioIo;
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use serde::Serialize;
use sha2::Sha256;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;
use url::{Host, Url};
use uuid::Uuid;

use super::outbox::{self, Outcome, Round, Taken, Way};
use crate::{
    postgres::{Db, Scope, Scoped},
    vault::{Vault, files::hex},
};

/// From the connection to the head of the answer; well below [`outbox::LEASE`].
const PATIENCE: Duration = Duration::from_secs(30);

/// Calls the webhook.
#[derive(Clone)]
pub struct Caller {
    tls: TlsConnector,
}

impl Caller {
    /// A caller that trusts the machine's certificate authorities, and those in `ca` (PEM).
    ///
    /// # Errors
    /// When `ca` holds no certificate.
    pub fn new(ca: Option<&[u8]>) -> Result<Self> {
        let mut roots = RootCertStore::empty();
        // A machine without any can still call plain http, and what `ca` signs.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        for certificate in ca.into_iter().flat_map(CertificateDer::pem_slice_iter) {
            roots.add(certificate.context("this isn't a certificate in PEM")?)?;
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self { tls: TlsConnector::from(Arc::new(config)) })
    }

    /// One POST; the status that came back. Goes to `url` itself: no redirect is followed, no proxy asked.
    async fn post(&self, url: &Url, head: &[(&str, String)], body: String) -> Result<u16> {
        let port = url.port_or_known_default().context("the address has no port")?;
        let (stream, name) = match url.host().context("the address has no host")? {
            Host::Domain(name) => (TcpStream::connect((name, port)).await?, ServerName::try_from(name.to_owned())?),
            Host::Ipv4(ip) => (TcpStream::connect((ip, port)).await?, ServerName::from(IpAddr::from(ip))),
            Host::Ipv6(ip) => (TcpStream::connect((ip, port)).await?, ServerName::from(IpAddr::from(ip))),
        };
        let target = url[url::Position::BeforePath..url::Position::AfterQuery].to_owned();
        let host = url[url::Position::BeforeHost..url::Position::AfterPort].to_owned();
        let mut request = Request::post(target)
            .header(header::HOST, host)
            .header(header::USER_AGENT, concat!("Keyward/", env!("CARGO_PKG_VERSION")))
            .header(header::CONTENT_TYPE, "application/json");
        for (name, value) in head {
            request = request.header(*name, value);
        }
        let request = request.body(Full::new(Bytes::from(body)))?;
        if url.scheme() == "https" {
            ask(self.tls.connect(name, stream).await?, request).await
        } else {
            ask(stream, request).await
        }
    }
}

async fn ask<S>(stream: S, request: Request<Full<Bytes>>) -> Result<u16>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let talking = tokio::spawn(connection);
    let status = sender.send_request(request).await.map(|answer| answer.status().as_u16());
    // What the answer says beyond its status is nobody's business here.
    talking.abort();
    Ok(status?)
}

/// The webhook in force.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Webhook {
    /// The row.
    pub id: Uuid,
    /// Where it goes.
    pub url: String,
    /// When it was set.
    pub created_at: OffsetDateTime,
}

/// The webhook in force, if there is one. For site operators and the program itself.
///
/// # Errors
/// When the database fails.
pub async fn current(tx: &mut Scoped) -> sqlx::Result<Option<Webhook>> {
    sqlx::query_as("SELECT id, url, created_at FROM webhooks WHERE ended_at IS NULL").fetch_optional(&mut **tx).await
}

/// Where a webhook may lead: http or https, a host, and no password in it.
///
/// # Errors
/// A sentence for the field.
pub fn address(text: &str) -> Result<Url, &'static str> {
    let url =
        Url::parse(text.trim()).map_err(|_| "This isn’t an address. Write it as https://hooks.example.org/keyward.")?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err("The address begins with https:// or http://.");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(
            "No name or password in the address: events are signed, so that the receiver knows whom they come from.",
        );
    }
    if url.fragment().is_some() || url.as_str().len() > 2_000 {
        return Err("Leave out what stands behind “#”, and stay below 2,000 characters.");
    }
    Ok(url)
}

/// The secret of a webhook: derived from the site's key file, so that the database doesn't hold it, and
/// another one for every address that is set.
#[must_use]
pub fn secret(vault: &Vault, webhook: Uuid) -> String {
    format!("whsec_{}", hex(&mac(vault.site_keys().audit.expose(), &[b"keyward webhook ", webhook.as_bytes()])))
}

/// The value of `Keyward-Signature`.
#[must_use]
pub fn signature(secret: &str, seconds: i64, body: &str) -> String {
    let signed = mac(secret.as_bytes(), &[seconds.to_string().as_bytes(), b".", body.as_bytes()]);
    format!("t={seconds},v1={}", hex(&signed))
}

fn mac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    #[allow(clippy::expect_used)]
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any length of key will do for HMAC");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// What a webhook tells; its fields are a contract with receivers.
#[derive(Debug, Serialize)]
struct Event<'a> {
    id: Uuid,
    kind: &'a str,
    about: &'a str,
    license_id: Option<&'a str>,
    subject: &'a str,
    sentence: &'a str,
    url: String,
    at: String,
}

#[derive(sqlx::FromRow)]
struct Told {
    kind: String,
    about: String,
    license_id: Option<String>,
    subject: String,
    sentence: String,
    link: String,
    made_at: OffsetDateTime,
}

/// Sends the events that are due.
///
/// # Errors
/// When the database fails.
pub async fn round(db: &Db, caller: &Caller, vault: &Vault, base: &Url) -> Result<Round> {
    outbox::give_up_late(db, Way::Webhook).await?;
    let mut round = Round::default();
    while let Some(taken) = outbox::take(db, Way::Webhook).await? {
        let outcome = call(db, caller, vault, base, &taken).await?;
        if outbox::settle(db, Way::Webhook, &taken, outcome, &mut round).await?.is_break() {
            break;
        }
    }
    Ok(round)
}

async fn call(db: &Db, caller: &Caller, vault: &Vault, base: &Url, taken: &Taken) -> Result<Outcome> {
    // System scope: an event is nobody's.
    let mut tx = db.begin(Scope::System).await?;
    let Some(webhook) = current(&mut tx).await? else { return Ok(Outcome::Dropped) };
    let told: Told = sqlx::query_as(
        "SELECT n.kind, n.about, c.license_id, n.subject, n.sentence, n.link, n.made_at
         FROM notices n LEFT JOIN contracts c ON c.id = n.contract_id WHERE n.id = $1",
    )
    .bind(taken.notice_id)
    .fetch_one(&mut *tx)
    .await?;
    let seconds = tx.now().unix_timestamp();
    drop(tx);
    let body = serde_json::to_string(&Event {
        id: taken.id,
        kind: &told.kind,
        about: &told.about,
        license_id: told.license_id.as_deref(),
        subject: &told.subject,
        sentence: &told.sentence,
        url: base.join(&told.link).map_or_else(|_| base.to_string(), |url| url.to_string()),
        at: told.made_at.format(&Rfc3339)?,
    })?;
    let Ok(url) = Url::parse(&webhook.url) else { return Ok(Outcome::Dropped) };
    let head = [
        ("keyward-event-id", taken.id.to_string()),
        ("keyward-signature", signature(&secret(vault, webhook.id), seconds, &body)),
    ];
    Ok(match tokio::time::timeout(PATIENCE, caller.post(&url, &head, body)).await {
        Ok(Ok(200..=299)) => Outcome::Sent,
        Ok(Ok(410)) => Outcome::Refused("the receiver answers 410: it wants no events any more".to_owned()),
        Ok(Ok(status @ 300..=399)) => Outcome::Down(format!(
            "the receiver answers {status}, a redirect, which isn't followed: set the address it leads to"
        )),
        Ok(Ok(status)) => Outcome::Failed(format!("the receiver answers {status}")),
        Ok(Err(fault)) => Outcome::Down(format!("the receiver can't be reached: {fault:#}")),
        Err(_) => Outcome::Down(format!("the receiver didn't answer within {} s", PATIENCE.as_secs())),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_the_hmac_over_time_and_body() {
        // RFC 4231, test case 2, shows that it is HMAC-SHA-256.
        assert_eq!(
            hex(&mac(b"Jefe", &[b"what do ya want ", b"for nothing?"])),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        let signed = signature("secret", 1_795_348_800, "{}");
        assert!(signed.starts_with("t=1795348800,v1=") && signed.len() == 16 + 64, "{signed}");
        assert_ne!(signed, signature("secret", 1_795_348_801, "{}").replace("801", "800"));
    }

    #[test]
    fn a_webhook_leads_to_http_without_a_password() {
        assert!(address(" https://hooks.example.org/keyward?x=1 ").is_ok());
        assert!(address("http://10.0.0.7:9000").is_ok());
        for text in
            ["", "hooks.example.org", "ftp://x/", "file:///etc/passwd", "https://u:p@x/", "https://x/#y", "gopher://x"]
        {
            assert!(address(text).is_err(), "{text}");
        }
    }
}
