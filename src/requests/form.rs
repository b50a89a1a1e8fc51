//! What somebody asks for, typed: read, checked, and shown again with what is wrong at its field.

use time::{Date, macros::format_description};
use uuid::Uuid;

use super::{
    db,
    machine::Kind,
    model::{Askable, Place},
    write::Asked,
};
use crate::{
    auth::roles::Role,
    error::{Error, Result},
    keys::ProductKey,
    postgres::Scoped,
    web::{
        form::Pairs,
        view::{Choice, Field, number},
    },
};

/// Longest justification, comment or answer, in characters.
pub const LONGEST: usize = 4_000;
/// The most that can be asked for at once.
const MOST: i64 = 10_000_000;
/// Open requests for access of one person: typed License IDs are kept, whether they exist or not.
const MOST_ACCESS: i64 = 20;

/// What was typed, and what is wrong with it.
#[derive(Clone, Debug, Default)]
pub struct Input {
    /// As it was sent, without spaces around it.
    pub value: String,
    /// What is wrong with it.
    pub error: Option<String>,
}

impl Input {
    /// A field of the form.
    pub fn read(pairs: &Pairs, name: &str) -> Self {
        // Browsers send line breaks as CRLF.
        Self { value: pairs.one(name).replace("\r\n", "\n").trim().to_owned(), error: None }
    }

    /// Notes what is wrong, unless something is noted already.
    pub fn wrong(&mut self, sentence: impl Into<String>) {
        self.error.get_or_insert(sentence.into());
    }

    /// A whole number from `least` on; thousands may be set apart.
    pub fn number(&mut self, least: i64) -> Option<i64> {
        let digits: String = self.value.chars().filter(|c| !matches!(c, ',' | ' ' | '\u{a0}' | '’')).collect();
        match digits.parse::<i64>() {
            Ok(n) if (least..=MOST).contains(&n) => Some(n),
            _ => {
                self.wrong(format!("Write a whole number from {} to {}.", number(least), number(MOST)));
                None
            }
        }
    }

    /// A day, or none where the field is empty.
    pub fn day(&mut self) -> Option<Date> {
        if self.value.is_empty() {
            return None;
        }
        let day = Date::parse(&self.value, format_description!("[year]-[month]-[day]")).ok();
        if day.is_none() {
            self.wrong("This isn’t a date. Write it as 2027-03-31.");
        }
        day
    }

    /// A day from `today` on, or none where the field is empty.
    pub fn day_from(&mut self, today: Date) -> Option<Date> {
        let day = self.day()?;
        if day < today {
            self.wrong("This day has passed. Choose today or a later one.");
        }
        Some(day)
    }

    /// Several lines of text, without a product key in them.
    pub fn words(&mut self, empty: Option<&str>) -> String {
        if let Some(sentence) = empty.filter(|_| self.value.is_empty()) {
            self.wrong(sentence);
        }
        if self.value.chars().count() > LONGEST {
            self.wrong(format!("This is too long: at most {} characters fit.", number(LONGEST as i128)));
        }
        if holds_key(&self.value) {
            self.wrong(
                "There is a whole product key in this text. Take it out: its last five characters say which it is.",
            );
        }
        self.value.clone()
    }

    /// One short line.
    pub fn line(&mut self) -> String {
        if self.value.chars().count() > 200 || self.value.contains(char::is_control) {
            self.wrong("Write at most 200 characters on one line.");
        }
        if holds_key(&self.value) {
            self.wrong("This holds a whole product key. Take it out: its last five characters say which it is.");
        }
        self.value.clone()
    }
}

/// Whether a text holds something of a product key's shape. Requests go to people who may not read keys, and to vendors.
pub fn holds_key(text: &str) -> bool {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'))
        .any(|word| ProductKey::parse(word.trim_matches('-')).is_ok())
}

/// What the request is about.
#[derive(Clone, Debug)]
pub enum Subject {
    /// A key, under its License ID.
    Key(Askable, Place),
    /// A License ID.
    Place(Place),
    /// Access to a License ID that is named in the form.
    Access,
    /// Not known yet.
    Open,
}

impl Subject {
    /// The License ID.
    pub fn place(&self) -> Option<&Place> {
        match self {
            Self::Key(_, place) | Self::Place(place) => Some(place),
            Self::Access | Self::Open => None,
        }
    }
}

/// The form.
#[derive(Clone, Debug)]
pub struct Form {
    /// What is asked for, once it is known.
    pub kind: Option<Kind>,
    /// What about.
    pub subject: Subject,
    pub(super) kind_input: Input,
    pub(super) key: Input,
    pub(super) license_id: Input,
    pub(super) product: Input,
    pub(super) quantity: Input,
    pub(super) justification: Input,
    pub(super) authorization: Input,
    pub(super) computers: Input,
    /// Scripts may leave the number of computers out; the page always asks.
    pub(super) computers_asked: bool,
    pub(super) role: Input,
    pub(super) until: Input,
    pub(super) due: Input,
}

