//! `GET /requests/{number}`: from the row to the page, and what the person can do with it now.

use axum::{
    extract::{RawQuery, State as Shared},
    response::{IntoResponse, Response},
};
use time::Date;

use super::{
    db,
    files::{self, ATTACH_HELP},
    input::Input,
    machine::{Action, Kind, State, next},
    model::{Entry, Place, Request},
    new::nobody_decides,
    page::{Act, FileRow, RequestPage, Step},
};
use crate::{
    app::AppState,
    auth::proof::{OnRequest, SignedIn},
    error::Result,
    people::model::role_label,
    postgres::Scoped,
    web::{
        form::Pairs,
        page::{Html, Tone},
        view::{Fact, Field, Link, Meter, Remark, When, contract_path, number},
    },
};

/// A form that was sent and is wrong: which, and its fields.
#[derive(Debug, Default)]
pub struct Wrong {
    /// The id of the field at fault.
    pub field: &'static str,
    /// What was typed, by field id.
    pub typed: Vec<(&'static str, String)>,
    /// What is wrong.
    pub sentence: String,
}

impl Wrong {
    /// A field at fault with what was typed.
    pub fn at(field: &'static str, input: Input) -> Self {
        Self {
            field,
            typed: vec![(field, input.value)],
            sentence: input.error.unwrap_or_else(|| "This can’t be taken.".to_owned()),
        }
    }

    /// The same with what was typed into another field of the form.
    pub fn beside(mut self, field: &'static str, input: Input) -> Self {
        self.typed.push((field, input.value));
        self
    }

