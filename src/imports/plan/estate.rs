//! The License IDs, organisations and products that rows name: those known, and those to be made.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use uuid::Uuid;

use super::{
    NOT_YOURS, UNKNOWN_ORGANIZATION, Who,
    sheet::{Diff, Sheet, Verdict},
    work::{ContractRecord, Fill, NewProduct, Organization},
};
use crate::{
    imports::{
        findings::{WarningKind, quoted},
        preview::Change,
    },
    postgres::Scoped,
    products::classify,
};

/// A License ID that rows name.
pub(super) struct Place {
    pub(super) id: Uuid,
    organization: Arc<str>,
    program: Arc<str>,
    /// Whether whoever imports may write to it.
    yours: bool,
    /// Whether it was put away.
    archived: bool,
    /// What is to be said with its first row.
    news: Option<News>,
}

enum News {
    Made,
    Filled(Vec<Change>),
}

/// What a row says of its License ID.
pub(super) struct Naming<'r> {
    pub(super) license_id: &'r Arc<str>,
    pub(super) organization: Option<&'r Arc<str>>,
    pub(super) program: Option<&'r Arc<str>>,
}

/// License IDs by their names.
pub(super) struct Estate {
    places: HashMap<Arc<str>, Place>,
    everywhere: bool,
}

impl Estate {
    /// Those that are known.
    pub(super) async fn known(tx: &mut Scoped, who: Who, license_ids: HashSet<&Arc<str>>) -> sqlx::Result<Self> {
        let names: Vec<&str> = license_ids.into_iter().map(AsRef::as_ref).collect();
        let rows: Vec<(Uuid, String, String, String, bool, bool)> = sqlx::query_as(
            "SELECT c.id, c.license_id, o.name, c.program, c.archived_at IS NOT NULL, $2::uuid IS NULL OR c.approved AND EXISTS (
                 SELECT 1 FROM grants g JOIN people p ON p.id = g.person_id
                 WHERE g.contract_id = c.id AND g.person_id = $2 AND g.role = 'administrator' AND g.revoked_at IS NULL
                   AND (g.ends_at IS NULL OR g.ends_at > app_now()) AND p.disabled_at IS NULL)
             FROM contracts c JOIN organizations o ON o.id = c.organization_id WHERE c.license_id = ANY($1)",
        )
        .bind(names)
        .bind(who.bound_to())
        .fetch_all(&mut **tx)
        .await?;
        let places = rows.into_iter().map(|(id, license_id, organization, program, archived, yours)| {
            let (organization, program) = (organization.into(), program.into());
            let place = Place { id, organization, program, yours, archived, news: None };
            (license_id.into(), place)
        });
        Ok(Self { places: places.collect(), everywhere: who.bound_to().is_none() })
    }

    /// Those that are known, and the others made of what the rows say. A License ID that only keys
    /// or orders have named so far gets the organisation and programme that it lacks.
    pub(super) async fn made<'r>(
        tx: &mut Scoped,
        who: Who,
        rows: impl Iterator<Item = Naming<'r>>,
        sheet: &mut Sheet,
    ) -> sqlx::Result<Self> {
        let mut named: HashMap<&Arc<str>, Naming<'r>> = HashMap::new();
        let mut order = Vec::new();
        for row in rows {
            let first = named.entry(row.license_id).or_insert_with(|| {
                order.push(row.license_id);
                Naming { organization: None, program: None, ..row }
            });
            first.organization = first.organization.or(row.organization);
            first.program = first.program.or(row.program);
        }
        let mut estate = Self::known(tx, who, named.keys().copied().collect()).await?;
        let wanted = named.values().map(|row| row.organization.map_or(UNKNOWN_ORGANIZATION, |name| name));
        let mut organizations = Organizations::named(tx, wanted.collect()).await?;
        for license_id in order {
            estate.make_or_fill(&named[license_id], &mut organizations, sheet);
        }
        sheet.work.organizations = organizations.fresh;
        Ok(estate)
    }

    fn make_or_fill(&mut self, naming: &Naming<'_>, organizations: &mut Organizations, sheet: &mut Sheet) {
        let Some(place) = self.places.get_mut(naming.license_id) else {
            if self.everywhere {
                self.make(naming, organizations, sheet);
            }
            return;
        };
        let mut diff = Diff::default();
        // Which organisation it belongs to decides who may see it: not an Administrator's to say.
        let lacks = self.everywhere && &*place.organization == UNKNOWN_ORGANIZATION;
        let organization = naming.organization.filter(|name| lacks && ***name != *UNKNOWN_ORGANIZATION);
        let program = naming.program.filter(|_| place.yours && place.program.is_empty());
        if organization.is_none() && program.is_none() {
            return;
        }
        place.organization = diff.text("Organization", &place.organization, organization);
        place.program = diff.text("Parent Program", &place.program, program);
        place.news = Some(News::Filled(diff.0));
        let organization = organization.map(|name| organizations.id(name));
        sheet.work.filled_contracts.push(Fill { contract: place.id, organization, program: program.cloned() });
    }

    fn make(&mut self, naming: &Naming<'_>, organizations: &mut Organizations, sheet: &mut Sheet) {
        let organization = naming.organization.cloned().unwrap_or_else(|| UNKNOWN_ORGANIZATION.into());
        let program = naming.program.cloned().unwrap_or_default();
        let id = Uuid::now_v7();
        sheet.work.contracts.push(ContractRecord {
            id,
            license_id: naming.license_id.clone(),
            organization: organizations.id(&organization),
            agreement: None,
            program: program.clone(),
            agreement_type: Arc::default(),
            location: Arc::default(),
            authorization_number: Arc::default(),
            purchase_account_number: Arc::default(),
            starts_on: None,
            ends_on: None,
            status: "Active".into(),
        });
        let place = Place { id, organization, program, yours: true, archived: false, news: Some(News::Made) };
        self.places.insert(naming.license_id.clone(), place);
    }

    /// The License ID's row, or why the row that names it is refused.
    pub(super) fn place(&self, license_id: &Arc<str>) -> Result<&Place, Verdict> {
        match self.places.get(license_id) {
            Some(place) if place.yours => Ok(place),
            None if self.everywhere => Err(Verdict::refused(
                "License ID",
                "isn't known yet: import its contract first, or a file of its keys or orders, which makes it",
            )),
            _ => Err(Verdict::refused("License ID", NOT_YOURS)),
        }
    }

    /// Its programme; empty where that isn't known yet.
    pub(super) fn program(&self, license_id: &Arc<str>) -> &str {
        self.places.get(license_id).map_or("", |place| &place.program)
    }

    /// The id of a License ID that may be written to.
    pub(super) fn id(&self, license_id: &Arc<str>) -> Option<Uuid> {
        self.places.get(license_id).filter(|place| place.yours).map(|place| place.id)
    }

    /// Says of the row that is added next where what it writes doesn't show: its License ID was put away, or itself.
    pub(super) fn warn_if_archived(&self, line: u64, license_id: &Arc<str>, itself: bool, sheet: &mut Sheet) {
        let archived = self.places.get(license_id).is_some_and(|place| place.yours && place.archived);
        if archived || itself {
            sheet.warn_archived(line, archived);
        }
    }

    /// What the License ID's first row brings about beside itself.
    pub(super) fn tell_news(&mut self, line: u64, naming: &Naming<'_>, verdict: Verdict, sheet: &mut Sheet) -> Verdict {
        let Some(place) = self.places.get_mut(naming.license_id) else { return verdict };
        if matches!(verdict, Verdict::Refused { .. }) {
            return verdict;
        }
        let news = place.news.take();
        warn_of_difference(line, place, naming, sheet);
        match (news, verdict) {
            (None, verdict) => verdict,
            (Some(News::Made), verdict) => {
                sheet.remark("Makes the License ID.".to_owned());
                verdict
            }
            (Some(News::Filled(mut fills)), Verdict::Changed(changes)) => {
                fills.extend(changes);
                Verdict::Changed(fills)
            }
            (Some(News::Filled(fills)), Verdict::Skipped(_)) => Verdict::Changed(fills),
            (Some(News::Filled(fills)), verdict) => {
                for Change { column, new, .. } in fills {
                    sheet.remark(format!("{column} of the License ID becomes {new}."));
                }
                verdict
            }
        }
    }
}

