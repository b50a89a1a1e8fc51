//! Which year of Extended Security Updates covers which days: a fact of the whole site.

use std::{collections::HashMap, sync::Arc};

use time::Date;

use super::{
    Plan, Said, Who,
    sheet::{Diff, Head, Seen, Sheet, Verdict, unfit},
    work::EsuRecord,
};
use crate::{
    imports::{ParsedFile, rows::EsuRow},
    postgres::Scoped,
};

/// Said to Administrators: what holds for every License ID isn't theirs to say.
const WHOLE_SITE: &str = "ESU coverage holds for the whole site. A site operator can import it.";

impl Said for EsuRow {
    const IDENTITY: &'static str = "product";

    fn line(&self) -> u64 {
        self.line
    }

    fn same(&self, other: &Self) -> bool {
        let said = |row: &Self| (row.product.clone(), row.year, row.starts_on, row.ends_on, row.source.clone());
        said(self) == said(other)
    }
}

pub(super) async fn plan(tx: &mut Scoped, who: Who, file: &ParsedFile, rows: &[EsuRow]) -> sqlx::Result<Plan> {
    let mut sheet = Sheet::new(file);
    let known: Vec<(String, i16, Date, Date, String)> =
        sqlx::query_as("SELECT product, year, covers_from, covers_until, source FROM esu_years")
            .fetch_all(&mut **tx)
            .await?;
    let known: HashMap<_, _> =
        known.into_iter().map(|year| ((year.0.to_lowercase(), year.1), EsuRecord::from(year))).collect();
    let mut seen = Seen::new();
    for (index, row) in rows.iter().enumerate() {
        let identity = (row.product.to_lowercase(), row.year);
        let now = known.get(&identity);
        let fault = if who.bound_to().is_some() {
            Some(Verdict::refused("product", WHOLE_SITE))
        } else {
            unfit(&[("product", &row.product), ("source", row.source.as_deref().unwrap_or_default())])
        };
        let verdict =
            fault.or_else(|| seen.again(identity, rows, index)).unwrap_or_else(|| decided(row, now, &mut sheet));
        sheet.add(head(row), verdict);
    }
    Ok(sheet.finish(file))
}

fn decided(row: &EsuRow, now: Option<&EsuRecord>, sheet: &mut Sheet) -> Verdict {
    let mut diff = Diff::default();
    let source = now.map_or_else(
        || row.source.clone().unwrap_or_default(),
        |now| {
            diff.value("coverage_start", Some(now.starts_on), Some(row.starts_on));
            diff.value("coverage_end", Some(now.ends_on), Some(row.ends_on));
            diff.text("source", &now.source, row.source.as_ref())
        },
    );
    if now.is_some() && diff.0.is_empty() {
        return Verdict::of(diff.0);
    }
    sheet.work.esu.push(EsuRecord {
        // In the letter case that is known: it names the row.
        product: now.map_or_else(|| row.product.clone(), |now| now.product.clone()),
        year: row.year,
        starts_on: row.starts_on,
        ends_on: row.ends_on,
        source,
    });
    if now.is_some() { Verdict::of(diff.0) } else { Verdict::Added }
}

fn head(row: &EsuRow) -> Head {
    let subject = format!("{}, ESU year {}", row.product, row.year).into();
    Head { line: row.line, license_id: Arc::default(), subject, last_five: [0; 5], contract: None }
}

impl From<(String, i16, Date, Date, String)> for EsuRecord {
    fn from((product, year, starts_on, ends_on, source): (String, i16, Date, Date, String)) -> Self {
        Self { product: product.into(), year, starts_on, ends_on, source: source.into() }
    }
}
