//! `/accounts`: who can sign in. A site operator adds an account, renames, disables and enables one.
//!
//! Never more: whoever sets the password of somebody with a role could read keys as that person, and no site role
//! gives access to a key. A new account gets one password, shown once, while it holds nothing: it changes that before
//! anything else, and who made it doesn't name it Administrator. Another password is set, and a site role given, by
//! whoever has the command line (decision 0026).

use askama::Template;
use axum::{
    extract::{RawQuery, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use secrecy::{ExposeSecret, SecretString};

use super::{
    archive,
    db::{self, Listed},
    undo,
};
use crate::{
    app::AppState,
    audit::Event,
    auth::proof::{Fresh, OnAccount, Operator, SignedIn, Site},
    error::{Error, Result},
    people::accounts::{self, AddError},
    postgres::{Scope, Scoped},
    vault::envelope::fill_random,
    web::{
        form::Pairs,
        page::{Html, Shell, Tone},
        paging::{PAGE, page_of},
        view::{self, Address, Chip, Field, Pager, Undo, When},
    },
};

/// What a generated password is made of: no letter that looks like another. 32 of them, so that a byte's lower five
/// bits choose evenly.
const LETTERS: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz23456789-";
/// Its length: 100 bits.
const LENGTH: usize = 20;

/// An account.
#[derive(Clone, Debug)]
pub struct Row {
    /// The id in `/accounts/{id}/…`.
    pub id: String,
    /// Display name.
    pub name: String,
    /// The address they sign in with.
    pub email: String,
    /// Site roles, in words.
    pub roles: String,
    /// Since when it is disabled.
    pub disabled: Option<When>,
    /// Whether nobody can sign in with it yet.
    pub no_password: bool,
    /// Whether it is the reader's own.
    pub own: bool,
}

/// The page.
#[derive(Template)]
#[template(path = "hand/accounts.html")]
pub struct AccountsPage {
    /// The frame.
    pub shell: Shell,
    /// The list's address: `q`, `page`.
    pub address: Address,
    /// What was searched.
    pub q: String,
    /// The accounts on this page.
    pub rows: Vec<Row>,
    /// Which page.
    pub pager: Pager,
    /// The fields of a new account.
    pub fields: Vec<Field>,
    /// Whose password this is, and the password: shown once.
    pub made: Option<(String, SecretString)>,
}

impl AccountsPage {
    fn chips(&self) -> Vec<Chip> {
        archive::chips(&self.address, &[("q", "Search: ")])
    }

    fn form_open(&self) -> bool {
        Field::any_wrong(&self.fields)
    }

    fn password(&self) -> &str {
        self.made.as_ref().map_or("", |(_, password)| password.expose_secret())
    }
}

fn fields(form: &Pairs) -> Vec<Field> {
    vec![
        Field::new("email", "email", "Email").value(form.one("email").trim()).help("They sign in with it."),
        Field::new("text", "name", "Name").value(form.one("name").trim()),
    ]
}

/// The list.
///
/// # Errors
/// When the database fails.
pub async fn get(person: Site<Operator>, State(state): State<AppState>, query: RawQuery) -> Result<Response> {
    let query = undo::query(query);
    let mut page = page(&state, &person, &query, fields(&Pairs::default())).await?;
    let name = query.one("account");
    page.shell = match query.one("told") {
        "disabled" => {
            let orphans: u64 = query.one("orphans").parse().unwrap_or(0);
            let mut text = "Disabled: their sessions ended, and they can’t sign in. Their roles rest.".to_owned();
            if orphans > 0 {
                text = format!("{text} {} nobody administers now.", view::count(orphans, "License ID", "License IDs"));
            }
            match name.parse::<uuid::Uuid>() {
                Ok(id) => page.shell.undo(Undo::new(text, format!("/accounts/{id}/enable"))),
                Err(_) => page.shell,
            }
        }
        "enabled" => page.shell.notice(Tone::Good, "Enabled: they can sign in again, with the roles they hold."),
        "renamed" => page.shell.notice(Tone::Good, "Renamed."),
        _ => page.shell,
    };
    Ok(Html(page).into_response())
}

/// The list's address.
pub fn address(query: &Pairs) -> Address {
    ["q", "page"]
        .into_iter()
        .fold(Address::new("/accounts"), |address, part| address.with(part, query.one(part).trim()))
}

/// How many accounts the list at this query shows on all its pages, to a site operator.
///
/// # Errors
/// When the database fails.
pub async fn count(tx: &mut Scoped, query: &Pairs) -> sqlx::Result<i64> {
    let found = db::accounts(tx, address(query).get("q"), 1, 0).await?;
    Ok(found.first().map_or(0, |row| row.total))
}

async fn page(state: &AppState, person: &SignedIn, query: &Pairs, fields: Vec<Field>) -> Result<AccountsPage> {
    let address = address(query);
    let (q, number) = (address.get("q").to_owned(), page_of(query.one("page")));
    let mut tx = person.begin(state).await?;
    let found = db::accounts(&mut tx, &q, PAGE, (number - 1) * PAGE).await?;
    let total = found.first().map_or(0, |row| row.total);
    let now = tx.now();
    let own = person.person().id;
    Ok(AccountsPage {
        shell: person.visitor().shell(state),
        rows: found.into_iter().map(|row| self::row(row, own, now)).collect(),
        pager: Pager::new(&address, "page", number.unsigned_abs(), PAGE.unsigned_abs(), total.unsigned_abs()),
        fields,
        made: None,
        q,
        address,
    })
}

fn row(row: Listed, own: uuid::Uuid, now: time::OffsetDateTime) -> Row {
    let roles = [(row.site_operator, "Site operator"), (row.auditor, "Auditor")];
    let roles: Vec<&str> = roles.into_iter().filter(|(has, _)| *has).map(|(_, role)| role).collect();
    Row {
        own: row.id == own,
        id: row.id.to_string(),
        name: row.name,
        email: row.email,
        roles: roles.join(", "),
        disabled: row.disabled_at.map(|at| When::moment(at, now)),
        no_password: !row.has_password,
    }
}

/// Adds an account; its first password is on the page that answers, and nowhere else.
///
/// # Errors
/// When the database fails.
pub async fn add(person: Fresh<Site<Operator>>, State(state): State<AppState>, form: Pairs) -> Result<Response> {
    let mut fields = fields(&form);
    let password = generated();
    let hash = state.passwords.hash(password.clone()).await?;
    // System scope: nobody's own writes people. The proof says that this is a site operator, and it is asked anew here.
    let mut tx = state.db.begin(Scope::System).await?;
    let email = match accounts::add_person(&mut tx, form.one("email"), form.one("name"), false, false).await {
        Ok(id) => {
            accounts::set_password_hash(&mut tx, id, &hash).await?;
            db::made(&mut tx, id, person.person().id).await?;
            accounts::address(form.one("email")).unwrap_or_default()
        }
        Err(AddError::Database(fault)) => return Err(fault.into()),
        Err(fault) => {
            let (at, sentence) = match fault {
                AddError::Malformed(_) => (0, "This isn’t an email address. Write it as name@example.org."),
                AddError::Taken(_) => (0, "There is an account with this address already."),
                _ => (1, "A name is needed, of at most 254 characters."),
            };
            fields[at].error = Some(sentence.to_owned());
            drop(tx);
            let page = page(&state, &person, &Pairs::default(), fields).await?;
            return Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(page)).into_response());
        }
    };
    person.visitor().record(&state, &mut tx, accounts::added(&email, false, false)).await?;
    tx.commit().await?;
    let mut page = page(&state, &person, &Pairs::default(), self::fields(&Pairs::default())).await?;
    page.made = Some((email, password));
    Ok(Html(page).into_response())
}

