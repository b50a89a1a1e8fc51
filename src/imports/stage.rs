//! Files through the browser: sent in, shown, and then written or thrown away.
//!
//! Between the two the files wait in the database, sealed by the vault. What is written is planned
//! anew in the writing transaction and must be what was shown, row by row.

use std::time::Duration;

use axum::{
    extract::{
        Multipart, State,
        multipart::{Field, MultipartError, MultipartRejection},
    },
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use tokio::time::timeout;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{
    Caps, Importer, ParsedFile, RowError,
    apply::Taken,
    db::{self, StoredFile},
    plan::{Plan, Who},
    read_file, screens,
};
use crate::{
    app::AppState,
    audit::Event,
    auth::proof::{Fresh, OnImport, OperatorOrAdministrator, Site},
    error::{Error, Result},
    postgres::Scope,
    web::{form::Pairs, page::Html, visitor::Visitor},
};

/// Files at a time.
const MOST_FILES: usize = 5;
/// Bytes of a request: five files of 10 MiB, and what stands between them.
pub(super) const BODY_LIMIT: usize = 52 * 1024 * 1024;
/// How long a request waits for others that send files.
const WAIT: Duration = Duration::from_secs(10);

/// A file as it was sent.
struct Sent {
    name: String,
    bytes: Zeroizing<Vec<u8>>,
}

/// Takes files in, plans them and shows the plan.
///
/// # Errors
/// 422 with the page where a file can't be read; else when the vault is sealed or the database fails.
pub async fn send(
    person: Site<OperatorOrAdministrator>,
    State(state): State<AppState>,
    form: Result<Multipart, MultipartRejection>,
) -> Result<Response> {
    let _place = timeout(WAIT, state.uploads.acquire()).await.map_err(|_| Error::Busy)?;
    state.vault.ensure_unsealed()?;
    let form = form.map_err(|_| Error::Malformed("The form isn't one that holds files.".to_owned()))?;
    let read = match receive(form).await? {
        Ok(sent) => tokio::task::spawn_blocking(|| parse(sent)).await.map_err(|fault| Error::Internal(fault.into()))?,
        Err(sentence) => Err(vec![sentence]),
    };
    let (sent, files) = match read {
        Ok(read) => read,
        Err(errors) => {
            let page = screens::list_page(&state, &person, &Pairs::default(), errors).await?;
            return Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(page)).into_response());
        }
    };
    let id = show(&state, &person, sent, &files).await?;
    Ok(Redirect::to(&format!("/imports/{id}")).into_response())
}

/// Plans files and keeps them until somebody decides.
async fn show(
    state: &AppState,
    person: &Site<OperatorOrAdministrator>,
    sent: Vec<Sent>,
    files: &[ParsedFile],
) -> Result<Uuid> {
    let who = match person.person() {
        operator if operator.site_operator => Who::Operator(operator.id),
        administrator => Who::Administrator(administrator.id),
    };
    let plans = importer(state, person.visitor(), who).preview(files).await?;
    keep(state, person.visitor(), who, sent, plans).await
}

/// Takes in keys that were typed, see [`super::typed`]: the import that waits for a decision.
///
/// # Errors
/// When the vault is sealed or the database fails.
pub async fn stage_typed(
    state: &AppState,
    person: &Site<OperatorOrAdministrator>,
    bytes: Zeroizing<Vec<u8>>,
) -> Result<Uuid> {
    state.vault.ensure_unsealed()?;
    let name = "Typed keys".to_owned();
    let file = super::typed::read(&name, &bytes)
        .ok_or_else(|| Error::Malformed("These keys can’t be read. Type them again.".to_owned()))?;
    show(state, person, vec![Sent { name, bytes }], &[file]).await
}

/// The files of the form, or what is wrong with it as a whole.
async fn receive(mut form: Multipart) -> Result<Result<Vec<Sent>, String>> {
    let mut sent = Vec::new();
    while let Some(field) = form.next_field().await.map_err(broken)? {
        let name = field.file_name().unwrap_or_default().to_owned();
        if field.name() != Some("files") {
            continue;
        }
        let bytes = collect(field).await?;
        // A browser sends one nameless, empty file where none was chosen.
        if name.is_empty() && bytes.is_empty() {
            continue;
        }
        // Some clients send the whole path.
        let name = name.rsplit(['/', '\\']).next().filter(|name| !name.is_empty()).unwrap_or("file").to_owned();
        sent.push(Sent { name, bytes });
    }
    Ok(match sent.len() {
        0 => Err("No file was chosen. Choose at least one, then send again.".to_owned()),
        1..=MOST_FILES => Ok(sent),
        more => Err(format!("{more} files were sent, at most {MOST_FILES} are taken at a time.")),
    })
}

