//! `/activation/offline`: requests of machines without a connection, carried here by somebody, many at once;
//! confirmations to carry back.
use askama::Template;
use axum::{
    extract::{
        Multipart, State,
        multipart::{MultipartError, MultipartRejection},
    },
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;
use std::{sync::Arc, time::Duration};
use tokio::time::timeout;
use uuid::Uuid;

use super::{db, typed::TypedRow, words};
use crate::{
    activation::{
        carried::Carried,
        lease::Signer,
        ledger::{Ledger, Said, Unwritten},
        offline::{self, BYTES, CONFIRMATIONS},
        wire::{Outcome, Reply},
    },
    app::AppState,
    audit::{Actor, Event},
    auth::proof::{OperatorOrAdministrator, SignedIn, Site},
    error::{Error, Result},
    postgres::Scope,
    web::{
        form::Pairs,
        page::{Html, Shell, Tone},
        view::count,
    },
};

/// Files at a time.
const MOST_FILES: usize = 10;
/// Bytes of a request: the files, and what stands between them.
pub const BODY_LIMIT: usize = MOST_FILES * BYTES + 64 * 1024;
/// How long a request waits for others that send files.
const WAIT: Duration = Duration::from_secs(10);
/// Confirmations in one download: what one post can have brought.
const MOST_IDS: usize = MOST_FILES * offline::MOST;

/// A request that was carried.
#[derive(Clone, Debug)]
pub struct CarriedRow {
    /// Its line in the file.
    pub line: usize,
    /// The machine's name; empty where the line can't be read.
    pub machine: String,
    /// How it ended.
    pub tone: Tone,
    /// In words.
    pub words: String,
    /// The code or the error's word.
    pub code: String,
}

/// A file that was carried.
#[derive(Clone, Debug)]
pub struct CarriedFile {
    /// Its name.
    pub name: String,
    /// Why nothing of it was taken.
    pub error: Option<String>,
    /// Requests activated.
    pub activated: u64,
    /// Devices enrolled.
    pub enrolled: u64,
    /// Its requests.
    pub rows: Vec<CarriedRow>,
    /// Ids of the requests that have a confirmation.
    pub ids: Vec<String>,
}

impl CarriedFile {
    fn summary(&self) -> String {
        let refused = self.rows.len() as u64 - self.activated - self.enrolled;
        let mut said = vec![count(self.activated, "machine activated", "machines activated")];
        if self.enrolled > 0 {
            said.push(count(self.enrolled, "device enrolled", "devices enrolled"));
        }
        if refused > 0 {
            said.push(count(refused, "request refused", "requests refused"));
        }
        said.join(", ")
    }
}

/// The page.
#[derive(Template)]
#[template(path = "pools/offline.html")]
pub struct OfflinePage {
    /// The frame.
    pub shell: Shell,
    /// What is wrong with the form as a whole.
    pub errors: Vec<String>,
    /// What became of the files just sent.
    pub files: Vec<CarriedFile>,
    /// What became of the codes just typed.
    pub typed: Vec<TypedRow>,
    /// The codes as they were typed, where not all were taken.
    pub codes: String,
}

impl OfflinePage {
    /// The page with nothing sent.
    pub fn new(shell: Shell) -> Self {
        Self { shell, errors: Vec::new(), files: Vec::new(), typed: Vec::new(), codes: String::new() }
    }

    fn ids(&self) -> Vec<&str> {
        self.files.iter().flat_map(|file| file.ids.iter().map(String::as_str)).collect()
    }
}

/// The form.
///
/// # Errors
/// None of its own.
pub async fn get(person: Site<OperatorOrAdministrator>, State(state): State<AppState>) -> Result<Response> {
    let shell = person.visitor().shell(&state);
    Ok(Html(OfflinePage::new(shell)).into_response())
}

/// Serves request files. What is committed of an earlier file stands when a later one fails; sending a file
/// again spends nothing and gets the same confirmations.
///
/// # Errors
/// 422 with the page where nothing could be taken; else when the database fails.
pub async fn post(
    person: Site<OperatorOrAdministrator>,
    State(state): State<AppState>,
    form: Result<Multipart, MultipartRejection>,
) -> Result<Response> {
    let _place = timeout(WAIT, state.uploads.acquire()).await.map_err(|_| Error::Busy)?;
    let form = form.map_err(|_| Error::Malformed("The form isn’t one that holds files.".to_owned()))?;
    let (sent, errors) = match receive(form).await? {
        Ok(sent) => (sent, Vec::new()),
        Err(sentence) => (Vec::new(), vec![sentence]),
    };
    let mut files = Vec::with_capacity(sent.len());
    if !sent.is_empty() {
        let desk = Desk::open(&state, &person).await?;
        for (name, bytes) in sent {
            files.push(desk.serve(name, &bytes).await?);
        }
    }
    let taken = files.iter().any(|file| file.error.is_none());
    let status = if taken { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let shell = person.visitor().shell(&state);
    Ok((status, Html(OfflinePage { errors, files, ..OfflinePage::new(shell) })).into_response())
}

/// The confirmations of requests that were carried before, as a file.
///
/// # Errors
/// When the database fails.
pub async fn file(
    person: Site<OperatorOrAdministrator>,
    State(state): State<AppState>,
    form: Pairs,
) -> Result<Response> {
    let ids: Vec<Uuid> = form.all("request").iter().filter_map(|id| id.parse().ok()).take(MOST_IDS).collect();
    let mut tx = person.begin(&state).await?;
    let answers = db::confirmations(&mut tx, &ids).await?;
    let event = Event::done("activation.confirmations", count(answers.len() as u64, "confirmation", "confirmations"));
    person.record(&state, &mut tx, event.with(json!({ "confirmations": answers.len() }))).await?;
    tx.commit().await?;
    let text = offline::write(CONFIRMATIONS, answers.iter().map(String::as_str));
    let headers = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"confirmations.txt\""),
    ];
    Ok((headers, text).into_response())
}

