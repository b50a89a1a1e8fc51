//! `GET /requests/new`, `POST /requests`, and a draft's `/requests/{number}/edit`.
use askama::Template;
use axum::{
    extract::{RawQuery, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};

use super::{
    db,
    form::{Form, Subject},
    machine::{Kind, State as Stand},
    model::{Place, Request},
    write,
};
use crate::{
    app::AppState,
    auth::proof::{OnRequest, SignedIn},
    error::{Error, Result},
    postgres::Scoped,
    web::{
        form::Pairs,
        page::{Html, Shell, Tone},
        view::{Fact, Field, Link, Meter, Remark, number},
    },
};

/// The form of a new request, or of a draft.
#[derive(Template)]
#[template(path = "requests/new.html")]
pub struct NewPage {
    /// The frame.
    pub shell: Shell,
    /// What is asked for.
    pub title: String,
    /// What comes of it, in a sentence.
    pub lead: &'static str,
    /// What is known and need not be typed.
    pub facts: Vec<Fact>,
    /// Used of the limit, where the request is about a key.
    pub meter: Option<Meter>,
    /// What to know before asking.
    pub notes: Vec<Remark>,
    /// Open requests about the same key.
    pub open: Vec<Link>,
    /// Why this can't be asked for.
    pub closed: Option<String>,
    /// Where the form goes.
    pub action: String,
    /// `get` while kind and License ID are being chosen.
    pub method: &'static str,
    /// What the form sends besides its fields.
    pub hidden: Vec<(&'static str, String)>,
    /// The fields.
    pub fields: Vec<Field>,
    /// What the button says.
    pub submit: String,
    /// Whether it can be kept as a draft.
    pub drafts: bool,
    /// The way back.
    pub back: String,
}

/// The form, filled in as the address says.
///
/// # Errors
/// 404 for a key that isn't there for this person; when the database fails.
pub async fn get(person: SignedIn, State(state): State<AppState>, RawQuery(query): RawQuery) -> Result<Response> {
    let query = Pairs::parse(query.unwrap_or_default().as_bytes());
    let mut tx = person.begin(&state).await?;
    let mut form = Form::read(&mut tx, &query).await?;
    // Whoever may ask on no License ID can ask for access, and for nothing else.
    if form.kind.is_none() && db::places(&mut tx).await?.is_empty() {
        form.kind = Some(Kind::Access);
        form.subject = Subject::Access;
    }
    Ok(Html(page(&state, &person, &mut tx, &form, None).await?).into_response())
}

/// Asks, or keeps a draft (`then` = `draft`).
///
/// # Errors
/// 422 with the form again; 404 for a key that isn't there for this person.
pub async fn post(person: SignedIn, State(state): State<AppState>, pairs: Pairs) -> Result<Response> {
    let mut tx = person.begin(&state).await?;
    let mut form = Form::read(&mut tx, &pairs).await?;
    let Some(asked) = form.check(&mut tx, person.person().id).await? else {
        let page = page(&state, &person, &mut tx, &form, None).await?;
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(page)).into_response());
    };
    let draft = pairs.one("then") == "draft";
    let (number, event) = write::add(&mut tx, person.person().id, &asked, draft).await?;
    person.record(&state, &mut tx, event).await?;
    tx.commit().await?;
    let notice = if draft { "draft" } else { "submit" };
    Ok(Redirect::to(&format!("/requests/{number}?notice={notice}")).into_response())
}

/// A draft, to go on writing.
///
/// # Errors
/// [`Error::Conflict`] once it was submitted.
pub async fn edit(request: OnRequest, State(state): State<AppState>) -> Result<Response> {
    only_draft(&request.request)?;
    let mut tx = request.begin(&state).await?;
    let form = Form::read(&mut tx, &written(&request.request)).await?;
    Ok(Html(page(&state, &request, &mut tx, &form, Some(&request.request)).await?).into_response())
}

/// Changes a draft.
///
/// # Errors
/// 422 with the form again; [`Error::Conflict`] once it was submitted.
pub async fn save(request: OnRequest, State(state): State<AppState>, pairs: Pairs) -> Result<Response> {
    let mut tx = request.begin(&state).await?;
    let held = db::hold(&mut tx, request.request.number).await?.ok_or(Error::NotFound)?;
    only_draft(&held)?;
    let mut form = Form::read(&mut tx, &with_subject(&held, &pairs)).await?;
    let me = request.person().id;
    let Some(mut asked) = form.check(&mut tx, me).await? else {
        let page = page(&state, &request, &mut tx, &form, Some(&held)).await?;
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(page)).into_response());
    };
    if held.key_id.is_some() {
        asked.product.clone_from(&held.product);
    }
    let event = write::change(&mut tx, me, &held, &asked).await?;
    request.record(&state, &mut tx, event).await?;
    tx.commit().await?;
    Ok(Redirect::to(&held.href()).into_response())
}

