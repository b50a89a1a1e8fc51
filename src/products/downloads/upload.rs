//! `POST /products/{slug}/downloads`: a file sent in, streamed to the disk with its checksum computed on the way, or
//! a link with its checksum typed in.

use std::{collections::HashMap, io, time::Duration};

use axum::{
    extract::{
        Multipart, State,
        multipart::{Field as Part, MultipartError, MultipartRejection},
    },
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use time::Date;
use tokio::time::timeout;
use url::Url;
use uuid::Uuid;

use super::{
    db::{self, New},
    give,
    pace::{Late, Pace, RATE},
    store::Draft,
};
use crate::{
    app::AppState,
    auth::proof::OnKeptProduct,
    error::{Error, Result},
    keys::ProductKey,
    products::{
        esu,
        screens::{self, Extra},
    },
    web::{
        page::Html,
        view::{Choice, Field, product_path},
    },
};

/// Bytes of a request beside its file.
const AROUND: u64 = 64 * 1024;
/// Bytes of a typed field.
const TYPED: usize = 4 * 1024;
/// Parts of a form: ours has eight.
const PARTS: usize = 20;
/// How long a file waits for others that come in.
const WAIT: Duration = Duration::from_secs(10);

/// What the vendor's portal calls operating system type.
pub const SYSTEMS: [&str; 5] = ["64-bit", "32-bit", "ARM64", "32-bit and 64-bit", "Any"];
/// What the vendor's portal calls components.
pub const COMPONENTS: [&str; 6] = ["ISO", "EXE", "MSI", "ZIP", "Image", "Other"];

/// What was typed, and what is wrong with it.
#[derive(Clone, Debug, Default)]
pub struct Form {
    values: HashMap<&'static str, String>,
    errors: HashMap<&'static str, String>,
}

/// The typed fields.
const FIELDS: [&str; 6] = ["language", "system", "component", "released_on", "url", "sha256"];

impl Form {
    fn value(&self, name: &str) -> &str {
        self.values.get(name).map_or("", |value| value.trim())
    }

    fn wrong(&mut self, name: &'static str, sentence: impl Into<String>) {
        self.errors.entry(name).or_insert_with(|| sentence.into());
    }

    /// The form's fields, the file's aside.
    pub fn fields(&self) -> Vec<Field> {
        let field = |kind, name, label| {
            Field::new(kind, name, label).value(self.value(name)).error(self.errors.get(name).cloned())
        };
        let choices =
            |list: &[&'static str], name| list.iter().map(|one| Choice::new(*one, *one, self.value(name))).collect();
        vec![
            field("text", "language", "Language").help("Such as English, or English and German."),
            field("select", "system", "Operating system type").choices(choices(&SYSTEMS, "system")),
            field("select", "component", "Component").choices(choices(&COMPONENTS, "component")),
            field("date", "released_on", "Released on")
                .optional()
                .help("Whoever’s agreements have ended gets what was released until their last day. Empty: today."),
            field("url", "url", "Link").optional().help("In place of a file: where it is, beginning with https://."),
            field("text", "sha256", "SHA-256")
                .optional()
                .help("64 digits and letters a to f. A link needs it; a file is compared with it."),
        ]
    }

    /// What is wrong with the file.
    pub fn file_error(&self) -> Option<String> {
        self.errors.get("file").cloned()
    }

    /// Whether anything is wrong.
    pub fn is_wrong(&self) -> bool {
        !self.errors.is_empty()
    }
}

/// A form with its file, on the disk and not recorded.
#[derive(Default)]
struct Received {
    form: Form,
    file: Option<(String, Draft)>,
}

/// What a checked form says.
struct Checked {
    released_on: Option<Date>,
    /// For a link: its address, its name and its checksum.
    link: Option<(Url, String, [u8; 32])>,
}

/// Takes a file or a link in.
///
/// # Errors
/// 413 above the limit, 422 with the page where the form isn't right; when the disk is full or the database fails.
pub async fn add(
    product: OnKeptProduct,
    State(state): State<AppState>,
    headers: HeaderMap,
    form: Result<Multipart, MultipartRejection>,
) -> Result<Response> {
    let form = form.map_err(|_| Error::Malformed("The form isn’t one that holds a file.".to_owned()))?;
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|bytes| bytes > state.downloads.limit + AROUND) {
        return Err(too_large(state.downloads.limit));
    }
    let _place = timeout(WAIT, state.downloads.places.acquire()).await.map_err(|_| Error::Busy)?;
    let mut received = receive(&state, form, announced.unwrap_or_default()).await?;
    let checked = check(&mut received);
    let (Some(checked), false) = (checked, received.form.is_wrong()) else {
        return refuse(&state, &product, received.form).await;
    };
    match record(&state, &product, received, checked).await? {
        Ok(id) => {
            let to = format!("{}?tab=downloads&notice=added&undo={id}", product_path(&product.product.slug));
            Ok(Redirect::to(&to).into_response())
        }
        Err(form) => refuse(&state, &product, form).await,
    }
}

fn too_large(limit: u64) -> Error {
    Error::TooLarge(format!(
        "A file may have at most {} here. Link it instead, or let your operator raise KEYWARD_DOWNLOAD_LIMIT.",
        super::tab::bytes(limit)
    ))
}

async fn refuse(state: &AppState, product: &OnKeptProduct, form: Form) -> Result<Response> {
    let mut tx = product.begin(state).await?;
    let extra = Extra { upload: Some(form), ..Extra::default() };
    let page = screens::with(state, product, &mut tx, &product.product, "downloads", extra).await?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(page)).into_response())
}