impl Form {
    /// Reads the fields and finds what they are about. A key or License ID out of the person's reach is as absent.
    ///
    /// # Errors
    /// 404 for a key that isn't there for this person; when the database fails.
    pub async fn read(tx: &mut Scoped, pairs: &Pairs) -> Result<Self> {
        let mut form = Self {
            kind: None,
            subject: Subject::Open,
            kind_input: Input::read(pairs, "kind"),
            key: Input::read(pairs, "key_id"),
            license_id: Input::read(pairs, "license_id"),
            product: Input::read(pairs, "product"),
            quantity: Input::read(pairs, "quantity"),
            justification: Input::read(pairs, "justification"),
            authorization: Input::read(pairs, "authorization"),
            computers: Input::read(pairs, "computers"),
            computers_asked: pairs.has("computers"),
            role: Input::read(pairs, "role"),
            until: Input::read(pairs, "until"),
            due: Input::read(pairs, "due_on"),
        };
        if form.key.value.is_empty() {
            form.key = Input::read(pairs, "key");
        }
        if !form.kind_input.value.is_empty() {
            match form.kind_input.value.parse() {
                Ok(kind) => form.kind = Some(kind),
                Err(_) => form.kind_input.wrong("Choose what to ask for."),
            }
        }
        form.find(tx).await?;
        Ok(form)
    }

    async fn find(&mut self, tx: &mut Scoped) -> Result<()> {
        if self.kind == Some(Kind::Access) {
            self.subject = Subject::Access;
        } else if !self.key.value.is_empty() {
            let id: Uuid = self.key.value.parse().map_err(|_| Error::NotFound)?;
            let (key, license_id) = db::askable(tx, id).await?.ok_or(Error::NotFound)?;
            let place = db::place(tx, &license_id).await?.ok_or(Error::NotFound)?;
            let natural = if key.kind == "MAK" { Kind::MakLimit } else { Kind::KmsHosts };
            if *self.kind.get_or_insert(natural) != natural {
                self.kind_input.wrong(format!("This is a {} key: “{}” is what fits it.", key.kind, natural.label()));
            }
            self.license_id.value = license_id;
            self.subject = Subject::Key(key, place);
        } else if !self.license_id.value.is_empty() {
            match db::place(tx, &self.license_id.value).await? {
                Some(place) => self.subject = Subject::Place(place),
                // Absent or foreign: nobody can tell which.
                None => self.license_id.wrong(
                    "There is no License ID with this number on which you are Administrator or Product keys reader. Check it, or ask for access first.",
                ),
            }
        }
        Ok(())
    }

    /// Why this can't be asked for at all: the vendor has no such exception.
    pub fn closed(&self) -> Option<String> {
        let place = self.subject.place().filter(|_| self.kind == Some(Kind::KmsException))?;
        let program = place.program.trim().to_lowercase();
        match program.as_str() {
            "open value" | "open value subscription" => None,
            "open license" => Some(format!(
                "License ID {} is an Open License. The vendor retired that programme at the end of 2021 and makes no KMS exception for it. Its MAKs go on working: ask for more activations of one instead.",
                place.license_id
            )),
            _ => Some(format!(
                "The exception is for Open Value and Open Value Subscription. License ID {} is {}: its KMS host keys are on its Keys tab, and for more hosts you ask at the key.",
                place.license_id,
                if place.program.is_empty() { "of another programme" } else { &place.program }
            )),
        }
    }

