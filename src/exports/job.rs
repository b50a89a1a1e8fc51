//! Opens what stands in the log, and writes the file.

use std::{collections::HashMap, io, path::PathBuf, sync::Arc};

use anyhow::Context;
use bytes::Bytes;
use futures_util::TryStreamExt;
use tokio::{sync::mpsc, task::JoinHandle};
use uuid::Uuid;
use zeroize::Zeroize;

use super::{
    CellBuffer, ExportedKey, Format, KEY_COLUMNS, KeyExportRow, TextFormat, XlsxSheet,
    db::Names,
    groups::{self, Contract, Group, SealedRow, Secret},
    header_bytes,
    rows::KeyRows,
};
use crate::{
    error::{Error, Result},
    keys::Activations,
    vault::{
        gate::{Opener, Released},
        keyring::DataKey,
    },
};

/// Bytes handed to the connection at a time; with the channel's depth this bounds an export's memory. For each, somebody is
/// woken on the other side (decision 53), and until it is full this worker looks at no socket (decision 51).
const CHUNK: usize = 256 * 1024;

/// Room for the row that makes a chunk full; a longer one makes it grow.
const LONGEST_ROW: usize = 4 * 1024;

/// Some License IDs' keys, in the log.
pub type Recorded = Released<Vec<Group>>;
/// The same on their way into it.
pub type Recording = JoinHandle<Result<Recorded>>;

/// An export under way. To open and write a part takes milliseconds, and a worker of the runtime that is busy for so long
/// leaves the sockets unread: after each chunk it looks at them (decision 51).
pub struct Job {
    /// Opens the keys.
    pub opener: Opener,
    /// The parts, in their order.
    pub parts: mpsc::Receiver<Recording>,
    /// How they end: an error where these weren't all.
    pub end: JoinHandle<Result<()>>,
    /// What is written.
    pub format: Format,
    /// Names that rows carry the ids of, read in the same state of the database.
    pub names: Names,
    /// Takes the file.
    pub sender: mpsc::Sender<io::Result<Bytes>>,
}

/// Whoever asked for the file has gone.
#[derive(Debug, thiserror::Error)]
#[error("nobody takes the file any more")]
struct Gone;

impl Job {
    /// Writes the file from its first to its last byte.
    pub async fn run(mut self) {
        let done = match self.format.text() {
            Some(format) => self.text(format).await,
            None => self.sheet().await,
        };
        match done {
            Err(fault) if !fault.is::<Gone>() => {
                // The head is long sent: breaking the connection off is how the client learns of it.
                tracing::error!(error = format!("{fault:#}"), "an export broke off");
                let _ = self.sender.send(Err(io::Error::other("the export broke off"))).await;
            }
            _ => {}
        }
    }

    async fn text(&mut self, format: TextFormat) -> anyhow::Result<()> {
        let mut out = header_bytes(format, &KEY_COLUMNS);
        let mut rows = KeyRows::new(format, &self.names.products);
        let mut scratch = Scratch::new();
        while let Some(part) = self.next().await? {
            for chosen in groups::chosen(part.part())? {
                let opening = self.opening(&part, chosen.contract)?;
                rows.begin([&chosen.contract.license_id, &chosen.contract.program, opening.organization]);
                for row in chosen.keys() {
                    let row = row?;
                    rows.append(&mut out, &row, opening.key(&row, &mut scratch.key)?)?;
                    if out.len() >= CHUNK {
                        let room = Vec::with_capacity(CHUNK + LONGEST_ROW);
                        self.send(std::mem::replace(&mut out, room).into()).await?;
                        tokio::task::yield_now().await;
                    }
                }
            }
        }
        self.send(out.into()).await
    }

