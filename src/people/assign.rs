//! `POST /people/grants` and `POST /people/grants/{id}/revoke`: giving a role and taking it away.

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use time::{Date, macros::format_description};

use super::{
    accounts,
    change::{self, Did, Kind},
    db,
    grants::{self, Change, GrantError, Granted},
    model::{Grant, GrantHead, Named, Target, end_of, source_words},
    plan::Why,
    screens::{address, page, role_words},
    tell::{News, What, tell},
};
use crate::{
    app::AppState,
    auth::{
        proof::{Fresh, OnGrant, OperatorOrAdministrator, SignedIn, Site},
        roles::Role,
    },
    error::{Error, Result},
    postgres::Scoped,
    web::{
        form::Pairs,
        page::{Html, Tone},
        view::{Address, Choice, Field},
        visitor::Person,
    },
};

/// The form that gives a role: what was typed, and what is wrong with it.
#[derive(Debug, Default)]
pub struct GrantForm {
    email: Input,
    role: Input,
    license_id: Input,
    until: Input,
}

#[derive(Debug, Default)]
struct Input {
    value: String,
    error: Option<String>,
}

impl Input {
    fn read(pairs: &Pairs, name: &str) -> Self {
        Self { value: pairs.one(name).trim().to_owned(), error: None }
    }

    fn wrong(&mut self, sentence: impl Into<String>) {
        self.error.get_or_insert(sentence.into());
    }
}

impl GrantForm {
    fn read(pairs: &Pairs) -> Self {
        Self {
            email: Input::read(pairs, "email"),
            role: Input::read(pairs, "role"),
            license_id: Input::read(pairs, "license_id"),
            until: Input::read(pairs, "until"),
        }
    }

    fn is_wrong(&self) -> bool {
        [&self.email, &self.role, &self.license_id, &self.until].iter().any(|input| input.error.is_some())
    }

    /// The fields, with the roles that this person may give.
    pub(super) fn fields(self, person: &Person) -> Vec<Field> {
        let role = if self.role.value.is_empty() { default_role(person).code() } else { &self.role.value };
        let may = Role::ALL.into_iter().filter(|role| person.administers || *role == Role::Administrator);
        let choices = may.map(|may| Choice::new(may.code(), may.label(), role)).collect();
        let license_help = if person.administers {
            "One that you administer."
        } else {
            "One without Administrator: you name its first, somebody other than yourself."
        };
        vec![
            Field::new("email", "email", "Email")
                .value(self.email.value)
                .help("Of somebody who has an account.")
                .error(self.email.error),
            Field::new("text", "role", "Role").choices(choices).error(self.role.error),
            Field::new("text", "license_id", "License ID")
                .value(self.license_id.value)
                .help(license_help)
                .error(self.license_id.error),
            Field::new("date", "until", "Ends by itself after")
                .value(self.until.value)
                .help("The last day, in UTC.")
                .error(self.until.error)
                .optional(),
        ]
    }
}

/// Never the strongest role by accident.
fn default_role(person: &Person) -> Role {
    if person.administers { Role::ProductKeysReader } else { Role::Administrator }
}

/// Gives a role.
///
/// # Errors
/// When the database fails.
pub async fn give(
    person: Fresh<Site<OperatorOrAdministrator>>,
    State(state): State<AppState>,
    form: Pairs,
) -> Result<Response> {
    let mut form = GrantForm::read(&form);
    let mut tx = person.begin(&state).await?;
    let Some(granted) = attempt(&person, &mut tx, &mut form).await? else {
        // What the database refused has ended this transaction: the page reads in another.
        drop(tx);
        let mut tx = person.begin(&state).await?;
        let page = page(&state, &person, &mut tx, &Pairs::default(), form).await?;
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(page)).into_response());
    };
    let notice = if granted.change == Change::Same { "same" } else { "given" };
    let undo = note_given(&person, &mut tx, &granted).await?;
    for event in granted.events {
        person.record(&state, &mut tx, event).await?;
    }
    tx.commit().await?;
    let next = Address::new("/people").with("notice", notice).with("grant", granted.id.to_string()).with("undo", undo);
    Ok(Redirect::to(&next.href()).into_response())
}

