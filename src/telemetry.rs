//! Log and metrics.

use std::{io::IsTerminal, net::SocketAddr};

use anyhow::{Context, Result};
use metrics_exporter_prometheus::PrometheusBuilder;
use tracing_subscriber::{EnvFilter, fmt, prelude::*};

use crate::config::BadSetting;

/// Begins logging to the standard error stream.
///
/// # Errors
/// When the filter can't be read.
pub fn log(filter: &str) -> Result<(), BadSetting> {
    let (json, filter) = filter.strip_prefix("json:").map_or((false, filter), |rest| (true, rest));
    let filter = EnvFilter::try_new(filter).map_err(|fault| {
        BadSetting::new("--log (KEYWARD_LOG)", format!("{fault}: write for example info or info,sqlx=warn"))
    })?;
    let registry = tracing_subscriber::registry().with(filter);
    let begun = if json {
        registry.with(fmt::layer().json().with_writer(std::io::stderr)).try_init()
    } else {
        registry.with(fmt::layer().with_ansi(std::io::stderr().is_terminal()).with_writer(std::io::stderr)).try_init()
    };
    // A second call (tests in one process) keeps the first.
    drop(begun);
    Ok(())
}

/// A registry of metrics and the text that Prometheus reads, served on a listener of its own.
///
/// # Errors
/// When the address can't be listened on.
pub async fn serve_metrics(at: SocketAddr) -> Result<()> {
    let handle = PrometheusBuilder::new().install_recorder().context("metrics can't be collected")?;
    let listener = tokio::net::TcpListener::bind(at).await.map_err(|fault| {
        BadSetting::new(
            "--admin-listen (KEYWARD_ADMIN_LISTEN)",
            format!("{at} can't be listened on ({fault}): choose another port"),
        )
    })?;
    let routes = axum::Router::new().route("/metrics", axum::routing::get(move || std::future::ready(handle.render())));
    tokio::spawn(async move { axum::serve(listener, routes).await });
    Ok(())
}
