//! `GET /products/rds`: what the activation wizard of Remote Desktop Services asks for.
use askama::Template;
use axum::{
    extract::{RawQuery, State},
    response::{IntoResponse, Response},
};

use super::rds_number::{Number, number};
use crate::{
    app::AppState,
    auth::proof::SignedIn,
    contracts::{
        self,
        model::{Contract, Expired, Filter, Sort},
    },
    error::Result,
    web::{
        form::Pairs,
        overview::nothing_to_see,
        page::{Html, Shell, Tone},
        paging::{PAGE, page_of},
        view::{Address, Chip, Empty, EmptyKind, Pager, contract_path},
    },
};

/// A License ID and its number.
pub struct RdsRow {
    /// The License ID.
    pub license_id: String,
    /// Its organisation.
    pub organization: String,
    /// The programme, as the wizard asks for it.
    pub program: String,
    /// The number.
    pub number: Number,
}

/// The page.
#[derive(Template)]
#[template(path = "reference/rds.html")]
pub struct RdsPage {
    shell: Shell,
    address: Address,
    rows: Vec<RdsRow>,
    pager: Pager,
    empty: Empty,
    may_import: bool,
}

/// The page: the person's License IDs, ended ones too, for a licence server outlives an agreement.
///
/// # Errors
/// When the database fails.
pub async fn get(person: SignedIn, State(state): State<AppState>, RawQuery(query): RawQuery) -> Result<Response> {
    let query = Pairs::parse(query.unwrap_or_default().as_bytes());
    let address = Address::new("/products/rds").with("q", query.one("q").trim()).with("page", query.one("page"));
    let filter = Filter { q: address.get("q").to_owned(), expired: Expired::Shown, ..Filter::default() };
    let page = page_of(address.get("page"));
    let mut tx = person.begin(&state).await?;
    let today = tx.today();
    let order = (Sort::LicenseId, false);
    let (contracts, total) = contracts::db::list(&mut tx, &filter, today, order, PAGE, (page - 1) * PAGE).await?;
    let empty = if contracts::db::sees_any(&mut tx).await? {
        Empty::new(
            EmptyKind::NothingMatches,
            "No License ID matches",
            "Try part of a License ID or of an organisation’s name.",
        )
        .action("Show all", "/products/rds")
    } else {
        nothing_to_see(&mut tx, &person).await?
    };
    let me = person.person();
    let page = RdsPage {
        shell: person.visitor().shell(&state),
        rows: contracts.into_iter().map(RdsRow::of).collect(),
        pager: Pager::new(&address, "page", page.unsigned_abs(), PAGE.unsigned_abs(), total.unsigned_abs()),
        empty,
        may_import: me.site_operator || me.administers,
        address,
    };
    Ok(Html(page).into_response())
}

impl RdsRow {
    fn of(contract: Contract) -> Self {
        Self {
            number: number(&contract),
            license_id: contract.license_id,
            organization: contract.organization,
            program: contract.program,
        }
    }

    fn href(&self) -> String {
        contract_path(&self.license_id)
    }
}

impl RdsPage {
    fn chips(&self) -> Vec<Chip> {
        let q = self.address.get("q");
        let chip = || Chip::new(["Search: ", q].concat(), "/products/rds");
        if q.is_empty() { Vec::new() } else { vec![chip()] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl RdsPage {
        fn sample() -> Self {
            let row = |license_id: &str, program: &str, value: &str, name, column| RdsRow {
                license_id: license_id.into(),
                organization: "Northwind Holding AG".into(),
                program: program.into(),
                number: Number { name, value: value.into(), column, caution: "Not the License ID." },
            };
            let address = Address::new("/products/rds").with("q", "north");
            Self {
                shell: Shell::sample("/products/rds"),
                rows: vec![
                    row("8671204", "Enterprise", "4E61138", "Agreement number", "Parent agreement"),
                    row("0005512873", "MPSA", "", "Purchase account number", "Purchase account number"),
                ],
                pager: Pager::new(&address, "page", 1, 50, 2),
                empty: Empty::new(EmptyKind::NothingMatches, "", ""),
                may_import: true,
                address,
            }
        }
    }

    #[test]
    fn a_number_is_shown_or_said_to_be_missing_with_the_way_to_record_it() {
        let html = RdsPage::sample().render().expect("renders");
        assert!(html.contains("4E61138") && html.contains("Not recorded") && html.contains("href=\"/imports\""));
        assert!(html.contains("column “Purchase account number”"));
        let html = RdsPage { may_import: false, ..RdsPage::sample() }.render().expect("renders");
        assert!(
            !html.contains("href=\"/imports\"") || html.matches("href=\"/imports\"").count() == 1,
            "the navigation's"
        );
    }
}