/// Keeps what was given so that it can be taken back, and tells the person; empty where there is no way back:
/// nothing changed, or a site operator has named an Administrator, who alone changes roles there now.
async fn note_given(person: &SignedIn, tx: &mut Scoped, granted: &Granted) -> Result<String> {
    let Some(head) = db::grant_head(tx, granted.id).await? else { return Ok(String::new()) };
    let did = match granted.change {
        Change::Same => return Ok(String::new()),
        Change::New => Did::Given,
        Change::Until { before } => Did::Until { before: before.map(end_of), after: head.ends_at },
    };
    let words = format!("{} is now {}.", head.name, role_words(&head));
    let id = change::note(tx, person.person().id, Kind::Give, &words, &[(granted.id, did)]).await?;
    let what = if granted.change == Change::New { What::New(head.ends_at) } else { What::Until(head.ends_at) };
    tell(tx, person.person(), id, "saved", &[news(&head, what)]).await?;
    Ok(if head.administered { id.to_string() } else { String::new() })
}

/// What the person is told.
fn news(head: &GrantHead, what: What) -> News {
    News { person: head.person_id, role: head.role_label(), license_id: head.license_id.clone(), what }
}

/// Everything that can be said about the form at once; `None` when something is wrong with it.
async fn attempt(person: &SignedIn, tx: &mut Scoped, form: &mut GrantForm) -> Result<Option<Granted>> {
    let me = person.person();
    let grantee = grantee(me, tx, form).await?;
    let role = form.role.value.parse::<Role>().map_err(|_| form.role.wrong("Choose one of the roles.")).ok();
    let until = until(tx.today(), form);
    let managed = db::managed(tx, &form.license_id.value).await?;
    match managed {
        // Absent or foreign: nobody can tell which.
        None => form.license_id.wrong(if me.site_operator {
            "There is no License ID with this number."
        } else {
            "You administer no License ID with this number."
        }),
        Some(managed) if !managed.administered => appointment(me, managed, grantee.as_ref(), role, form),
        Some(_) => {}
    }
    let (Some(grantee), Some(role), Some(managed), false) = (grantee, role, managed, form.is_wrong()) else {
        return Ok(None);
    };
    let on = Target::Contract(managed.contract_id);
    match grants::grant(tx, Grant { person: &grantee, role, on, until, by: Some(me.id) }).await {
        Ok(granted) => return Ok(Some(granted)),
        Err(GrantError::Database(fault)) => return Err(fault.into()),
        Err(GrantError::Past(_)) => form.until.wrong("This day has passed."),
        Err(GrantError::Disabled(_)) => form.email.wrong("This account is disabled."),
        // Somebody was faster: an Administrator was named, or one's own role has just ended.
        Err(GrantError::Refused | GrantError::LastAdministrator) => {
            form.license_id.wrong("Its roles have changed in between. Look at them again, then try once more.");
        }
    }
    Ok(None)
}

/// What a site operator may give where he isn't Administrator himself.
fn appointment(me: &Person, managed: db::Managed, grantee: Option<&Named>, role: Option<Role>, form: &mut GrantForm) {
    if managed.has_administrator {
        form.license_id.wrong("It has an Administrator, who gives the roles there. Ask them.");
        return;
    }
    if role.is_some_and(|role| role != Role::Administrator) {
        form.role.wrong("As a site operator you name the Administrator, who then gives the other roles.");
    }
    if grantee.is_some_and(|grantee| grantee.id == me.id) {
        form.email.wrong("You can’t name yourself. Name somebody else, or ask another site operator.");
    }
    if grantee.is_some_and(|grantee| grantee.added_by == Some(me.id)) {
        form.email.wrong(Why::OwnAccount.sentence());
    }
}

