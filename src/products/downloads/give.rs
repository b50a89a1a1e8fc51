//! A download: begun by a post, which is recorded, then fetched and resumed by GETs that aren't.
//!
//! The address of the file holds no secret: its GET wants the session that began it, within a day, and the right to
//! the file as it is then.

use std::io::SeekFrom;

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio_util::io::ReaderStream;

use super::{
    db::{self, Download},
    ranges::{self, Answer},
};
use crate::{
    app::AppState,
    audit::Event,
    auth::proof::{OnDownload, OnKeptDownload},
    error::{Error, Result},
    web::attachment,
};

/// Bytes read from the disk at a time.
const CHUNK: usize = 128 * 1024;

/// What the log says of a file.
pub(super) fn event(action: &'static str, file: &Download) -> Event {
    let detail = serde_json::json!({ "download": file.id, "sha256": file.checksum(), "url": file.url });
    Event::done(action, format!("{}: {}", file.product, file.name)).on(file.contract_id).with(detail)
}

/// Begins a download, and leads to it; to a link's address the product's page leads from then on.
///
/// # Errors
/// When the database fails.
pub async fn begin(download: OnDownload, State(state): State<AppState>) -> Result<Response> {
    let file = &download.file;
    let mut tx = download.begin(&state).await?;
    db::begin(&mut tx, download.person().session_id, file.id).await?;
    download.record(&state, &mut tx, event("download.begin", file)).await?;
    tx.commit().await?;
    let to = match file.url {
        // Not on to the other site itself: a form of ours may lead nowhere else (the page's policy), and the checksum
        // stands beside the link.
        Some(_) => format!("{}&ready={}", file.list(), file.id),
        None => format!("/downloads/{}", file.id),
    };
    Ok(Redirect::to(&to).into_response())
}

/// The file, or the part that is asked for.
///
/// # Errors
/// When its bytes can't be read.
pub async fn get(
    download: OnDownload,
    State(state): State<AppState>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response> {
    let file = &download.file;
    let mut tx = download.begin(&state).await?;
    let begun = db::begun(&mut tx, download.person().session_id, file.id).await?;
    drop(tx);
    let Some(size) = file.size.filter(|_| begun && file.url.is_none()) else {
        return Ok(Redirect::to(&format!("{}&notice=begin", file.list())).into_response());
    };
    let (size, tag) = (size.unsigned_abs(), format!("\"{}\"", file.checksum()));
    let answer = ranges::answer(&method, &headers, &tag, size);
    let (status, first, length) = match answer {
        Answer::Whole => (StatusCode::OK, 0, size),
        Answer::Part { first, last } => (StatusCode::PARTIAL_CONTENT, first, last - first + 1),
        Answer::Known => (StatusCode::NOT_MODIFIED, 0, 0),
        Answer::Other => (StatusCode::PRECONDITION_FAILED, 0, 0),
        Answer::Beyond => (StatusCode::RANGE_NOT_SATISFIABLE, 0, 0),
    };
    let mut response = if matches!(answer, Answer::Whole | Answer::Part { .. }) {
        let mut response = bytes(&state, file, size, first, length, &method).await?;
        set(&mut response, header::CONTENT_LENGTH, &length.to_string())?;
        set(&mut response, header::CONTENT_DISPOSITION, &attachment::named(&file.name))?;
        response
    } else {
        Response::new(Body::empty())
    };
    *response.status_mut() = status;
    set(&mut response, header::CONTENT_TYPE, "application/octet-stream")?;
    set(&mut response, header::ACCEPT_RANGES, "bytes")?;
    set(&mut response, header::ETAG, &tag)?;
    match answer {
        Answer::Part { first, last } => {
            set(&mut response, header::CONTENT_RANGE, &format!("bytes {first}-{last}/{size}"))?
        }
        Answer::Beyond => set(&mut response, header::CONTENT_RANGE, &format!("bytes */{size}"))?,
        _ => {}
    }
    Ok(response)
}

async fn bytes(
    state: &AppState,
    file: &Download,
    size: u64,
    first: u64,
    length: u64,
    method: &Method,
) -> Result<Response> {
    let missing = |fault: std::io::Error| {
        Error::Internal(anyhow::Error::new(fault).context(format!("the bytes of download {}", file.id)))
    };
    let mut bytes = state.downloads.open(file.id).await.map_err(missing)?;
    let found = bytes.metadata().await.map_err(missing)?.len();
    if found != size {
        return Err(Error::Internal(anyhow::anyhow!(
            "download {} has {found} bytes on the disk, {size} in its row",
            file.id
        )));
    }
    if method == Method::HEAD {
        return Ok(Response::new(Body::empty()));
    }
    bytes.seek(SeekFrom::Start(first)).await.map_err(missing)?;
    Ok(Response::new(Body::from_stream(ReaderStream::with_capacity(bytes.take(length), CHUNK))))
}

fn set(response: &mut Response, name: HeaderName, value: &str) -> Result<()> {
    let value = HeaderValue::from_str(value).map_err(|fault| Error::Internal(fault.into()))?;
    response.headers_mut().insert(name, value);
    Ok(())
}

/// Takes a file away; its bytes stay for a week, for whoever wants it back.
///
/// # Errors
/// When the database fails.
pub async fn remove(download: OnKeptDownload, State(state): State<AppState>) -> Result<Response> {
    let file = &download.file;
    let mut tx = download.begin(&state).await?;
    let notice = if db::remove(&mut tx, file.id).await? { "removed" } else { "unchanged" };
    download.record(&state, &mut tx, event("download.remove", file)).await?;
    tx.commit().await?;
    Ok(Redirect::to(&format!("{}&notice={notice}&undo={}", file.list(), file.id)).into_response())
}

/// Brings a file back.
///
/// # Errors
/// [`Error::Conflict`] where its bytes are gone.
pub async fn restore(download: OnKeptDownload, State(state): State<AppState>) -> Result<Response> {
    let file = &download.file;
    let mut tx = download.begin(&state).await?;
    if !db::restore(&mut tx, file.id).await? && file.removed_at.is_some() {
        return Err(Error::Conflict(
            "This file was removed more than a week ago, and its bytes are gone. Add it anew.".to_owned(),
        ));
    }
    download.record(&state, &mut tx, event("download.restore", file)).await?;
    tx.commit().await?;
    Ok(Redirect::to(&format!("{}&notice=restored", file.list())).into_response())
}
