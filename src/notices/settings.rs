//! `/notices/settings`: how one is told, and for site operators what waits in the outbox, and the webhook.
use askama::Template;
use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};

use super::{Kind, db, webhook};
use crate::{
    app::AppState,
    audit::Event,
    auth::proof::{Fresh, Operator, SignedIn, Site},
    error::{Error, Result},
    postgres::Scoped,
    web::{
        form::Pairs,
        page::{Html, Shell, Tone},
        view::{Choice, Field, When, count, number},
    },
};

/// How somebody is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// By mail and in the portal.
    Both,
    /// By mail.
    Mail,
    /// In the portal.
    Portal,
    /// Not at all.
    None,
}

impl Way {
    const ALL: [Self; 4] = [Self::Both, Self::Mail, Self::Portal, Self::None];

    const fn code(self) -> &'static str {
        match self {
            Self::Both => "both",
            Self::Mail => "mail",
            Self::Portal => "portal",
            Self::None => "none",
        }
    }

    const fn label(self) -> &'static str {
        match self {
            Self::Both => "By mail and in the portal",
            Self::Mail => "By mail",
            Self::Portal => "In the portal",
            Self::None => "Not at all",
        }
    }

    /// Beside something that will be told; without a mail server there is no mail.
    pub(super) const fn words(self, mail: bool) -> &'static str {
        match self {
            Self::Both if mail => "by mail and on this page",
            Self::Mail if mail => "by mail",
            Self::Both | Self::Portal => "on this page",
            Self::Mail => "not at all: no mail server is set",
            Self::None => "not at all: you chose so",
        }
    }

    fn of(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|way| way.code() == code)
    }
}

/// How a person is told of a kind: as chosen, else both ways.
pub(super) fn chosen(choices: &[(String, String)], kind: Kind) -> Way {
    choices.iter().find(|(known, _)| known == kind.code()).and_then(|(_, way)| Way::of(way)).unwrap_or(Way::Both)
}

/// One way out of the outbox, as a site operator sees it.
#[derive(Clone, Debug)]
pub struct WayOut {
    /// “Mail” or “Webhook”.
    pub label: &'static str,
    /// How much waits, in words.
    pub waiting: String,
    /// Since when the oldest of it waits.
    pub since: Option<When>,
    /// What was given up, in words; empty for nothing.
    pub given_up: String,
    /// Why the last attempt failed; empty for nothing.
    pub fault: String,
}

/// What site operators see.
#[derive(Clone, Debug)]
pub struct Operation {
    /// The ways out.
    pub ways: Vec<WayOut>,
    /// Whether anything is to be tried again.
    pub retry: bool,
    /// The webhook's address; empty for none.
    pub url: String,
    /// Since when.
    pub since: Option<When>,
    /// The webhook's secret, when it was asked for.
    pub secret: Option<String>,
    /// The form's fields.
    pub fields: Vec<Field>,
}

impl Operation {
    fn fields(&self) -> Vec<Field> {
        self.fields.clone()
    }
}

/// The page.
#[derive(Template)]
#[template(path = "notices/settings.html")]
pub struct SettingsPage {
    /// The frame.
    pub shell: Shell,
    /// One field a kind.
    pub kinds: Vec<Field>,
    /// Whether a mail server is set.
    pub mail: bool,
    /// What site operators see besides.
    pub operation: Option<Operation>,
}

/// The page.
///
/// # Errors
/// When the database fails.
pub async fn get(
    person: SignedIn,
    State(state): State<AppState>,
    axum::extract::RawQuery(query): axum::extract::RawQuery,
) -> Result<Response> {
    let mut tx = person.begin(&state).await?;
    let mut page = page(&state, &person, &mut tx, None, Vec::new()).await?;
    let told = match Pairs::parse(query.unwrap_or_default().as_bytes()).one("notice") {
        "saved" => Some("Saved."),
        "ended" => Some("The webhook is gone. Events that waited for it aren’t sent."),
        "retried" => Some("It is being tried again."),
        _ => None,
    };
    if let Some(told) = told {
        page.shell = page.shell.notice(Tone::Good, told);
    }
    Ok(Html(page).into_response())
}

