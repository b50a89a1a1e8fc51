//! Opens what stands in the log, and writes the file.

use std::{
    collections::HashMap,
    fs::File,
    io::{self, Read},
    path::PathBuf,
};

use anyhow::Context;
use bytes::Bytes;
use tokio::{runtime::Handle, sync::mpsc, task::JoinHandle};
use uuid::Uuid;
use zeroize::Zeroize;

use super::{
    CellBuffer, ExportedKey, Format, KEY_COLUMNS, KeyExportRow, TextFormat, XlsxSheet, append_row,
    db::Names,
    groups::{Group, Secret},
    header_bytes,
};
use crate::{
    error::{Error, Result},
    keys::Activations,
    vault::gate::{Opener, Released},
};

/// Bytes handed to the connection at a time; with the channel's depth this bounds an export's memory.
const CHUNK: usize = 64 * 1024;

/// Some License IDs' keys, in the log.
pub type Recorded = Released<Vec<Group>>;
/// The same on their way into it.
pub type Recording = JoinHandle<Result<Recorded>>;

/// An export under way. It works on a thread of its own: to open and write a part takes milliseconds, and a worker
/// of the runtime that is busy for so long leaves everybody's sockets unread.
pub struct Job {
    /// Opens the keys.
    pub opener: Opener,
    /// The parts, in their order.
    pub parts: mpsc::Receiver<Recording>,
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
    /// Writes the file from its first to its last byte. Blocks: for the log, and for whoever takes it.
    pub fn run(mut self) {
        let done = match self.format.text() {
            Some(format) => self.text(format),
            None => self.sheet(),
        };
        match done {
            Err(fault) if !fault.is::<Gone>() => {
                // The head is long sent: breaking the connection off is how the client learns of it.
                tracing::error!(error = format!("{fault:#}"), "an export broke off");
                let _ = self.sender.blocking_send(Err(io::Error::other("the export broke off")));
            }
            _ => {}
        }
    }

    fn text(&mut self, format: TextFormat) -> anyhow::Result<()> {
        let mut out = header_bytes(format, &KEY_COLUMNS);
        let mut scratch = Scratch::new();
        while let Some(part) = self.next()? {
            self.each(&part, &mut scratch, |cells| {
                append_row(&mut out, format, cells);
                if out.len() < CHUNK {
                    return Ok(());
                }
                // A row is far shorter than that.
                let room = Vec::with_capacity(CHUNK + 4096);
                self.send(std::mem::replace(&mut out, room).into())
            })?;
        }
        self.send(out.into())
    }

    fn sheet(&mut self) -> anyhow::Result<()> {
        let mut sheet = XlsxSheet::new_in(&temporary_directory(), &KEY_COLUMNS)?;
        let mut scratch = Scratch::new();
        while let Some(part) = self.next()? {
            self.each(&part, &mut scratch, |cells| Ok(sheet.row(cells)?))?;
        }
        let mut file: File = sheet.finish()?;
        loop {
            let mut chunk = Vec::with_capacity(CHUNK);
            if file.by_ref().take(CHUNK as u64).read_to_end(&mut chunk)? == 0 {
                return Ok(());
            }
            self.send(chunk.into())?;
        }
    }

    /// The next part, once it stands in the log.
    fn next(&mut self) -> anyhow::Result<Option<Recorded>> {
        let Some(recording) = self.parts.blocking_recv() else { return Ok(None) };
        Ok(Some(Handle::current().block_on(recording)?.map_err(Error::plain)?))
    }

    fn send(&self, chunk: Bytes) -> anyhow::Result<()> {
        Ok(self.sender.blocking_send(Ok(chunk)).map_err(|_| Gone)?)
    }

    /// Calls `write` with the cells of each key of a part.
    fn each(
        &self,
        part: &Recorded,
        scratch: &mut Scratch,
        mut write: impl FnMut(&[&str; 9]) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        for group in part.part() {
            for chosen in group.chosen()? {
                let contract = chosen.contract;
                let organization = name(&self.names.organizations, contract.organization)?;
                let data_key = match &contract.data_key {
                    Some((id, wrapped)) => Some(self.opener.data_key(*id, contract.id, wrapped)?),
                    None => None,
                };
                chosen.for_each(|row| {
                    let key = match row.secret {
                        Secret::Sealed(sealed) => {
                            let data_key = data_key.as_ref().context("a License ID's data key is missing")?;
                            ExportedKey::Key(self.opener.open(part, data_key, row.id, sealed, &mut scratch.key)?)
                        }
                        Secret::NotNeeded(text) => ExportedKey::NotNeeded(text),
                    };
                    let product = name(&self.names.products, row.product)?;
                    let row = KeyExportRow {
                        license_id: &contract.license_id,
                        parent_program: &contract.program,
                        organization,
                        product,
                        key,
                        kind: row.kind,
                        activations: row.used.zip(row.total).map(|(used, limit)| Activations { used, limit }),
                        seats: row.seats,
                        osa_status: row.osa_status,
                    };
                    write(&row.cells(&mut scratch.buffer))
                })?;
            }
        }
        Ok(())
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
