//! The form of a request as the page shows it: its fields, by kind and by what it is about.

use super::{
    db,
    form::{Form, Subject},
    machine::Kind,
    model::{Askable, Place},
};
use crate::{
    auth::roles::Role,
    error::Result,
    postgres::Scoped,
    web::view::{Choice, Field},
};

impl Form {
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
