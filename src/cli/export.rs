//! `keyward export`.

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context, Result, anyhow};
use clap::ValueEnum;
use tokio::io::AsyncWriteExt;

use super::open;
use crate::{
    app::AppState,
    audit::{Actor, Event},
    config::Settings,
    contracts::{
        self,
        model::{Expired, Filter, Sort},
    },
    error::Error,
    exports::{Format, contracts::write, db::Selection, keys},
    postgres::Scope,
};

/// What to write, how and where.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// What to write
    what: What,
    /// tsv: the admin centre's own shape, named .csv; csv: RFC 4180; xlsx: text cells [default: tsv]
    #[arg(long, value_parser = |text: &str| text.parse::<Format>(), default_value = "tsv", hide_default_value = true, value_name = "tsv|csv|xlsx")]
    format: Format,
    /// Only this License ID; may be repeated
    #[arg(long = "license-id", value_name = "ID")]
    license_ids: Vec<String>,
    /// File to write; made with mode 0600. Without it, the standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum What {
    /// Product keys, in clear; recorded in the audit log
    Keys,
    /// The list of License IDs
    Contracts,
}

/// Writes the file.
///
/// # Errors
/// An unknown License ID, a sealed vault, or a file that can't be written.
pub async fn run(settings: &Settings, args: &Args) -> Result<ExitCode> {
    let opened = open::for_command(settings).await?;
    let state = AppState::new(opened.db.clone(), opened.vault, settings.web(settings.listen)?);
    let done = write_out(&state, args).await;
    opened.db.close().await;
    if let Some(mut embedded) = opened.embedded {
        embedded.stop()?;
    }
    done.map(|()| ExitCode::SUCCESS)
}

async fn write_out(state: &AppState, args: &Args) -> Result<()> {
    known(state, &args.license_ids).await?;
    let mut out = Output::open(args.output.as_deref()).await?;
    let actor = Actor::system("export");
    match args.what {
        What::Contracts => {
            let filter = Filter { expired: Expired::Shown, ..Filter::default() };
            let mut tx = state.db.begin(Scope::System).await?;
            let today = tx.today();
            let (mut rows, _) = contracts::db::list(&mut tx, &filter, today, (Sort::End, false), 0, 0).await?;
            rows.retain(|row| args.license_ids.is_empty() || args.license_ids.contains(&row.license_id));
            state
                .record(&mut tx, &actor, Event::done("contracts.export", format!("{} License IDs", rows.len())))
                .await?;
            tx.commit().await?;
            out.write(&write(args.format, &rows).map_err(Error::plain)?).await?;
        }
        What::Keys => {
            let selection = Selection {
                license_ids: (!args.license_ids.is_empty()).then(|| args.license_ids.clone()),
                ..Selection::default()
            };
            let mut chunks =
                keys::begin(state, Scope::System, &actor, selection, args.format).await.map_err(Error::plain)?;
            while let Some(chunk) = chunks.recv().await {
                out.write(&chunk.context("the export broke off: the file is not complete; the log says why")?).await?;
            }
        }
    }
    out.finish().await
}

/// A typed License ID that isn't there is a mistake, not an empty file.
async fn known(state: &AppState, license_ids: &[String]) -> Result<()> {
    let mut tx = state.db.begin(Scope::System).await?;
    for license_id in license_ids {
        if contracts::db::head(&mut tx, license_id).await?.is_none() {
            return Err(anyhow!("there is no License ID “{license_id}”: check it against `keyward export contracts`"));
        }
    }
    Ok(())
}

/// A file that appears whole under its name or not at all, or the standard output.
enum Output {
    Stream(tokio::io::Stdout),
    File { draft: tempfile::NamedTempFile, to: PathBuf },
}

impl Output {
    async fn open(to: Option<&std::path::Path>) -> Result<Self> {
        let Some(to) = to else { return Ok(Self::Stream(tokio::io::stdout())) };
        let dir = to.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(std::path::Path::new("."));
        let draft =
            tempfile::NamedTempFile::new_in(dir).with_context(|| format!("{} can't be written", to.display()))?;
        Ok(Self::File { draft, to: to.to_owned() })
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        match self {
            Self::Stream(out) => out.write_all(bytes).await?,
            Self::File { draft, .. } => std::io::Write::write_all(draft, bytes)?,
        }
        Ok(())
    }

    async fn finish(self) -> Result<()> {
        match self {
            Self::Stream(mut out) => out.flush().await?,
            Self::File { draft, to } => {
                draft.as_file().sync_all()?;
                draft.persist(&to).with_context(|| format!("{} can't be written", to.display()))?;
            }
        }
        Ok(())
    }
}
