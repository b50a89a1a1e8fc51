//! `POST /exports/audit`: the log, or what a filter shows of it, as a file.
//!
//! Cut to what the person reads on the page. That it left is recorded and committed before its first
//! line; it holds no secret, since no event does.

use std::str::FromStr;

use axum::{
    body::Body,
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::TryStreamExt;
use serde::Serialize;
use serde_json::Value;
use time::{OffsetDateTime, format_description::well_known::Rfc3339, macros::format_description};
use tokio::sync::mpsc;
use uuid::Uuid;

use super::{
    Event,
    db::{self, Exported, Filter},
    screens,
};
use crate::{
    app::AppState,
    auth::proof::{AuditorOrAdministrator, Site},
    error::{Error, Result},
    exports::{TextFormat, append_row, header_bytes},
    postgres::Scope,
    vault::files::hex,
    web::form::Pairs,
};

/// Bytes handed to the connection at a time.
const CHUNK: usize = 64 * 1024;
/// Chunks that may wait for a slow reader.
const DEPTH: usize = 8;

/// The columns of the CSV file; the names of the fields in JSON are the same words.
pub const COLUMNS: [&str; 13] = [
    "at",
    "chain",
    "seq",
    "actor",
    "action",
    "outcome",
    "license_id",
    "subject",
    "detail",
    "key_ids",
    "address",
    "request_id",
    "link",
];

/// How the file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    /// RFC 4180.
    Csv,
    /// An object a line.
    JsonLines,
}

impl FromStr for Format {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        match text {
            "csv" => Ok(Self::Csv),
            "jsonl" => Ok(Self::JsonLines),
            _ => Err(Error::Malformed("The audit log is exported as csv or jsonl.".to_owned())),
        }
    }
}

impl Format {
    const fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::JsonLines => "jsonl",
        }
    }

    const fn content_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::JsonLines => "application/x-ndjson",
        }
    }
}

/// Writes what the filter shows.
///
/// # Errors
/// 400 for an unknown format, 503 while too many exports are under way.
pub async fn post(
    person: Site<AuditorOrAdministrator>,
    State(state): State<AppState>,
    form: Pairs,
) -> Result<Response> {
    let format: Format = form.one("format").parse()?;
    let address = screens::address(&form).without("page").without("columns");
    let filter = screens::filter(&address);
    let place = state.exports.clone().try_acquire_owned().map_err(|_| Error::Busy)?;
    let mut tx = person.begin(&state).await?;
    let count = db::count(&mut tx, &filter).await?;
    let narrowed: serde_json::Map<String, Value> =
        address.filters().into_iter().map(|(name, value)| (name.to_owned(), Value::from(value))).collect();
    let detail = serde_json::json!({ "format": format.extension(), "count": count, "filter": narrowed });
    person.record(&state, &mut tx, Event::done("audit.export", format!("{count} events")).with(detail)).await?;
    tx.commit().await?;

    let scope = Scope::Person(person.person().id);
    let (sender, receiver) = mpsc::channel(DEPTH);
    let job = Job { state: state.clone(), scope, filter, format, sender };
    tokio::spawn(async move {
        let _place = place;
        job.run().await;
    });
    let body = Body::from_stream(tokio_stream::wrappers::ReceiverStream::new(receiver));
    Ok((attachment(format, state.clock().now())?, body).into_response())
}

fn attachment(format: Format, now: OffsetDateTime) -> Result<[(header::HeaderName, HeaderValue); 2]> {
    let day = now.format(format_description!("[year]-[month]-[day]")).map_err(|fault| Error::Internal(fault.into()))?;
    let disposition = format!("attachment; filename=\"keyward-audit-{day}.{}\"", format.extension());
    Ok([
        (header::CONTENT_TYPE, HeaderValue::from_static(format.content_type())),
        (
            header::CONTENT_DISPOSITION,
            HeaderValue::from_str(&disposition).map_err(|fault| Error::Internal(fault.into()))?,
        ),
    ])
}

/// An export under way.
struct Job {
    state: AppState,
    scope: Scope,
    filter: Filter,
    format: Format,
    sender: mpsc::Sender<std::io::Result<Bytes>>,
}

impl Job {
    async fn run(self) {
        if let Err(fault) = self.write().await {
            // The head is long sent: breaking the connection off is how the client learns of it.
            tracing::error!(error = format!("{fault:#}"), "an export of the audit log broke off");
            let _ = self.sender.send(Err(std::io::Error::other("the export broke off"))).await;
        }
    }

