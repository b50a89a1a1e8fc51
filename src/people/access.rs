//! `GET /keys/{id}/access`: who can see a key, and why. For Administrators of its License ID.
use askama::Template;
use axum::{
    extract::{RawQuery, State},
    response::{IntoResponse, Response},
};
use uuid::Uuid;

use super::{
    paths,
    person::{PathRow, row},
};
use crate::{
    app::AppState,
    auth::proof::{Administer, OnKey},
    error::Result,
    postgres::Scoped,
    web::{
        form::Pairs,
        page::{Html, Shell},
        paging::{PAGE, page_of},
        view::{Address, KeyRow, Pager, contract_path},
    },
};

/// The page.
#[derive(Template)]
#[template(path = "people/access.html")]
pub struct AccessPage {
    /// The frame.
    pub shell: Shell,
    /// Its product.
    pub product: String,
    /// Its License ID.
    pub license_id: String,
    /// The last group; empty where no key is needed.
    pub last_five: String,
    /// Who, by which way.
    pub rows: Vec<PathRow>,
    /// Which page.
    pub pager: Pager,
}

impl AccessPage {
    fn keys_href(&self) -> String {
        Address::new(contract_path(&self.license_id)).with("tab", "keys").href()
    }

    /// Who really took it: the log.
    fn audit_href(&self) -> String {
        Address::new("/audit").with("license_id", self.license_id.clone()).with("key", self.last_five.clone()).href()
    }
}

/// The page.
///
/// # Errors
/// When the database fails.
pub async fn get(key: OnKey<Administer>, State(state): State<AppState>, RawQuery(query): RawQuery) -> Result<Response> {
    let query = Pairs::parse(query.unwrap_or_default().as_bytes());
    let number = page_of(query.one("page"));
    let mut tx = key.begin(&state).await?;
    let now = tx.now();
    let found = paths::of_key(&mut tx, key.key.id, PAGE, (number - 1) * PAGE).await?;
    let total = found.first().map_or(0, |path| path.total);
    let address = Address::new(href(key.key.id));
    let page = AccessPage {
        shell: key.visitor().shell(&state),
        product: key.key.product.clone(),
        license_id: key.key.license_id.clone(),
        last_five: key.key.last_five.clone().unwrap_or_default(),
        rows: found.into_iter().map(|path| row(path, now)).collect(),
        pager: Pager::new(&address, "page", number.unsigned_abs(), PAGE.unsigned_abs(), total.unsigned_abs()),
    };
    Ok(Html(page).into_response())
}

fn href(key: Uuid) -> String {
    format!("/keys/{key}/access")
}

/// Marks the rows of a list with the way to this page, where the reader administers the License ID.
///
/// # Errors
/// When the database fails.
pub async fn mark(tx: &mut Scoped, rows: &mut [KeyRow]) -> sqlx::Result<()> {
    let ids: Vec<Uuid> = rows.iter().filter_map(|row| row.key.id.parse().ok()).collect();
    let administered = paths::administered(tx, &ids).await?;
    for row in rows {
        row.access = administered.iter().find(|id| id.to_string() == row.key.id).map(|id| href(*id));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::people::person::PersonPage;

    impl AccessPage {
        fn sample() -> Self {
            let PersonPage { shell, rows, pager, .. } = PersonPage::sample();
            let (product, license_id) = ("Windows 11 Pro".into(), "8671204".into());
            Self { shell, product, license_id, last_five: "G3GH4".into(), rows, pager }
        }
    }

    #[test]
    fn each_person_stands_with_the_way_and_the_log_is_one_click_away() {
        let html = AccessPage::sample().render().expect("renders");
        for part in ["Jo Ashby", "Given here by Mara Lindqvist", "/audit?license_id=8671204", "href=\"/people/1\""] {
            assert!(html.contains(part), "{part}");
        }
    }
}
