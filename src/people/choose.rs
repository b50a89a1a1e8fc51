//! What the wizard was told so far: people, License IDs, roles and a last day, carried from step to step in the
//! address, and found in the database within the reach of whoever gives.

use sqlx::AssertSqlSafe;
use time::{Date, macros::format_description};
use uuid::Uuid;

use super::{
    accounts, db,
    model::{Named, end_of},
    offered,
    plan::{self, Keep, PLACE, Place, Plan, Wish, day_words, lasts},
    rules::{self, Over},
};
use crate::{auth::roles::Role, error::Result, postgres::Scoped, web::form::Pairs, web::view::number};

/// People that are given roles at once.
const MOST_PEOPLE: usize = 50;
/// License IDs at once.
const MOST_PLACES: usize = 1_000;
/// Roles on License IDs at once.
const MOST_ITEMS: usize = 5_000;
/// A step of the wizard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Whom.
    People,
    /// Where.
    LicenseIds,
    /// What.
    Roles,
    /// Look at it, and save.
    Check,
}

impl Step {
    /// In order.
    pub const ALL: [Self; 4] = [Self::People, Self::LicenseIds, Self::Roles, Self::Check];

    /// In the address.
    pub const fn code(self) -> &'static str {
        match self {
            Self::People => "people",
            Self::LicenseIds => "license-ids",
            Self::Roles => "roles",
            Self::Check => "check",
        }
    }

    /// On the page.
    pub const fn label(self) -> &'static str {
        match self {
            Self::People => "People",
            Self::LicenseIds => "License IDs",
            Self::Roles => "Roles",
            Self::Check => "Check and save",
        }
    }

    fn of(code: &str) -> Self {
        Self::ALL.into_iter().find(|step| step.code() == code).unwrap_or(Self::People)
    }

    /// The fields that belong to it; the other steps carry them along hidden.
    pub const fn fields(self) -> &'static [&'static str] {
        match self {
            Self::People => &["emails", "person", "people_q"],
            Self::LicenseIds => &["numbers", "license_id", "license_q", "organization", "agreement", "every", "rule"],
            Self::Roles => &["role", "until"],
            Self::Check => &[],
        }
    }
}

/// What was chosen, as it was sent.
#[derive(Debug)]
pub struct Choices {
    /// The step that is asked for.
    pub step: Step,
    pairs: Pairs,
}

/// What was chosen, found; and what is wrong with it, by step.
#[derive(Debug, Default)]
pub struct Found {
    /// Whom.
    pub people: Vec<Named>,
    /// Where.
    pub places: Vec<Place>,
    /// Over what, where it shall be a rule: then no License ID is chosen.
    pub rule: Option<Over>,
    /// What.
    pub roles: Vec<Role>,
    /// The last day.
    pub until: Option<Date>,
    /// About the people.
    pub people_error: Option<String>,
    /// About the License IDs.
    pub places_error: Option<String>,
    /// About the roles.
    pub roles_error: Option<String>,
    /// About the last day.
    pub until_error: Option<String>,
}

impl Found {
    /// The first step that isn't well.
    pub fn stops_at(&self) -> Step {
        let wrong = [
            (Step::People, self.people_error.is_some()),
            (Step::LicenseIds, self.places_error.is_some()),
            (Step::Roles, self.roles_error.is_some() || self.until_error.is_some()),
        ];
        wrong.into_iter().find(|(_, wrong)| *wrong).map_or(Step::Check, |(step, _)| step)
    }
}

impl Choices {
    /// Reads an address or a form.
    pub fn read(pairs: Pairs) -> Self {
        Self { step: Step::of(pairs.one("step")), pairs }
    }

    /// A field.
    pub fn one(&self, name: &str) -> &str {
        self.pairs.one(name).trim()
    }

    /// A field that repeats.
    pub fn all(&self, name: &str) -> Vec<String> {
        self.pairs.all(name)
    }

