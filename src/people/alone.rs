//! `GET /people/alone`: the License IDs with a single Administrator, the list behind the overview's number.
use askama::Template;
use axum::{
    extract::{RawQuery, State},
    response::{IntoResponse, Response},
};

use super::{db, model::Alone};
use crate::{
    app::AppState,
    auth::proof::{OperatorOrAdministrator, Site},
    error::Result,
    web::{
        form::Pairs,
        page::{Html, Shell},
        paging::{PAGE, page_of},
        view::{Address, Empty, EmptyKind, Pager},
    },
};

/// The page.
#[derive(Template)]
#[template(path = "people/alone.html")]
pub struct AlonePage {
    shell: Shell,
    rows: Vec<Alone>,
    pager: Pager,
    empty: Empty,
}

/// The page.
///
/// # Errors
/// When the database fails.
pub async fn get(
    person: Site<OperatorOrAdministrator>,
    State(state): State<AppState>,
    RawQuery(query): RawQuery,
) -> Result<Response> {
    let query = Pairs::parse(query.unwrap_or_default().as_bytes());
    let mut tx = person.begin(&state).await?;
    let number = page_of(query.one("page"));
    let (rows, total) = db::alone(&mut tx, PAGE, (number - 1) * PAGE).await?;
    let address = Address::new("/people/alone");
    Ok(Html(AlonePage {
        shell: person.visitor().shell(&state),
        rows,
        pager: Pager::new(&address, "page", number.unsigned_abs(), PAGE.unsigned_abs(), total.unsigned_abs()),
        empty: empty(),
    })
    .into_response())
}

fn empty() -> Empty {
    Empty::new(
        EmptyKind::NothingYet,
        "No License ID hangs on one person",
        "Each of the License IDs that you look after has two Administrators or more, or none.",
    )
    .action("Role assignments", "/people")
}

#[cfg(test)]
impl AlonePage {
    /// One License ID.
    pub fn sample() -> Self {
        let one = Alone {
            license_id: "8671204".into(),
            name: "Mara Lindqvist".into(),
            email: "mara@northwind.example".into(),
        };
        let pager = Pager::new(&Address::new("/people/alone"), "page", 1, 50, 1);
        Self { shell: Shell::sample("/people/alone"), rows: vec![one], pager, empty: empty() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_license_id_leads_to_where_a_second_administrator_is_named() {
        let html = AlonePage::sample().render().expect("renders");
        assert!(html.contains("href=\"/people?license_id=8671204\"") && html.contains("Mara Lindqvist"));
        let none = AlonePage { rows: Vec::new(), ..AlonePage::sample() }.render().expect("renders");
        assert!(none.contains("No License ID hangs on one person"));
    }
}
