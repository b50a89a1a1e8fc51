//! The accept loop: a cap on connections, a deadline for each request's head, TLS where it is set.
//! Own, because axum's does not switch hyper's header time-out on.

use std::{convert::Infallible, net::SocketAddr, path::Path, sync::Arc, time::Duration};

use anyhow::{Context, Result};
use axum::{Router, body::Body, extract::ConnectInfo, http::Request};
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};
use tokio_rustls::TlsAcceptor;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt;

use crate::config::BadSetting;

/// Connections at once; the next waits in the system's queue.
const CONNECTIONS: usize = 2_048;
/// From the first byte of a request, or the end of the last one, to the end of its head.
const HEAD: Duration = Duration::from_secs(10);
/// For the TLS handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Serves until `ending`, then finishes the requests under way.
///
/// # Errors
/// Never of its own accord; the type is a task's.
pub async fn serve(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    app: Router,
    ending: CancellationToken,
) -> Result<()> {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let connections = TaskTracker::new();
    loop {
        let place = tokio::select! {
            () = ending.cancelled() => break,
            place = places.clone().acquire_owned() => place?,
        };
        let (stream, peer) = tokio::select! {
            () = ending.cancelled() => break,
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(fault) => {
                    // Out of file descriptors, most likely: wait for some connections to end.
                    tracing::warn!(%fault, "a connection can't be accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            },
        };
        let (app, tls, ending) = (app.clone(), tls.clone(), ending.clone());
        connections.spawn(async move {
            connection(stream, peer, tls, app, ending).await;
            drop(place);
        });
    }
    drop(listener);
    connections.close();
    connections.wait().await;
    Ok(())
}

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    tls: Option<TlsAcceptor>,
    app: Router,
    ending: CancellationToken,
) {
    let _ = stream.set_nodelay(true);
    match tls {
        None => requests(stream, peer, app, ending).await,
        Some(tls) => match tokio::time::timeout(HANDSHAKE, tls.accept(stream)).await {
            Ok(Ok(stream)) => requests(stream, peer, app, ending).await,
            Ok(Err(fault)) => tracing::debug!(%peer, %fault, "no TLS"),
            Err(_) => tracing::debug!(%peer, "the TLS handshake took too long"),
        },
    }
}

async fn requests(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    peer: SocketAddr,
    app: Router,
    ending: CancellationToken,
) {
    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        let app = app.clone();
        async move { app.oneshot(request).await.map_err(|never: Infallible| match never {}) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let mut asked = false;
    loop {
        tokio::select! {
            ended = &mut connection => {
                if let Err(fault) = ended {
                    tracing::debug!(%peer, %fault, "a connection broke off");
                }
                return;
            }
            () = ending.cancelled(), if !asked => {
                asked = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}

/// Reads certificate and key.
///
/// # Errors
/// A [`BadSetting`] that names the file at fault.
pub fn tls(cert: &Path, key: &Path) -> Result<TlsAcceptor> {
    let unreadable = |name: &str, path: &Path, fault: &dyn std::fmt::Display| {
        BadSetting::new(name, format!("{} can't be read ({fault}): name a PEM file", path.display()))
    };
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(cert)
        .and_then(Iterator::collect)
        .map_err(|fault| unreadable("--tls-cert (KEYWARD_TLS_CERT)", cert, &fault))?;
    let key =
        PrivateKeyDer::from_pem_file(key).map_err(|fault| unreadable("--tls-key (KEYWARD_TLS_KEY)", key, &fault))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .context("TLS can't be set up")?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|fault| {
            BadSetting::new("--tls-cert, --tls-key", format!("certificate and key don't go together ({fault})"))
        })?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
