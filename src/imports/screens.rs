//! `GET /imports` and `GET /imports/{id}`: from the address to the page.

use axum::{
    extract::{RawQuery, State},
    response::{IntoResponse, Response},
};

use super::{
    db::{self, Listed, StoredFile, StoredRow},
    head::ImportHead,
    kinds::Kind,
    list::{ImportRow, ImportsPage, Tally},
    preview::{PreviewFile, PreviewPage, PreviewRow, RowAction},
};
use crate::{
    app::AppState,
    auth::proof::{OnImport, OperatorOrAdministrator, SignedIn, Site},
    error::Result,
    postgres::Scoped,
    web::{
        form::Pairs,
        page::{Html, Tone},
        paging::{PAGE, page_of},
        view::{Address, Pager, When},
    },
};

/// In the address after an import that had to be planned again.
pub(super) const CHANGED: &str = "changed";

/// The form and what was brought in before.
///
/// # Errors
/// When the database fails.
pub async fn list(
    person: Site<OperatorOrAdministrator>,
    State(state): State<AppState>,
    RawQuery(query): RawQuery,
) -> Result<Response> {
    let query = Pairs::parse(query.unwrap_or_default().as_bytes());
    Ok(Html(list_page(&state, &person, &query, Vec::new()).await?).into_response())
}

/// The page, with what is wrong with the files just sent.
pub(super) async fn list_page(
    state: &AppState,
    person: &SignedIn,
    query: &Pairs,
    errors: Vec<String>,
) -> Result<ImportsPage> {
    let mut tx = person.begin(state).await?;
    let number = page_of(query.one("page"));
    let listed = db::list(&mut tx, PAGE, (number - 1) * PAGE).await?;
    let total = listed.first().map_or(0, |import| import.total);
    let address = Address::new("/imports");
    Ok(ImportsPage {
        shell: person.visitor().shell(state),
        rows: listed.into_iter().map(|import| row(import, &tx)).collect(),
        pager: Pager::new(&address, "page", number.unsigned_abs(), PAGE.unsigned_abs(), total.unsigned_abs()),
        address,
        errors,
    })
}

fn row(import: Listed, tx: &Scoped) -> ImportRow {
    ImportRow {
        id: import.id.to_string(),
        at: When::moment(import.created_at, tx.now()),
        tally: Tally {
            added: import.added.unsigned_abs(),
            changed: import.changed.unsigned_abs(),
            skipped: import.skipped.unsigned_abs(),
            refused: import.refused.unsigned_abs(),
            warnings: import.warnings.unsigned_abs(),
        },
        state: db::state_of(&import.state),
        who: who(import.who),
        files: import.files,
    }
}

fn who(name: String) -> String {
    if name.is_empty() { "Command line".to_owned() } else { name }
}

/// What an import would change, or changed.
///
/// # Errors
/// When the database fails.
pub async fn preview(import: OnImport, State(state): State<AppState>, RawQuery(query): RawQuery) -> Result<Response> {
    let query = Pairs::parse(query.unwrap_or_default().as_bytes());
    let mut tx = import.begin(&state).await?;
    let files = db::files(&mut tx, import.import.id, false).await?;
    let action = RowAction::ALL.into_iter().find(|action| action.word() == query.one("action"));
    let number = page_of(query.one("page"));
    let rows = db::rows(&mut tx, import.import.id, action, PAGE, (number - 1) * PAGE).await?;
    let mut shell = import.visitor().shell(&state);
    if query.one("notice") == CHANGED {
        let text = "What these files would change is no longer what you were shown, so nothing was written. This is how it stands now: look again, then import.";
        shell = shell.notice(Tone::Warn, text);
    }
    let id = import.import.id.to_string();
    let address = Address::new(["/imports/", &id].concat()).with("action", action.map_or("", RowAction::word));
    let total = total(&import.import, &files, action);
    Ok(Html(PreviewPage {
        shell,
        id,
        at: When::moment(import.import.created_at, tx.now()),
        who: who(import.import.who.clone()),
        state: db::state_of(&import.import.state),
        rows: rows.into_iter().map(preview_row).collect(),
        pager: Pager::new(&address, "page", number.unsigned_abs(), PAGE.unsigned_abs(), total),
        rows_kept: import.import.person_id.is_some(),
        files: files.into_iter().map(preview_file).collect(),
        address,
    })
    .into_response())
}

/// How many rows the filter shows. The counts are kept with the files, so no row is counted.
fn total(import: &ImportHead, files: &[StoredFile], action: Option<RowAction>) -> u64 {
    if import.person_id.is_none() {
        return 0;
    }
    let of = |tally: Tally| match action {
        None => tally.added + tally.changed + tally.skipped + tally.refused,
        Some(RowAction::Added) => tally.added,
        Some(RowAction::Changed) => tally.changed,
        Some(RowAction::Skipped) => tally.skipped,
        Some(RowAction::Refused) => tally.refused,
    };
    files.iter().map(|file| of(file.tally())).sum()
}

fn preview_file(file: StoredFile) -> PreviewFile {
    let kind = Kind::ALL.into_iter().find(|kind| kind.label() == file.kind);
    PreviewFile { tally: file.tally(), name: file.name, kind: kind.map_or("", Kind::title).to_owned() }
}

fn preview_row(row: StoredRow) -> PreviewRow {
    PreviewRow {
        line: row.line.unsigned_abs(),
        action: RowAction::ALL.into_iter().find(|a| a.word() == row.action).unwrap_or(RowAction::Refused),
        changes: db::changes(&row.changes),
        file: row.file,
        license_id: row.license_id,
        subject: row.subject,
        last_five: row.last_five,
        reason: row.detail,
    }
}