/// The files of the form, or what is wrong with it as a whole.
async fn receive(mut form: Multipart) -> Result<Result<Vec<(String, Vec<u8>)>, String>> {
    let mut sent = Vec::new();
    while let Some(field) = form.next_field().await.map_err(broken)? {
        let name = field.file_name().unwrap_or_default().to_owned();
        if field.name() != Some("files") {
            continue;
        }
        let bytes = field.bytes().await.map_err(broken)?.to_vec();
        // A browser sends one nameless, empty file where none was chosen.
        if name.is_empty() && bytes.is_empty() {
            continue;
        }
        let name: String =
            name.rsplit(['/', '\\']).next().unwrap_or_default().chars().filter(|c| !c.is_control()).take(120).collect();
        sent.push((if name.is_empty() { "file".to_owned() } else { name }, bytes));
    }
    Ok(match sent.len() {
        0 => Err("No file was chosen. Choose at least one, then send again.".to_owned()),
        1..=MOST_FILES => Ok(sent),
        more => Err(format!("{more} files were sent, at most {MOST_FILES} are taken at a time.")),
    })
}

fn broken(fault: MultipartError) -> Error {
    if fault.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return Error::TooLarge("At most 10 files of 4 MiB are taken at a time. Send fewer.".to_owned());
    }
    Error::Malformed("The files didn’t arrive whole. Send them again.".to_owned())
}

/// Serves files for somebody, for the License IDs that they administer.
pub(super) struct Desk<'a> {
    state: &'a AppState,
    person: &'a SignedIn,
    pub(super) ledger: Ledger,
    pub(super) contracts: Vec<Uuid>,
}

impl<'a> Desk<'a> {
    pub(super) async fn open(state: &'a AppState, person: &'a SignedIn) -> Result<Self> {
        let mut tx = person.begin(state).await?;
        let contracts = db::all_administered(&mut tx).await?;
        let site = db::site(&mut tx).await?.ok_or(Error::NotFound)?;
        let keys = state.vault.site_keys().clone();
        let ledger = Ledger {
            db: state.db.clone(),
            scope: Scope::System,
            signer: Arc::new(Signer::new(&keys.signing, site)),
            site: Arc::new(keys),
            linker: state.linker.clone(),
        };
        Ok(Self { state, person, ledger, contracts })
    }

    async fn serve(&self, name: String, bytes: &[u8]) -> Result<CarriedFile> {
        let file = match offline::read(bytes) {
            Err(fault) => CarriedFile { error: Some(fault.to_string()), ..served(name, &[]) },
            Ok(lines) => {
                let carried = self.ledger.carried(lines, &self.contracts, &self.actor()).await.map_err(unwritten)?;
                served(name, &carried)
            }
        };
        let detail = json!({
            "requests": file.rows.len(),
            "activated": file.activated,
            "enrolled": file.enrolled,
            "not taken": file.error.as_deref().unwrap_or_default(),
        });
        let event = if file.error.is_some() {
            Event::denied("activation.carried", &file.name)
        } else {
            Event::done("activation.carried", &file.name)
        };
        self.record(event.with(detail)).await?;
        Ok(file)
    }