    /// Everything that can be said about the form at once; `None` when something is wrong with it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn check(&mut self, tx: &mut Scoped, me: Uuid) -> Result<Option<Asked>> {
        let Some(kind) = self.kind else {
            self.kind_input.wrong("Choose what to ask for.");
            return Ok(None);
        };
        let today = tx.today();
        let justification =
            self.justification.words(Some("Say why, in a sentence or two: whoever decides goes by it."));
        let mut asked = Asked {
            kind,
            contract: None,
            license_id: self.license_id.value.clone(),
            key: None,
            product_id: None,
            product: String::new(),
            quantity: None,
            justification,
            authorization: String::new(),
            computers: None,
            role: None,
            until: None,
            due_on: self.due.day_from(today),
        };
        match self.subject.clone() {
            Subject::Access => self.check_access(tx, me, &mut asked).await?,
            Subject::Key(key, place) => {
                self.check_limit(&place, &mut asked);
                asked.key = Some(key.id);
                asked.product = key.product;
            }
            Subject::Place(place) => {
                self.check_limit(&place, &mut asked);
                self.check_product(tx, &place, &mut asked).await?;
            }
            Subject::Open => self.license_id.wrong("Say on which License ID, or begin at a key’s “Request more”."),
        }
        Ok((!self.is_wrong() && self.closed().is_none()).then_some(asked))
    }

    fn check_limit(&mut self, place: &Place, asked: &mut Asked) {
        asked.contract = Some(place.id);
        asked.quantity = self.quantity.number(1);
        asked.authorization = self.authorization.line();
        if asked.authorization.is_empty() {
            asked.authorization = place.authorization().to_owned();
        }
    }

    /// The product of a request that names no key.
    async fn check_product(&mut self, tx: &mut Scoped, place: &Place, asked: &mut Asked) -> Result<()> {
        if asked.kind == Kind::MakLimit {
            self.key.wrong("Choose the key: the vendor asks for its last five characters.");
            return Ok(());
        }
        asked.product = self.product.line();
        if asked.product.is_empty() {
            self.product.wrong("Name the product with its version and edition.");
        }
        let known = db::products_on(tx, place.id).await?;
        let same = |name: &str| name.eq_ignore_ascii_case(&asked.product);
        if let Some((id, name)) = known.into_iter().find(|(_, name)| same(name)) {
            asked.product_id = Some(id);
            asked.product = name;
        }
        if asked.kind == Kind::KmsException && self.computers_asked {
            let (least, what) = threshold(&asked.product);
            asked.computers = self.computers.number(1);
            if asked.computers.is_some_and(|computers| computers < least) {
                self.computers.wrong(format!(
                    "A KMS host activates {what} once at least {least} of them ask. With fewer, a MAK is the way."
                ));
            }
        }
        Ok(())
    }

    async fn check_access(&mut self, tx: &mut Scoped, me: Uuid, asked: &mut Asked) -> Result<()> {
        asked.license_id = self.license_id.line();
        if asked.license_id.is_empty() {
            self.license_id.wrong("Say on which License ID.");
        }
        asked.until = self.until.day_from(tx.today());
        let Ok(role) = self.role.value.parse::<Role>() else {
            self.role.wrong("Choose one of the roles.");
            return Ok(());
        };
        asked.role = Some(role.code().to_owned());
        let (open, same) = db::open_access(tx, &asked.license_id, role.code()).await?;
        if let Some(number) = same {
            self.license_id.wrong(format!("You have asked for this already: request {number} is open."));
        } else if open >= MOST_ACCESS {
            self.license_id.wrong(format!(
                "You have {open} open requests for access. Withdraw one that you don’t need any more, then ask again."
            ));
        }
        // Only what the person holds: says nothing about a License ID that they don't see.
        if let Some(held) = db::held(tx, me, &asked.license_id, role.code()).await? {
            let wanted = asked.until.map(crate::people::model::end_of);
            if held.is_none_or(|end| wanted.is_some_and(|wanted| wanted <= end)) {
                self.role.wrong(format!("You hold the role {} on this License ID already.", role.label()));
            }
        }
        Ok(())
    }

    fn is_wrong(&self) -> bool {
        [
            &self.kind_input,
            &self.key,
            &self.license_id,
            &self.product,
            &self.quantity,
            &self.justification,
            &self.authorization,
            &self.computers,
            &self.role,
            &self.until,
            &self.due,
        ]
        .iter()
        .any(|input| input.error.is_some())
    }

    /// The fields for the page.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn fields(&self, tx: &mut Scoped) -> Result<Vec<Field>> {
        let Some(kind) = self.kind else { return Ok(self.choosing()) };
        let mut fields = Vec::new();
        if self.kind_input.error.is_some() {
            fields.push(self.kinds());
        }
        match &self.subject {
            Subject::Open => fields.push(self.license_field("On which you are Administrator or Product keys reader.")),
            Subject::Access => fields.extend(self.access_fields()),
            Subject::Place(place) => fields.extend(self.place_fields(tx, kind, place).await?),
            Subject::Key(..) => {}
        }
        if let (Some(place), true) = (self.subject.place(), kind != Kind::Access) {
            fields.push(quantity_field(kind).value(&self.quantity.value).error(self.quantity.error.clone()));
            if kind == Kind::MakLimit && !matches!(&self.subject, Subject::Key(key, _) if key.estate == "own") {
                let value =
                    if self.authorization.value.is_empty() { place.authorization() } else { &self.authorization.value };
                fields.push(
                    Field::new("text", "authorization", "Authorization or agreement number")
                        .value(value)
                        .help("The vendor asks for it beside the License ID. Filled in from the contract.")
                        .error(self.authorization.error.clone())
                        .optional(),
                );
            }
        }
        if !matches!(self.subject, Subject::Open) {
            let why = if kind == Kind::Access { "What you need it for" } else { "Business justification" };
            fields.push(
                Field::new("area", "justification", why)
                    .value(&self.justification.value)
                    .help("What the deployment is, how many machines, and by when. No product keys.")
                    .error(self.justification.error.clone()),
            );
            fields.push(
                Field::new("date", "due_on", "Needed by")
                    .value(&self.due.value)
                    .error(self.due.error.clone())
                    .optional(),
            );
        }
        Ok(fields)
    }

    /// Kind and License ID, where neither is known.
    fn choosing(&self) -> Vec<Field> {
        vec![
            self.kinds(),
            self.license_field(
                "For access any License ID; for the rest one on which you are Administrator or Product keys reader.",
            ),
        ]
    }

    fn kinds(&self) -> Field {
        let choices = Kind::ALL.into_iter().map(|kind| Choice::new(kind.code(), kind.label(), &self.kind_input.value));
        Field::new("text", "kind", "What").choices(choices.collect()).error(self.kind_input.error.clone())
    }

    fn license_field(&self, help: &'static str) -> Field {
        Field::new("text", "license_id", "License ID")
            .value(&self.license_id.value)
            .help(help)
            .error(self.license_id.error.clone())
    }

    fn access_fields(&self) -> [Field; 3] {
        let role = if self.role.value.is_empty() { Role::ProductKeysReader.code() } else { &self.role.value };
        let choices = Role::ALL.into_iter().map(|one| Choice::new(one.code(), one.label(), role)).collect();
        [
            self.license_field("As it stands on your order or agreement."),
            Field::new("text", "role", "Role").choices(choices).error(self.role.error.clone()),
            Field::new("date", "until", "Until")
                .value(&self.until.value)
                .help("The last day you need it, in UTC. It then ends by itself.")
                .error(self.until.error.clone())
                .optional(),
        ]
    }

    async fn place_fields(&self, tx: &mut Scoped, kind: Kind, place: &Place) -> Result<Vec<Field>> {
        let mut fields = Vec::new();
        if kind == Kind::MakLimit {
            let keys = db::askable_on(tx, place.id, kind).await?;
            let choice = |key: Askable| {
                Choice::new(key.id.to_string(), format!("{} …{}", key.product, key.last_five), &self.key.value)
            };
            let choices = std::iter::once(Choice::new("", "Choose a key", "")).chain(keys.into_iter().map(choice));
            fields.push(Field::new("text", "key_id", "Key").choices(choices.collect()).error(self.key.error.clone()));
            return Ok(fields);
        }
        fields.push(
            Field::new("text", "product", "Product, with version and edition")
                .value(&self.product.value)
                .help("For example Windows Server 2025 Datacenter.")
                .error(self.product.error.clone()),
        );
        if kind == Kind::KmsException {
            fields.push(
                Field::new("number", "computers", "How many computers will ask the KMS host")
                    .value(&self.computers.value)
                    .help("A host begins to activate at 25 Windows clients, 5 Windows servers, or 5 computers with Office. Physical or virtual.")
                    .error(self.computers.error.clone()),
            );
        }
        Ok(fields)
    }
}