/// The contract file has the last word on these; a key row that says otherwise is worth a look.
fn warn_of_difference(line: u64, place: &Place, naming: &Naming<'_>, sheet: &mut Sheet) {
    let cells = [
        ("Organization", naming.organization, &place.organization),
        ("Parent Program", naming.program, &place.program),
    ];
    for (column, said, known) in cells {
        if let Some(said) = said.filter(|said| *said != known) {
            let sentence = format!("{} differs from the License ID's, {}, which stays", quoted(said), quoted(known));
            sheet.warn(WarningKind::OtherContract, line, column, sentence);
        }
    }
}

/// Organisations by name, those to be made among them.
pub(super) struct Organizations {
    ids: HashMap<Arc<str>, Uuid>,
    pub(super) fresh: Vec<Organization>,
}

impl Organizations {
    async fn named(tx: &mut Scoped, names: HashSet<&str>) -> sqlx::Result<Self> {
        let names: Vec<&str> = names.into_iter().collect();
        let rows: Vec<(String, Uuid)> = sqlx::query_as("SELECT name, id FROM organizations WHERE name = ANY($1)")
            .bind(names)
            .fetch_all(&mut **tx)
            .await?;
        Ok(Self { ids: rows.into_iter().map(|(name, id)| (name.into(), id)).collect(), fresh: Vec::new() })
    }

