//! `POST /exports/keys`: keys in clear as a file. One audit event per License ID with the ids of
//! its keys is committed before the first byte of one of them.

use std::{path::PathBuf, sync::Arc};

use anyhow::Context;
use axum::{
    body::Body,
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Redirect, Response},
};
use bytes::Bytes;
use futures_util::TryStreamExt;
use time::{OffsetDateTime, macros::format_description};
use tokio::{sync::mpsc, task::JoinHandle};
use uuid::Uuid;
use zeroize::Zeroize;

use super::{
    CellBuffer, ExportedKey, Format, KEY_COLUMNS, KeyExportRow, TextFormat, XlsxSheet, append_row,
    db::{self, Estate, Parts, Selection},
    groups::{Group, Secret},
    header_bytes,
};
use crate::{
    app::AppState,
    audit::{Actor, Event},
    auth::proof::{Anybody, Fresh, SignedIn},
    contracts::{self, model::Sort},
    error::{Error, Result},
    keys::Activations,
    postgres::{Db, Scope},
    vault::gate::{self, Opener, Released},
    web::form::Pairs,
};

/// Bytes handed to the connection at a time; with the channel's depth this bounds an export's memory.
const CHUNK: usize = 64 * 1024;
/// Chunks that may wait for a slow reader.
const DEPTH: usize = 8;
/// Parts that may wait to be recorded.
const READ_AHEAD: usize = 2;
/// Parts that are written into the log at a time, each on a connection of its own, or wait there to be opened.
const LOGS: u32 = 2;

/// Writes the chosen keys as a file.
///
/// # Errors
/// 400 for an unknown format or scope, 422 (back with a notice) for an empty selection, 503 sealed.
pub async fn post(proof: Fresh<Anybody>, State(state): State<AppState>, form: Pairs) -> Result<Response> {
    let format: Format =
        form.one("format").parse().map_err(|unknown: super::UnknownFormat| Error::Malformed(unknown.to_string()))?;
    let selection = selection(&state, &proof, &form).await?;
    if selection.key_ids.as_ref().is_some_and(Vec::is_empty) {
        return Ok(Redirect::to("/products?notice=nothing-selected").into_response());
    }
    export(&state, &proof, selection, format).await
}

/// What the form asks for. `license_id` narrows any scope; what isn't the person's is left out.
async fn selection(state: &AppState, person: &SignedIn, form: &Pairs) -> Result<Selection> {
    let mut selection = Selection::default();
    let license_ids = form.all("license_id");
    if !license_ids.is_empty() {
        selection.license_ids = Some(license_ids);
    }
    match form.one("scope") {
        "all" => {}
        // An id that isn't one is left out, like one that isn't the person's.
        "selected" => {
            selection.key_ids = Some(form.all("key_id").iter().filter_map(|id| Uuid::parse_str(id).ok()).collect());
        }
        "matching" => matching(state, person, form, &mut selection).await?,
        other => {
            return Err(Error::Malformed(format!(
                "The scope of an export is all, selected or matching, not “{other}”."
            )));
        }
    }
    Ok(selection)
}

/// "Select all 1,234 matching": the server runs the list's filter again. A panel's list is that of its
/// product or License ID, whatever filter stands behind it.
async fn matching(state: &AppState, person: &SignedIn, form: &Pairs, selection: &mut Selection) -> Result<()> {
    let mut tx = person.begin(state).await?;
    let found = if form.one("list") == "contracts" {
        let today = tx.today();
        let filter = contracts::filter(form);
        let (rows, found) = contracts::db::list(&mut tx, &filter, today, (Sort::LicenseId, false), 0, 0).await?;
        selection.license_ids = Some(rows.into_iter().map(|row| row.license_id).collect());
        found
    } else {
        form.one("product").clone_into(&mut selection.product);
        if selection.product.is_empty() && selection.license_ids.is_none() {
            form.one("q").clone_into(&mut selection.q);
            form.one("category").clone_into(&mut selection.category);
        }
        db::count(&mut tx, selection).await?
    };
    still_as_shown(form, found)
}

/// The number that the page showed must still be the number that matches; else the person looks again.
///
/// # Errors
/// 409 when it has changed.
pub(super) fn still_as_shown(form: &Pairs, found: i64) -> Result<()> {
    match form.one("expected").parse::<i64>() {
        Ok(shown) if shown != found => Err(Error::Conflict(format!(
            "The page said that {shown} match; now it is {found}. Nothing was exported. Go back, look at the list again, and export what it shows."
        ))),
        _ => Ok(()),
    }
}

async fn export(state: &AppState, proof: &SignedIn, selection: Selection, format: Format) -> Result<Response> {
    let scope = Scope::Person(proof.person().id);
    let chunks = begin(state, scope, &proof.visitor().actor(), selection, format).await?;
    proof.visitor().mark_recorded();
    let body = Body::from_stream(tokio_stream::wrappers::ReceiverStream::new(chunks));
    Ok((attachment(format, "product-keys", state.clock().now())?, body).into_response())
}