fn quantity_field(kind: Kind) -> Field {
    let (label, help) = match kind {
        Kind::KmsException => ("Host activations needed", "Each host takes up to ten: one, and nine reactivations."),
        Kind::KmsHosts => ("Host activations more", "Beyond six hosts of ten. Each further host takes up to ten."),
        Kind::MakLimit | Kind::Access => ("Activations more", "On top of the limit as it is."),
    };
    Field::new("number", "quantity", label).help(help)
}

/// How many computers a KMS host wants before it activates a product, and what they are (S000, "Activation thresholds").
fn threshold(product: &str) -> (i64, &'static str) {
    let name = product.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
    if has(&["office", "project", "visio", "365"]) {
        (5, "Office")
    } else if has(&["server"]) {
        (5, "Windows Server")
    } else {
        (25, "Windows clients")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// S000, "Activation thresholds".
    #[test]
    fn s000_thresholds_by_product() {
        assert_eq!(threshold("Windows Server 2025 Datacenter").0, 5);
        assert_eq!(threshold("Office LTSC Professional Plus 2024").0, 5);
        assert_eq!(threshold("Windows 11 Enterprise").0, 25);
    }

    #[test]
    fn a_text_with_a_key_is_told_from_one_without() {
        assert!(holds_key("use ABCDE-FGHJK-12345-VWXYZ-QRTPM, please"));
        assert!(holds_key("(abcde-fghjk-12345-vwxyz-qrtpm)"));
        assert!(!holds_key("the one that ends in QRTPM; 4E61138, 01936f2e-5a70-7000-8000-000000000000"));
    }

    #[test]
    fn numbers_may_be_set_apart() {
        let number = |text: &str| Input { value: text.to_owned(), error: None }.number(1);
        assert_eq!(number("1,200"), Some(1_200));
        assert_eq!(number("0"), None);
        assert_eq!(number("-5"), None);
        assert_eq!(number("99999999999"), None);
    }
}
