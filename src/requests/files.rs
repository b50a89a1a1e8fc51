//! Files of a request: attached by whoever sees it, told apart by their content, and never shown by us:
//! a browser only downloads them.

use axum::{
    extract::{
        Multipart, State,
        multipart::{MultipartError, MultipartRejection},
    },
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    db,
    input::{Input, holds_key},
    machine::State as Stand,
    model::{Attached, Request},
    show::{self, Wrong},
    write::{entry, told},
};
use crate::{
    app::AppState,
    auth::proof::{OnRequest, OnRequestFile},
    error::{Error, Result},
    web::{
        attachment,
        page::Html,
        view::{When, number},
    },
};

/// Bytes of a file.
const LARGEST: usize = 5 * 1024 * 1024;
/// Bytes of a request that sends one.
pub(super) const BODY_LIMIT: usize = LARGEST + 64 * 1024;
/// Files of a request.
const MOST: usize = 10;
/// What may be attached, for the form.
pub(super) const ATTACH_HELP: &str =
    "PDF, PNG, JPEG or plain text, up to 5 MiB, ten in all. Whoever sees the request can download it. No product keys.";

/// Whether the request takes one more file.
pub(super) fn takes_more(request: &Request, files: &[Attached]) -> bool {
    request.state.is_open() && files.len() < MOST
}

/// What a file is, by its first bytes; text, where it is nothing but that.
fn media_type(bytes: &[u8]) -> Option<&'static str> {
    if bytes.starts_with(b"%PDF-") {
        Some("application/pdf")
    } else if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        Some("image/png")
    } else if bytes.starts_with(b"\xff\xd8\xff") {
        Some("image/jpeg")
    } else {
        let text = std::str::from_utf8(bytes).ok()?;
        text.chars().all(|c| !c.is_control() || matches!(c, '\n' | '\r' | '\t')).then_some("text/plain")
    }
}

fn type_words(media_type: &str) -> &'static str {
    match media_type {
        "application/pdf" => "PDF",
        "image/png" => "PNG picture",
        "image/jpeg" => "JPEG picture",
        _ => "Text",
    }
}

/// `PDF, 120 KiB, Help Desk, 3 days ago`.
pub(super) fn about(file: &Attached, now: OffsetDateTime) -> String {
    let size = match file.size {
        ..1024 => format!("{} bytes", file.size),
        1024..1_048_576 => format!("{} KiB", number(file.size / 1024)),
        _ => format!("{}.{} MiB", file.size / 1_048_576, file.size % 1_048_576 * 10 / 1_048_576),
    };
    format!("{}, {size}, {}, {}", type_words(&file.media_type), file.who, When::moment(file.added_at, now).words)
}

/// Attaches a file.
///
/// # Errors
/// 413 above the size, 422 with the page for another type, [`Error::Conflict`] once the request has ended.
pub async fn attach(
    request: OnRequest,
    State(state): State<AppState>,
    form: Result<Multipart, MultipartRejection>,
) -> Result<Response> {
    let form = form.map_err(|_| Error::Malformed("The form isn’t one that holds a file.".to_owned()))?;
    let received = receive(form).await?;
    let mut tx = request.begin(&state).await?;
    let held = db::hold(&mut tx, request.request.number).await?.ok_or(Error::NotFound)?;
    if !held.state.is_open() {
        return Err(Error::Conflict(format!("Request {} has ended: {}.", held.number, held.state.label())));
    }
    let before = db::files(&mut tx, held.id).await?.len();
    let (name, media_type, bytes) = match checked(received, before) {
        Ok(file) => file,
        Err(sentence) => {
            let wrong = Wrong::at("file", Input { value: String::new(), error: Some(sentence) });
            let page = show::page(&state, &request, &mut tx, &held, &wrong).await?;
            return Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(page)).into_response());
        }
    };
    let (me, now) = (request.person().id, tx.now());
    sqlx::query(
        "INSERT INTO request_files (id, request_id, name, media_type, bytes, person_id, added_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(Uuid::now_v7())
    .bind(held.id)
    .bind(&name)
    .bind(media_type)
    .bind(bytes)
    .bind(me)
    .bind(now)
    .execute(&mut *tx)
    .await?;
    // A draft is its writer's alone: what happens to it is no history yet, but it is in the log.
    if held.state != Stand::Draft {
        entry(&mut tx, me, &held, "file", &name).await?;
    }
    request.record(&state, &mut tx, told("request.file", &held)).await?;
    tx.commit().await?;
    Ok(Redirect::to(&held.href()).into_response())
}

