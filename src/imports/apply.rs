//! Taking files in: planned and written in one transaction a file, or only tried.
//!
//! Killed at any moment, an import leaves nothing half-written: a file is one transaction, and
//! nothing is kept outside of it. Two imports never run at once: the second waits.

use uuid::Uuid;

use super::{
    ParsedFile, RowError, RowWarning, Rows, db,
    kinds::Kind,
    list::Tally,
    plan::{self, Plan, PlannedRow, Who},
    write,
};
use crate::{
    audit::{self, Actor, Event, chain::Linker},
    error::Error,
    postgres::{Db, Scope, Scoped},
    requests,
    vault::{Vault, VaultError},
};

/// How long somebody at a browser waits for another import before being told to come back.
const WAIT: &str = "10s";

/// Told of progress: rows done, and rows in all.
pub type Progress<'p> = &'p mut (dyn FnMut(u64, u64) + Send);

/// Takes files in.
pub struct Importer<'a> {
    /// The database.
    pub db: &'a Db,
    /// Seals the keys.
    pub vault: &'a Vault,
    /// Makes audit links.
    pub linker: &'a Linker,
    /// As the audit log names whoever imports.
    pub actor: Actor,
    /// How far the import reaches.
    pub who: Who,
}

/// What came of a file.
#[derive(Debug)]
pub struct Report {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub kind: Kind,
    /// Rows that are new.
    pub added: u64,
    /// Rows that are known and differ.
    pub changed: u64,
    /// Rows that are known and the same.
    pub skipped: u64,
    /// How many rows are refused; with one, nothing of the file is written.
    pub refused_rows: u64,
    /// Why: the first hundred, then one that counts the others.
    pub refused: Vec<RowError>,
    /// What is odd but kept, likewise.
    pub warnings: Vec<RowWarning>,
    /// Row by row; filled by a dry run only.
    pub rows: Vec<PlannedRow>,
}

impl Report {
    fn of(plan: Plan, with_rows: bool) -> Self {
        let Tally { added, changed, skipped, refused, .. } = plan.tally;
        let rows = if with_rows { plan.rows } else { Vec::new() };
        Self {
            name: plan.name,
            kind: plan.kind,
            added,
            changed,
            skipped,
            refused_rows: refused,
            refused: plan.errors,
            warnings: plan.warnings,
            rows,
        }
    }

    /// Whether a row, and with it the file, is refused.
    pub const fn is_refused(&self) -> bool {
        self.refused_rows > 0
    }
}

/// Why an import didn't come to its end.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// Sealed, mostly.
    #[error(transparent)]
    Vault(VaultError),
    /// Somebody else imports, and it takes long.
    #[error("another import is being written: wait a moment, then try again")]
    Busy,
    /// The database failed.
    #[error("the database failed, so nothing of this file was written: {0}")]
    Database(sqlx::Error),
}

/// A run that ended early: the files before stand written, this one and those after don't.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {error}")]
pub struct Stopped {
    /// What came of the files before.
    pub done: Vec<Report>,
    /// The file that it stopped at.
    pub file: String,
    /// Why.
    #[source]
    pub error: ImportError,
}

impl From<sqlx::Error> for ImportError {
    fn from(fault: sqlx::Error) -> Self {
        // lock_not_available: the wait for another import ended
        match fault.as_database_error().and_then(|fault| fault.code()) {
            Some(code) if code == "55P03" => Self::Busy,
            _ => Self::Database(fault),
        }
    }
}

impl From<VaultError> for ImportError {
    fn from(fault: VaultError) -> Self {
        match fault {
            VaultError::Database(fault) => fault.into(),
            other => Self::Vault(other),
        }
    }
}

impl From<ImportError> for Error {
    fn from(fault: ImportError) -> Self {
        match fault {
            ImportError::Vault(fault) => fault.into(),
            ImportError::Busy => Self::Busy,
            ImportError::Database(fault) => fault.into(),
        }
    }
}

/// Files written in a transaction that isn't committed yet.
pub(super) struct Taken {
    pub(super) tx: Scoped,
    pub(super) plans: Vec<Plan>,
    /// For the audit log.
    pub(super) events: Vec<Event>,
}

