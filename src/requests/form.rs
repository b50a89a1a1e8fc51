//! What somebody asks for, typed: read, checked, and shown again with what is wrong at its field.

use uuid::Uuid;

use super::{
    db,
    input::Input,
    machine::Kind,
    model::{Askable, Place},
    write::Asked,
};
use crate::{
    auth::roles::Role,
    error::{Error, Result},
    postgres::Scoped,
    web::form::Pairs,
};

/// Open requests for access of one person: typed License IDs are kept, whether they exist or not.
const MOST_ACCESS: i64 = 20;

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

    /// What is wrong with it first.
    pub fn first_error(&self) -> Option<&str> {
        self.inputs().into_iter().find_map(|input| input.error.as_deref())
    }

    fn is_wrong(&self) -> bool {
        self.first_error().is_some()
    }

    fn inputs(&self) -> [&Input; 11] {
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
    }
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
}
