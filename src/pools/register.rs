//! `POST /activation` and `POST /activation/{application}/close`: registering an application, closing it and
//! opening it again.

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};

use super::{db, input::Input, screens::page};
use crate::{
    activation::{administration, hardware::TOLERANCE},
    app::AppState,
    auth::proof::{OnApplication, OperatorOrAdministrator, Site},
    error::Result,
    postgres::Scope,
    web::{
        form::Pairs,
        page::Html,
        view::{Choice, Field},
    },
};

/// The form that registers an application.
#[derive(Debug)]
pub struct NewForm {
    license_id: Input,
    name: Input,
    trust: Input,
    tolerance: Input,
}

impl Default for NewForm {
    fn default() -> Self {
        Self {
            license_id: Input::default(),
            name: Input::default(),
            trust: Input::of("open"),
            tolerance: Input::of(TOLERANCE.to_string()),
        }
    }
}

impl NewForm {
    fn read(pairs: &Pairs) -> Self {
        Self {
            license_id: Input::read(pairs, "license_id"),
            name: Input::read(pairs, "name"),
            trust: Input::read(pairs, "trust"),
            tolerance: Input::read(pairs, "tolerance"),
        }
    }

    fn is_wrong(&self) -> bool {
        [&self.license_id, &self.name, &self.trust, &self.tolerance].iter().any(|input| input.error.is_some())
    }

    /// As fields of the page.
    pub(super) fn fields(self) -> Vec<Field> {
        let trust = vec![
            Choice::new("open", "Every installation", &self.trust.value),
            Choice::new("enrolled", "Only enrolled devices", &self.trust.value),
        ];
        vec![
            self.name.field("text", "name", "Name").help("What your software is called, for example Plotter."),
            self.license_id
                .field("text", "license_id", "License ID")
                .help("One that you administer: its Administrators look after the application, and its keys stand there."),
            self.trust
                .field("text", "trust", "Trusts")
                .help("An enrolled device has a key of its own and signs what it asks.")
                .choices(trust),
            self.tolerance
                .field("number", "tolerance", "Hardware tolerance")
                .help("From 0 to 13: what may change of a machine before it counts as another one. 7 lets two of processor, disk and network change."),
        ]
    }
}

/// Registers an application.
///
/// # Errors
/// 422 with the page where the form is wrong; else when the database fails.
pub async fn add(
    person: Site<OperatorOrAdministrator>,
    State(state): State<AppState>,
    pairs: Pairs,
) -> Result<Response> {
    let mut form = NewForm::read(&pairs);
    let name = form.name.text(100);
    let tolerance = form.tolerance.number(0, 13);
    let enrolled = match form.trust.value.as_str() {
        "open" => false,
        "enrolled" => true,
        _ => {
            form.trust.wrong("Choose one of the two.");
            false
        }
    };
    let mut tx = person.begin(&state).await?;
    let contract = db::administered(&mut tx, &form.license_id.value).await?;
    drop(tx);
    if contract.is_none() {
        form.license_id.wrong("You administer no License ID with this number.");
    }
    let tolerance = u8::try_from(tolerance).unwrap_or(TOLERANCE);
    if let (Some(contract), false) = (contract, form.is_wrong()) {
        let new = administration::NewApplication { contract, name, enrolled, tolerance };
        // Whose License ID it is was asked above; the writing is the program's.
        let mut tx = state.db.begin(Scope::System).await?;
        match administration::add_application(&mut tx, &new).await {
            Ok((id, event)) => {
                person.record(&state, &mut tx, event).await?;
                tx.commit().await?;
                return Ok(Redirect::to(&format!("/activation/{id}?notice=registered")).into_response());
            }
            Err(fault) if is_constraint(&fault, "applications_name_is_unique") => {
                form.name.wrong("This License ID has an application of this name. Choose another one.");
            }
            Err(fault) => return Err(fault.into()),
        }
    }
    let page = page(&state, &person, &Pairs::default(), form).await?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(page)).into_response())
}

/// Whether the database refused because of this constraint.
pub(super) fn is_constraint(fault: &sqlx::Error, name: &str) -> bool {
    fault.as_database_error().and_then(|fault| fault.constraint()) == Some(name)
}

/// Closes an application (`closed` = `yes`) or opens it again.
///
/// # Errors
/// When the database fails.
pub async fn close(application: OnApplication, State(state): State<AppState>, form: Pairs) -> Result<Response> {
    let closed = form.one("closed") == "yes";
    let own = &application.application;
    if closed != own.closed_at.is_some() {
        let mut tx = state.db.begin(Scope::System).await?;
        let event = administration::close_application(&mut tx, own.id, closed).await?;
        application.record(&state, &mut tx, event).await?;
        tx.commit().await?;
    }
    let notice = if closed { "closed" } else { "opened" };
    Ok(Redirect::to(&format!("{}?notice={notice}", own.href())).into_response())
}