fn url_field() -> Field {
    Field::new("url", "url", "Address")
        .help("https://… or http://…; redirects aren’t followed. Leave it empty to send no events.")
        .optional()
}

async fn page(
    state: &AppState,
    person: &SignedIn,
    tx: &mut Scoped,
    secret: Option<String>,
    fields: Vec<Field>,
) -> Result<SettingsPage> {
    let choices = db::choices(tx, person.person().id).await?;
    let kinds = Kind::ALL.into_iter().map(|kind| {
        let current = chosen(&choices, kind).code();
        let ways = Way::ALL.into_iter().map(|way| Choice::new(way.code(), way.label(), current));
        Field::new("text", kind.code(), kind.label()).choices(ways.collect())
    });
    let operation = match person.person().site_operator {
        true => Some(operation(state, tx, secret, fields).await?),
        false => None,
    };
    Ok(SettingsPage { shell: person.visitor().shell(state), kinds: kinds.collect(), mail: state.web.mail, operation })
}

async fn operation(state: &AppState, tx: &mut Scoped, secret: Option<String>, fields: Vec<Field>) -> Result<Operation> {
    let now = tx.now();
    let held = db::waiting(tx).await?;
    let webhook = webhook::current(tx).await?;
    let of = |way: &str| held.iter().find(|held| held.way == way).cloned().unwrap_or_default();
    let out = |label, way| {
        let held = of(way);
        let since = held.since.filter(|_| held.waiting > 0).map(|since| When::moment(since, now));
        let waiting = match held.waiting.unsigned_abs() {
            0 => "Nothing".to_owned(),
            some => count(some, "message", "messages"),
        };
        let given_up = if held.given_up > 0 { number(held.given_up) } else { String::new() };
        WayOut { label, waiting, since, given_up, fault: held.fault.unwrap_or_default() }
    };
    let ways = vec![out("Mail", "mail"), out("Webhook", "webhook")];
    Ok(Operation {
        retry: state.web.mail && ways.iter().any(|way| !way.given_up.is_empty() || !way.fault.is_empty()),
        ways,
        since: webhook.as_ref().map(|webhook| When::moment(webhook.created_at, now)),
        url: webhook.as_ref().map(|webhook| webhook.url.clone()).unwrap_or_default(),
        secret,
        fields: if fields.is_empty() {
            vec![url_field().value(webhook.map(|webhook| webhook.url).unwrap_or_default())]
        } else {
            fields
        },
    })
}

/// Saves how one is told.
///
/// # Errors
/// When the form names another way than those offered.
pub async fn choose(person: SignedIn, State(state): State<AppState>, form: Pairs) -> Result<Response> {
    let me = person.person();
    let mut kinds = Vec::new();
    let mut ways = Vec::new();
    for kind in Kind::ALL {
        match form.one(kind.code()) {
            "" => {}
            text => {
                let way = Way::of(text).ok_or_else(|| {
                    Error::Malformed(format!("“{}” is told both, mail, portal or none.", kind.label()))
                })?;
                kinds.push(kind.code());
                ways.push(way.code());
            }
        }
    }
    let mut tx = person.begin(&state).await?;
    db::choose(&mut tx, me.id, &kinds, &ways).await?;
    person.record(&state, &mut tx, Event::done("notice.choose", me.email.clone())).await?;
    tx.commit().await?;
    Ok(Redirect::to("/notices/settings?notice=saved").into_response())
}

/// Tries again what was given up.
///
/// # Errors
/// When the database fails.
pub async fn retry(person: Site<Operator>, State(state): State<AppState>) -> Result<Response> {
    let mut tx = person.begin(&state).await?;
    let again = db::retry(&mut tx).await?;
    let subject = count(again, "message", "messages");
    person.record(&state, &mut tx, Event::done("outbox.retry", subject)).await?;
    tx.commit().await?;
    Ok(Redirect::to("/notices/settings?notice=retried").into_response())
}