async fn collect(mut field: Field<'_>) -> Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::new());
    while let Some(chunk) = field.chunk().await.map_err(broken)? {
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

fn broken(fault: MultipartError) -> Error {
    if fault.status() == StatusCode::PAYLOAD_TOO_LARGE {
        let sentence = "A request may have at most 52 MiB, a file at most 10 MiB. Send fewer files at a time, or use the import command, which has no limit.";
        return Error::TooLarge(sentence.to_owned());
    }
    Error::Malformed("The files didn't arrive whole. Send them again.".to_owned())
}

/// Reads every file, or says everything that is wrong with any of them.
fn parse(sent: Vec<Sent>) -> Result<(Vec<Sent>, Vec<ParsedFile>), Vec<String>> {
    let (mut files, mut errors): (Vec<ParsedFile>, Vec<RowError>) = Default::default();
    for one in &sent {
        match read_file(&one.name, &one.bytes, Caps::BROWSER) {
            Ok(file) => files.push(file),
            Err(more) => errors.extend(more),
        }
    }
    if errors.is_empty() {
        // In the order of taking, which is the order of the plans.
        let mut both: Vec<_> = sent.into_iter().zip(files).collect();
        both.sort_by_key(|(_, file)| file.kind.rank());
        return Ok(both.into_iter().unzip());
    }
    Err(errors.iter().map(ToString::to_string).collect())
}

fn importer<'a>(state: &'a AppState, visitor: &Visitor, who: Who) -> Importer<'a> {
    Importer { db: &state.db, vault: &state.vault, linker: &state.linker, actor: visitor.actor(), who }
}

/// Keeps the files, sealed, and their plans. Where every file is refused there is nothing to wait for.
async fn keep(state: &AppState, visitor: &Visitor, who: Who, sent: Vec<Sent>, plans: Vec<Plan>) -> Result<Uuid> {
    let id = Uuid::now_v7();
    let refused = plans.iter().all(Plan::is_refused);
    // System scope: nobody may write these rows, or they could be made to say what they don't.
    let mut tx = state.db.begin(Scope::System).await?;
    let data_keys = state.vault.data_keys_for(&mut tx, &[Uuid::nil()]).await?;
    let data_key = data_keys.get(&Uuid::nil()).ok_or_else(|| Error::Internal(anyhow::anyhow!("no key for files")))?;
    db::add_import(&mut tx, id, who.person(), &visitor.actor().name, if refused { "refused" } else { "staged" })
        .await?;
    for (position, (one, plan)) in sent.iter().zip(&plans).enumerate() {
        let file = Uuid::now_v7();
        let sealed = (!refused).then(|| (file, state.vault.seal_file(data_key, file, &one.bytes)));
        let file = db::add_file(&mut tx, id, position, plan, sealed).await?;
        db::add_rows(&mut tx, file, &plan.rows).await?;
    }
    let names: Vec<&str> = plans.iter().map(|plan| plan.name.as_str()).collect();
    let rows: u64 = plans.iter().map(|plan| plan.rows.len() as u64).sum();
    let event = Event::done("import.stage", names.join(", "))
        .with(serde_json::json!({ "import": id, "rows": rows, "refused": refused }));
    visitor.record(state, &mut tx, event).await?;
    tx.commit().await?;
    Ok(id)
}

/// Writes an import that waits.
///
/// # Errors
/// [`Error::Conflict`] where it doesn't wait any more.
pub async fn apply(import: Fresh<OnImport>, State(state): State<AppState>) -> Result<Response> {
    let (id, visitor) = (import.import.id, import.visitor().clone());
    // In a task of its own: a browser that gives up doesn't stop it half-way.
    let writing = tokio::spawn(async move { write(&state, &visitor, id).await });
    let written = writing.await.map_err(|fault| Error::Internal(fault.into()))??;
    let notice = if written { String::new() } else { format!("?notice={}", screens::CHANGED) };
    Ok(Redirect::to(&format!("/imports/{id}{notice}")).into_response())
}

