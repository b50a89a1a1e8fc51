//! `/`: the volume licensing overview, a card for each part a person may open.
use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};

use crate::{
    app::AppState,
    audit,
    auth::proof::SignedIn,
    contracts,
    error::Result,
    keys::{self, model::Standing},
    orders, people,
    pools::{self, model::Show},
    postgres::Scoped,
    products, requests,
};

use super::page::{Html, Shell, Tone};
use super::view::{Empty, EmptyKind, Link, Plot, number};

/// A line on a card: a number that matters and where to see it.
#[derive(Clone, Debug)]
pub struct Detail {
    /// How much it matters.
    pub tone: Tone,
    /// The words.
    pub text: String,
    /// The list, filtered to exactly that.
    pub href: Option<String>,
}

/// A part of the portal.
#[derive(Clone, Debug)]
pub struct Card {
    /// Its name.
    pub title: &'static str,
    /// Where it leads.
    pub href: &'static str,
    /// Its icon.
    pub icon: &'static str,
    /// The number that matters most, with separators.
    pub number: String,
    /// What is counted.
    pub caption: String,
    /// What else to know.
    pub details: Vec<Detail>,
}

/// A picture under the cards.
#[derive(Clone, Debug)]
pub struct Look {
    /// What it is of.
    pub title: &'static str,
    /// The picture, with the numbers behind it.
    pub plot: Plot,
    /// The lists of what it shows.
    pub lists: Vec<Link>,
}

/// The overview.
#[derive(Template)]
#[template(path = "web/overview.html")]
pub struct OverviewPage {
    /// The frame.
    pub shell: Shell,
    /// The parts this person may open.
    pub cards: Vec<Card>,
    /// Where people would rather look than read.
    pub looks: Vec<Look>,
    /// For a person without any grant: what is missing and whom to ask, nothing about what exists.
    pub empty: Option<Empty>,
}

impl OverviewPage {
    /// What a person who sees no License ID reads in place of cards and lists.
    #[must_use]
    pub fn nothing_to_see(because: Unseen) -> Empty {
        match because {
            Unseen::Archived => Empty::new(
                EmptyKind::Archived,
                "All your License IDs are in the archive",
                "What is archived shows in no list, count or export until it is restored.",
            )
            .action("Archived contracts", "/contracts?archived=only"),
            Unseen::Withheld => Empty::new(
                EmptyKind::NotAllowed,
                "None of your License IDs shows now",
                "You hold a role, but what it is on was put into the archive, or its organisation isn’t approved. \
                 An Administrator of the License ID can tell you more.",
            )
            .action("Ask for access to another", "/requests/new"),
            Unseen::NoRole => Empty::new(
                EmptyKind::NotAllowed,
                "You hold no role yet",
                "Contracts, products and keys show once somebody gives you a role on a License ID. \
                 Ask for one on the License ID you need: its number stands on the order or the agreement.",
            )
            .action("Ask for access", "/requests/new"),
        }
    }
}

/// Why a person sees no License ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unseen {
    /// He administers some, and they are all archived.
    Archived,
    /// He holds roles other than Administrator, on what is archived or not approved.
    Withheld,
    /// He was given none, or none any longer.
    NoRole,
}

/// What a person who sees no License ID reads in place of a page's content.
///
/// # Errors
/// When the database fails.
pub async fn nothing_to_see(tx: &mut Scoped, person: &SignedIn) -> Result<Empty> {
    let because = if person.person().administers {
        Unseen::Archived
    } else if contracts::db::holds_any(tx).await? {
        Unseen::Withheld
    } else {
        Unseen::NoRole
    };
    Ok(OverviewPage::nothing_to_see(because))
}

/// The page.
///
/// # Errors
/// When the database fails.
pub async fn get(person: SignedIn, State(state): State<AppState>) -> Result<Response> {
    let mut tx = person.begin(&state).await?;
    let (mut cards, mut looks) = (Vec::new(), Vec::new());
    if contracts::db::sees_any(&mut tx).await? {
        looks = estate_cards(&mut tx, &mut cards).await?;
    }
    let empty = if cards.is_empty() { Some(nothing_to_see(&mut tx, &person).await?) } else { None };
    request_card(&mut tx, &mut cards).await?;
    site_cards(&person, &mut tx, &mut cards).await?;
    Ok(Html(OverviewPage { shell: person.visitor().shell(&state), cards, looks, empty }).into_response())
}

