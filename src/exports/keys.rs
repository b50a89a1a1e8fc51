//! `POST /exports/keys`: keys in clear as a file. One audit event per License ID with the ids of
//! its keys is committed before the first byte of one of them.

use axum::{
    body::Body,
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Redirect, Response},
};
use bytes::Bytes;
use time::{OffsetDateTime, macros::format_description};
use tokio::{sync::mpsc, task::JoinHandle};
use uuid::Uuid;

use super::{
    Format,
    db::{self, Parts, Selection},
    groups::{self, Chosen, Group},
    job::{Job, Recorded, Recording},
};
use crate::{
    app::{AppState, EXPORT_LOGS},
    audit::{Actor, Event},
    auth::proof::{Anybody, Fresh, SignedIn},
    contracts::{self, model::Sort},
    error::{Error, Result},
    postgres::{Scope, Scoped},
    vault::gate::{self, Opener},
    web::form::Pairs,
};

/// Chunks that may wait for a slow reader.
const DEPTH: usize = 8;
/// Parts that may wait to be recorded.
const READ_AHEAD: usize = 2;

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
    // One state of the database for all parts, and for the names that stand beside the keys.
    let mut source = state.db.begin_still(scope).await?;
    let log = &state.export_log;
    let beside = log.begin_beside(&mut source, scope).await?;
    let (ahead, mut parts) = mpsc::channel(READ_AHEAD);
    let reading = tokio::spawn(db::read(source, selection, ahead));
    // While the first part is on its way the log's connections open, and one of them reads the names.
    let names = tokio::spawn(db::names(beside));
    let (first, tx) = tokio::join!(parts.recv(), log.begin(scope));
    let tx = tx?;

    let recorder = Recorder { state: state.clone(), scope, actor: actor.clone(), format };
    // One part is waited for, the others wait in the channel.
    let (recorded, rows) = mpsc::channel(EXPORT_LOGS - 1);
    // The first part stands in the log before the answer begins: where that fails, it is an error and no file.
    let end = if let Some(first) = first {
        let first = recorder.record(tx, first).await?;
        let _ = recorded.send(tokio::spawn(async { Ok(first) })).await;
        tokio::spawn(recorder.run(reading, parts, recorded))
    } else {
        end_of(reading).await?;
        recorder.record_nothing(tx).await?;
        tokio::spawn(async { Ok(()) })
    };
    let names = names.await.map_err(|fault| Error::Internal(fault.into()))??;

    let (sender, receiver) = mpsc::channel(DEPTH);
    let job = Job { opener: Opener::new(state.clone()), parts: rows, end, format, names, sender };
    tokio::spawn(async move {
        let _place = place;
        job.run().await;
    });
    Ok(receiver)
}

/// Writes what leaves into the log, one event per License ID with the ids of its keys, and a transaction for
/// each part: neither a large estate fills the memory nor does its export keep the ends of all chains.
#[derive(Clone)]
struct Recorder {
    state: AppState,
    scope: Scope,
    actor: Actor,
    format: Format,
}

impl Recorder {
    async fn record(&self, mut log: Scoped, part: Vec<Group>) -> Result<Recorded> {
        let events = groups::chosen(&part)?.iter().map(|chosen| self.event(chosen)).collect::<Result<_>>()?;
        self.state.record_all(&mut log, &self.actor, events).await?;
        gate::commit_export(&self.state, log, part).await
    }

    fn event(&self, chosen: &Chosen<'_>) -> Result<Event> {
        let ids = chosen.ids()?;
        let count = ids.len();
        let detail = serde_json::json!({ "format": self.format.to_string(), "count": count });
        let subject = format!("{count} keys of License ID {}", chosen.contract.license_id);
        Ok(Event::done("keys.export", subject).on(chosen.contract.id).with(detail).keys(ids))
    }

    /// An export that takes nothing leaves one event on the site's chain.
    async fn record_nothing(&self, mut log: Scoped) -> Result<()> {
        self.state.record_all(&mut log, &self.actor, vec![Event::done("keys.export", "no keys")]).await?;
        Ok(log.commit().await?)
    }

    /// Records the parts to come, some at a time: while one is being committed, the next is written. Each has a task
    /// of its own and so ends by itself: a reader that takes its time keeps no transaction open.
    ///
    /// # Errors
    /// When the reading failed: then parts are missing.
    async fn run(self, reading: Reading, mut parts: Parts, recorded: mpsc::Sender<Recording>) -> Result<()> {
        while let Some(part) = parts.recv().await {
            let Ok(place) = recorded.reserve().await else { return Ok(()) };
            let recorder = self.clone();
            place.send(tokio::spawn(async move {
                let log = recorder.state.export_log.begin(recorder.scope).await?;
                recorder.record(log, part).await
            }));
        }
        end_of(reading).await
    }
}

/// What reads the parts.
type Reading = JoinHandle<sqlx::Result<()>>;

/// How the reading ended. One that panicked just stops sending, and so would end the file as if it were whole.
async fn end_of(reading: Reading) -> Result<()> {
    reading.await.map_err(|fault| Error::Internal(fault.into()))?.map_err(Error::from)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_reading_that_fails_or_panics_is_no_end_of_the_keys() {
        assert!(end_of(tokio::spawn(async { Ok(()) })).await.is_ok());
        assert!(end_of(tokio::spawn(async { Err(sqlx::Error::WorkerCrashed) })).await.is_err());
        assert!(end_of(tokio::spawn(async { panic!("in the task that reads") })).await.is_err());
    }
}