    async fn sheet(&mut self) -> anyhow::Result<()> {
        let mut sheet = XlsxSheet::new_in(&temporary_directory(), &KEY_COLUMNS)?;
        let mut scratch = Scratch::new();
        while let Some(part) = self.next().await? {
            for chosen in groups::chosen(part.part())? {
                let opening = self.opening(&part, chosen.contract)?;
                for key in chosen.keys() {
                    sheet.row(&opening.cells(&key?, &mut scratch)?)?;
                }
                tokio::task::yield_now().await;
            }
        }
        let file = tokio::task::spawn_blocking(move || sheet.finish()).await??;
        let mut chunks = tokio_util::io::ReaderStream::with_capacity(tokio::fs::File::from_std(file), CHUNK);
        while let Some(chunk) = chunks.try_next().await? {
            self.send(chunk).await?;
        }
        Ok(())
    }

    /// The next part, once it stands in the log.
    async fn next(&mut self) -> anyhow::Result<Option<Recorded>> {
        let Some(part) = self.parts.recv().await else {
            (&mut self.end).await?.map_err(Error::plain)?;
            return Ok(None);
        };
        Ok(Some(part.await?.map_err(Error::plain)?))
    }

    async fn send(&self, chunk: Bytes) -> anyhow::Result<()> {
        Ok(self.sender.send(Ok(chunk)).await.map_err(|_| Gone)?)
    }

    fn opening<'a>(&'a self, part: &'a Recorded, contract: &'a Contract) -> anyhow::Result<Opening<'a>> {
        let data_key = match &contract.data_key {
            Some((id, wrapped)) => Some(self.opener.data_key(*id, contract.id, wrapped)?),
            None => None,
        };
        let organization = name(&self.names.organizations, contract.organization)?;
        Ok(Opening { job: self, part, contract, organization, data_key })
    }
}

/// What opens the keys of a License ID and stands beside them.
struct Opening<'a> {
    job: &'a Job,
    part: &'a Recorded,
    contract: &'a Contract,
    organization: &'a str,
    data_key: Option<Arc<DataKey>>,
}

impl Opening<'_> {
    /// A key in clear, in `space`.
    fn key<'s>(&self, row: &SealedRow<'s>, space: &'s mut Vec<u8>) -> anyhow::Result<ExportedKey<'s>> {
        Ok(match row.secret {
            Secret::Sealed(sealed) => {
                let data_key = self.data_key.as_ref().context("a License ID's data key is missing")?;
                ExportedKey::Key(self.job.opener.open(self.part, data_key, row.id, sealed, space)?)
            }
            Secret::NotNeeded(text) => ExportedKey::NotNeeded(text),
        })
    }

    /// The cells of a key, in clear.
    fn cells<'s>(&'s self, row: &SealedRow<'s>, scratch: &'s mut Scratch) -> anyhow::Result<[&'s str; 9]> {
        let key = self.key(row, &mut scratch.key)?;
        let row = KeyExportRow {
            license_id: &self.contract.license_id,
            parent_program: &self.contract.program,
            organization: self.organization,
            product: name(&self.job.names.products, row.product)?,
            key,
            kind: row.kind,
            activations: row.used.zip(row.total).map(|(used, limit)| Activations { used, limit }),
            seats: row.seats,
            osa_status: row.osa_status,
        };
        Ok(row.cells(&mut scratch.buffer))
    }
}

/// Where a spreadsheet's nameless temporary files go: memory where there is some set aside for it,
/// since they hold keys in clear for as long as they are written.
fn temporary_directory() -> PathBuf {
    let memory = PathBuf::from("/dev/shm");
    if memory.is_dir() { memory } else { std::env::temp_dir() }
}

fn name(names: &HashMap<Uuid, String>, id: Uuid) -> anyhow::Result<&str> {
    Ok(names.get(&id).context("the name of a product or an organisation is missing")?)
}

/// What one row needs while it is written; zeroed when done.
struct Scratch {
    key: Vec<u8>,
    buffer: CellBuffer,
}

impl Scratch {
    /// With more room than a key takes, so that none is left behind where it didn't fit.
    fn new() -> Self {
        Self { key: Vec::with_capacity(256), buffer: CellBuffer::default() }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        self.key.zeroize();
    }
}