/// The cards of what is held, and the pictures beside them.
async fn estate_cards(tx: &mut Scoped, cards: &mut Vec<Card>) -> Result<Vec<Look>> {
    let today = tx.today();
    let (active, ending) = contracts::db::overview(tx, today).await?;
    let mut details = Vec::new();
    if ending > 0 {
        details.push(Detail {
            tone: Tone::Warn,
            text: format!("{} within 90 days", plural(ending, "ends", "end")),
            href: Some("/contracts?ending=90".to_owned()),
        });
    }
    cards.push(card("Contracts", "/contracts", "file", active, "License IDs in force", details));
    let products = products::db::overview(tx).await?;
    let counts = keys::db::standings(tx).await?;
    let details =
        Standing::ALL.into_iter().zip(counts).filter(|(_, n)| *n > 0).map(|(standing, n)| standing_line(standing, n));
    cards.push(card("Products and services", "/products", "box", products, "products", details.collect()));
    if let Some(lines) = orders::db::overview(tx).await? {
        cards.push(card("Orders", "/orders", "cart", lines, "order lines", Vec::new()));
    }
    let [_, used_up, low, _] = counts;
    looks(tx, active, used_up, low).await
}

async fn looks(tx: &mut Scoped, active: i64, used_up: i64, low: i64) -> Result<Vec<Look>> {
    let mut looks = Vec::new();
    // One contract's end is on its card.
    if active > 1
        && let Some(plot) = contracts::when_they_end(tx).await?
    {
        let lists = vec![Link::new("By their end", "/contracts?sort=end")];
        looks.push(Look { title: "When License IDs end", plot, lists });
    }
    if let Some(plot) = keys::fullest::plot(tx, used_up, low).await? {
        let lists = [(used_up, Standing::UsedUp, "Used up"), (low, Standing::Low, "Running low")];
        let lists = lists
            .into_iter()
            .filter(|(n, ..)| *n > 0)
            .map(|(_, standing, label)| Link::new(label, ["/products?keys=", standing.code()].concat()));
        looks.push(Look { title: "The fullest MAKs", plot, lists: lists.collect() });
    }
    Ok(looks)
}

fn standing_line(standing: Standing, n: i64) -> Detail {
    let (tone, text) = match standing {
        Standing::Any => (Tone::Info, format!("{} you may read", plural(n, "key", "keys"))),
        Standing::UsedUp => (Tone::Bad, format!("{} used up", plural(n, "MAK", "MAKs"))),
        Standing::Low => (Tone::Warn, format!("{} running low", plural(n, "MAK", "MAKs"))),
        Standing::NotYet => (Tone::Info, format!("{} not usable yet", plural(n, "key", "keys"))),
    };
    Detail { tone, text, href: Some(["/products?keys=", standing.code()].concat()) }
}

/// Shown to whoever sees some License ID or has asked for one.
async fn request_card(tx: &mut Scoped, cards: &mut Vec<Card>) -> Result<()> {
    let (open, decide, answer, late) = requests::db::overview(tx).await?;
    if open == 0 && cards.is_empty() {
        return Ok(());
    }
    let lines = [
        (decide, Tone::Warn, plural(decide, "waits for your decision", "wait for your decision"), "decide"),
        (answer, Tone::Warn, plural(answer, "waits for your answer", "wait for your answer"), "answer"),
        (late, Tone::Bad, plural(late, "is overdue", "are overdue"), "late"),
    ];
    let details = lines
        .into_iter()
        .filter(|(n, ..)| *n > 0)
        .map(|(_, tone, text, who)| Detail { tone, text, href: Some(format!("/requests?who={who}")) })
        .collect();
    cards.push(card("Requests", "/requests", "tray", open, "open", details));
    Ok(())
}

