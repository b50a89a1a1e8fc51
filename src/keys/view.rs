//! A key's row as a page shows it: counts as meters, remarks in words.

use secrecy::SecretString;
use time::Date;
use uuid::Uuid;

use super::model::KeyRow;
use crate::web::{
    page::Tone,
    view::{self, KeyCell, KeyList, Meter, Place, Quantity, Remark, When},
};

/// The rows of a list: one for each key, with its further places.
pub fn rows(keys: Vec<KeyRow>, today: Date) -> Vec<view::KeyRow> {
    let mut rows = Vec::with_capacity(keys.len());
    let mut keys = keys.into_iter().peekable();
    while let Some(mut key) = keys.next() {
        let mut further = Vec::new();
        while let Some(other) = keys.next_if(|other| other.same_as == key.same_as) {
            key.shared_with.retain(|license_id| *license_id != other.license_id);
            further.push(Place {
                id: other.id.to_string(),
                license_id: other.license_id,
                organization: other.organization,
            });
        }
        rows.push(row(key, further, today));
    }
    rows
}

fn row(key: KeyRow, further: Vec<Place>, today: Date) -> view::KeyRow {
    let remarks = remarks(&key, today);
    let quantity = quantity(&key);
    view::KeyRow {
        key: match &key.last_five {
            Some(last_five) => KeyCell::masked(key.id.to_string(), last_five.clone()),
            None => KeyCell::none(key.id.to_string(), key.no_key_text.clone()),
        },
        license_id: key.license_id,
        organization: key.organization,
        product: key.product,
        product_slug: key.slug,
        kind: super::kind_of(&key.kind).map_or("No key", super::KeyKind::label).to_owned(),
        quantity,
        further,
        osa_status: (!key.osa_status.is_empty()).then_some(key.osa_status),
        remarks,
        request: None,
        ask: None,
        access: None,
    }
}

fn quantity(key: &KeyRow) -> Quantity {
    match (key.used, key.total, key.seats) {
        (Some(used), Some(total), _) => {
            Quantity::Activations(Meter { used: used.unsigned_abs(), total: total.unsigned_abs() })
        }
        (_, _, Some(seats)) => Quantity::SeatsBought(seats.unsigned_abs()),
        _ => Quantity::Uncounted,
    }
}

fn remarks(key: &KeyRow, today: Date) -> Vec<Remark> {
    let mut remarks = Vec::new();
    if key.blocked_at.is_some() {
        remarks.push(Remark::new(Tone::Bad, "Blocked: it activates nothing any more."));
    }
    if key.superseded_at.is_some() {
        remarks.push(Remark::new(Tone::Warn, "Superseded: another key has taken its place."));
    }
    if let Some(from) = key.usable_from.filter(|from| *from > today) {
        remarks.push(Remark::new(Tone::Warn, {
            let from = When::day(from, today);
            format!("Not usable yet: this key can be used from {}, {}.", from.exact, from.words)
        }));
    }
    if let (Some(used), Some(total)) = (key.used, key.total) {
        if used > total {
            remarks.push(Remark::new(
                Tone::Warn,
                "Used above the limit: the vendor has granted an extension. The count is the vendor’s.",
            ));
        } else if used == total {
            remarks.push(Remark::new(Tone::Bad, "No activation is left."));
        }
    }
    if !key.shared_with.is_empty() {
        remarks.push(Remark::new(
            Tone::Info,
            format!("The same key is also on License ID {}.", key.shared_with.join(", ")),
        ));
    }
    remarks
}

impl KeyList {
    /// Shows one key of the list in clear.
    pub fn reveal(&mut self, id: Uuid, key: SecretString) {
        let id = id.to_string();
        if let Some(row) = self.rows.iter_mut().find(|row| row.key.id == id) {
            row.key.revealed = Some(key);
        }
    }

    /// Whether one of its keys is shown in clear.
    pub fn shows_revealed(&self) -> bool {
        self.rows.iter().any(|row| row.key.revealed.is_some())
    }
}