/// Begins an export and streams the file into the channel returned, part by part: each is read, written into
/// the log, committed there, and only then opened. An error in the channel means that the file is broken off.
///
/// # Errors
/// When the vault is sealed, all places are taken, or the first part can't be written into the log; then
/// nothing leaves.
pub async fn begin(
    state: &AppState,
    scope: Scope,
    actor: &Actor,
    selection: Selection,
    format: Format,
) -> Result<Chunks> {
    state.vault.ensure_unsealed()?;
    let place = state.exports.clone().try_acquire_owned().map_err(|_| Error::Busy)?;
    // One state of the database for all parts, and for the names that stand beside the keys: read at the same time.
    let mut names = state.db.begin_still(scope).await?;
    let source = state.db.begin_beside(&mut names, scope).await?;
    let (ahead, mut parts) = mpsc::channel(READ_AHEAD);
    tokio::spawn(db::read(source, selection.clone(), ahead));
    let log = state.db.apart(LOGS);
    // The log's first connection is opened meanwhile; where it can't be, the first part tells.
    let (estate, _) = tokio::join!(db::estate(&mut names, &selection), log.answers());
    let estate = Arc::new(estate?);
    // Two exports at a time shall not hold four of the pool's connections.
    drop(names);

    let recorder = Recorder { log, state: state.clone(), scope, actor: actor.clone(), estate: estate.clone(), format };
    let (recorded, rows) = mpsc::channel(LOGS as usize);
    // The first part stands in the log before the answer begins: where that fails, it is an error and no file.
    match parts.recv().await.transpose()? {
        Some(first) => {
            let first = recorder.record(first).await?;
            let _ = recorded.send(tokio::spawn(async { Ok(first) })).await;
            tokio::spawn(recorder.run(parts, recorded));
        }
        None => recorder.record_nothing().await?,
    }

    let (sender, receiver) = mpsc::channel(DEPTH);
    let job = Job { state: state.clone(), rows, format, estate, sender };
    tokio::spawn(async move {
        let _place = place;
        job.run().await;
    });
    Ok(receiver)
}

/// Some License IDs' keys, in the log.
type Recorded = Released<Vec<Group>>;
/// The same on their way into it.
type Recording = JoinHandle<Result<Recorded>>;

/// Writes what leaves into the log, one event per License ID with the ids of its keys, and a transaction for
/// each part: neither a large estate fills the memory nor does its export keep the ends of all chains.
#[derive(Clone)]
struct Recorder {
    state: AppState,
    /// Connections of its own: a hundred transactions that took turns on the pool's would have each of those
    /// plan the log's statements and map its pages anew.
    log: Db,
    scope: Scope,
    actor: Actor,
    estate: Arc<Estate>,
    format: Format,
}

impl Recorder {
    async fn record(&self, part: Vec<Group>) -> Result<Recorded> {
        let events = part.iter().map(|group| self.event(group)).collect::<Result<_>>()?;
        let mut log = self.log.begin(self.scope).await?;
        self.state.record_all(&mut log, &self.actor, events).await?;
        gate::commit_export(&self.state, log, part).await
    }

    fn event(&self, group: &Group) -> Result<Event> {
        let ids = group.ids()?;
        let count = ids.len();
        let license_id = self.estate.contracts.get(&group.contract).map_or("", |cells| &cells.license_id);
        let detail = serde_json::json!({ "format": self.format.to_string(), "count": count });
        let subject = format!("{count} keys of License ID {license_id}");
        Ok(Event::done("keys.export", subject).on(group.contract).with(detail).keys(ids))
    }

    /// An export that takes nothing leaves one event on the site's chain.
    async fn record_nothing(&self) -> Result<()> {
        let mut log = self.log.begin(self.scope).await?;
        self.state.record_all(&mut log, &self.actor, vec![Event::done("keys.export", "no keys")]).await?;
        Ok(log.commit().await?)
    }

    /// Records the parts to come, some at a time: while one is being committed, the next is written. Each has a task
    /// of its own and so ends by itself: a reader that takes its time keeps no transaction open.
    async fn run(self, mut parts: Parts, recorded: mpsc::Sender<Recording>) {
        while let Some(part) = parts.recv().await {
            let recorder = self.clone();
            let recording = tokio::spawn(async move { recorder.record(part?).await });
            if recorded.send(recording).await.is_err() {
                return;
            }
        }
    }
}

/// Headers of a download named `keyward-NAME-DATE.EXTENSION`.
pub fn attachment(format: Format, name: &str, now: OffsetDateTime) -> Result<[(header::HeaderName, HeaderValue); 2]> {
    let day = now.format(format_description!("[year]-[month]-[day]")).map_err(|fault| Error::Internal(fault.into()))?;
    let disposition = format!("attachment; filename=\"keyward-{name}-{day}.{}\"", format.extension());
    Ok([
        (header::CONTENT_TYPE, HeaderValue::from_static(format.content_type())),
        (
            header::CONTENT_DISPOSITION,
            HeaderValue::from_str(&disposition).map_err(|fault| Error::Internal(fault.into()))?,
        ),
    ])
}