async fn site_cards(person: &SignedIn, tx: &mut Scoped, cards: &mut Vec<Card>) -> Result<()> {
    let me = person.person();
    if me.site_operator || me.administers {
        let (people, single) = people::db::overview(tx, me.site_operator).await?;
        let mut details = Vec::new();
        if single > 0 {
            details.push(Detail {
                tone: Tone::Warn,
                text: format!("{} a single administrator", plural(single, "License ID has", "License IDs have")),
                href: Some("/people/alone".to_owned()),
            });
        }
        let caption = if me.site_operator { "people" } else { "people with a role" };
        cards.push(card("Role assignments", "/people", "people", people, caption, details));
    }
    if me.site_operator || me.administers {
        let (applications, waiting, spent) = pools::db::overview(tx).await?;
        let mut details = Vec::new();
        let at = |show: Show| Some(["/activation?show=", show.code()].concat());
        if waiting > 0 {
            let text = format!("{} for the count", plural(waiting, "waits", "wait"));
            details.push(Detail { tone: Tone::Info, text, href: at(Show::Waiting) });
        }
        if spent > 0 {
            let text = format!("{} a MAK that is used up", plural(spent, "has", "have"));
            details.push(Detail { tone: Tone::Bad, text, href: at(Show::Spent) });
        }
        cards.push(card("Activation", "/activation", "pulse", applications, "own applications", details));
    }
    if me.auditor || me.administers {
        let (events, _) = audit::db::extent(tx).await?;
        let caption = if me.auditor { "events recorded" } else { "events on your License IDs" };
        cards.push(card("Audit", "/audit", "history", events, caption, Vec::new()));
    }
    Ok(())
}

fn card(
    title: &'static str,
    href: &'static str,
    icon: &'static str,
    n: i64,
    caption: &str,
    details: Vec<Detail>,
) -> Card {
    Card { title, href, icon, number: number(n), caption: caption.to_owned(), details }
}

fn plural(n: i64, one: &str, many: &str) -> String {
    super::view::count(n.unsigned_abs(), one, many)
}

#[cfg(test)]
impl OverviewPage {
    /// Six cards.
    pub fn sample() -> Self {
        let card = |title, href, icon, number: &str, caption: &str, details| Card {
            title,
            href,
            icon,
            number: number.into(),
            caption: caption.into(),
            details,
        };
        let detail = |tone, text: &str, href: &str| Detail { tone, text: text.into(), href: Some(href.into()) };
        let cards = vec![
            card(
                "Contracts",
                "/contracts",
                "file",
                "11",
                "active License IDs",
                vec![detail(Tone::Warn, "3 end within 90 days", "/contracts?ending=90")],
            ),
            card(
                "Products and services",
                "/products",
                "box",
                "474",
                "product keys of 27 products",
                vec![
                    detail(Tone::Bad, "6 MAKs used up", "/products?keys=used-up"),
                    detail(Tone::Warn, "14 MAKs running low", "/products?keys=low"),
                ],
            ),
            card("Orders", "/orders", "cart", "180", "order lines", vec![]),
            card(
                "Imports",
                "/imports",
                "upload",
                "5",
                "files imported",
                vec![detail(Tone::Good, "Last one 2 hours ago", "/imports")],
            ),
            card(
                "Role assignments",
                "/people",
                "people",
                "9",
                "people with a role",
                vec![detail(Tone::Warn, "2 License IDs have a single administrator", "/people/alone")],
            ),
            card(
                "Audit",
                "/audit",
                "history",
                "1,932",
                "events recorded",
                vec![detail(Tone::Good, "The chain is whole", "/audit")],
            ),
        ];
        let look = |title, plot: Option<Plot>, label: &str, href: &str| {
            plot.map(|plot| Look { title, plot, lists: vec![Link::new(label, href)] })
        };
        let looks = [
            look("When License IDs end", contracts::sample_of_ends(), "By their end", "/contracts?sort=end"),
            look("The fullest MAKs", keys::fullest::sample(), "Used up", "/products?keys=used-up"),
        ];
        Self { shell: Shell::sample("/"), cards, looks: looks.into_iter().flatten().collect(), empty: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_card_leads_to_its_part() {
        let html = OverviewPage::sample().render().expect("renders");
        for href in ["/contracts", "/products", "/orders", "/imports", "/people", "/audit"] {
            assert!(html.contains(&format!("href=\"{href}\"")), "{href}");
        }
    }

    #[test]
    fn a_picture_has_its_numbers_and_its_lists() {
        let html = OverviewPage::sample().render().expect("renders");
        for part in [
            "href=\"/contracts?month=2027-06\"",
            "href=\"/contracts?sort=end\"",
            "href=\"/products?keys=used-up\"",
            "The numbers behind it",
            "Windows 11 Pro (AB12C)",
        ] {
            assert!(html.contains(part), "{part}");
        }
    }

    #[test]
    fn without_a_grant_nothing_is_told_about_what_exists() {
        let empty = Some(OverviewPage::nothing_to_see(Unseen::NoRole));
        let html =
            OverviewPage { empty, cards: vec![], looks: vec![], ..OverviewPage::sample() }.render().expect("renders");
        assert!(html.contains("You hold no role yet"));
        assert!(!html.contains("474"));
    }
}
