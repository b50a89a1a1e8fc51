//! `/contracts/summary`: what one License ID or a selection of them holds, summed by product family, version, pool and
//! type. Source: DOMAIN §1, "License summary".

use askama::Template;
use axum::{
    extract::{RawQuery, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};

use super::{
    chosen::{Asked, Choice},
    db,
    model::{PoolTotal, Summarized, SummarySort},
};
use crate::{
    app::AppState,
    auth::proof::SignedIn,
    error::Result,
    postgres::Scoped,
    web::{
        form::Pairs,
        page::{Html, Shell},
        paging::{PAGE, page_of},
        view::{Address, Chip, Column, Empty, EmptyKind, Export, Pager, Tab, contract_path, count, number},
    },
};

/// A line of the summary.
#[derive(Clone, Debug)]
pub struct SummaryRow {
    /// The License ID; empty where several are summed.
    pub license_id: String,
    /// The product family.
    pub family: String,
    /// The version; empty for services.
    pub version: String,
    /// The product pool.
    pub pool: String,
    /// The licence type.
    pub kind: String,
    /// The effective quantity.
    pub effective: String,
    /// The quantity with active Software Assurance.
    pub assured: String,
    /// On how many License IDs it is.
    pub license_ids: String,
}

impl SummaryRow {
    fn href(&self) -> String {
        contract_path(&self.license_id)
    }
}

/// What is said when the number that matches isn't the one that a list showed.
#[derive(Clone, Debug)]
pub struct Changed {
    /// What the list showed.
    pub shown: String,
    /// What it is now.
    pub found: String,
    /// The summary of what matches now.
    pub href: String,
    /// The list.
    pub list: String,
}

/// The page.
#[derive(Template)]
#[template(path = "contracts/summary.html")]
pub struct SummaryPage {
    /// The frame.
    pub shell: Shell,
    /// Its address: `license_id` several times, or the filter of a list; `by`, `sort`, `page`.
    pub address: Address,
    /// The list that it is of, filtered in the same way.
    pub list: String,
    /// How many License IDs are in it.
    pub of: String,
    /// What narrows it.
    pub chips: Vec<Chip>,
    /// What was left out and why.
    pub notes: Vec<String>,
    /// Whether each License ID stands for itself.
    pub apart: bool,
    /// Together, or each for itself.
    pub ways: [Tab; 2],
    /// What each pool adds up to.
    pub pools: Vec<(String, String, String)>,
    /// The lines on this page.
    pub rows: Vec<SummaryRow>,
    /// Both quantities in all.
    pub total: (String, String),
    /// Which page.
    pub pager: Pager,
    /// "Export".
    pub export: Export,
    /// What to show without a line.
    pub empty: Empty,
    /// Asks again.
    pub changed: Option<Changed>,
}

impl SummaryPage {
    fn columns(&self) -> Vec<Column> {
        let sortable = |label, key| Column::sortable(label, key, &self.address);
        let first = self.apart.then(|| sortable("License ID", "license_id"));
        let rest = [
            sortable("Product family", "family"),
            sortable("Version", "version"),
            sortable("Product pool", "pool"),
            sortable("Type", "type"),
            sortable("Effective quantity", "effective").numeric(),
            sortable("Active SA quantity", "assured").numeric(),
        ];
        let last = (!self.apart).then(|| Column::plain("License IDs").numeric().less());
        first.into_iter().chain(rest).chain(last).collect()
    }

    fn spans(&self) -> usize {
        if self.apart { 5 } else { 4 }
    }
}

/// The page.
///
/// # Errors
/// When the database fails.
pub async fn get(person: SignedIn, State(state): State<AppState>, RawQuery(query): RawQuery) -> Result<Response> {
    let query = Pairs::parse(query.unwrap_or_default().as_bytes());
    let asked = Asked::parse(&query);
    let mut tx = person.begin(&state).await?;
    let choice = asked.choose(&mut tx).await?;
    let page = page((person.visitor().shell(&state), &person), &mut tx, &query, &asked, &choice).await?;
    let status = if page.changed.is_some() { StatusCode::CONFLICT } else { StatusCode::OK };
    Ok((status, Html(page)).into_response())
}

async fn page(
    (shell, person): (Shell, &SignedIn),
    tx: &mut Scoped,
    query: &Pairs,
    asked: &Asked,
    choice: &Choice,
) -> Result<SummaryPage> {
    let address =
        ["sort", "page"].into_iter().fold(asked.address(), |address, part| address.with(part, query.one(part)));
    let number_of_page = page_of(query.one("page"));
    let changed = asked.changed(choice).then(|| Changed {
        shown: number(asked.expected.unwrap_or(0)),
        found: number(choice.found),
        href: asked.address().href(),
        list: asked.list().href(),
    });
    let sorted = sort(address.get("sort"), asked.apart);
    let (lines, total) =
        db::summary::lines(tx, &choice.contracts, asked.apart, sorted, PAGE, (number_of_page - 1) * PAGE).await?;
    let pools = db::summary::pools(tx, &choice.contracts).await?;
    let sum = |value: fn(&PoolTotal) -> i64| number(pools.iter().map(|pool| i128::from(value(pool))).sum::<i128>());
    let empty = empty(tx, person, choice).await?;
    Ok(SummaryPage {
        shell,
        list: asked.list().href(),
        of: count(choice.contracts.len() as u64, "License ID", "License IDs"),
        chips: asked.chips(choice),
        notes: choice.notes(),
        apart: asked.apart,
        ways: ways(&address, asked.apart),
        total: (sum(|pool| pool.effective), sum(|pool| pool.assured)),
        pools: pools.iter().map(pool).collect(),
        rows: lines.into_iter().map(row).collect(),
        pager: Pager::new(&address, "page", number_of_page.unsigned_abs(), PAGE.unsigned_abs(), total.unsigned_abs()),
        export: asked.export(choice),
        empty,
        changed,
        address,
    })
}

fn sort(text: &str, apart: bool) -> (SummarySort, bool) {
    let (name, descending) = text.strip_prefix('-').map_or((text, false), |name| (name, true));
    let sort = match name {
        "license_id" => SummarySort::LicenseId,
        "version" => SummarySort::Version,
        "pool" => SummarySort::Pool,
        "type" => SummarySort::Type,
        "effective" => SummarySort::Effective,
        "assured" => SummarySort::Assured,
        "" if apart => SummarySort::LicenseId,
        _ => SummarySort::Family,
    };
    (sort, descending)
}

fn ways(address: &Address, apart: bool) -> [Tab; 2] {
    let base = address.clone().without("page").without("sort");
    let tab = |label, by: &str, current| Tab { label, count: None, href: base.clone().with("by", by).href(), current };
    [tab("Together", "", !apart), tab("Per License ID", "license_id", apart)]
}

fn pool(pool: &PoolTotal) -> (String, String, String) {
    let name = if pool.product_pool.is_empty() { "No pool named".to_owned() } else { pool.product_pool.clone() };
    (name, number(pool.effective), number(pool.assured))
}

fn row(line: Summarized) -> SummaryRow {
    SummaryRow {
        license_id: line.license_id,
        family: line.product_family,
        version: line.version,
        pool: line.product_pool,
        kind: line.r#type,
        effective: number(line.effective),
        assured: number(line.assured),
        license_ids: number(line.license_ids),
    }
}

async fn empty(tx: &mut Scoped, person: &SignedIn, choice: &Choice) -> Result<Empty> {
    if !db::sees_any(tx).await? {
        return crate::web::overview::nothing_to_see(tx, person).await;
    }
    if !db::beside::reads_position(tx).await? {
        return Ok(Empty::new(
            EmptyKind::NotAllowed,
            "None of your roles reads a licence position",
            "A licence summary needs the role License position reader or Administrator on a License ID. \
             Ask an Administrator of the License ID for it.",
        )
        .action("Contracts", "/contracts"));
    }
    if choice.contracts.is_empty() {
        return Ok(Empty::new(
            EmptyKind::NothingMatches,
            "No License ID is left to sum up",
            "Choose License IDs in Contracts whose licence position you may read.",
        )
        .action("Contracts", "/contracts"));
    }
    Ok(Empty::new(
        EmptyKind::NothingYet,
        "No licence summary yet",
        "Nothing is recorded for these License IDs. Import a licence summary that holds them.",
    ))
}

#[cfg(test)]
impl SummaryPage {
    /// Two lines of fourteen License IDs, one of them left out.
    pub fn sample() -> Self {
        let asked = Asked::parse(&Pairs::parse(b"license_id=8671204&license_id=8671311"));
        let choice = Choice::sample();
        let line = |family: &str, effective, assured| Summarized {
            license_id: String::new(),
            product_family: family.into(),
            version: "2025".into(),
            product_pool: "Servers".into(),
            r#type: "License/SA".into(),
            effective,
            assured,
            license_ids: 2,
        };
        let address = asked.address();
        Self {
            shell: Shell::sample("/contracts/summary"),
            list: asked.list().href(),
            of: "2 License IDs".into(),
            chips: asked.chips(&choice),
            notes: choice.notes(),
            apart: false,
            ways: ways(&address, false),
            pools: vec![("Servers".into(), "2,048".into(), "1,024".into())],
            rows: vec![
                row(line("Windows Server Datacenter", 1_024, 1_024)),
                row(line("SQL Server Standard", 1_024, 0)),
            ],
            total: ("2,048".into(), "1,024".into()),
            pager: Pager::new(&address, "page", 1, 50, 2),
            export: asked.export(&choice),
            empty: Empty::new(EmptyKind::NothingYet, "No licence summary yet", "Import one."),
            changed: None,
            address,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_totals_and_what_was_left_out_are_shown() {
        let html = SummaryPage::sample().render().expect("renders");
        for part in [
            "Windows Server Datacenter",
            "2,048",
            "Active SA quantity",
            "no licence summary",
            "name=\"license_id\" value=\"8671311\"",
        ] {
            assert!(html.contains(part), "{part}");
        }
    }

    #[test]
    fn a_changed_number_asks_again_and_shows_no_line() {
        let changed = Some(Changed {
            shown: "14".into(),
            found: "15".into(),
            href: "/contracts/summary?program=Campus".into(),
            list: "/contracts?program=Campus".into(),
        });
        let html = SummaryPage { changed, ..SummaryPage::sample() }.render().expect("renders");
        assert!(html.contains("Sum up all 15") && html.contains("14"));
        assert!(!html.contains("Windows Server Datacenter") && !html.contains("/exports/summary"));
    }
}