impl Importer<'_> {
    /// What the files would do, in the order of taking; nothing is written.
    ///
    /// All are tried in one transaction that is rolled back, so that keys see the contracts of a
    /// file before them. A file that would be refused counts as not taken for those after it.
    ///
    /// # Errors
    /// When the vault is sealed and a file holds keys, or the database fails.
    pub async fn dry_run(&self, files: &[ParsedFile]) -> Result<Vec<Report>, ImportError> {
        Ok(self.preview(files).await?.into_iter().map(|plan| Report::of(plan, true)).collect())
    }

    /// The plans behind [`Importer::dry_run`].
    pub(super) async fn preview(&self, files: &[ParsedFile]) -> Result<Vec<Plan>, ImportError> {
        let mut tx = self.begin().await?;
        let files = in_order(files);
        let mut plans = Vec::with_capacity(files.len());
        for (index, file) in files.iter().enumerate() {
            let plan = self.plan(&mut tx, file).await?;
            // Nobody looks at what the last one would have written.
            if index + 1 < files.len() && !plan.is_refused() {
                write::write(&mut tx, self.vault, &plan.work, key_rows(file), &mut |_| ()).await?;
            }
            plans.push(plan);
        }
        Ok(plans)
    }

    /// Writes the files, each in a transaction of its own, whatever becomes of the others; a file
    /// with a refused row leaves nothing. Reports come in the order of taking.
    ///
    /// # Errors
    /// [`Stopped`] at the first file that fails for another reason than its rows.
    pub async fn run(&self, mut files: Vec<ParsedFile>, progress: Progress<'_>) -> Result<Vec<Report>, Stopped> {
        files.sort_by_key(|file| file.kind.rank());
        let total: u64 = files.iter().map(|file| file.rows.len() as u64).sum();
        let import = Uuid::now_v7();
        let (mut done, mut before) = (Vec::new(), 0);
        for (position, file) in files.into_iter().enumerate() {
            let (name, rows) = (file.name.clone(), file.rows.len() as u64);
            let mut here = 0;
            let mut tick = |more: usize| {
                here = (here + more as u64).min(rows);
                progress(before + here, total);
            };
            match self.run_one(import, position, file, &mut tick).await {
                Ok(report) => done.push(report),
                Err(error) => return Err(Stopped { done, file: name, error }),
            }
            before += rows;
            progress(before, total);
        }
        Ok(done)
    }

    async fn run_one(
        &self,
        import: Uuid,
        position: usize,
        file: ParsedFile,
        tick: write::Tick<'_>,
    ) -> Result<Report, ImportError> {
        let mut tx = self.begin().await?;
        let plan = self.plan(&mut tx, &file).await?;
        if plan.is_refused() {
            return Ok(Report::of(plan, false));
        }
        tick(usize::try_from(plan.tally.skipped).unwrap_or_default());
        write::write(&mut tx, self.vault, &plan.work, key_rows(&file), tick).await?;
        let settled = settle(&mut tx, &plan).await?;
        // The rows may be a great part of the memory; what follows takes some of its own.
        drop(file);
        db::add_import(&mut tx, import, self.who.person(), &self.actor.name, "applied").await?;
        db::add_file(&mut tx, import, position, &plan, None).await?;
        let now = tx.now();
        let told = events(&plan).into_iter().chain(settled).collect();
        audit::db::record_all(&mut tx, self.linker, now, &self.actor, told).await?;
        tx.commit().await?;
        Ok(Report::of(plan, false))
    }

    /// Writes all files that have no refused row, in one transaction left to the caller.
    pub(super) async fn take(&self, files: &[ParsedFile]) -> Result<Taken, ImportError> {
        let mut tx = self.begin().await?;
        let (mut plans, mut told) = (Vec::new(), Vec::new());
        for file in in_order(files) {
            let plan = self.plan(&mut tx, file).await?;
            if !plan.is_refused() {
                write::write(&mut tx, self.vault, &plan.work, key_rows(file), &mut |_| ()).await?;
                told.extend(settle(&mut tx, &plan).await?);
                told.extend(events(&plan));
            }
            plans.push(plan);
        }
        Ok(Taken { tx, plans, events: told })
    }

    async fn plan(&self, tx: &mut Scoped, file: &ParsedFile) -> Result<Plan, ImportError> {
        if matches!(file.rows, Rows::Keys(_)) {
            self.vault.ensure_unsealed()?;
        }
        Ok(plan::plan(tx, self.vault, self.who, file).await?)
    }

    /// System scope, because an import writes where nobody has grants yet; what it may touch is
    /// decided by [`Who`], row by row. One import at a time: what is planned must still hold when
    /// it is written.
    async fn begin(&self) -> Result<Scoped, ImportError> {
        let mut tx = self.db.begin(Scope::System).await?;
        if self.who != Who::System {
            sqlx::query("SELECT set_config('lock_timeout', $1, true)").bind(WAIT).execute(&mut *tx).await?;
        }
        sqlx::query("SELECT pg_advisory_xact_lock(hashtext('keyward import'))").execute(&mut *tx).await?;
        if self.who != Who::System {
            sqlx::query("SELECT set_config('lock_timeout', '0', true)").execute(&mut *tx).await?;
        }
        Ok(tx)
    }
}

/// Requests whose new total a file of keys has brought are done, in its transaction.
async fn settle(tx: &mut Scoped, plan: &Plan) -> sqlx::Result<Vec<Event>> {
    if plan.kind == Kind::Keys { requests::read_back::settle(tx).await } else { Ok(Vec::new()) }
}

fn in_order(files: &[ParsedFile]) -> Vec<&ParsedFile> {
    let mut files: Vec<&ParsedFile> = files.iter().collect();
    files.sort_by_key(|file| file.kind.rank());
    files
}

fn key_rows(file: &ParsedFile) -> &[super::KeyRow] {
    match &file.rows {
        Rows::Keys(rows) => rows,
        _ => &[],
    }
}

/// One event on the chain of each License ID that is written to, and one on the site's.
fn events(plan: &Plan) -> Vec<Event> {
    let Tally { added, changed, skipped, .. } = plan.tally;
    let (file, kind) = (&plan.name, plan.kind.label());
    let each = plan.work.touched.iter().map(|(contract, touched)| {
        let detail =
            serde_json::json!({ "file": file, "kind": kind, "added": touched.added, "changed": touched.changed });
        let subject = format!("{file}: {} added, {} changed", touched.added, touched.changed);
        Event::done("import.apply", subject).on(*contract).with(detail)
    });
    let detail = serde_json::json!({ "kind": kind, "added": added, "changed": changed, "skipped": skipped });
    let whole = Event::done("import.apply", file.as_str()).with(detail);
    each.chain([whole]).collect()
}
