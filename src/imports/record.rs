//! From a record to a typed row: every cell gets its say before the row is refused.
use std::collections::HashSet;
use std::sync::Arc;

use super::fields;
use super::findings::{Findings, WarningKind};
use super::kinds::{CONTACT_COLUMNS, ESU_COLUMNS, Layout, ORDER_COLUMNS, SUMMARY_COLUMNS};
use super::rows::{ContactRow, ContractRow, EsuRow, KeyCell, KeyRow, OrderRow, SummaryRow};
use crate::exports::{CONTRACT_COLUMNS, KEY_COLUMNS, NO_KEY_SENTENCE, cells};
use crate::keys::{Activations, KeyKind, ProductKey};

/// One cell with the name of its column; empty where the file lacks the column.
#[derive(Clone, Copy)]
struct Cell<'r> {
    name: &'static str,
    text: &'r str,
}

/// A record in hand, and where to put what is found in it.
pub(super) struct Row<'r, 'f> {
    pub(super) line: u64,
    pub(super) record: &'r csv::StringRecord,
    pub(super) layout: &'r Layout,
    pub(super) texts: &'f mut Texts,
    pub(super) findings: &'f mut Findings,
}

/// Texts seen so far, one copy each.
#[derive(Default)]
pub(super) struct Texts(HashSet<Arc<str>>);

impl Texts {
    fn share(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.0.get(text) {
            return Arc::clone(known);
        }
        let new: Arc<str> = Arc::from(text);
        self.0.insert(Arc::clone(&new));
        new
    }
}

