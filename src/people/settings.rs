//! `/people/settings`: whether people who lack a role are told the names of those who can give it.
use askama::Template;
use axum::{
    extract::{RawQuery, State},
    response::{IntoResponse, Redirect, Response},
};
use serde_json::json;

use crate::{
    app::AppState,
    audit::Event,
    auth::proof::{Operator, Site},
    error::{Error, Result},
    web::{
        form::Pairs,
        page::{Html, Shell, Tone},
    },
};

/// The page.
#[derive(Template)]
#[template(path = "people/settings.html")]
pub struct AccessSettingsPage {
    /// The frame.
    pub shell: Shell,
    /// Whether the names are hidden.
    pub hidden: bool,
}

/// The page.
///
/// # Errors
/// When the database fails.
pub async fn get(person: Site<Operator>, State(state): State<AppState>, RawQuery(query): RawQuery) -> Result<Response> {
    let mut tx = person.begin(&state).await?;
    let hidden: Option<bool> =
        sqlx::query_scalar("SELECT administrators_hidden FROM access_settings").fetch_optional(&mut *tx).await?;
    let mut shell = person.visitor().shell(&state);
    if Pairs::parse(query.unwrap_or_default().as_bytes()).one("notice") == "saved" {
        shell = shell.notice(Tone::Good, "Saved.");
    }
    Ok(Html(AccessSettingsPage { shell, hidden: hidden.unwrap_or(false) }).into_response())
}

/// Switches it (`administrators` = `shown` or `hidden`).
///
/// # Errors
/// 400 for another value.
pub async fn post(person: Site<Operator>, State(state): State<AppState>, form: Pairs) -> Result<Response> {
    let hidden = match form.one("administrators") {
        "shown" => false,
        "hidden" => true,
        _ => return Err(Error::Malformed("“administrators” is shown or hidden.".to_owned())),
    };
    let mut tx = person.begin(&state).await?;
    let now = tx.now();
    sqlx::query(
        "INSERT INTO access_settings (administrators_hidden, set_by, set_at) VALUES ($1, $2, $3)
         ON CONFLICT (one) DO UPDATE SET administrators_hidden = $1, set_by = $2, set_at = $3",
    )
    .bind(hidden)
    .bind(person.person().id)
    .bind(now)
    .execute(&mut *tx)
    .await?;
    let words = if hidden { "names of Administrators are hidden" } else { "names of Administrators are shown" };
    person
        .record(&state, &mut tx, Event::done("access.setting", words).with(json!({ "hidden": i32::from(hidden) })))
        .await?;
    tx.commit().await?;
    Ok(Redirect::to("/people/settings?notice=saved").into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    impl AccessSettingsPage {
        fn sample() -> Self {
            Self { shell: Shell::sample("/people/settings"), hidden: true }
        }
    }

    #[test]
    fn what_is_set_is_chosen() {
        let html = AccessSettingsPage::sample().render().expect("renders");
        assert!(html.contains("value=\"hidden\" checked") && !html.contains("value=\"shown\" checked"));
    }
}