fn generated() -> SecretString {
    let mut random = [0_u8; LENGTH];
    fill_random(&mut random);
    random.iter().map(|byte| char::from(LETTERS[usize::from(byte & 31)])).collect::<String>().into()
}

/// Gives an account another name.
///
/// # Errors
/// [`Error::Malformed`] for no name; when the database fails.
pub async fn rename(account: Fresh<OnAccount>, State(state): State<AppState>, form: Pairs) -> Result<Response> {
    let name = form.one("name").trim();
    if name.is_empty() || name.chars().count() > 254 || name.contains(char::is_control) {
        return Err(Error::Malformed("A name is needed, of at most 254 characters on one line.".to_owned()));
    }
    // System scope: nobody's own writes people; the proof has found a site operator and this account.
    let mut tx = state.db.begin(Scope::System).await?;
    sqlx::query("UPDATE people SET name = $2 WHERE id = $1")
        .bind(account.account.id)
        .bind(name)
        .execute(&mut *tx)
        .await?;
    let detail = serde_json::json!({ "old": account.account.name, "new": name });
    let event = Event::done("person.change", account.account.email.clone()).with(detail);
    account.record(&state, &mut tx, event).await?;
    tx.commit().await?;
    Ok(Redirect::to("/accounts?told=renamed").into_response())
}