async fn receive(mut form: Multipart) -> Result<Option<(String, Vec<u8>)>> {
    while let Some(field) = form.next_field().await.map_err(broken)? {
        if field.name() != Some("file") {
            continue;
        }
        let name = field.file_name().unwrap_or_default().to_owned();
        let bytes = field.bytes().await.map_err(broken)?;
        if !(name.is_empty() && bytes.is_empty()) {
            return Ok(Some((name, bytes.into())));
        }
    }
    Ok(None)
}

fn broken(fault: MultipartError) -> Error {
    if fault.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return Error::TooLarge("A file may have at most 5 MiB. Make it smaller, or attach a part of it.".to_owned());
    }
    Error::Malformed("The file didn’t arrive whole. Send it again.".to_owned())
}

/// Name, type and bytes, or what is wrong with the file.
fn checked(received: Option<(String, Vec<u8>)>, before: usize) -> Result<(String, &'static str, Vec<u8>), String> {
    let Some((name, bytes)) = received else { return Err("Choose a file, then attach it.".to_owned()) };
    if before >= MOST {
        return Err(format!("A request holds at most {MOST} files."));
    }
    if bytes.is_empty() {
        return Err("The file is empty.".to_owned());
    }
    if bytes.len() > LARGEST {
        return Err("A file may have at most 5 MiB. Make it smaller, or attach a part of it.".to_owned());
    }
    let Some(media_type) = media_type(&bytes) else {
        return Err("This is none of PDF, PNG, JPEG and plain text (UTF-8): its content decides, not its name. Save it as one of them.".to_owned());
    };
    if media_type == "text/plain" && holds_key(&String::from_utf8_lossy(&bytes)) {
        return Err(
            "There is a whole product key in this text. Take it out: its last five characters say which it is."
                .to_owned(),
        );
    }
    Ok((kept_name(&name, media_type), media_type, bytes))
}

/// The last part of a name, without what a header or a file system stumbles over, with the ending of its type.
fn kept_name(name: &str, media_type: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let clean: String = last.chars().filter(|c| !c.is_control() && !"\"<>:|?*".contains(*c)).take(120).collect();
    let clean = clean.trim().trim_matches('.');
    let clean = if clean.is_empty() { "file" } else { clean };
    let endings: &[&str] = match media_type {
        "application/pdf" => &["pdf"],
        "image/png" => &["png"],
        "image/jpeg" => &["jpg", "jpeg"],
        _ => &["txt"],
    };
    let lower = clean.to_lowercase();
    if endings.iter().any(|ending| lower.ends_with(&format!(".{ending}"))) {
        clean.to_owned()
    } else {
        format!("{clean}.{}", endings[0])
    }
}

/// Hands a file out, for saving.
///
/// # Errors
/// 404 where it isn't this request's.
pub async fn download(attached: OnRequestFile) -> Result<Response> {
    let (name, media_type, bytes) = attached.file;
    let media_type = if media_type == "text/plain" { "text/plain; charset=utf-8".to_owned() } else { media_type };
    let disposition =
        HeaderValue::from_str(&attachment::named(&name)).map_err(|fault| Error::Internal(fault.into()))?;
    let media_type = HeaderValue::from_str(&media_type).map_err(|fault| Error::Internal(fault.into()))?;
    Ok(([(header::CONTENT_TYPE, media_type), (header::CONTENT_DISPOSITION, disposition)], bytes).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_decides_what_a_file_is() {
        assert_eq!(media_type(b"%PDF-1.7 ..."), Some("application/pdf"));
        assert_eq!(media_type(b"\x89PNG\r\n\x1a\n...."), Some("image/png"));
        assert_eq!(media_type(b"\xff\xd8\xff\xe0"), Some("image/jpeg"));
        assert_eq!(media_type("Plan für Zürich\r\n".as_bytes()), Some("text/plain"));
        assert_eq!(media_type(b"MZ\x90\x00"), None);
        assert_eq!(media_type(b"\xff\xfe\x41\x00"), None);
    }

    #[test]
    fn a_name_has_the_ending_of_its_content() {
        assert_eq!(kept_name("C:\\temp\\plan.exe", "application/pdf"), "plan.exe.pdf");
        assert_eq!(kept_name("../../Foto.JPG", "image/jpeg"), "Foto.JPG");
        assert_eq!(kept_name("a\"b\r\n.txt", "text/plain"), "ab.txt");
        assert_eq!(kept_name("", "text/plain"), "file.txt");
    }
}