fn only_draft(request: &Request) -> Result<()> {
    if request.state == Stand::Draft {
        return Ok(());
    }
    Err(Error::Conflict(format!(
        "Request {} has been submitted, so what it asks for stays as it is. Withdraw it and ask anew, or add a comment.",
        request.number
    )))
}

/// A draft as the form would send it.
fn written(request: &Request) -> Pairs {
    let text = |value: Option<String>| value.unwrap_or_default();
    Pairs::of([
        ("kind", request.kind.code().to_owned()),
        ("key_id", text(request.key_id.map(|id| id.to_string()))),
        ("license_id", request.license_id.clone()),
        ("product", request.product.clone()),
        ("quantity", text(request.quantity.map(|n| n.to_string()))),
        ("justification", request.justification.clone()),
        ("authorization", request.authorization_number.clone()),
        ("computers", text(request.computers.map(|n| n.to_string()))),
        ("role", text(request.role.clone())),
        ("until", text(request.until.map(|day| day.to_string()))),
        ("due_on", text(request.due_on.map(|day| day.to_string()))),
    ])
}

/// What the form sent, about what the draft is about: that stays.
fn with_subject(request: &Request, pairs: &Pairs) -> Pairs {
    let sent = |name: &'static str| (name, pairs.one(name).to_owned());
    let fixed = written(request);
    let kept = |name: &'static str| (name, fixed.one(name).to_owned());
    let mut all = vec![kept("kind"), kept("key_id"), kept("license_id")];
    all.extend(["product", "quantity", "justification", "authorization", "role", "until", "due_on"].map(sent));
    if pairs.has("computers") {
        all.push(sent("computers"));
    }
    Pairs::of(all)
}

async fn page(
    state: &AppState,
    person: &SignedIn,
    tx: &mut Scoped,
    form: &Form,
    draft: Option<&Request>,
) -> Result<NewPage> {
    let closed = form.closed();
    let mut fields = form.fields(tx).await?;
    if draft.is_some() {
        // What it is about stays: another is another request.
        fields.retain(|field| !matches!(field.name, "license_id" | "key_id") || field.error.is_some());
    }
    let choosing = matches!(form.subject, Subject::Open);
    let open = match &form.subject {
        Subject::Key(key, _) => db::open_about(tx, key.id).await?,
        _ => Vec::new(),
    };
    let mut hidden = Vec::new();
    if let (Some(kind), None) = (form.kind, draft) {
        hidden.push(("kind", kind.code().to_owned()));
    }
    if let (Subject::Key(key, _), None) = (&form.subject, draft) {
        hidden.push(("key_id", key.id.to_string()));
    }
    if let (Subject::Place(place), None) = (&form.subject, draft) {
        hidden.push(("license_id", place.license_id.clone()));
    }
    if fields.iter().any(|field| field.name == "kind") {
        hidden.retain(|(name, _)| *name != "kind");
    }
    Ok(NewPage {
        shell: person.visitor().shell(state),
        title: form.kind.map_or_else(|| "New request".to_owned(), |kind| kind.label().to_owned()),
        lead: lead(form.kind),
        facts: facts(form),
        meter: meter(form),
        notes: notes(form),
        open: open.iter().map(|one| Link::new(one.title(), one.href())).collect(),
        closed,
        action: match (draft, choosing) {
            (Some(draft), _) => format!("{}/edit", draft.href()),
            (None, true) => "/requests/new".to_owned(),
            (None, false) => "/requests".to_owned(),
        },
        method: if choosing { "get" } else { "post" },
        hidden,
        fields,
        submit: submit(form, draft.is_some(), choosing),
        drafts: draft.is_none() && !choosing,
        back: draft.map_or_else(|| "/requests".to_owned(), Request::href),
    })
}

fn lead(kind: Option<Kind>) -> &'static str {
    match kind {
        None => {
            "Ask for more activations, for a KMS key, or for access. What you ask, what is decided and the new number stay together."
        }
        Some(Kind::Access) => "An Administrator of the License ID decides. If it is agreed, the role acts at once.",
        Some(_) => "What the vendor’s form asks for is filled in from the contract and the key.",
    }
}