/// Disables an account and ends its sessions.
///
/// # Errors
/// [`Error::Conflict`] for one's own.
pub async fn disable(account: Fresh<OnAccount>, State(state): State<AppState>) -> Result<Response> {
    let named = &account.account;
    if named.id == account.person().id {
        return Err(Error::Conflict("This is your own account. Another site operator can disable it.".to_owned()));
    }
    // System scope: as for a new name.
    let mut tx = state.db.begin(Scope::System).await?;
    let done = accounts::disable(&mut tx, named.id).await?;
    if !done.already {
        account.record(&state, &mut tx, accounts::disabled(named, done.sessions)).await?;
    }
    tx.commit().await?;
    let to = format!("/accounts?told=disabled&account={}&orphans={}", named.id, done.without_administrator.len());
    Ok(Redirect::to(&to).into_response())
}

/// Enables an account again.
///
/// # Errors
/// When the database fails.
pub async fn enable(account: Fresh<OnAccount>, State(state): State<AppState>) -> Result<Response> {
    // System scope: as for a new name.
    let mut tx = state.db.begin(Scope::System).await?;
    sqlx::query("UPDATE people SET disabled_at = NULL WHERE id = $1")
        .bind(account.account.id)
        .execute(&mut *tx)
        .await?;
    account.record(&state, &mut tx, Event::done("person.enable", account.account.email.clone())).await?;
    tx.commit().await?;
    Ok(Redirect::to("/accounts?told=enabled").into_response())
}

#[cfg(test)]
impl AccountsPage {
    /// Two accounts, one just made.
    pub fn sample() -> Self {
        let address = Address::new("/accounts");
        let row = |id: &str, name: &str, roles: &str, own| Row {
            id: id.into(),
            name: name.into(),
            email: format!("{}@northwind.example", name.to_lowercase().replace(' ', ".")),
            roles: roles.into(),
            disabled: None,
            no_password: false,
            own,
        };
        Self {
            shell: Shell::sample("/accounts"),
            q: String::new(),
            rows: vec![row("1", "Mara Lindqvist", "Site operator", true), row("2", "Ilya Petrov", "", false)],
            pager: Pager::new(&address, "page", 1, 50, 2),
            fields: fields(&Pairs::default()),
            made: Some(("ilya.petrov@northwind.example".into(), generated())),
            address,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_disables_himself_and_a_password_is_shown_once() {
        let html = AccountsPage::sample().render().expect("renders");
        assert!(html.contains("/accounts/2/disable") && !html.contains("/accounts/1/disable"));
        assert!(html.contains("Shown only now"));
        let html = AccountsPage { made: None, ..AccountsPage::sample() }.render().expect("renders");
        assert!(!html.contains("Shown only now"));
    }

    #[test]
    fn a_generated_password_is_long_and_another_each_time() {
        let (one, other) = (generated(), generated());
        assert_eq!(one.expose_secret().len(), LENGTH);
        assert_ne!(one.expose_secret(), other.expose_secret());
        let distinct: std::collections::BTreeSet<u8> = LETTERS.iter().copied().collect();
        assert_eq!(distinct.len(), 32);
    }
}