    fn id(&mut self, name: &Arc<str>) -> Uuid {
        if let Some(id) = self.ids.get(name) {
            return *id;
        }
        let id = Uuid::now_v7();
        self.ids.insert(name.clone(), id);
        self.fresh.push(Organization { id, name: name.clone(), parent: None });
        id
    }
}

/// Products by name, those to be made among them.
pub(super) struct Products {
    ids: HashMap<Arc<str>, Uuid>,
    /// Where in the list of those to be made.
    fresh: HashMap<Arc<str>, usize>,
}

impl Products {
    /// The products of these names; new ones are added to `sheet`'s work.
    pub(super) async fn named<'r>(
        tx: &mut Scoped,
        names: impl Iterator<Item = &'r Arc<str>>,
        sheet: &mut Sheet,
    ) -> sqlx::Result<Self> {
        let mut seen = HashSet::new();
        let order: Vec<&Arc<str>> = names.filter(|name| seen.insert(*name)).collect();
        let texts: Vec<&str> = order.iter().map(|name| name.as_ref()).collect();
        let rows: Vec<(String, Uuid)> = sqlx::query_as("SELECT name, id FROM products WHERE name = ANY($1)")
            .bind(texts)
            .fetch_all(&mut **tx)
            .await?;
        let mut products =
            Self { ids: rows.into_iter().map(|(name, id)| (name.into(), id)).collect(), fresh: HashMap::new() };
        let fresh: Vec<&Arc<str>> = order.into_iter().filter(|name| !products.ids.contains_key(*name)).collect();
        if fresh.is_empty() {
            return Ok(products);
        }
        let taken: Vec<String> = sqlx::query_scalar("SELECT slug FROM products").fetch_all(&mut **tx).await?;
        let mut slugs = Slugs { taken: taken.into_iter().collect(), last: HashMap::new() };
        for name in fresh {
            products.make(name, &mut slugs, sheet);
        }
        Ok(products)
    }

    fn make(&mut self, name: &Arc<str>, slugs: &mut Slugs, sheet: &mut Sheet) {
        let slug = slugs.take(classify::slug(name));
        let id = Uuid::now_v7();
        self.ids.insert(name.clone(), id);
        self.fresh.insert(name.clone(), sheet.work.products.len());
        sheet.work.products.push(NewProduct { id, name: name.clone(), slug, no_key: None, has_key: false });
    }

    /// Notes what a key file says about a new product: that it has a key, or the sentence that it needs none.
    pub(super) fn learn(&self, name: &Arc<str>, no_key: Option<&Arc<str>>, sheet: &mut Sheet) {
        let Some(product) = self.fresh.get(name).and_then(|at| sheet.work.products.get_mut(*at)) else { return };
        match no_key {
            Some(sentence) => product.no_key = Some(sentence.clone()),
            None => product.has_key = true,
        }
    }

    pub(super) fn id(&self, name: &Arc<str>) -> Option<Uuid> {
        self.ids.get(name).copied()
    }

    /// Whether the product isn't in the database yet.
    pub(super) fn is_new(&self, name: &Arc<str>) -> bool {
        self.fresh.contains_key(name)
    }
}

/// Addresses of products that are taken.
struct Slugs {
    taken: HashSet<String>,
    /// The last number given to a word, so that many products of one address don't each count from 2.
    last: HashMap<String, u32>,
}

impl Slugs {
    fn take(&mut self, base: String) -> String {
        if self.taken.insert(base.clone()) {
            return base;
        }
        let number = self.last.entry(base.clone()).or_insert(1);
        loop {
            *number += 1;
            let slug = format!("{base}-{number}");
            if self.taken.insert(slug.clone()) {
                return slug;
            }
        }
    }
}
