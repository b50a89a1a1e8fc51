//! A connection: lines in, answers out in their order.

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::{mpsc, oneshot},
    time::{Instant, timeout, timeout_at},
};
use tokio_util::sync::CancellationToken;

use super::{Limits, asks::Pending, codec::Lines, drain, host::Host};
use crate::activation::{
    ledger::Said,
    request,
    wire::{Fault, PIPELINE},
};

/// Faulty lines after which a connection ends.
const FAULTS: usize = 16;
/// Bytes gathered for one write.
const GATHER: usize = 32 * 1024;

/// What the writing half is to send.
enum Item {
    /// An answer that is there or will be, and the operation that it counts for.
    Answer(&'static str, Pending),
    /// Bytes that aren't a line.
    Raw([u8; 21]),
}

/// How the reading half ended.
enum End {
    /// The client closed, or was quiet for too long between two lines, or the host ends.
    Quiet,
    /// It was told why.
    Told,
}

/// Serves a connection to its end.
pub async fn run(stream: TcpStream, address: IpAddr, host: Arc<Host>, limits: Limits, ending: CancellationToken) {
    let _ = stream.set_nodelay(true);
    let (read, write) = stream.into_split();
    let (queue, items) = mpsc::channel(PIPELINE);
    let waiting = AtomicUsize::new(0);
    let reader = Reader { read, lines: Lines::default(), address, queue, host: &host, limits, waiting: &waiting };
    let ((mut read, end), write) = tokio::join!(reader.run(&ending), write_all(write, items, &host, limits, &waiting));
    if let Some(mut write) = write {
        let _ = timeout(limits.write, write.shutdown()).await;
        if matches!(end, End::Told) {
            drain(&mut read).await;
        }
    }
}

struct Reader<'a> {
    read: OwnedReadHalf,
    lines: Lines,
    address: IpAddr,
    queue: mpsc::Sender<Item>,
    host: &'a Arc<Host>,
    limits: Limits,
    /// Answers that are still to come.
    waiting: &'a AtomicUsize,
}

impl Reader<'_> {
    /// Reads until the end; then the queue is dropped, and the writing half ends after the last answer.
    async fn run(mut self, ending: &CancellationToken) -> (OwnedReadHalf, End) {
        let mut until = Instant::now() + self.limits.first_line;
        let (mut first, mut faults) = (true, 0);
        loop {
            if first && let Some(bind) = self.lines.foreign_bind() {
                self.host.foreign(self.address);
                let _ = self.queue.send(Item::Raw(bind.refusal())).await;
                return (self.read, End::Told);
            }
            match self.lines.next_line() {
                Ok(Some(line)) => {
                    first = false;
                    let received = request::read(line);
                    faults += usize::from(received.is_err());
                    let (op, pending) = match received {
                        Ok(received) => (received.request.op.name(), self.host.ask(received, self.address).await),
                        Err(refused) => ("line", Pending::Said(Said::fault(refused.id, &refused.fault))),
                    };
                    if !self.send(op, pending).await {
                        return (self.read, End::Quiet);
                    }
                    if faults == FAULTS {
                        return self.tell(Fault::TooManyFaults).await;
                    }
                    until = Instant::now() + self.limits.line;
                }
                Ok(None) => {
                    let more = tokio::select! {
                        biased;
                        () = ending.cancelled() => None,
                        () = self.queue.closed() => None,
                        read = timeout_at(until, self.read.read(self.lines.space())) => Some(read),
                    };
                    match more {
                        None | Some(Ok(Ok(0) | Err(_))) => return (self.read, End::Quiet),
                        Some(Ok(Ok(count))) => self.lines.filled(count),
                        // A client that waits for its answers isn't late.
                        Some(Err(_)) if self.waiting.load(Ordering::Acquire) > 0 => {
                            until = Instant::now() + self.limits.line;
                        }
                        Some(Err(_)) if self.lines.is_begun() => return self.tell(Fault::TooSlow).await,
                        Some(Err(_)) => return (self.read, End::Quiet),
                    }
                }
                Err(fault) => return self.tell(fault).await,
            }
        }
    }

    /// Whether somebody still listens.
    async fn send(&self, op: &'static str, pending: Pending) -> bool {
        self.waiting.fetch_add(1, Ordering::AcqRel);
        self.queue.send(Item::Answer(op, pending)).await.is_ok()
    }

    async fn tell(self, fault: Fault) -> (OwnedReadHalf, End) {
        self.send("line", Pending::Said(Said::fault(None, &fault))).await;
        (self.read, End::Told)
    }
}

/// Writes what the queue holds, in its order; the half given back when the client took everything.
async fn write_all(
    mut write: OwnedWriteHalf,
    mut items: mpsc::Receiver<Item>,
    host: &Host,
    limits: Limits,
    waiting: &AtomicUsize,
) -> Option<OwnedWriteHalf> {
    let mut bytes = Vec::new();
    let mut held = None;
    loop {
        let Some(item) = (match held.take() {
            Some(item) => Some(item),
            None => items.recv().await,
        }) else {
            return Some(write);
        };
        let mut answers = add(&mut bytes, item, host).await;
        // What is there by now goes along; what isn't waits for its turn.
        while bytes.len() < GATHER {
            match items.try_recv().map(ready) {
                Ok(Ok(item)) => answers += add(&mut bytes, item, host).await,
                Ok(Err(item)) => {
                    held = Some(item);
                    break;
                }
                Err(_) => break,
            }
        }
        // The client is gone or takes nothing: the queue is dropped, which ends the reading half too.
        timeout(limits.write, write.write_all(&bytes)).await.ok()?.ok()?;
        waiting.fetch_sub(answers, Ordering::AcqRel);
        bytes.clear();
    }
}

/// Whether an item needn't be waited for.
fn ready(item: Item) -> Result<Item, Item> {
    match item {
        Item::Answer(op, Pending::Waits(mut told)) => match told.try_recv() {
            Ok(said) => Ok(Item::Answer(op, Pending::Said(said))),
            Err(oneshot::error::TryRecvError::Empty) => Err(Item::Answer(op, Pending::Waits(told))),
            Err(oneshot::error::TryRecvError::Closed) => Ok(Item::Answer(op, Pending::Said(lost()))),
        },
        other => Ok(other),
    }
}

/// How many answers it was.
async fn add(bytes: &mut Vec<u8>, item: Item, host: &Host) -> usize {
    let (op, said) = match item {
        Item::Raw(raw) => {
            bytes.extend_from_slice(&raw);
            return 0;
        }
        Item::Answer(op, Pending::Said(said)) => (op, said),
        Item::Answer(op, Pending::Waits(told)) => (op, told.await.unwrap_or_else(|_| lost())),
    };
    host.tally.count(op, said.word);
    bytes.extend_from_slice(said.line.as_bytes());
    bytes.push(b'\n');
    1
}

/// A writer that died told nobody: the client asks again.
fn lost() -> Said {
    Said::fault(None, &Fault::Unavailable)
}