/// Waits for the next part or piece, but not for ever.
async fn in_time<T>(pace: &Pace, next: impl Future<Output = Result<T, MultipartError>>) -> Result<T> {
    match pace.wait(next).await {
        Ok(Ok(came)) => Ok(came),
        Ok(Err(_)) | Err(Late::Silent) => {
            Err(Error::Malformed("The file didn’t arrive whole. Send it again.".to_owned()))
        }
        Err(Late::Slow) => Err(Error::Malformed(format!(
            "The file came in too slowly, below {} KiB a second, and few can come in at once. Send it again over a faster connection, or link it instead.",
            RATE / 1024
        ))),
    }
}

async fn receive(state: &AppState, mut form: Multipart, announced: u64) -> Result<Received> {
    let mut received = Received::default();
    let mut parts = 0;
    let mut pace = Pace::new();
    while let Some(part) = in_time(&pace, form.next_field()).await? {
        parts += 1;
        if parts > PARTS {
            return Err(Error::Malformed("The form has too many parts.".to_owned()));
        }
        let name = part.name().unwrap_or_default().to_owned();
        if name == "file" && received.file.is_none() {
            let called = part.file_name().unwrap_or_default().to_owned();
            let draft = stream(state, part, &mut pace, announced).await?;
            // A browser sends one nameless, empty file where none was chosen.
            if !(called.is_empty() && draft.size == 0) {
                received.file = Some((called, draft));
            }
        } else if let Some(field) = FIELDS.into_iter().find(|field| *field == name) {
            let text = typed(part, &mut pace).await?;
            received.form.values.insert(field, text);
        }
    }
    Ok(received)
}