    /// What the other steps hold, for hidden fields.
    pub fn hidden(&self, but: Step) -> Vec<(&'static str, String)> {
        let others = Step::ALL.into_iter().filter(|step| *step != but);
        let names = others.flat_map(Step::fields).copied().filter(|name| !name.ends_with("_q"));
        names.flat_map(|name| self.all(name).into_iter().map(move |value| (name, value))).collect()
    }

    /// The ids of the ticked people.
    pub fn ticked(&self) -> Vec<Uuid> {
        self.all("person").iter().filter_map(|id| id.parse().ok()).collect()
    }

    /// Finds what was chosen, and says what is wrong with it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find(&self, tx: &mut Scoped, operator: bool) -> Result<Found> {
        let mut found = Found::default();
        self.find_people(tx, operator, &mut found).await?;
        if self.one("rule").is_empty() {
            self.find_places(tx, operator, &mut found).await?;
        } else {
            self.find_rule(tx, &mut found).await?;
        }
        self.read_roles(tx.today(), &mut found);
        Ok(found)
    }

    async fn find_people(&self, tx: &mut Scoped, operator: bool, found: &mut Found) -> Result<()> {
        found.people = offered::known(tx, &self.ticked()).await?;
        let typed = self.pairs.one("emails").replace([',', ';'], " ");
        let typed: Vec<&str> = typed.split_whitespace().collect();
        if typed.len() + found.people.len() > MOST_PEOPLE {
            found.people_error = Some(format!("At most {MOST_PEOPLE} people at once. Take some out."));
            return Ok(());
        }
        let (mut odd, mut unknown) = (Vec::new(), Vec::new());
        for text in typed {
            match accounts::address(text) {
                None => odd.push(text.to_owned()),
                Some(email) => match db::grantee(tx, &email).await? {
                    None => unknown.push(email),
                    Some(person) if found.people.iter().any(|known| known.id == person.id) => {}
                    Some(person) => found.people.push(person),
                },
            }
        }
        found.people.sort_by_key(|person| (person.name.to_lowercase(), person.email.clone()));
        found.people_error = people_error(found, operator, &odd, &unknown);
        Ok(())
    }

    /// A rule is saved on its own: what else is named would be in it already, or not be meant.
    async fn find_rule(&self, tx: &mut Scoped, found: &mut Found) -> Result<()> {
        let others = ["numbers", "license_id", "organization", "agreement", "every"];
        if others.iter().any(|name| !self.one(name).is_empty()) {
            found.places_error = Some(
                "A rule is saved on its own. Take the other License IDs out, or choose no rule and give it in a second go."
                    .to_owned(),
            );
            return Ok(());
        }
        found.rule = rules::over(tx, self.one("rule")).await?;
        if found.rule.is_none() {
            // Absent or not his: nobody can tell which.
            found.places_error = Some(
                "You hold no Administrator’s rule that takes this in, so you can’t pass one on. Choose License IDs, or have the rule given on the command line."
                    .to_owned(),
            );
        }
        Ok(())
    }

    /// The License IDs that were typed. A line that is one as it stands is that one, spaces and commas in it included;
    /// else each of its words is.
    async fn typed(&self, tx: &mut Scoped) -> Result<Vec<String>> {
        let lines: Vec<&str> = self.pairs.one("numbers").lines().map(str::trim).collect();
        let parted: Vec<&str> = lines.iter().copied().filter(|line| line.contains([' ', ',', ';'])).collect();
        let whole: Vec<String> = if parted.is_empty() {
            Vec::new()
        } else {
            sqlx::query_scalar("SELECT license_id FROM app_managed() WHERE license_id = ANY($1)")
                .bind(&parted)
                .fetch_all(&mut **tx)
                .await?
        };
        let words = |line: &&str| match whole.iter().find(|whole| whole == line) {
            Some(whole) => vec![whole.clone()],
            None => line.replace([',', ';'], " ").split_whitespace().map(str::to_owned).collect(),
        };
        Ok(lines.iter().flat_map(words).collect())
    }

    async fn find_places(&self, tx: &mut Scoped, operator: bool, found: &mut Found) -> Result<()> {
        let typed = self.typed(tx).await?;
        let mut named = typed.clone();
        named.extend(self.all("license_id"));
        let organization: Option<Uuid> = self.one("organization").parse().ok();
        let statement = format!(
            "SELECT {PLACE} FROM app_managed() m LEFT JOIN contracts c ON c.id = m.contract_id
             LEFT JOIN organizations o ON o.id = c.organization_id
             WHERE m.license_id = ANY($1)
                OR (m.contract_id IN (SELECT app_administered()) AND (
                    $4 = 'administered' OR c.organization_id IN (SELECT organization_and_below($2))
                    OR c.agreement_id IN (SELECT a.id FROM agreements a WHERE a.number = $3
                        UNION SELECT b.id FROM agreements a JOIN agreements b ON b.mbsa_id = a.id WHERE a.number = $3)))
                OR ($4 = 'without' AND NOT app_has_administrator(m.contract_id))
             ORDER BY m.license_id LIMIT $5"
        );
        let places: Vec<Place> = sqlx::query_as(AssertSqlSafe(statement))
            .bind(&named)
            .bind(organization)
            .bind(self.one("agreement"))
            .bind(self.one("every"))
            .bind(i64::try_from(MOST_PLACES).unwrap_or(i64::MAX) + 1)
            .fetch_all(&mut **tx)
            .await?;
        let unknown: Vec<&str> = typed
            .iter()
            .map(String::as_str)
            .filter(|text| !places.iter().any(|place| place.license_id == *text))
            .collect();
        found.places_error = if places.len() > MOST_PLACES {
            Some(format!(
                "At most {} License IDs at once. Choose fewer, or a rule over a whole organisation, which takes in those to come.",
                number(MOST_PLACES as i128)
            ))
        } else if !unknown.is_empty() {
            // Absent or foreign: nobody can tell which.
            let lead = if operator { "There is no License ID" } else { "You administer no License ID" };
            Some(format!("{lead} with the number {}. Correct it or take it out.", listed(&unknown)))
        } else if places.is_empty() {
            Some("Choose at least one License ID.".to_owned())
        } else {
            None
        };
        found.places = places;
        Ok(())
    }

    fn read_roles(&self, today: Date, found: &mut Found) {
        let sent = self.all("role");
        found.roles = Role::ALL.into_iter().filter(|role| sent.iter().any(|code| code == role.code())).collect();
        if found.roles.is_empty() {
            found.roles_error = Some("Choose at least one role.".to_owned());
        }
        if found.places.len() * found.people.len() * found.roles.len() > MOST_ITEMS {
            found.roles_error = Some(format!(
                "That makes more than {} roles at once. Choose fewer people, License IDs or roles.",
                number(MOST_ITEMS as i128)
            ));
        }
        self.read_until(today, found);
        let limit = found.rule.as_ref().and_then(|rule| rule.limit);
        if let Some(limit) = limit.filter(|limit| !lasts(Some(*limit), found.until.map(end_of))) {
            let day = day_words(limit);
            let sentence = format!("Your own rule ends after {day}: choose that day or an earlier one.");
            found.until_error.get_or_insert(sentence);
        }
    }

    fn read_until(&self, today: Date, found: &mut Found) {
        let until = self.one("until");
        if until.is_empty() {
            return;
        }
        match Date::parse(until, format_description!("[year]-[month]-[day]")) {
            Err(_) => {
                found.until_error = Some("This isn’t a date. Write it as 2027-03-31, or leave it empty.".to_owned());
            }
            Ok(day) if day < today => {
                found.until_error =
                    Some("This day has passed. Choose today or a later one, or leave it empty.".to_owned());
            }
            Ok(day) => found.until = Some(day),
        }
    }
}