fn submit(form: &Form, draft: bool, choosing: bool) -> String {
    if draft {
        return "Keep these changes".to_owned();
    }
    if choosing {
        return "Go on".to_owned();
    }
    match form.kind {
        Some(Kind::Access) => "Ask for access".to_owned(),
        Some(Kind::KmsException) => "Ask for the exception".to_owned(),
        _ => "Ask for more".to_owned(),
    }
}

fn facts(form: &Form) -> Vec<Fact> {
    let Some(place) = form.subject.place() else { return Vec::new() };
    let mut facts = vec![
        Fact::maybe("License ID", &place.license_id, true),
        Fact::maybe("Organization", &place.organization, false),
        Fact::maybe("Programme", &place.program, false),
    ];
    if let Subject::Key(key, _) = &form.subject {
        facts.push(Fact::maybe("Product", &key.product, false));
        facts.push(Fact::maybe("Last five characters", &key.last_five, true));
    }
    facts.into_iter().flatten().collect()
}

fn meter(form: &Form) -> Option<Meter> {
    let Subject::Key(key, _) = &form.subject else { return None };
    Some(Meter { used: key.used?.unsigned_abs(), total: key.total?.unsigned_abs() })
}

/// Who will decide, and what is missing for that.
fn notes(form: &Form) -> Vec<Remark> {
    let mut notes = Vec::new();
    let own = matches!(&form.subject, Subject::Key(key, _) if key.estate == "own");
    if let Some(place) = form.subject.place() {
        if own {
            notes.push(Remark::new(
                Tone::Info,
                "One of your own products: another Administrator decides, and the limit rises at once.",
            ));
        } else if place.second_person {
            notes.push(Remark::new(
                Tone::Info,
                "This License ID asks for a second person: an Administrator other than you agrees before it is sent.",
            ));
        }
        if (own || place.second_person) && !place.other_administrator {
            notes.push(nobody_decides(place));
        }
    }
    if let Subject::Key(key, _) = &form.subject
        && let (Some(used), Some(total)) = (key.used, key.total)
        && used > total
    {
        let over = number(used - total);
        notes.push(Remark::new(Tone::Warn, format!("Used is {over} above the limit already: ask for more than that.")));
    }
    notes
}

/// Said where nobody but the asker could decide.
pub fn nobody_decides(place: &Place) -> Remark {
    Remark::new(
        Tone::Warn,
        format!(
            "Nobody else administers License ID {}, so nobody can decide this. Give a second person the role Administrator under Role assignments, or ask a site operator to have it done.",
            place.license_id
        ),
    )
}

#[cfg(test)]
impl NewPage {
    /// More activations of a MAK.
    pub fn sample() -> Self {
        Self {
            shell: Shell::sample("/requests/new"),
            title: Kind::MakLimit.label().into(),
            lead: lead(Some(Kind::MakLimit)),
            facts: vec![
                Fact { label: "License ID", value: "8671204".into(), mono: true },
                Fact { label: "Last five characters", value: "AB12C".into(), mono: true },
            ],
            meter: Some(Meter { used: 480, total: 500 }),
            notes: vec![Remark::new(Tone::Info, "This License ID asks for a second person.")],
            open: vec![Link::new("200 more activations", "/requests/7")],
            closed: None,
            action: "/requests".into(),
            method: "post",
            hidden: vec![("kind", "mak-limit".into())],
            fields: vec![
                Field::new("number", "quantity", "Activations more").error(Some("Write a whole number.".into())),
                Field::new("area", "justification", "Business justification").value("A new <site>"),
            ],
            submit: "Ask for more".into(),
            drafts: true,
            back: "/requests".into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_is_shown_and_what_was_typed_is_kept() {
        let html = NewPage::sample().render().expect("renders");
        for part in ["AB12C", "480 of 500", "A new &#60;site&#62;", "Keep as a draft", "/requests/7", "aria-invalid"] {
            assert!(html.contains(part), "{part}");
        }
    }

    #[test]
    fn what_is_closed_says_why_and_has_no_form() {
        let closed = Some("License ID 68403177 is an Open License.".to_owned());
        let html = NewPage { closed, ..NewPage::sample() }.render().expect("renders");
        assert!(html.contains("is an Open License") && !html.contains("action=\"/requests\""));
    }
}