/// Sets where events go, and shows the new secret once.
///
/// # Errors
/// 422 with what is wrong with the address.
pub async fn set_webhook(
    person: Fresh<Site<Operator>>,
    State(state): State<AppState>,
    form: Pairs,
) -> Result<Response> {
    let text = form.one("url").trim();
    let mut tx = person.begin(&state).await?;
    if text.is_empty() {
        db::set_webhook(&mut tx, person.person().id, None).await?;
        person.record(&state, &mut tx, Event::done("webhook.end", "")).await?;
        tx.commit().await?;
        return Ok(Redirect::to("/notices/settings?notice=ended").into_response());
    }
    let url = match webhook::address(text) {
        Ok(url) => url,
        Err(fault) => {
            let fields = vec![url_field().value(text).error(Some(fault.to_owned()))];
            let page = page(&state, &person, &mut tx, None, fields).await?;
            return Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(page)).into_response());
        }
    };
    let id = db::set_webhook(&mut tx, person.person().id, Some(url.as_str())).await?;
    // The host alone: an address may hold a token.
    let host = url.host_str().unwrap_or_default().to_owned();
    person.record(&state, &mut tx, Event::done("webhook.set", host)).await?;
    let secret = id.map(|id| webhook::secret(&state.vault, id));
    let page = page(&state, &person, &mut tx, secret, Vec::new()).await?;
    tx.commit().await?;
    Ok(Html(page).into_response())
}

/// Shows the webhook's secret again.
///
/// # Errors
/// 404 where no webhook is set.
pub async fn show_secret(person: Fresh<Site<Operator>>, State(state): State<AppState>) -> Result<Response> {
    let mut tx = person.begin(&state).await?;
    let webhook = webhook::current(&mut tx).await?.ok_or(Error::NotFound)?;
    person.record(&state, &mut tx, Event::done("webhook.secret", "")).await?;
    let page = page(&state, &person, &mut tx, Some(webhook::secret(&state.vault, webhook.id)), Vec::new()).await?;
    tx.commit().await?;
    Ok(Html(page).into_response())
}

#[cfg(test)]
impl SettingsPage {
    /// A site operator's, with a webhook.
    pub fn sample() -> Self {
        use time::macros::date;
        let day = date!(2026 - 11 - 20);
        let ways = Way::ALL.into_iter().map(|way| Choice::new(way.code(), way.label(), "both"));
        Self {
            shell: Shell::sample("/notices/settings"),
            kinds: Kind::ALL
                .into_iter()
                .map(|kind| Field::new("text", kind.code(), kind.label()).choices(ways.clone().collect()))
                .collect(),
            mail: false,
            operation: Some(Operation {
                ways: vec![
                    WayOut {
                        label: "Mail",
                        waiting: "3 messages".into(),
                        since: Some(When::day(day, day)),
                        given_up: "1".into(),
                        fault: "550 no such user".into(),
                    },
                    WayOut {
                        label: "Webhook",
                        waiting: "Nothing".into(),
                        since: None,
                        given_up: String::new(),
                        fault: String::new(),
                    },
                ],
                retry: true,
                url: "https://hooks.keyward.example/in".into(),
                since: Some(When::day(day, day)),
                secret: Some("whsec_00".into()),
                fields: vec![url_field()],
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_can_be_chosen_and_the_outbox_is_the_operators() {
        let html = SettingsPage::sample().render().expect("renders");
        for kind in Kind::ALL {
            assert!(html.contains(&format!("name=\"{}\"", kind.code())), "{kind:?}");
        }
        assert!(
            html.contains("No mail server is set") && html.contains("whsec_00") && html.contains("550 no such user")
        );
        let html = SettingsPage { operation: None, ..SettingsPage::sample() }.render().expect("renders");
        assert!(!html.contains("Webhook"));
    }

    #[test]
    fn who_chose_nothing_is_told_both_ways() {
        let choices = [("contract-end".to_owned(), "none".to_owned())];
        assert_eq!(chosen(&choices, Kind::ContractEnd), Way::None);
        assert_eq!(chosen(&choices, Kind::EsuEnd), Way::Both);
    }
}
