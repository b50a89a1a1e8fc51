//! The responder: a TCP service that answers the organisation's own software, by the protocol of
//! `docs/protocol.md` and no other.
//!
//! [`serve`] accepts and refuses connections, a [`session`] reads lines and writes answers in their order, the
//! [`host`] decides what a request needs, a [`writer`] a pool of one count gathers what arrives while a
//! transaction is on its way, and the ledger ([`crate::activation`]) writes each batch in one. An answer is told
//! when its transaction is committed, and once a batch is begun nothing breaks it off: neither a time-out nor a
//! client that goes away.
//!
//! It works as the database's role `keyward_responder`, which may call the functions of
//! `migrations/*_responder.sql` and nothing else, and holds no KEK.

mod asks;
mod batches;
pub mod codec;
pub mod host;
pub mod instance;
mod places;
mod session;
pub mod tally;
mod writer;

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::Result;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::activation::wire::Fault;
use host::Host;

/// What a responder puts up with.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections in all.
    pub connections: usize,
    /// Connections from one address.
    pub per_address: usize,
    /// Until the first line is whole.
    pub first_line: Duration,
    /// Until each further line is whole.
    pub line: Duration,
    /// For a client to take what it is told.
    pub write: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 4_096,
            per_address: 16,
            first_line: Duration::from_secs(2),
            line: Duration::from_secs(5),
            write: Duration::from_secs(5),
        }
    }
}

/// Connections that are told `busy` at once; beyond that they are closed without a word.
const REFUSALS: usize = 256;
/// How long a connection that was told its end may go on sending, so that what it was told arrives.
const DRAIN: Duration = Duration::from_secs(1);
/// How often the host writes down what it did.
const BEAT: Duration = Duration::from_secs(10);

/// Serves until `ending`, then answers what was accepted.
///
/// # Errors
/// Never of its own accord; the type is a task's.
pub async fn serve(listener: TcpListener, host: Arc<Host>, limits: Limits, ending: CancellationToken) -> Result<()> {
    let door = Door::new(limits);
    let sessions = TaskTracker::new();
    let beating = tokio::spawn(beat(host.clone(), ending.clone()));
    loop {
        let accepted = tokio::select! {
            () = ending.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => match door.enter(peer) {
                Some(place) => {
                    let (host, ending) = (host.clone(), ending.clone());
                    sessions.spawn(async move {
                        session::run(stream, place.address, host, limits, ending).await;
                        drop(place);
                    });
                }
                None => {
                    host.tally.count("connection", Fault::Busy.word());
                    if let Ok(permit) = door.refusals.clone().try_acquire_owned() {
                        sessions.spawn(async move {
                            refuse(stream).await;
                            drop(permit);
                        });
                    }
                }
            },
            Err(fault) => {
                // Out of file descriptors, most likely: wait for some connections to end.
                tracing::warn!(%fault, "a connection can't be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
    drop(listener);
    sessions.close();
    sessions.wait().await;
    host.finish().await;
    let _ = beating.await;
    Ok(())
}

/// Writes down what the host does, once a period and at the end.
async fn beat(host: Arc<Host>, ending: CancellationToken) {
    while ending.run_until_cancelled(tokio::time::sleep(BEAT)).await.is_some() {
        if let Err(fault) = host.beat().await {
            tracing::warn!(%fault, "what the responder did can't be written down; tried again in {BEAT:?}");
        }
    }
}

/// Counts who is in.
struct Door {
    limits: Limits,
    inside: Arc<Mutex<Inside>>,
    refusals: Arc<Semaphore>,
}

#[derive(Default)]
struct Inside {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// A place inside, given back when dropped.
struct Place {
    address: IpAddr,
    inside: Arc<Mutex<Inside>>,
}

impl Door {
    fn new(limits: Limits) -> Self {
        Self { limits, inside: Arc::default(), refusals: Arc::new(Semaphore::new(REFUSALS)) }
    }

    fn enter(&self, peer: SocketAddr) -> Option<Place> {
        let address = peer.ip().to_canonical();
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        let here = inside.by_address.get(&address).copied().unwrap_or_default();
        if inside.all >= self.limits.connections || here >= self.limits.per_address {
            return None;
        }
        inside.all += 1;
        inside.by_address.insert(address, here + 1);
        Some(Place { address, inside: self.inside.clone() })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        inside.all -= 1;
        if let Some(here) = inside.by_address.get_mut(&self.address) {
            *here -= 1;
            if *here == 0 {
                inside.by_address.remove(&self.address);
            }
        }
    }
}

/// Tells a client that there is no room.
async fn refuse(mut stream: TcpStream) {
    let line = Fault::Busy.line(None) + "\n";
    let told = tokio::time::timeout(DRAIN, async {
        stream.write_all(line.as_bytes()).await?;
        stream.shutdown().await
    });
    if let Ok(Ok(())) = told.await {
        drain(&mut stream).await;
    }
}

/// Reads and forgets for a moment: closing on unread bytes would take back what was just written.
async fn drain(stream: &mut (impl AsyncReadExt + Unpin)) {
    let mut forgotten = [0; 1024];
    let reading = async {
        // As much as a client may have sent before it read its answer.
        for _ in 0..64 {
            if !matches!(stream.read(&mut forgotten).await, Ok(1..)) {
                return;
            }
        }
    };
    let _ = tokio::time::timeout(DRAIN, reading).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_given_back_and_an_address_has_no_more_than_its_share() {
        let door = Door::new(Limits { connections: 3, per_address: 2, ..Limits::default() });
        let at = |n: u8| SocketAddr::from(([192, 0, 2, n], 1));
        let (one, _two) = (door.enter(at(1)).unwrap(), door.enter(at(1)).unwrap());
        assert!(door.enter(at(1)).is_none(), "the address has its two");
        assert!(door.enter(SocketAddr::new("::ffff:192.0.2.1".parse().unwrap(), 1)).is_none(), "in whatever notation");
        let _three = door.enter(at(2)).unwrap();
        assert!(door.enter(at(3)).is_none(), "three in all");
        drop(one);
        assert!(door.enter(at(3)).is_some());
    }
}