    pub(super) fn actor(&self) -> Actor {
        self.person.visitor().actor()
    }

    pub(super) async fn record(&self, event: Event) -> Result<()> {
        let mut tx = self.person.begin(self.state).await?;
        self.person.record(self.state, &mut tx, event).await?;
        Ok(tx.commit().await?)
    }
}

pub(super) fn unwritten(fault: Unwritten) -> Error {
    match fault {
        Unwritten::Stale => Error::Busy,
        Unwritten::Database(fault) => fault.into(),
    }
}

fn served(name: String, carried: &[Carried]) -> CarriedFile {
    let good = |one: &&Carried| one.said.word == Outcome::Done.code() || one.said.word == "repeated";
    let done = |one: &&Carried| !one.enrols && good(one);
    CarriedFile {
        name,
        error: None,
        activated: carried.iter().filter(done).count() as u64,
        enrolled: carried.iter().filter(|one| one.enrols && good(one)).count() as u64,
        ids: carried.iter().filter(done).filter_map(|one| id_of(&one.said.line)).collect(),
        rows: carried.iter().map(row).collect(),
    }
}

fn id_of(line: &str) -> Option<String> {
    let answer: crate::activation::wire::Answer = serde_json::from_str(line).ok()?;
    Some(answer.id.to_string())
}

fn row(one: &Carried) -> CarriedRow {
    let (tone, words) = match said_words(&one.said) {
        (Tone::Good, _) if one.enrols => (Tone::Good, "Enrolled".to_owned()),
        said => said,
    };
    CarriedRow { line: one.number, machine: one.machine.clone(), tone, words, code: one.said.word.to_owned() }
}

/// What a request was told, for whoever carried it.
pub(super) fn said_words(said: &Said) -> (Tone, String) {
    match said.word {
        word if word == Outcome::Done.code() => (Tone::Good, "Activated".to_owned()),
        "repeated" => (Tone::Good, "Confirmed again, as before".to_owned()),
        word => {
            let sentence = match serde_json::from_str(&said.line) {
                Ok(Reply::Answer(answer)) => answer.message,
                Ok(Reply::Error(error)) => error.message,
                Err(_) => words::result(word).to_owned(),
            };
            (words::tone(word), sentence)
        }
    }
}

#[cfg(test)]
impl OfflinePage {
    /// A file with a refusal, and one that isn't a request file.
    pub fn sample() -> Self {
        let row = |line, tone, words: &str, code: &str| CarriedRow {
            line,
            machine: "PC-0001".into(),
            tone,
            words: words.into(),
            code: code.into(),
        };
        Self {
            codes: "PC-0009 nonsense".into(),
            typed: vec![TypedRow {
                line: 1,
                machine: "PC-0008".into(),
                tone: Tone::Good,
                words: "Activated".into(),
                code: Some("ABCDEF-GHJKLM".into()),
            }],
            shell: Shell::sample("/activation/offline"),
            errors: Vec::new(),
            files: vec![
                CarriedFile {
                    name: "floor-1.txt".into(),
                    error: None,
                    activated: 1,
                    enrolled: 0,
                    rows: vec![
                        row(2, Tone::Good, "Activated", "0x00000000"),
                        row(
                            3,
                            Tone::Bad,
                            "All activations of this key are spent: request a higher limit.",
                            "0xC004C020",
                        ),
                    ],
                    ids: vec!["0e4bd6a4-86f7-4a3b-8a43-6c3fd1c4a101".into()],
                },
                CarriedFile {
                    name: "holiday.txt".into(),
                    error: Some("the file holds no request".into()),
                    activated: 0,
                    enrolled: 0,
                    rows: Vec::new(),
                    ids: Vec::new(),
                },
            ],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_file_says_what_became_of_it() {
        let html = OfflinePage::sample().render().expect("renders");
        for part in [
            "1 machine activated, 1 request refused",
            "request a higher limit",
            "the file holds no request",
            "0e4bd6a4-86f7-4a3b-8a43-6c3fd1c4a101",
            "Download",
            "ABCDEF-GHJKLM",
        ] {
            assert!(html.contains(part), "{part}");
        }
    }
}