/// A file as it is being written.
pub type Chunks = mpsc::Receiver<std::io::Result<Bytes>>;

/// An export under way.
struct Job {
    state: AppState,
    rows: mpsc::Receiver<Recording>,
    format: Format,
    estate: Arc<Estate>,
    sender: mpsc::Sender<std::io::Result<Bytes>>,
}

impl Job {
    async fn run(mut self) {
        let sender = self.sender.clone();
        let done = match self.format.text() {
            Some(format) => self.text(format).await,
            None => self.sheet().await,
        };
        if let Err(fault) = done {
            // The head is long sent: breaking the connection off is how the client learns of it.
            tracing::error!(error = format!("{fault:#}"), "an export broke off");
            let _ = sender.send(Err(std::io::Error::other("the export broke off"))).await;
        }
    }

    async fn text(&mut self, format: TextFormat) -> anyhow::Result<()> {
        let opener = self.opener()?;
        let mut out = header_bytes(format, &KEY_COLUMNS);
        let mut scratch = Scratch::new();
        while let Some(part) = self.rows.recv().await {
            let part = part.await?.map_err(Error::plain)?;
            for group in part.part() {
                scratch.each(group, &part, &self.estate, &opener, |cells| {
                    append_row(&mut out, format, cells);
                    Ok(())
                })?;
                if out.len() >= CHUNK {
                    let chunk = std::mem::replace(&mut out, Vec::with_capacity(CHUNK * 2));
                    if self.sender.send(Ok(chunk.into())).await.is_err() {
                        return Ok(()); // the reader has gone
                    }
                }
            }
        }
        let _ = self.sender.send(Ok(out.into())).await;
        Ok(())
    }

    async fn sheet(&mut self) -> anyhow::Result<()> {
        let opener = self.opener()?;
        let mut sheet = XlsxSheet::new_in(&temporary_directory(), &KEY_COLUMNS)?;
        let mut scratch = Scratch::new();
        while let Some(part) = self.rows.recv().await {
            let part = part.await?.map_err(Error::plain)?;
            for group in part.part() {
                scratch.each(group, &part, &self.estate, &opener, |cells| Ok(sheet.row(cells)?))?;
            }
        }
        let file = tokio::task::spawn_blocking(move || sheet.finish()).await??;
        let mut chunks = tokio_util::io::ReaderStream::with_capacity(tokio::fs::File::from_std(file), CHUNK);
        while let Some(chunk) = chunks.try_next().await? {
            if self.sender.send(Ok(chunk)).await.is_err() {
                break;
            }
        }
        Ok(())
    }

    fn opener(&self) -> anyhow::Result<Opener> {
        let mut opener = Opener::new(self.state.clone());
        opener.learn(&self.estate.data_keys)?;
        Ok(opener)
    }
}

/// Where a spreadsheet's nameless temporary files go: memory where there is some set aside for it,
/// since they hold keys in clear for as long as they are written.
fn temporary_directory() -> PathBuf {
    let memory = PathBuf::from("/dev/shm");
    if memory.is_dir() { memory } else { std::env::temp_dir() }
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

impl Scratch {
    /// Calls `write` with the cells of each key of a group.
    fn each(
        &mut self,
        group: &Group,
        part: &Recorded,
        estate: &Estate,
        opener: &Opener,
        mut write: impl FnMut(&[&str; 9]) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        // Both were read in the same state of the database as the keys.
        let contract = estate.contracts.get(&group.contract).context("a key's License ID is missing")?;
        let data_key = opener.data_key(group.contract);
        group.for_each(|row| {
            let key = match row.secret {
                Secret::Sealed(sealed) => {
                    let data_key = data_key.context("a License ID's data key is missing")?;
                    ExportedKey::Key(opener.open(part, data_key, row.id, sealed, &mut self.key)?)
                }
                Secret::NotNeeded(text) => ExportedKey::NotNeeded(text),
            };
            let product = estate.products.get(&row.product).context("a key's product is missing")?;
            let number = |n: i64| u32::try_from(n).unwrap_or(u32::MAX);
            let view = KeyExportRow {
                license_id: &contract.license_id,
                parent_program: &contract.program,
                organization: &contract.organization,
                product,
                key,
                kind: row.kind,
                activations: row
                    .used
                    .zip(row.total)
                    .map(|(used, limit)| Activations { used: number(used), limit: number(limit) }),
                seats: row.seats.map(number),
                osa_status: row.osa_status,
            };
            write(&view.cells(&mut self.buffer))
        })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        self.key.zeroize();
    }
}