fn people_error(found: &Found, operator: bool, odd: &[String], unknown: &[String]) -> Option<String> {
    let plain = |words: &[String]| listed(&words.iter().map(String::as_str).collect::<Vec<_>>());
    if !odd.is_empty() {
        return Some(format!("This isn’t an email address: {}. Write it as name@example.org.", plain(odd)));
    }
    if !unknown.is_empty() {
        let out = if operator { "Make one first." } else { "Ask a site operator to make one, then give the role." };
        return Some(format!("Nobody has an account with the address {}. {out}", plain(unknown)));
    }
    found.people.is_empty().then(|| "Choose at least one person.".to_owned())
}

/// At most eight of them, and how many more.
fn listed(words: &[&str]) -> String {
    let shown = words.iter().take(8).copied().collect::<Vec<_>>().join(", ");
    if words.len() > 8 { format!("{shown} and {} more", words.len() - 8) } else { shown }
}

/// What saving the choices would do; of choices without a fault.
///
/// # Errors
/// When the database fails.
pub async fn plan(tx: &mut Scoped, me: Uuid, found: Found) -> Result<Plan> {
    let people: Vec<Uuid> = found.people.iter().map(|person| person.id).collect();
    let contracts: Vec<Uuid> = found.places.iter().map(|place| place.contract_id).collect();
    let held = plan::held(tx, &people, Some(&contracts)).await?;
    let ends_at = found.until.map(end_of);
    let mut wishes = Vec::new();
    for person in 0..found.people.len() {
        for role in &found.roles {
            wishes.extend((0..found.places.len()).map(|place| Wish { person, place, role: *role, ends_at }));
        }
    }
    Ok(Plan::new(me, found.people, found.places, &wishes, &held, Keep::Exactly))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_other_steps_go_along_hidden_and_searches_do_not() {
        let sent =
            b"step=roles&emails=a%40b&person=1&person=2&people_q=x&role=administrator&until=2027-01-01&license_id=7";
        let choices = Choices::read(Pairs::parse(sent));
        assert_eq!(choices.step, Step::Roles);
        let hidden = choices.hidden(Step::Roles);
        let names: Vec<&str> = hidden.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["emails", "person", "person", "license_id"]);
    }

    #[test]
    fn what_is_missing_stops_at_its_step() {
        let mut found = Found { roles_error: Some(String::new()), ..Found::default() };
        assert_eq!(found.stops_at(), Step::Roles);
        found.people_error = Some(String::new());
        assert_eq!(found.stops_at(), Step::People);
        assert_eq!(Found::default().stops_at(), Step::Check);
    }

    #[test]
    fn too_many_roles_at_once_are_too_many_without_a_last_day_too() {
        let named =
            Named { id: Uuid::nil(), email: String::new(), name: String::new(), disabled: false, added_by: None };
        let place = Place {
            contract_id: Uuid::nil(),
            license_id: String::new(),
            organization: String::new(),
            administered: true,
            has_administrator: true,
        };
        for until in ["", "&until=2027-01-01"] {
            let choices = Choices::read(Pairs::parse(["role=administrator", until].concat().as_bytes()));
            let mut found =
                Found { people: vec![named.clone(); 50], places: vec![place.clone(); 100], ..Found::default() };
            choices.read_roles(time::macros::date!(2026 - 11 - 22), &mut found);
            assert_eq!(found.roles_error, None, "{until}");
            found.people.push(named.clone());
            choices.read_roles(time::macros::date!(2026 - 11 - 22), &mut found);
            assert!(found.roles_error.is_some_and(|error| error.contains("more than 5,000 roles")), "{until}");
        }
    }

    #[test]
    fn a_long_list_is_cut() {
        let many: Vec<String> = (0..10).map(|n| n.to_string()).collect();
        assert_eq!(listed(&many.iter().map(String::as_str).collect::<Vec<_>>()), "0, 1, 2, 3, 4, 5, 6, 7 and 2 more");
    }
}