impl<'r> Row<'r, '_> {
    /// The cells in the order of the kind's columns: without Keyward's own prefix and without
    /// spaces around them.
    fn cells<const N: usize>(&self, names: &[&'static str; N]) -> [Cell<'r>; N] {
        let (record, layout) = (self.record, self.layout);
        std::array::from_fn(|column| Cell {
            name: names[column],
            text: layout
                .position(column)
                .and_then(|index| record.get(index))
                .map_or("", |cell| cells::strip(cell).trim_matches(' ')),
        })
    }

    /// The cell's value; a fault is noted and answers `None`, so that every cell gets its say.
    fn read<T>(&mut self, cell: Cell<'r>, as_: fn(&'r str) -> Result<T, String>) -> Option<T> {
        as_(cell.text).map_err(|sentence| self.findings.error(self.line, Some(cell.name), sentence)).ok()
    }

    /// A text that must be there and pass.
    fn text(&mut self, cell: Cell<'r>, as_: fn(&str) -> Result<&str, String>) -> Option<Arc<str>> {
        let text = self.read(cell, as_)?;
        Some(self.texts.share(text))
    }

    /// A text that may be empty but must pass. `None` within is empty.
    fn optional(&mut self, cell: Cell<'r>, as_: fn(&str) -> Result<&str, String>) -> Option<Option<Arc<str>>> {
        let text = self.read(cell, as_)?;
        Some((!text.is_empty()).then(|| self.texts.share(text)))
    }

    /// A text that nothing is asked of.
    fn any(&mut self, cell: Cell<'r>) -> Option<Arc<str>> {
        (!cell.text.is_empty()).then(|| self.texts.share(cell.text))
    }

    pub(super) fn contract(&mut self) -> Option<ContractRow> {
        let [
            license_id,
            organization,
            parent,
            location,
            program,
            agreement,
            above,
            auth,
            account,
            start,
            end,
            status,
            mbsa,
        ] = self.cells(&CONTRACT_COLUMNS);
        let license_id = self.text(license_id, fields::license_id);
        let organization = self.text(organization, fields::required);
        let start_date = self.read(start, fields::date);
        let end_date = self.read(end, fields::date);
        if let (Some(Some(first)), Some(Some(last))) = (start_date, end_date)
            && last < first
        {
            let sentence = format!("{last} is before the start date, {first}");
            let kind = WarningKind::EndsBeforeStart;
            self.findings.warning(kind, self.line, end.name, sentence);
        }
        Some(ContractRow {
            line: self.line,
            license_id: license_id?,
            organization: organization?,
            parent_organization: self.any(parent),
            location: self.any(location),
            parent_program: self.any(program),
            agreement_type: self.any(agreement),
            parent_agreement: self.any(above),
            authorization_number: self.any(auth),
            purchase_account_number: self.any(account),
            start_date: start_date?,
            end_date: end_date?,
            status: self.any(status),
            mbsa: self.any(mbsa),
        })
    }

    pub(super) fn contact(&mut self) -> Option<ContactRow> {
        let [license_id, role, name, email] = self.cells(&CONTACT_COLUMNS);
        let license_id = self.text(license_id, fields::license_id);
        let role = self.text(role, fields::required);
        let name = self.text(name, fields::required);
        let email = self.optional(email, fields::email);
        Some(ContactRow { line: self.line, license_id: license_id?, role: role?, name: name?, email: email? })
    }

    pub(super) fn summary(&mut self) -> Option<SummaryRow> {
        let [license_id, family, version, pool, licence_type, effective, active] = self.cells(&SUMMARY_COLUMNS);
        let license_id = self.text(license_id, fields::license_id);
        let family = self.text(family, fields::required);
        let effective = self.read(effective, fields::required_count);
        let active = self.read(active, fields::count);
        Some(SummaryRow {
            line: self.line,
            license_id: license_id?,
            product_family: family?,
            version: self.any(version),
            product_pool: self.any(pool),
            licence_type: self.any(licence_type),
            effective_quantity: effective?,
            active_sa_quantity: active?,
        })
    }

    pub(super) fn order(&mut self) -> Option<OrderRow> {
        let [
            license_id,
            order,
            customer,
            ordered,
            usage,
            reseller,
            part,
            description,
            quantity,
            country,
            renewal,
            step_up,
        ] = self.cells(&ORDER_COLUMNS);
        let license_id = self.text(license_id, fields::license_id);
        let reseller_order = self.text(order, fields::required);
        let ordered_on = self.read(ordered, fields::required_date);
        let usage_start = self.read(usage, fields::date);
        let part_number = self.text(part, fields::required);
        let quantity = self.read(quantity, fields::required_count);
        let up_for_renewal = self.read(renewal, fields::yes_no);
        let step_up = self.read(step_up, fields::yes_no);
        Some(OrderRow {
            line: self.line,
            license_id: license_id?,
            reseller_order: reseller_order?,
            customer_order: self.any(customer),
            ordered_on: ordered_on?,
            usage_start: usage_start?,
            reseller: self.any(reseller),
            part_number: part_number?,
            description: self.any(description),
            quantity: quantity?,
            country: self.any(country),
            up_for_renewal: up_for_renewal?,
            step_up: step_up?,
        })
    }

    pub(super) fn esu(&mut self) -> Option<EsuRow> {
        let [product, year, start, end, source] = self.cells(&ESU_COLUMNS);
        let product = self.text(product, fields::required);
        let year = self.read(year, fields::esu_year);
        let starts_on = self.read(start, fields::required_date);
        let ends_on = self.read(end, fields::required_date);
        if let (Some(first), Some(last)) = (starts_on, ends_on)
            && last < first
        {
            self.findings.error(self.line, Some(end.name), format!("{last} is before the start, {first}"));
            return None;
        }
        Some(EsuRow {
            line: self.line,
            product: product?,
            year: year?,
            starts_on: starts_on?,
            ends_on: ends_on?,
            source: self.any(source),
        })
    }

    pub(super) fn key(&mut self) -> Option<KeyRow> {
        let [license_id, program, organization, product, key, kind, used, seats, status] = self.cells(&KEY_COLUMNS);
        let license_id = self.text(license_id, fields::license_id);
        let product = self.text(product, fields::required);
        let key = self.key_and_kind(key, kind);
        let activations = self.activations(used);
        let seats = self.read(seats, fields::count);
        let osa_status = self.optional(status, fields::short);
        let (key, kind) = key?;
        Some(KeyRow {
            line: self.line,
            license_id: license_id?,
            parent_program: self.any(program),
            organization: self.any(organization),
            product: product?,
            key,
            kind,
            activations: activations?,
            seats: seats?,
            osa_status: osa_status?,
        })
    }

    fn activations(&mut self, cell: Cell<'r>) -> Option<Option<Activations>> {
        let activations = self.read(cell, fields::activations)?;
        if let Some(activations) = activations.filter(|a| a.above_limit()) {
            let sentence = format!("{activations} is used above the limit; kept as the vendor's count");
            let kind = WarningKind::UsedAboveLimit;
            self.findings.warning(kind, self.line, cell.name, sentence);
        }
        Some(activations)
    }

    /// A key with its kind, or the sentence that none is needed, without one.
    fn key_and_kind(&mut self, key: Cell<'r>, kind: Cell<'r>) -> Option<(KeyCell, Option<KeyKind>)> {
        if is_no_key_sentence(key.text) {
            if !kind.text.is_empty() {
                let sentence = "is ignored: the row says that no key is needed".to_owned();
                let warning = WarningKind::TypeIgnored;
                self.findings.warning(warning, self.line, kind.name, sentence);
            }
            return Some((KeyCell::NotNeeded(self.texts.share(key.text)), None));
        }
        let kind = self.read(kind, fields::key_kind);
        // The sentence of `Malformed` holds nothing of the key.
        let parsed = self.read(key, |text| ProductKey::parse(text).map_err(|e| e.to_string()))?;
        let unusual = parsed.unusual_characters();
        if unusual > 0 {
            let sentence = format!("has {unusual} characters that product keys seldom have: look for a typing error");
            let warning = WarningKind::UnusualCharacters;
            self.findings.warning(warning, self.line, key.name, sentence);
        }
        Some((KeyCell::Key(parsed), Some(kind?)))
    }
}

/// Exactly the vendor's sentence (letter case and final stop aside): were any sentence taken, a
/// key with a word before it would be stored in clear.
fn is_no_key_sentence(text: &str) -> bool {
    let sentence = NO_KEY_SENTENCE.trim_end_matches('.');
    text.trim_end_matches('.').eq_ignore_ascii_case(sentence)
}