async fn typed(mut part: Part<'_>, pace: &mut Pace) -> Result<String> {
    let mut bytes = Vec::new();
    while let Some(chunk) = in_time(pace, part.chunk()).await? {
        pace.took(chunk.len());
        if bytes.len() + chunk.len() > TYPED {
            return Err(Error::TooLarge("A field may have at most 4 KiB.".to_owned()));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(String::from_utf8_lossy(&bytes).replace('\0', ""))
}

async fn stream(state: &AppState, mut part: Part<'_>, pace: &mut Pace, announced: u64) -> Result<Draft> {
    let mut draft = state.downloads.draft(announced).map_err(disk)?;
    while let Some(chunk) = in_time(pace, part.chunk()).await? {
        pace.took(chunk.len());
        if draft.size + chunk.len() as u64 > state.downloads.limit {
            return Err(too_large(state.downloads.limit));
        }
        draft.write(&chunk).await.map_err(disk)?;
    }
    Ok(draft)
}

fn disk(fault: io::Error) -> Error {
    if matches!(fault.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) {
        return Error::TooLarge(
            "There is no room left for this file on Keyward’s disk. Link it instead, or ask your operator for room."
                .to_owned(),
        );
    }
    Error::Internal(anyhow::Error::new(fault).context("a file can't be written to the data directory"))
}

/// Reads the typed fields; what is wrong is noted in the form.
fn check(received: &mut Received) -> Option<Checked> {
    let Received { form, file } = received;
    if form.value("language").is_empty() {
        form.wrong("language", "Say in which language it is.");
    }
    for (name, known) in [("language", &[][..]), ("system", &SYSTEMS[..]), ("component", &COMPONENTS[..])] {
        let value = form.value(name).to_owned();
        if value.chars().count() > 80 || value.chars().any(char::is_control) {
            form.wrong(name, "At most 80 characters, in one line.");
        } else if ProductKey::parse(&value).is_ok() {
            form.wrong(name, "This is a product key. Keys belong to the Keys tab.");
        } else if !known.is_empty() && !known.contains(&value.as_str()) {
            form.wrong(name, "Choose one from the list.");
        }
    }
    let released_on = esu::day(form.value("released_on")).unwrap_or_else(|error| {
        form.wrong("released_on", error);
        None
    });
    let typed = form.value("sha256").replace([' ', ':'], "");
    let expected = if typed.is_empty() { None } else { checksum(&typed) };
    if !typed.is_empty() && expected.is_none() {
        form.wrong("sha256", "A SHA-256 checksum is 64 digits and letters a to f.");
    }
    let link = match (file.is_some(), form.value("url").to_owned()) {
        (true, url) if url.is_empty() => None,
        (true, _) => {
            form.wrong("url", "Either a file or a link: take one of them out.");
            None
        }
        (false, url) if url.is_empty() => {
            form.wrong("file", "Choose a file, or give a link.");
            None
        }
        (false, url) => link(form, &url, expected, &typed),
    };
    if let Some((name, draft)) = file {
        if draft.size == 0 {
            form.wrong("file", "The file is empty.");
        } else if ProductKey::parse(&saved_name(name)).is_ok() {
            form.wrong("file", "Its name is a product key. Rename it first.");
        }
        if let Some(expected) = expected.filter(|expected| *expected != draft.sha256()) {
            let text = format!(
                "What arrived has another checksum ({}…, not {}…): it was changed on its way, or the checksum is another file’s.",
                &hex(&draft.sha256())[..12],
                &hex(&expected)[..12]
            );
            form.wrong("sha256", text);
        }
    }
    (!form.is_wrong()).then_some(Checked { released_on, link })
}

fn link(form: &mut Form, url: &str, expected: Option<[u8; 32]>, typed: &str) -> Option<(Url, String, [u8; 32])> {
    if typed.is_empty() {
        form.wrong("sha256", "A link needs its checksum: it is what tells a changed file.");
    }
    let parsed = Url::parse(url).ok().filter(|url| {
        url.scheme() == "https"
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
            && url.as_str().len() <= 2_000
    });
    let Some(parsed) = parsed else {
        form.wrong(
            "url",
            "This isn’t an https address without a sign-in in it. Write it as https://files.example.org/setup.iso.",
        );
        return None;
    };
    let last = parsed.path_segments().and_then(|mut parts| parts.next_back()).unwrap_or_default();
    let last = percent_encoding::percent_decode_str(last).decode_utf8_lossy();
    let name = saved_name(if last.is_empty() { parsed.host_str().unwrap_or_default() } else { &last });
    Some((parsed, name, expected?))
}

fn checksum(text: &str) -> Option<[u8; 32]> {
    let digits = text.as_bytes();
    if digits.len() != 64 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let mut bytes = [0; 32];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(bytes)
}

fn hex(bytes: &[u8]) -> String {
    crate::vault::files::hex(bytes)
}

/// The last part of a name, without what a header or a file system stumbles over.
fn saved_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let clean: String = last.chars().filter(|c| !c.is_control() && !"\"<>:|?*".contains(*c)).take(150).collect();
    let clean = clean.trim().trim_start_matches('.');
    if clean.is_empty() { "file".to_owned() } else { clean.to_owned() }
}

/// Puts the file down; or the form with what only the database knows to be wrong.
async fn record(
    state: &AppState,
    product: &OnKeptProduct,
    received: Received,
    checked: Checked,
) -> Result<Result<Uuid, Form>> {
    let Received { mut form, file } = received;
    let id = Uuid::now_v7();
    let stored = match file {
        Some((name, draft)) => {
            let (size, sha256) = (draft.size, draft.sha256());
            Some((saved_name(&name), size, sha256, draft.finish(&state.downloads, id).await.map_err(disk)?))
        }
        None => None,
    };
    let link = checked.link.as_ref();
    let Some((name, sha256)) = stored
        .as_ref()
        .map(|(name, _, sha256, _)| (name.as_str(), *sha256))
        .or_else(|| link.map(|(_, name, sha256)| (name.as_str(), *sha256)))
    else {
        return Err(Error::Internal(anyhow::anyhow!("a checked form holds neither file nor link")));
    };
    let mut tx = product.begin(state).await?;
    let new = New {
        id,
        product: product.product.id,
        name,
        language: form.value("language"),
        system: form.value("system"),
        component: form.value("component"),
        released_on: checked.released_on,
        size: stored.as_ref().and_then(|(_, size, ..)| i64::try_from(*size).ok()),
        sha256,
        url: link.map(|(url, ..)| url.as_str()),
    };
    db::add(&mut tx, &new).await?;
    let Some(added) = db::find(&mut tx, id).await? else {
        // Rolled back, and the bytes go with `stored`.
        form.wrong(
            "released_on",
            "Your own agreements for this product ended before that day, so this release isn’t yours to have.",
        );
        return Ok(Err(form));
    };
    product.record(state, &mut tx, give::event("download.add", &added)).await?;
    // Before the commit, which goes on when whoever waits for it is gone: a file without a row is swept away, a row
    // without its file would stand.
    let kept = stored.map(|(.., stored)| stored.keep());
    tx.commit().await?;
    drop(kept);
    Ok(Ok(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(values: &[(&'static str, &str)]) -> Received {
        let whole = [("language", "English"), ("system", "64-bit"), ("component", "ISO")];
        let values = whole.iter().chain(values).map(|(name, value)| (*name, (*value).to_owned())).collect();
        Received { form: Form { values, errors: HashMap::new() }, file: None }
    }

    const SUM: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn a_link_is_an_https_address_with_a_checksum() {
        let mut good =
            form(&[("url", "https://files.example.org/a/Setup%20x64.iso?v=2"), ("sha256", &SUM.to_uppercase())]);
        let (url, name, sum) = check(&mut good).expect("fine").link.expect("a link");
        assert_eq!(
            (url.as_str(), name.as_str(), sum[0]),
            ("https://files.example.org/a/Setup%20x64.iso?v=2", "Setup x64.iso", 0xba)
        );
        for (url, sum, field) in [
            ("http://files.example.org/a.iso", SUM, "url"),
            ("https://me:secret@files.example.org/a.iso", SUM, "url"),
            ("javascript:alert(1)", SUM, "url"),
            ("https://files.example.org/a.iso", "", "sha256"),
            ("https://files.example.org/a.iso", "abc", "sha256"),
            ("", SUM, "file"),
        ] {
            let mut wrong = form(&[("url", url), ("sha256", sum)]);
            assert!(check(&mut wrong).is_none(), "{url}");
            assert!(wrong.form.errors.contains_key(field), "{url}: {:?}", wrong.form.errors);
        }
    }

    #[test]
    fn each_field_says_what_is_wrong_with_it() {
        let mut wrong = form(&[
            ("language", ""),
            ("system", "1024-bit"),
            ("component", "ABCDE-FGHJK-12345-VWXYZ-QRTPM"),
            ("released_on", "yesterday"),
        ]);
        assert!(check(&mut wrong).is_none());
        let mut names: Vec<_> = wrong.form.errors.keys().copied().collect();
        names.sort_unstable();
        assert_eq!(names, ["component", "file", "language", "released_on", "system"]);
        let fields = wrong.form.fields();
        assert!(fields.iter().all(|field| field.error.is_some() == names.contains(&field.name)));
    }

    #[test]
    fn a_name_is_the_last_part_of_what_was_sent() {
        assert_eq!(saved_name("C:\\isos\\Windows 11.iso"), "Windows 11.iso");
        assert_eq!(saved_name("../../etc/passwd"), "passwd");
        assert_eq!(saved_name("..."), "file");
        assert_eq!(saved_name("a\u{0}\"b\n.iso"), "ab.iso");
    }
}
