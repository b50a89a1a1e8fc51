//! `keyward healthcheck`: one GET of `/healthz` at the listen address; for images without curl.

use std::{net::IpAddr, process::ExitCode, time::Duration};

use anyhow::{Context, Result, bail};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::config::Settings;

const PATIENCE: Duration = Duration::from_secs(3);

/// Asks.
///
/// # Errors
/// When there is no good answer within three seconds.
pub async fn run(settings: &Settings) -> Result<ExitCode> {
    let mut at = settings.listen;
    if at.ip().is_unspecified() {
        at.set_ip(if at.is_ipv4() { IpAddr::from([127, 0, 0, 1]) } else { IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]) });
    }
    if settings.tls_cert.is_some() {
        // An accepted connection will have to do: the certificate is for another name.
        tokio::time::timeout(PATIENCE, TcpStream::connect(at)).await??;
        return Ok(ExitCode::SUCCESS);
    }
    let answer = tokio::time::timeout(PATIENCE, async {
        let mut stream = TcpStream::connect(at).await?;
        stream
            .write_all(format!("GET /healthz HTTP/1.1\r\nHost: {at}\r\nConnection: close\r\n\r\n").as_bytes())
            .await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        std::io::Result::Ok(answer)
    })
    .await
    .context("no answer within three seconds")?
    .with_context(|| format!("{at} can't be reached"))?;
    if !answer.starts_with("HTTP/1.1 200") {
        bail!("{at} answers: {}", answer.lines().next().unwrap_or("nothing"));
    }
    Ok(ExitCode::SUCCESS)
}