/// Whether it was written; else the preview was made anew, because it had changed.
async fn write(state: &AppState, visitor: &Visitor, id: Uuid) -> Result<bool> {
    let (stored, files, who) = reopen(state, id).await?;
    let Taken { mut tx, plans, events } = importer(state, visitor, who).take(&files).await?;
    let as_shown = stored.iter().zip(&plans).all(|(file, plan)| file.digest == db::digest(plan));
    if !as_shown {
        // Rolled back; what was found is shown instead.
        drop(tx);
        return show_anew(state, visitor, id, &stored, &plans).await.map(|()| false);
    }
    if !db::end(&mut tx, id, "applied").await? {
        return Err(ended());
    }
    visitor.record_all(state, &mut tx, events).await?;
    tx.commit().await?;
    Ok(true)
}

fn ended() -> Error {
    Error::Conflict("This import was written or discarded in the meantime. Open it to see what came of it.".to_owned())
}

/// The files that wait, unsealed and read, and how far whoever sent them reaches.
async fn reopen(state: &AppState, id: Uuid) -> Result<(Vec<StoredFile>, Vec<ParsedFile>, Who)> {
    // System scope: data keys are nobody's to read.
    let mut tx = state.db.begin(Scope::System).await?;
    let mut stored = db::files(&mut tx, id, true).await?;
    // By whom it was sent, not by whom it is applied: a site operator who agrees to an
    // Administrator's import makes it reach no further.
    let who = db::reach(&mut tx, id).await?.ok_or_else(ended)?;
    let data_keys = state.vault.data_keys_for(&mut tx, &[Uuid::nil()]).await?;
    tx.commit().await?;
    let data_key = data_keys.get(&Uuid::nil()).ok_or_else(|| Error::Internal(anyhow::anyhow!("no key for files")))?;
    let mut sent = Vec::with_capacity(stored.len());
    for file in &mut stored {
        let sealed = file.sealed.take().ok_or_else(ended)?;
        sent.push((file.name.clone(), state.vault.open_file(data_key, file.id, &sealed)?));
    }
    let read = tokio::task::spawn_blocking(move || {
        sent.iter().map(|(name, bytes)| read_file(name, bytes, Caps::BROWSER)).collect::<Result<Vec<_>, _>>()
    });
    let files = read.await.map_err(|fault| Error::Internal(fault.into()))?;
    // They were read once: only another version of Keyward may find fault with them now.
    let files =
        files.map_err(|_| Error::Conflict("These files can't be read any more. Send them again.".to_owned()))?;
    Ok((stored, files, who))
}

async fn show_anew(state: &AppState, visitor: &Visitor, id: Uuid, stored: &[StoredFile], plans: &[Plan]) -> Result<()> {
    let mut tx = state.db.begin(Scope::System).await?;
    if !db::lock_staged(&mut tx, id).await? {
        return Err(ended());
    }
    for (file, plan) in stored.iter().zip(plans) {
        db::replan(&mut tx, file.id, plan).await?;
    }
    let names: Vec<&str> = stored.iter().map(|file| file.name.as_str()).collect();
    let event = Event::done("import.replan", names.join(", ")).with(serde_json::json!({ "import": id }));
    visitor.record(state, &mut tx, event).await?;
    tx.commit().await?;
    Ok(())
}

/// Throws an import away that waits.
///
/// # Errors
/// [`Error::Conflict`] where it doesn't wait any more.
pub async fn discard(import: OnImport, State(state): State<AppState>) -> Result<Response> {
    let id = import.import.id;
    // System scope, as for everything written here; the proof says that it is this person's to decide.
    let mut tx = state.db.begin(Scope::System).await?;
    let files = db::files(&mut tx, id, false).await?;
    if !db::end(&mut tx, id, "discarded").await? {
        return Err(ended());
    }
    let names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
    let event = Event::done("import.discard", names.join(", ")).with(serde_json::json!({ "import": id }));
    import.record(&state, &mut tx, event).await?;
    tx.commit().await?;
    Ok(Redirect::to("/imports").into_response())
}
