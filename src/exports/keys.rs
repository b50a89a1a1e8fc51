//! `POST /exports/keys`: keys in clear as a file. One audit event per License ID with the ids of
//! its keys is committed before the first byte.

use std::path::PathBuf;

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
use tokio::sync::mpsc;
use uuid::Uuid;
use zeroize::Zeroize;

use super::{
    CellBuffer, ExportedKey, Format, KEY_COLUMNS, KeyExportRow, TextFormat, XlsxSheet, append_row,
    db::{self, Batches, Estate, SealedRow, Selection},
    header_bytes,
};
use crate::{
    app::AppState,
    audit::{self, Actor, Event},
    auth::proof::{Anybody, Fresh, SignedIn},
    contracts::{self, model::Sort},
    error::{Error, Result},
    keys::Activations,
    postgres::{Scope, Scoped},
    vault::gate::{self, Opener, Released},
    web::form::Pairs,
};

/// Bytes handed to the connection at a time; with the channel's depth this bounds an export's memory.
const CHUNK: usize = 64 * 1024;
/// Chunks that may wait for a slow reader.
const DEPTH: usize = 8;
/// Batches of sealed rows that may wait to be opened.
const READ_AHEAD: usize = 8;
/// Keys named in the events that are written at a time, about.
const NAMED: usize = 50_000;

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

/// Begins an export: commits its audit events, then streams the file into the channel returned. An
/// error in the channel means that the file is broken off.
///
/// # Errors
/// When the vault is sealed, all places are taken, or the log can't be written; then nothing leaves.
pub async fn begin(
    state: &AppState,
    scope: Scope,
    actor: &Actor,
    selection: Selection,
    format: Format,
) -> Result<Chunks> {
    state.vault.ensure_unsealed()?;
    let place = state.exports.clone().try_acquire_owned().map_err(|_| Error::Busy)?;
    // One state of the database: the keys that are written into the log are the keys that leave.
    let mut source = state.db.begin_still(scope).await?;
    let estate = db::estate(&mut source, &selection).await?;
    let mut log = state.db.begin(scope).await?;
    let keys = record(state, &mut source, &mut log, actor, &selection, &estate, format).await?;
    // Rows begin to queue up, sealed as they are; nothing opens them before the log stands.
    let (ahead, rows) = mpsc::channel(READ_AHEAD);
    tokio::spawn(db::read(source, selection, keys, ahead));
    let released = gate::commit_export(state, log).await?;

    let (sender, receiver) = mpsc::channel(DEPTH);
    let job = Job { state: state.clone(), rows, format, released, estate, sender };
    tokio::spawn(async move {
        let _place = place;
        job.run().await;
    });
    Ok(receiver)
}

/// Writes one event per License ID, in the order of their rows and some at a time, so that neither a
/// large estate fills the memory nor two exports wait for each other in a circle. An export that takes
/// nothing leaves one event on the site's chain. How many keys there are.
async fn record(
    state: &AppState,
    source: &mut Scoped,
    log: &mut Scoped,
    actor: &Actor,
    selection: &Selection,
    estate: &Estate,
    format: Format,
) -> Result<usize> {
    audit::db::open_chains(log, estate.contracts.keys()).await?;
    let mut events = Vec::new();
    let (mut named, mut all) = (0, 0);
    let mut chosen = db::chosen(source, selection);
    while let Some((contract, keys)) = chosen.try_next().await? {
        named += keys.len();
        all += keys.len();
        let license_id = estate.contracts.get(&contract).map_or("", |cells| &cells.license_id);
        let detail = serde_json::json!({ "format": format.to_string(), "count": keys.len() });
        let subject = format!("{} keys of License ID {license_id}", keys.len());
        events.push(Event::done("keys.export", subject).on(contract).with(detail).keys(keys));
        if named >= NAMED {
            state.record_all(log, actor, std::mem::take(&mut events)).await?;
            named = 0;
        }
    }
    if all == 0 {
        events.push(Event::done("keys.export", "no keys"));
    }
    state.record_all(log, actor, events).await?;
    Ok(all)
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
    rows: Batches,
    format: Format,
    released: Released,
    estate: Estate,
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
        let mut opener = Opener::new(&self.state, &self.released);
        opener.learn(std::mem::take(&mut self.estate.data_keys))?;
        let mut out = header_bytes(format, &KEY_COLUMNS);
        let mut scratch = Scratch::new();
        while let Some(rows) = self.rows.recv().await {
            for row in &rows? {
                append_row(&mut out, format, &scratch.cells(&SealedRow::of(row)?, &self.estate, &opener)?);
            }
            if out.len() >= CHUNK {
                let chunk = std::mem::replace(&mut out, Vec::with_capacity(CHUNK * 2));
                if self.sender.send(Ok(chunk.into())).await.is_err() {
                    return Ok(()); // the reader has gone
                }
            }
        }
        let _ = self.sender.send(Ok(out.into())).await;
        Ok(())
    }

    async fn sheet(&mut self) -> anyhow::Result<()> {
        let mut opener = Opener::new(&self.state, &self.released);
        opener.learn(std::mem::take(&mut self.estate.data_keys))?;
        let mut sheet = XlsxSheet::new_in(&temporary_directory(), &KEY_COLUMNS)?;
        let mut scratch = Scratch::new();
        while let Some(rows) = self.rows.recv().await {
            for row in &rows? {
                sheet.row(&scratch.cells(&SealedRow::of(row)?, &self.estate, &opener)?)?;
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
    fn cells<'a>(
        &'a mut self,
        row: &SealedRow<'a>,
        estate: &'a Estate,
        opener: &Opener<'_>,
    ) -> anyhow::Result<[&'a str; 9]> {
        let key = match row.sealed {
            Some((data_key, sealed)) => ExportedKey::Key(opener.open(data_key, row.id, sealed, &mut self.key)?),
            None => ExportedKey::NotNeeded(row.no_key_text),
        };
        // Both were read in the same state of the database as the row.
        let contract = estate.contracts.get(&row.contract).context("a key's License ID is missing")?;
        let product = estate.products.get(&row.product).context("a key's product is missing")?;
        let number = |n: i64| u32::try_from(n).unwrap_or(u32::MAX);
        let view = KeyExportRow {
            license_id: &contract.license_id,
            parent_program: &contract.program,
            organization: &contract.organization,
            product,
            key,
            kind: crate::keys::kind_of(row.kind),
            activations: row
                .used
                .zip(row.total)
                .map(|(used, limit)| Activations { used: number(used), limit: number(limit) }),
            seats: row.seats.map(number),
            osa_status: row.osa_status,
        };
        Ok(view.cells(&mut self.buffer))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        self.key.zeroize();
    }
}