    fn on(&self, field: Field) -> Field {
        let typed = self.typed.iter().find(|(id, _)| *id == field.id).map(|(_, value)| value.clone());
        let wrong = (self.field == field.id).then(|| self.sentence.clone());
        match typed {
            Some(value) => field.value(value).error(wrong),
            None => field.error(wrong),
        }
    }
}

/// The page.
///
/// # Errors
/// When the database fails.
pub async fn get(request: OnRequest, Shared(state): Shared<AppState>, RawQuery(query): RawQuery) -> Result<Response> {
    let query = Pairs::parse(query.unwrap_or_default().as_bytes());
    let mut tx = request.begin(&state).await?;
    let mut page = page(&state, &request, &mut tx, &request.request, &Wrong::default()).await?;
    if let Some((tone, text)) = notice(query.one("notice"), &request.request) {
        page.shell = page.shell.notice(tone, text);
    }
    Ok(Html(page).into_response())
}

/// What just happened, told by the request itself: the address says which step, the state whether it is so.
fn notice(step: &str, request: &Request) -> Option<(Tone, String)> {
    let good = |text: &str| Some((Tone::Good, text.to_owned()));
    match (step, request.state) {
        ("submit", State::Submitted) if request.is_blind() => good(
            "Asked. If this License ID exists here, its Administrators see your request; Keyward doesn’t say whether it does.",
        ),
        ("submit", State::Submitted) => good("Asked. Whoever decides sees it from now on."),
        ("again", _) if request.mine && request.state.is_open() => {
            Some((Tone::Info, "You have asked for this already: here it is.".to_owned()))
        }
        ("draft", State::Draft) => good("Kept as a draft. Nobody else sees it until you submit it."),
        ("approve", State::Done) if request.kind == Kind::Access => {
            Some((Tone::Good, format!("Approved: {} holds the role now.", request.asker_name)))
        }
        ("approve", State::Done) => good("Approved: the limit has risen."),
        ("approve", State::Approved) => good("Approved. Next it is sent to the vendor."),
        ("decline", State::Declined) => good("Declined."),
        ("ask", State::Question) => good("Asked back. It waits for the answer now."),
        ("answer", State::Submitted) => good("Answered. It waits for a decision again."),
        ("send", State::Sent) => good("Noted as sent. It is done when the new total has been read back."),
        ("refuse", State::Declined) => good("Noted: the vendor declined it."),
        ("close", State::Done) => good("Read back: it is done."),
        ("close", State::Approved | State::Sent) => Some((
            Tone::Info,
            "Read back. The total is still below what was asked for, so the request stays open.".to_owned(),
        )),
        ("withdraw", State::Withdrawn) => good("Withdrawn."),
        _ => None,
    }
}

/// The page of a request, with a form that may say what is wrong.
///
/// # Errors
/// When the database fails.
pub async fn page(
    state: &AppState,
    person: &SignedIn,
    tx: &mut Scoped,
    request: &Request,
    wrong: &Wrong,
) -> Result<RequestPage> {
    let today = tx.today();
    let now = tx.now();
    let place = match request.contract_id {
        Some(contract) if !request.is_blind() => db::place_of(tx, contract).await?,
        _ => None,
    };
    let counts = match request.key_id {
        Some(key) => db::counts(tx, key).await?,
        None => None,
    };
    let history = db::history(tx, request.id).await?;
    let attached = db::files(tx, request.id).await?;
    let attach = files::takes_more(request, &attached)
        .then(|| wrong.on(Field::new("file", "file", "Attach a file").help(ATTACH_HELP)));
    Ok(RequestPage {
        shell: person.visitor().shell(state),
        number: request.number,
        title: request.title(),
        state: request.state,
        next: what_next(request),
        due: request.due_on.map(|day| When::day(day, today)),
        late: request.state.is_open() && request.due_on.is_some_and(|day| day < today),
        facts: facts(request, today),
        links: links(request),
        meter: meter(counts),
        justification: request.justification.clone(),
        notes: notes(request, place.as_ref()),
        acts: acts(request, today, wrong),
        packet: (request.has_packet() && request.may_ask).then(|| format!("{}/packet", request.href())),
        edit: (request.state == State::Draft).then(|| format!("{}/edit", request.href())),
        history: history.into_iter().map(|entry| told(entry, now)).collect(),
        files: attached
            .into_iter()
            .map(|file| FileRow {
                href: format!("{}/files/{}", request.href(), file.id),
                about: files::about(&file, now),
                name: file.name,
            })
            .collect(),
        attach,
    })
}

fn meter(counts: Option<(Option<i64>, Option<i64>)>) -> Option<Meter> {
    let (used, total) = counts?;
    Some(Meter { used: used?.unsigned_abs(), total: total?.unsigned_abs() })
}

fn what_next(request: &Request) -> String {
    let place = &request.license_id;
    match request.state {
        State::Draft => "Nobody else sees it until you submit it.".to_owned(),
        State::Submitted if request.is_blind() => {
            "If this License ID exists here, its Administrators see it. Keyward doesn’t say whether it does.".to_owned()
        }
        State::Submitted if !request.course().vendor => {
            format!("An Administrator of License ID {place} other than {} decides.", request.asker_name)
        }
        State::Submitted if request.second_person => {
            format!(
                "An Administrator of License ID {place} other than {} agrees before it is sent.",
                request.asker_name
            )
        }
        State::Submitted => {
            format!("An Administrator of License ID {place} decides, or whoever may ask there sends it to the vendor.")
        }
        State::Question => format!("It waits for an answer from {}.", request.asker_name),
        State::Approved => "Next: fill in the vendor’s form with the packet, send it, and note the day.".to_owned(),
        State::Sent => "It is done once an import or a reading shows the new total.".to_owned(),
        State::Declined | State::Withdrawn => "Nothing was changed.".to_owned(),
        State::Done if request.kind == Kind::Access => {
            format!("{} holds the role.", request.asker_name)
        }
        State::Done => "The limit has risen.".to_owned(),
    }
}

fn facts(request: &Request, today: Date) -> Vec<Fact> {
    let day = |day: Option<Date>| day.map(|day| When::day(day, today).exact).unwrap_or_default();
    let count = |n: Option<i64>| n.map(number).unwrap_or_default();
    let asked = match (request.quantity, request.total_before, request.wanted_total) {
        (Some(more), Some(before), Some(wanted)) if request.kind != Kind::KmsException => {
            format!("{} more: {} → {}", number(more), number(before), number(wanted))
        }
        (Some(more), ..) => number(more),
        _ => String::new(),
    };
    let five = request.last_five.as_deref().unwrap_or_default();
    let role = request.role.as_deref().map(role_label).unwrap_or_default();
    let who = format!("{} ({})", request.asker_name, request.asker_email);
    [
        Fact::maybe("What", request.kind.label(), false),
        Fact::maybe("Asked by", &who, false),
        Fact::maybe("License ID", &request.license_id, true),
        Fact::maybe("Role", &role, false),
        Fact::maybe("Until", &day(request.until), false),
        Fact::maybe("Product", &request.product, false),
        Fact::maybe("Last five characters", five, true),
        Fact::maybe("Asked for", &asked, false),
        Fact::maybe("Computers", &count(request.computers), false),
        Fact::maybe("Authorization or agreement number", &request.authorization_number, true),
        Fact::maybe("Sent to the vendor on", &day(request.sent_on), false),
        Fact::maybe("Vendor’s reference", &request.vendor_reference, true),
        Fact::maybe("Total read back", &count(request.total_read), false),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn links(request: &Request) -> Vec<Link> {
    if !request.sees {
        return Vec::new();
    }
    let href = [&contract_path(&request.license_id), "?tab=keys"].concat();
    vec![Link::new(format!("License ID {}", request.license_id), href)]
}

/// Said while it waits and nobody could decide.
fn notes(request: &Request, place: Option<&Place>) -> Vec<Remark> {
    let course = request.course();
    let waits = matches!(request.state, State::Draft | State::Submitted) && (!course.vendor || course.second_person);
    match place {
        // Asked of the person who looks: whether somebody else than they can decide matters to the asker.
        Some(place) if waits && request.mine && !place.other_administrator => vec![nobody_decides(place)],
        _ => Vec::new(),
    }
}

fn told(entry: Entry, now: time::OffsetDateTime) -> Step {
    let who = if entry.who.is_empty() { "Keyward".to_owned() } else { entry.who };
    let what = match entry.action.as_str() {
        "draft" => "began a draft",
        "change" => "changed the draft",
        "submit" => "asked for this",
        "ask" => "asked back",
        "answer" => "answered",
        "approve" => "approved",
        "decline" => "declined",
        "send" => "sent it to the vendor",
        "refuse" => "noted that the vendor declined",
        "close" => "closed it: the new total is there",
        "reading" => "read the counts back",
        "withdraw" => "withdrew it",
        "comment" => "commented",
        "file" => "attached a file",
        "due" => "set the day it is needed by",
        other => other,
    };
    Step { at: When::moment(entry.at, now), what: format!("{who} {what}"), comment: entry.comment }
}

/// What this person can do now, what matters most first.
fn acts(request: &Request, today: Date, wrong: &Wrong) -> Vec<Act> {
    let can = |action| {
        next(request.state, action, request.course()).is_some() && request.standing().may(action, request.course())
    };
    let at = |rest: &str| format!("{}/{rest}", request.href());
    let plain = |title, action: String, button: &str| Act {
        title,
        text: String::new(),
        action,
        hidden: Vec::new(),
        fields: Vec::new(),
        buttons: vec![("", "", button.to_owned())],
        tick: None,
        folded: false,
    };
    let step = |title, step: &'static str, button: &str| Act {
        hidden: vec![("step", step)],
        ..plain(title, at("step"), button)
    };
    let text = |id, label| wrong.on(Field::new("area", "comment", label).id(id));
    let mut acts = Vec::new();
    if can(Action::Submit) {
        acts.push(Act {
            text: "Whoever decides sees it from then on, and what it asks for stays as it is.".to_owned(),
            ..step("Hand it in", "submit", "Submit")
        });
    }
    if can(Action::Approve) {
        acts.push(Act {
            text: decision_text(request),
            fields: vec![text("decision-comment", "Comment").help("Needed to decline or to ask back.").optional()],
            buttons: [("approve", "Approve"), ("decline", "Decline"), ("ask", "Ask back")]
                .map(|(value, label)| ("decision", value, label.to_owned()))
                .into(),
            ..plain("Decide", at("decision"), "")
        });
    }
    if can(Action::Answer) {
        acts.push(Act {
            fields: vec![text("answer-comment", "Your answer")],
            ..step("Answer the question", "answer", "Answer")
        });
    }
    if can(Action::Send) {
        acts.push(Act {
            text: "Fill in the vendor’s form with the packet, then note here that it went out.".to_owned(),
            fields: vec![
                wrong.on(Field::new("date", "sent_on", "Sent on").value(today.to_string())),
                wrong.on(Field::new("text", "reference", "Vendor’s case number").optional()),
            ],
            ..step("Send it to the vendor", "send", "Note as sent")
        });
    }
    if can(Action::Close) {
        acts.push(reading(request, at("reading"), wrong, plain));
    }
    acts.extend(beside(request, wrong, at, can));
    acts
}

fn reading(request: &Request, action: String, wrong: &Wrong, plain: impl Fn(&'static str, String, &str) -> Act) -> Act {
    let wanted = request.wanted_total.map(|n| format!(" Asked for: {}.", number(n))).unwrap_or_default();
    let total = Field::new("number", "total", "Total now").help("As the vendor’s page shows it.");
    let mut fields = vec![wrong.on(total)];
    if request.key_id.is_some() {
        fields.push(wrong.on(Field::new("number", "used", "Of these used").optional()));
    }
    Act {
        text: format!(
            "An import that shows the new total closes the request by itself. Or type what the vendor shows.{wanted}"
        ),
        fields,
        tick: Some(("all", "The vendor grants no more than this: close the request")),
        ..plain("Enter the new total", action, "Save this total")
    }
}

/// What is rarely wanted.
fn beside(request: &Request, wrong: &Wrong, at: impl Fn(&str) -> String, can: impl Fn(Action) -> bool) -> Vec<Act> {
    let fold =
        |title, action: String, fields: Vec<Field>, hidden: Vec<(&'static str, &'static str)>, button: &str| Act {
            title,
            text: String::new(),
            action,
            hidden,
            fields: fields.into_iter().map(|field| wrong.on(field)).collect(),
            buttons: vec![("", "", button.to_owned())],
            tick: None,
            folded: true,
        };
    let area = |id, label| Field::new("area", "comment", label).id(id);
    let mut acts = Vec::new();
    if request.state != State::Draft {
        acts.push(fold("Comment", at("comment"), vec![area("comment", "Comment")], Vec::new(), "Add the comment"));
    }
    if request.state.is_open() && (request.mine || request.administers) {
        let day = request.due_on.map(|day| day.to_string()).unwrap_or_default();
        let field = Field::new("date", "due_on", "Needed by").value(day).help("Empty: no day.").optional();
        acts.push(fold("Change the day", at("due"), vec![field], Vec::new(), "Save this day"));
    }
    if can(Action::Refuse) {
        let field = area("refuse-comment", "What the vendor said");
        acts.push(fold("The vendor declined", at("step"), vec![field], vec![("step", "refuse")], "Note it"));
    }
    if can(Action::Withdraw) {
        let field = area("withdraw-comment", "Why").optional();
        acts.push(fold("Withdraw", at("step"), vec![field], vec![("step", "withdraw")], "Withdraw this request"));
    }
    acts
}

fn decision_text(request: &Request) -> String {
    match (request.kind, request.course().vendor) {
        (Kind::Access, _) => "Approving gives the role at once.".to_owned(),
        (_, false) => "Approving raises the limit at once.".to_owned(),
        (_, true) => "Approving lets it be sent to the vendor.".to_owned(),
    }
}
