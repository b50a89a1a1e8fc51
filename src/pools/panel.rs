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
        view::{Address, Fact, Field, When, number},
    },
};

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
    pub facts: Vec<Fact>,
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
    pub count: Vec<Fact>,
    /// Said of a cloned id: since when, and the names seen.
    pub cloned: Option<String>,
    /// What keys activated.
    pub held: Vec<HeldView>,
    /// What is known of its enrolment.
    pub device: Vec<Fact>,
    /// What is known of one that isn't enrolled.
    pub unverified: Vec<Fact>,
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

fn fact(label: &'static str, value: impl Into<String>) -> Fact {
    Fact { label, value: value.into(), mono: false }
}

fn exact(at: OffsetDateTime, now: OffsetDateTime) -> String {
    let when = When::moment(at, now);
    [when.exact.as_str(), " (", &when.words, ")"].concat()
}

fn yes(value: bool) -> &'static str {
    if value { "Yes" } else { "No" }
}

fn count_facts(counted: &Counted, now: OffsetDateTime) -> Vec<Fact> {
    let mut facts = vec![
        fact("Edition", &counted.edition),
        fact("In the count", if counted.counted { "Yes" } else { "No: it hasn’t asked for 30 days, or left" }),
        fact("Virtual", yes(counted.is_virtual)),
        fact("First seen", exact(counted.first_seen_at, now)),
        fact("Last seen", exact(counted.asked_at, now)),
        fact("Requests", number(counted.requests)),
    ];
    if let Some(end) = counted.lease_ends_at {
        facts.push(fact("Lease ends", exact(end, now)));
    }
    facts.push(fact(
        "Last answer",
        format!(
            "{} ({}), count {} of {}",
            words::result(&counted.result),
            counted.result,
            number(counted.count),
            number(counted.needed)
        ),
    ));
    facts.push(Fact { mono: true, ..fact("Address", &counted.address) });
    facts.extend(Fact::maybe("Names before", &counted.former_names.join(", "), false));
    facts.extend(counted.superseded_by.map(|id| Fact { mono: true, ..fact("Its id now", id.to_string()) }));
    facts
}

fn held_view(held: Held, now: OffsetDateTime) -> HeldView {
    let state = match held.lease_ends_at {
        _ if held.blocked => State::Blocked,
        Some(end) if end <= now => State::Ended,
        _ => State::Activated,
    };
    let ends = held.lease_ends_at.map_or_else(|| "Not known".to_owned(), |end| exact(end, now));
    let mut facts = vec![
        fact("Edition", held.edition),
        fact("Spent", exact(held.at, now)),
        fact("Told last", exact(held.told_at, now)),
        fact("Lease ends", ends),
        fact("Way", if held.way == "offline" { "Carried to the portal" } else { "Online" }),
        fact("Virtual", yes(held.is_virtual)),
    ];
    facts.extend(Fact::maybe("Address", &held.address, true));
    facts.push(Fact { mono: true, ..fact("Confirmation", held.id.to_string()) });
    let hardware = COMPONENTS.iter().zip(held.hardware);
    HeldView {
        key: format!("MAK ending in {}", held.last_five),
        key_id: held.key_id,
        state: marked(state),
        facts,
        hardware: hardware.filter_map(|(component, digest)| Some((component.name, digest?))).collect(),
    }
}

fn device_facts(device: &Device, now: OffsetDateTime) -> Vec<Fact> {
    let mut facts = vec![fact("Enrolled", exact(device.enrolled_at, now))];
    facts.extend(Fact::maybe("With the code for", &device.note, false));
    facts.extend(device.revoked_at.map(|at| fact("Trust taken away", exact(at, now))));
    facts.push(Fact { mono: true, ..fact("Public key", base64url(&device.public_key)) });
    facts
}

fn unverified_facts(other: &Unverified, now: OffsetDateTime) -> Vec<Fact> {
    vec![
        fact("First seen", exact(other.first_seen_at, now)),
        fact("Last seen", exact(other.asked_at, now)),
        fact("Requests", number(other.requests)),
        Fact { mono: true, ..fact("Address", &other.address) },
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
