//! What all pages of one application have in common: its name, its tabs.

use super::model::Application;
use crate::web::{
    page::{Shell, Tone},
    view::{Tab, When, contract_path},
};

/// Which page is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The count and the editions.
    Count,
    /// The machines.
    Machines,
    /// The keys.
    Keys,
    /// Enrolment.
    Devices,
}

/// The head of an application's page.
#[derive(Clone, Debug)]
pub struct Frame {
    /// Its name.
    pub name: String,
    /// Its id, for clients.
    pub id: String,
    /// The License ID.
    pub license_id: String,
    /// Whether only enrolled devices are believed.
    pub enrolled: bool,
    /// When it was closed.
    pub closed: Option<When>,
    /// Its page.
    pub href: String,
    /// The open one.
    pub place: Place,
}

impl Frame {
    /// The head for a place.
    pub fn new(application: &Application, place: Place, now: time::OffsetDateTime) -> Self {
        Self {
            name: application.name.clone(),
            id: application.id.to_string(),
            license_id: application.license_id.clone(),
            enrolled: application.enrolled,
            closed: application.closed_at.map(|at| When::moment(at, now)),
            href: application.href(),
            place,
        }
    }

    /// The address of one of its pages.
    pub fn at(&self, end: &str) -> String {
        [self.href.as_str(), end].concat()
    }

    /// The License ID's page.
    pub fn contract_href(&self) -> String {
        [&contract_path(&self.license_id), "?tab=keys"].concat()
    }

    /// The pages.
    pub fn tabs(&self) -> [Tab; 4] {
        let tab = |label, end, place| Tab { label, count: None, href: self.at(end), current: self.place == place };
        [
            tab("Count and editions", "", Place::Count),
            tab("Machines", "/machines", Place::Machines),
            tab("Keys", "/keys", Place::Keys),
            tab("Devices", "/devices", Place::Devices),
        ]
    }
}

/// What just happened, by the word in the address; a word that isn't ours says nothing.
pub fn noticed(shell: Shell, word: &str) -> Shell {
    let (tone, text) = match word {
        "registered" => (Tone::Good, "Registered. Next: an edition, then its keys."),
        "closed" => (
            Tone::Warn,
            "Closed: nobody is counted and nothing new is activated. Leases that are out hold to their end.",
        ),
        "opened" => (Tone::Good, "Open again."),
        "edition" => (Tone::Good, "The edition is registered. Its activation id is below."),
        "changed" => (Tone::Good, "Changed. It holds from a machine’s next request."),
        "issued" => (Tone::Good, "The key is issued. Copy it from here, or from the product’s Keys tab."),
        "blocked" => (Tone::Warn, "Blocked: it activates nothing any more. Leases that are out hold to their end."),
        "unblocked" => (Tone::Good, "The key activates again."),
        "limit" => (Tone::Good, "The limit is set. Machines that were refused ask again with a new request."),
        "revoked" => (Tone::Warn, "The device’s trust is taken away, and it has left the count."),
        "taken-back" => (Tone::Good, "The code enrols nobody any more. Devices that it enrolled stay."),
        _ => return shell,
    };
    shell.notice(tone, text)
}

#[cfg(test)]
impl Frame {
    /// The head of a page of an application for enrolled devices.
    pub fn sample(place: Place) -> Self {
        Self {
            name: "Plotter".into(),
            id: "7f2f9c1e-6f0d-4a59-9c3e-2f1f3f0d1a01".into(),
            license_id: "NW-OWN-01".into(),
            enrolled: true,
            closed: None,
            href: "/activation/7f2f9c1e-6f0d-4a59-9c3e-2f1f3f0d1a01".into(),
            place,
        }
    }
}
