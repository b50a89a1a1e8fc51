//! The panel of a machine: all that is known of it.

use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    input::Input,
    machines::marked,
    model::{Counted, Device, Held, Known, State, Unverified},
    words,
};
use crate::{
    activation::{hardware::COMPONENTS, jws::base64url},
    web::{
        page::Tone,
        view::{Address, Field, When, number},
    },
};

/// What is known of a machine, with its label.
#[derive(Clone, Debug)]
pub struct MachineFact {
    /// The label.
    pub label: &'static str,
    /// The value.
    pub value: Value,
}

/// A value, by how it is shown.
#[derive(Clone, Debug)]
pub enum Value {
    /// As it stands.
    Text(String),
    /// An identifier, in the monospace face.
    Id(String),
    /// A moment, in the time zone of whoever looks.
    At(When),
    /// What the responder answered: in words, the numbers it told, and the code for developers.
    Answer {
        /// What the code means.
        words: String,
        /// `63 of 25 machines`.
        count: String,
        /// `0x00000000`, or the word of an error line.
        code: String,
    },
}

/// An activation by a key.
#[derive(Clone, Debug)]
pub struct HeldView {
    /// `MAK ending in AB12C`.
    pub key: String,
    /// The key's panel, from the application's page on.
    pub key_id: Uuid,
    /// How it stands.
    pub state: (Tone, &'static str),
    /// What is known.
    pub facts: Vec<MachineFact>,
    /// Digests of its components: name and digest.
    pub hardware: Vec<(&'static str, String)>,
}

/// The panel.
#[derive(Clone, Debug)]
pub struct MachinePanel {
    /// Its id.
    pub cmid: String,
    /// Its name.
    pub name: String,
    /// The list to go back to.
    pub list: Address,
    /// How it stands in the count.
    pub state: Option<(Tone, &'static str)>,
    /// What is known of it in the count.
    pub count: Vec<MachineFact>,
    /// Said of a cloned id: since when, and the names seen.
    pub cloned: Option<String>,
    /// What keys activated.
    pub held: Vec<HeldView>,
    /// What is known of its enrolment.
    pub device: Vec<MachineFact>,
    /// What is known of one that isn't enrolled.
    pub unverified: Vec<MachineFact>,
    /// The field that asks for its name before its trust is taken away; none where it holds none.
    pub revoke: Option<Field>,
}

impl MachinePanel {
    /// The panel; none where nothing is known.
    pub fn of(cmid: Uuid, known: Known, list: Address, typed: Input, now: OffsetDateTime) -> Option<Self> {
        let name = known.name()?.to_owned();
        let trusted = known.device.as_ref().filter(|device| device.revoked_at.is_none());
        let revoke = trusted.map(|device| {
            typed.field("text", "machine", "Name of the machine").help(if device.machine.is_empty() {
                ""
            } else {
                "Write it exactly as it stands above."
            })
        });
        let revoked = known.device.as_ref().is_some_and(|device| device.revoked_at.is_some());
        Some(Self {
            cmid: cmid.to_string(),
            name,
            list,
            state: known.counted.as_ref().map(|counted| marked(state(counted, revoked, now))),
            cloned: known.counted.as_ref().and_then(|counted| cloned(counted, now)),
            count: known.counted.map(|counted| count_facts(&counted, now)).unwrap_or_default(),
            held: known.held.into_iter().map(|held| held_view(held, now)).collect(),
            device: known.device.map(|device| device_facts(&device, now)).unwrap_or_default(),
            unverified: known.unverified.map(|other| unverified_facts(&other, now)).unwrap_or_default(),
            revoke,
        })
    }

    /// The application's page.
    pub fn application(&self) -> &str {
        self.list.path().trim_end_matches("/machines")
    }
}

/// The same rules as in the list's query (db/machines.rs).
fn state(counted: &Counted, revoked: bool, now: OffsetDateTime) -> State {
    match counted.lease_ends_at {
        _ if revoked => State::Revoked,
        _ if counted.superseded_by.is_some() => State::Replaced,
        Some(end) if end > now => State::Activated,
        Some(_) => State::Ended,
        None => State::Waiting,
    }
}

fn cloned(counted: &Counted, now: OffsetDateTime) -> Option<String> {
    let since = When::moment(counted.cloned_at?, now);
    let names = counted.former_names.join(", ");
    Some(format!(
        "Seen as {} and {names}, last noticed {}. They count as one. Give each installation an id of its own: a system image must be taken before the software’s first start.",
        counted.machine, since.words
    ))
}

fn fact(label: &'static str, value: impl Into<String>) -> MachineFact {
    MachineFact { label, value: Value::Text(value.into()) }
}

fn id(label: &'static str, value: impl Into<String>) -> MachineFact {
    MachineFact { label, value: Value::Id(value.into()) }
}

fn moment(label: &'static str, at: OffsetDateTime, now: OffsetDateTime) -> MachineFact {
    MachineFact { label, value: Value::At(When::moment(at, now)) }
}

fn yes(value: bool) -> &'static str {
    if value { "Yes" } else { "No" }
}

fn count_facts(counted: &Counted, now: OffsetDateTime) -> Vec<MachineFact> {
    let mut facts = vec![
        fact("Edition", &counted.edition),
        fact("In the count", if counted.counted { "Yes" } else { "No: it hasn’t asked for 30 days, or left" }),
        fact("Virtual", yes(counted.is_virtual)),
        moment("First seen", counted.first_seen_at, now),
        moment("Last seen", counted.asked_at, now),
        fact("Requests", number(counted.requests)),
    ];
    if let Some(end) = counted.lease_ends_at {
        facts.push(moment("Lease ends", end, now));
    }
    let answer = Value::Answer {
        words: words::result(&counted.result).to_owned(),
        count: format!("{} machines counted, {} needed", number(counted.count), number(counted.needed)),
        code: counted.result.clone(),
    };
    facts.push(MachineFact { label: "Last answer", value: answer });
    facts.push(id("Address", &counted.address));
    if !counted.former_names.is_empty() {
        facts.push(fact("Names before", counted.former_names.join(", ")));
    }
    facts.extend(counted.superseded_by.map(|now| id("Its id now", now.to_string())));
    facts
}

fn held_view(held: Held, now: OffsetDateTime) -> HeldView {
    let state = match held.lease_ends_at {
        _ if held.blocked => State::Blocked,
        Some(end) if end <= now => State::Ended,
        _ => State::Activated,
    };
    let mut facts = vec![
        fact("Edition", held.edition),
        moment("Activated", held.at, now),
        moment("Last answered", held.told_at, now),
        held.lease_ends_at.map_or_else(|| fact("Lease ends", "Not known"), |end| moment("Lease ends", end, now)),
        fact("Asked", if held.way == "offline" { "Offline, carried to the portal" } else { "Online" }),
        fact("Virtual", yes(held.is_virtual)),
    ];
    if !held.address.is_empty() {
        facts.push(id("Address", &held.address));
    }
    facts.push(id("Confirmation", held.id.to_string()));
    let hardware = COMPONENTS.iter().zip(held.hardware);
    HeldView {
        key: format!("MAK ending in {}", held.last_five),
        key_id: held.key_id,
        state: marked(state),
        facts,
        hardware: hardware.filter_map(|(component, digest)| Some((component.name, digest?))).collect(),
    }
}

fn device_facts(device: &Device, now: OffsetDateTime) -> Vec<MachineFact> {
    let mut facts = vec![moment("Enrolled", device.enrolled_at, now)];
    if !device.note.is_empty() {
        facts.push(fact("With the code for", &device.note));
    }
    facts.extend(device.revoked_at.map(|at| moment("Trust taken away", at, now)));
    facts.push(id("Public key", base64url(&device.public_key)));
    facts
}

fn unverified_facts(other: &Unverified, now: OffsetDateTime) -> Vec<MachineFact> {
    vec![
        moment("First seen", other.first_seen_at, now),
        moment("Last seen", other.asked_at, now),
        fact("Requests", number(other.requests)),
        id("Address", &other.address),
    ]
}

#[cfg(test)]
impl MachinePanel {
    /// A cloned, enrolled machine that also holds an activation.
    pub fn sample() -> Self {
        use time::{Duration, macros::datetime};

        let now = datetime!(2026-11-22 12:00 UTC);
        let counted = Counted {
            machine: "PC-0001".into(),
            former_names: vec!["PC-0002".into()],
            cloned_at: Some(now - Duration::days(1)),
            is_virtual: true,
            first_seen_at: now - Duration::days(90),
            asked_at: now,
            requests: 14,
            counted: true,
            superseded_by: None,
            lease_ends_at: Some(now + Duration::days(180)),
            address: "10.0.0.7".into(),
            result: "0x00000000".into(),
            count: 60,
            needed: 25,
            edition: "Standard".into(),
        };
        let held = Held {
            id: Uuid::from_u128(5),
            machine: "PC-0001".into(),
            is_virtual: true,
            at: now,
            told_at: now,
            lease_ends_at: Some(now + Duration::days(180)),
            way: "offline".into(),
            address: String::new(),
            edition: "Standard".into(),
            key_id: Uuid::from_u128(6),
            last_five: "AB23C".into(),
            blocked: false,
            hardware: vec![Some("b1".into()), None, Some("c1".into()), None, None, None],
        };
        let device = Device {
            machine: "PC-0001".into(),
            enrolled_at: now,
            revoked_at: None,
            note: "First floor".into(),
            public_key: vec![1; 32],
        };
        let known = Known { counted: Some(counted), held: vec![held], device: Some(device), unverified: None };
        let list = Address::new("/activation/x/machines");
        Self::of(Uuid::from_u128(9), known, list, Input::default(), now).expect("something is known")
    }
}

#[cfg(test)]
mod tests {
    use time::{Duration, macros::datetime};

    use super::*;

    #[test]
    fn nothing_known_is_no_panel() {
        let now = datetime!(2026-11-22 12:00 UTC);
        let list = Address::new("/activation/x/machines");
        assert!(MachinePanel::of(Uuid::nil(), Known::default(), list, Input::default(), now).is_none());
    }

    #[test]
    fn a_lease_holds_to_its_end_whatever_the_count_is_by_then() {
        let now = datetime!(2026-11-22 12:00 UTC);
        let of = |ends: Option<OffsetDateTime>| {
            let counted = Counted {
                machine: "PC".into(),
                former_names: Vec::new(),
                cloned_at: None,
                is_virtual: false,
                first_seen_at: now,
                asked_at: now,
                requests: 1,
                counted: false,
                superseded_by: None,
                lease_ends_at: ends,
                address: String::new(),
                result: "0xC004F038".into(),
                count: 3,
                needed: 25,
                edition: "Standard".into(),
            };
            state(&counted, false, now)
        };
        assert_eq!(of(Some(now + Duration::SECOND)), State::Activated);
        assert_eq!(of(Some(now)), State::Ended);
        assert_eq!(of(None), State::Waiting);
    }
}
