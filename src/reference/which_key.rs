//! `GET /products/which-key`: from a situation to the way, the key and the commands.
use askama::Template;
use axum::{
    extract::{RawQuery, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use time::Date;

use super::{
    advice::{Advice, Kind, Way, advise},
    commands::{self, Command},
    db::{self, Fitting},
    gvlk::Gvlk,
    which_key_form::{Answers, Asked, Catalogue},
};
use crate::{
    app::AppState,
    auth::{proof::SignedIn, roles::Role},
    contracts,
    error::Result,
    keys::{self, KeyKind},
    postgres::Scoped,
    products::{
        self,
        classify::slug,
        model::{Filter, Sort},
    },
    requests,
    web::{
        form::Pairs,
        page::{Html, Shell},
        view::{Choice, Empty, EmptyKind, Locked, Meter, When, contract_path, product_path},
    },
};

/// Products that are offered; a list to choose from isn't longer.
const PRODUCTS: i64 = 2_000;
/// Keys that are shown; the link leads to all of them.
const KEYS: i64 = 5;
/// Programmes that decide something, offered to those who see none of them.
const PROGRAMS: [&str; 4] = ["Enterprise", "Open License", "Open Value", "Open Value Subscription"];

/// A key that fits.
pub struct FittingKey {
    /// Masked.
    pub text: String,
    /// Its License ID.
    pub license_id: String,
    /// The License ID's organisation.
    pub organization: String,
    /// How far it is used up, where that is counted.
    pub meter: Option<Meter>,
    /// From when it can be used, where that is to come.
    pub usable_from: Option<When>,
    /// Where it can be read.
    pub href: String,
}

/// The answer.
pub struct Answer {
    /// What is recommended.
    pub advice: Advice,
    /// The published setup key, where the way uses it.
    pub gvlk: Option<&'static Gvlk>,
    /// Keys of the person that fit, the ones with the most left first.
    pub keys: Vec<FittingKey>,
    /// How many there are in all.
    pub total: u64,
    /// Keys that are there, but not for this person.
    pub locked: Option<Locked>,
    /// The lines to type.
    pub commands: Vec<Command>,
    /// What the lines are for, where it isn't plain.
    pub commands_title: &'static str,
}

/// The page.
#[derive(Template)]
#[template(path = "reference/which_key.html")]
pub struct WhichKeyPage {
    shell: Shell,
    answers: Answers,
    products: Vec<Choice>,
    editions: Vec<Choice>,
    programs: Vec<Choice>,
    missing: Option<&'static str>,
    answer: Option<Answer>,
}

/// The page; 422 where a number isn't one.
///
/// # Errors
/// When the database fails.
pub async fn get(person: SignedIn, State(state): State<AppState>, RawQuery(query): RawQuery) -> Result<Response> {
    let query = Pairs::parse(query.unwrap_or_default().as_bytes());
    let mut tx = person.begin(&state).await?;
    let survey = products::db::survey(&mut tx, &Filter::default(), (Sort::Name, false), PRODUCTS, 0).await?;
    let own: Vec<String> = survey.rows.into_iter().map(|row| row.name).collect();
    let (programs, _) = contracts::db::vocabulary(&mut tx).await?;
    let catalogue = Catalogue::new(&own);
    let answers = Answers::read(&query, &catalogue);
    let (missing, answer) = match answers.asked() {
        Asked::Missing(sentence) => (Some(sentence), None),
        Asked::Whole(question) => (None, Some(answer(&mut tx, &answers, advise(question)).await?)),
    };
    let status = if answers.machines_error.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let page = WhichKeyPage {
        shell: person.visitor().shell(&state),
        products: answers.products(&catalogue),
        editions: answers.editions(&catalogue),
        programs: program_choices(programs, &answers.program),
        answers,
        missing,
        answer,
    };
    Ok((status, Html(page)).into_response())
}

fn program_choices(mut programs: Vec<String>, current: &str) -> Vec<Choice> {
    programs.extend(PROGRAMS.map(str::to_owned));
    programs.retain(|name| !name.is_empty());
    programs.sort_unstable();
    programs.dedup();
    std::iter::once(Choice::new("", "Any, or not sure", current))
        .chain(programs.into_iter().map(|name| Choice::new(name.clone(), name, current)))
        .collect()
}

async fn answer(tx: &mut Scoped, answers: &Answers, advice: Advice) -> Result<Answer> {
    let product = products::db::by_slug(tx, &slug(&answers.edition)).await?;
    let today = tx.today();
    let (mut keys, mut total, mut locked) = (Vec::new(), 0, None);
    if let (Some(product), Some(kind)) = (&product, advice.key.filter(|kind| *kind != KeyKind::Setup)) {
        let found = db::fitting(tx, &product.slug, kind.code(), &answers.program, KEYS).await?;
        total = found.first().map_or(0, |key| key.all.unsigned_abs());
        keys = found.into_iter().map(|key| fitting(key, &product.slug, today)).collect();
        if keys.is_empty() {
            let closed = keys::db::locked_on(tx, product.id).await?;
            if !closed.is_empty() {
                locked = Some(requests::ask::locked(tx, Role::ProductKeysReader, closed).await?);
            }
        }
    }
    let gvlk = answers.gvlk().filter(|_| matches!(advice.way, Way::Kms | Way::NewKms));
    let (commands_title, commands) = lines(&advice, answers.kind(), gvlk);
    Ok(Answer { advice, gvlk, keys, total, locked, commands, commands_title })
}

fn fitting(key: Fitting, slug: &str, today: Date) -> FittingKey {
    let href = if key.on_product {
        [&product_path(slug), "?tab=keys"].concat()
    } else {
        [&contract_path(&key.license_id), "?tab=keys"].concat()
    };
    FittingKey {
        text: keys::masked(&key.last_five),
        meter: key
            .used
            .zip(key.total)
            .map(|(used, total)| Meter { used: used.unsigned_abs(), total: total.unsigned_abs() }),
        usable_from: key.usable_from.filter(|from| *from > today).map(|from| When::day(from, today)),
        license_id: key.license_id,
        organization: key.organization,
        href,
    }
}

/// The lines of a way, and their heading.
fn lines(advice: &Advice, kind: Kind, gvlk: Option<&Gvlk>) -> (&'static str, Vec<Command>) {
    let office = kind == Kind::Office;
    let key = gvlk.map_or(commands::YOUR_KEY, |row| row.key.as_str());
    match advice.way {
        Way::Kms => ("Run on each machine", commands::kms_client(key, office)),
        Way::NewKms => ("Once the host is there, run on each machine", commands::kms_client(key, office)),
        Way::MakIndependent if kind == Kind::Esu => ("Run on each machine", commands::esu()),
        Way::MakIndependent => ("Run on each machine", commands::mak(office)),
        Way::MakProxy if kind == Kind::Esu => ("", Vec::new()),
        Way::MakProxy => ("For a few machines, by telephone instead", commands::by_telephone(office)),
        Way::NoKey | Way::Wizard | Way::TypedKey | Way::SingleUse => ("", Vec::new()),
    }
}

impl Answer {
    /// The kind of key in words: "a MAK".
    fn key_noun(&self) -> &'static str {
        match self.advice.key {
            Some(KeyKind::Mak) => "MAK",
            Some(KeyKind::KmsHost) => "KMS host key",
            Some(KeyKind::Osa) => "single-use key",
            Some(KeyKind::Vlk) => "volume key",
            Some(KeyKind::Setup) | None => "",
        }
    }

    fn more(&self) -> u64 {
        self.total.saturating_sub(u64::try_from(self.keys.len()).unwrap_or(u64::MAX))
    }
}

impl WhichKeyPage {
    fn nothing_yet(&self, sentence: &str) -> Empty {
        Empty::new(EmptyKind::NothingYet, "No answer yet", sentence)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl WhichKeyPage {
        fn sample(query: &str) -> Self {
            let catalogue = Catalogue::new(&["Windows 11 Pro".to_owned()]);
            let answers = Answers::read(&Pairs::parse(query.as_bytes()), &catalogue);
            let (missing, answer) = match answers.asked() {
                Asked::Missing(sentence) => (Some(sentence), None),
                Asked::Whole(question) => (None, Some(Answer::sample(&answers, advise(question)))),
            };
            Self {
                shell: Shell::sample("/products/which-key"),
                products: answers.products(&catalogue),
                editions: answers.editions(&catalogue),
                programs: program_choices(Vec::new(), &answers.program),
                answers,
                missing,
                answer,
            }
        }
    }

    impl Answer {
        fn sample(answers: &Answers, advice: Advice) -> Self {
            let key = |on_product| Fitting {
                license_id: "8671204".into(),
                organization: "Northwind Holding AG".into(),
                last_five: "G3GH4".into(),
                used: Some(2_590),
                total: Some(5_000),
                usable_from: None,
                on_product,
                all: 7,
            };
            let today = time::macros::date!(2026 - 11 - 22);
            let keys = [true, false].map(|on| fitting(key(on), "windows-11-pro", today)).into();
            let gvlk = answers.gvlk().filter(|_| matches!(advice.way, Way::Kms | Way::NewKms));
            let (commands_title, commands) = lines(&advice, answers.kind(), gvlk);
            Self { advice, gvlk, keys, total: 7, locked: None, commands, commands_title }
        }
    }

    fn page(query: &str) -> String {
        WhichKeyPage::sample(query).render().expect("renders")
    }

    #[test]
    fn the_answer_has_way_key_lines_and_reasons() {
        let html = page("product=Windows+11&edition=Windows+11+Pro&machines=400&host=yes");
        for part in
            ["Setup key and your KMS host", "slmgr /ipk W269N-WFGWX-YVC9B-4J6C9-T83GX", "/guides/kms-host", "two hosts"]
        {
            assert!(html.contains(part), "{part}");
        }
        let html = page("product=Windows+11&edition=Windows+11+Pro&machines=4");
        for part in [
            "MAK, each machine by itself",
            "•••••-•••••-•••••-•••••-G3GH4",
            "slmgr /ipk XXXXX",
            "/contracts/8671204?tab=keys",
        ] {
            assert!(html.contains(part), "{part}");
        }
        assert!(html.contains("Find and use product keys"), "where a rule comes from");
    }

    #[test]
    fn office_has_its_own_lines_and_rds_its_own_helper() {
        let html = page("product=Office+LTSC+2024&edition=Office+LTSC+Professional+Plus+2024&machines=40&host=yes");
        assert!(html.contains("ospp.vbs /inpkey:XJ2XN") && !html.contains("slmgr"));
        assert!(page("product=Remote+Desktop+Services").contains("href=\"/products/rds\""));
        assert!(page("product=SQL+Server&edition=SQL+Server+2019+or+older").contains("No key needed"));
    }

    #[test]
    fn without_answers_it_says_what_is_missing() {
        assert!(page("").contains("Choose a product to begin with"));
        assert!(page("product=Windows+11&edition=Windows+11+Pro&machines=x").contains("Give a whole number"));
    }
}