    async fn write(&self) -> anyhow::Result<()> {
        let mut tx = self.state.db.begin(self.scope).await?;
        let mut events = db::stream(&mut tx, &self.filter);
        let mut out = match self.format {
            Format::Csv => header_bytes(TextFormat::Csv, &COLUMNS),
            Format::JsonLines => Vec::new(),
        };
        while let Some(event) = events.try_next().await? {
            append(&mut out, self.format, &event)?;
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
}

/// An event in JSON.
#[derive(Serialize)]
struct Line<'a> {
    at: String,
    chain: &'a str,
    seq: i64,
    actor: &'a str,
    action: &'a str,
    outcome: &'a str,
    license_id: &'a str,
    subject: &'a str,
    detail: &'a Value,
    key_ids: &'a [Uuid],
    address: &'a str,
    request_id: &'a str,
    /// The HMAC that chains it, in hexadecimal: a copy can be compared with the log later.
    link: String,
}

fn append(out: &mut Vec<u8>, format: Format, exported: &Exported) -> anyhow::Result<()> {
    let event = &exported.event;
    let line = Line {
        at: event.at.format(&Rfc3339)?,
        chain: &event.chain,
        seq: event.seq,
        actor: &event.actor,
        action: &event.action,
        outcome: &event.outcome,
        license_id: &exported.license_id,
        subject: &event.subject,
        detail: &event.detail,
        key_ids: &event.key_ids,
        address: &event.address,
        request_id: &event.request_id,
        link: hex(&event.link),
    };
    match format {
        Format::JsonLines => {
            serde_json::to_writer(&mut *out, &line)?;
            out.push(b'\n');
        }
        Format::Csv => {
            let keys: Vec<String> = line.key_ids.iter().map(Uuid::to_string).collect();
            let (seq, detail, keys) = (line.seq.to_string(), line.detail.to_string(), keys.join(" "));
            let cells = [
                &line.at,
                line.chain,
                &seq,
                line.actor,
                line.action,
                line.outcome,
                line.license_id,
                line.subject,
                &detail,
                &keys,
                line.address,
                line.request_id,
                &line.link,
            ];
            append_row(out, TextFormat::Csv, &cells);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::Stored;

    fn event() -> Exported {
        Exported {
            license_id: "8671204".into(),
            event: Stored {
                chain: "c".into(),
                seq: 7,
                at: time::macros::datetime!(2026-11-22 14:11 UTC),
                actor_id: None,
                actor: "=cmd".into(),
                action: "key.reveal".into(),
                outcome: "done".into(),
                contract_id: None,
                subject: "Windows 11 Pro \"MAK\"\nending in G3GH4".into(),
                detail: serde_json::json!({ "count": 1 }),
                key_ids: vec![Uuid::nil(), Uuid::nil()],
                address: "10.0.0.1".into(),
                request_id: "r".into(),
                link: vec![0xab, 0x01],
            },
        }
    }

    #[test]
    fn a_line_of_json_is_one_line_with_every_column() {
        let mut out = Vec::new();
        append(&mut out, Format::JsonLines, &event()).expect("writes");
        assert_eq!(out.iter().filter(|byte| **byte == b'\n').count(), 1);
        let line: Value = serde_json::from_slice(&out).expect("reads");
        let names: Vec<&str> = line.as_object().expect("an object").keys().map(String::as_str).collect();
        assert!(COLUMNS.iter().all(|column| names.contains(column)) && names.len() == COLUMNS.len());
        assert_eq!((line["link"].as_str(), line["seq"].as_i64()), (Some("ab01"), Some(7)));
    }

    #[test]
    fn a_row_of_csv_has_every_column_and_runs_no_formula() {
        let mut out = header_bytes(TextFormat::Csv, &COLUMNS);
        append(&mut out, Format::Csv, &event()).expect("writes");
        let rows: Vec<csv::StringRecord> = csv::ReaderBuilder::new()
            .has_headers(false)
            .from_reader(&out[..])
            .records()
            .map(|row| row.expect("reads"))
            .collect();
        assert_eq!((rows.len(), rows[1].len()), (2, COLUMNS.len()));
        assert_eq!(&rows[1][3], "'=cmd");
        assert_eq!(&rows[1][8], "{\"count\":1}");
    }

    #[test]
    fn other_formats_are_refused() {
        assert!("xlsx".parse::<Format>().is_err() && "jsonl".parse::<Format>().is_ok());
    }
}