async fn grantee(me: &Person, tx: &mut Scoped, form: &mut GrantForm) -> Result<Option<Named>> {
    let Some(email) = accounts::address(&form.email.value) else {
        form.email.wrong("This isn’t an email address. Write it as name@example.org.");
        return Ok(None);
    };
    let found = db::grantee(tx, &email).await?;
    match &found {
        None if me.site_operator => {
            form.email.wrong("Nobody has an account with this address. Make one on the server: keyward user add.")
        }
        None => form
            .email
            .wrong("Nobody has an account with this address. Ask a site operator to make one, then give the role."),
        Some(person) if person.disabled => form.email.wrong("This account is disabled. Ask a site operator about it."),
        Some(_) => {}
    }
    Ok(found)
}

fn until(today: Date, form: &mut GrantForm) -> Option<Date> {
    if form.until.value.is_empty() {
        return None;
    }
    let Ok(day) = Date::parse(&form.until.value, format_description!("[year]-[month]-[day]")) else {
        form.until.wrong("This isn’t a date. Write it as 2027-03-31, or leave it empty.");
        return None;
    };
    if day < today {
        form.until.wrong("This day has passed. Choose today or a later one, or leave it empty.");
    }
    Some(day)
}

/// Takes a role away.
///
/// # Errors
/// When the database fails.
pub async fn revoke(grant: OnGrant, State(state): State<AppState>, list: Pairs) -> Result<Response> {
    let head = &grant.grant;
    if !head.covers.is_empty() {
        let sentence = format!(
            "{} is {} through {}, and that is where it ends. Whoever holds a rule that takes it in ends it on the page of {}; your site operator does it on the command line, there or on this License ID alone.",
            head.name,
            role_words(head),
            source_words(&head.covers, &head.source),
            head.name
        );
        return refused(&state, &grant, &list, sentence).await;
    }
    let mut tx = grant.begin(&state).await?;
    let revoked = match grants::revoke_one(&mut tx, head, grant.person().id).await {
        Ok(revoked) => revoked,
        Err(GrantError::LastAdministrator) => {
            drop(tx);
            let sentence = format!(
                "Nobody else administers License ID {}. Hand over first: give somebody else the role Administrator, then revoke this one.",
                head.license_id
            );
            return refused(&state, &grant, &list, sentence).await;
        }
        Err(GrantError::Database(fault)) => return Err(fault.into()),
        Err(other) => return Err(Error::Conflict(other.to_string())),
    };
    let notice = if revoked.grants == 0 { "unchanged" } else { "revoked" };
    let mut undo = String::new();
    // Whoever gives a role of his own away isn't asked whether he meant it: it may be all that he had.
    if revoked.grants > 0 && head.person_id != grant.person().id {
        let words = format!("{} is no longer {}.", head.name, role_words(head));
        undo =
            change::note(&mut tx, grant.person().id, Kind::Take, &words, &[(head.id, Did::Taken)]).await?.to_string();
    }
    for event in revoked.events {
        grant.record(&state, &mut tx, event).await?;
    }
    let stays = grant.person().site_operator || db::manages_any(&mut tx).await?;
    tx.commit().await?;
    // Who has just given away the last License ID of his own may not open the list any more.
    let next = if stays {
        address(&list).with("notice", notice).with("grant", head.id.to_string()).with("undo", undo).href()
    } else {
        "/".to_owned()
    };
    Ok(Redirect::to(&next).into_response())
}

/// The list again, with the reason above it.
async fn refused(state: &AppState, person: &SignedIn, list: &Pairs, sentence: String) -> Result<Response> {
    let mut tx = person.begin(state).await?;
    let mut page = page(state, person, &mut tx, list, GrantForm::default()).await?;
    page.shell = page.shell.notice(Tone::Bad, sentence);
    Ok((StatusCode::CONFLICT, Html(page)).into_response())
}
