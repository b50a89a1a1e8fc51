//! Hardware binding: which machine it is, told by a few components, each with a weight.
//!
//! A client sends digests of its components' serial numbers, never the numbers. Two readings are the same
//! machine while the mainboard is the same and the weights of the other components that changed stay within
//! the application's tolerance.

use serde::{Deserialize, Serialize};

use super::fields::{Fields, Malformed, wrong};

/// A part of a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Component {
    /// Its field.
    pub name: &'static str,
    /// What its change weighs.
    pub weight: u8,
}

/// All components, in the order of the database's arrays. The mainboard is the machine: it decides alone.
pub const COMPONENTS: [Component; 6] = [
    Component { name: "board", weight: 8 },
    Component { name: "system", weight: 4 },
    Component { name: "cpu", weight: 3 },
    Component { name: "disk", weight: 3 },
    Component { name: "network", weight: 2 },
    Component { name: "memory", weight: 1 },
];

/// What may change where an application says nothing else: two of cpu, disk and network, or the system's id
/// with one of them.
pub const TOLERANCE: u8 = 7;

/// Characters of a component's digest at most.
const DIGEST: usize = 64;

/// A reading of a machine's components. The mainboard is always there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hardware {
    /// Mainboard.
    pub board: String,
    /// Id of the system in its firmware.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// Processor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<String>,
    /// First fixed disk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk: Option<String>,
    /// First network adapter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
    /// Size of the memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<String>,
}

impl Hardware {
    /// Takes the fields of a request's `hardware`.
    ///
    /// # Errors
    /// Names the component at fault.
    pub fn read(mut fields: Fields<'_>) -> Result<Self, Malformed> {
        let mut parts: [Option<String>; 6] = Default::default();
        for (part, component) in parts.iter_mut().zip(COMPONENTS) {
            if let Some(text) = fields.text_if(component.name)? {
                if text.is_empty() || text.len() > DIGEST || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
                    return Err(wrong(
                        format!("hardware.{}", component.name),
                        "isn't 1 to 64 printable ASCII characters without spaces",
                    ));
                }
                *part = Some(text.into_owned());
            }
        }
        fields.end()?;
        Self::from_parts(parts).ok_or_else(|| wrong("hardware.board", "is missing"))
    }

    /// From an array in the order of [`COMPONENTS`]; none without a mainboard.
    pub fn from_parts([board, system, cpu, disk, network, memory]: [Option<String>; 6]) -> Option<Self> {
        Some(Self { board: board?, system, cpu, disk, network, memory })
    }

    /// In the order of [`COMPONENTS`].
    pub fn parts(&self) -> [Option<&str>; 6] {
        [
            Some(&self.board),
            self.system.as_deref(),
            self.cpu.as_deref(),
            self.disk.as_deref(),
            self.network.as_deref(),
            self.memory.as_deref(),
        ]
    }

    /// What the components weigh that differ, those that only one reading has included.
    pub fn changed(&self, other: &Self) -> u8 {
        let pairs = self.parts().into_iter().zip(other.parts()).zip(COMPONENTS);
        pairs.filter(|((one, two), _)| one != two).map(|(_, component)| component.weight).sum()
    }

    /// Whether both readings are of one machine.
    pub fn is_same(&self, other: &Self, tolerance: u8) -> bool {
        self.board == other.board && self.changed(other) <= tolerance
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn machine() -> Hardware {
        let part = |name: &str| Some(format!("{name}-1"));
        Hardware::from_parts(COMPONENTS.map(|component| part(component.name))).unwrap()
    }

    #[test]
    fn a_new_disk_network_and_memory_are_the_same_machine() {
        let other = Hardware { disk: Some("new".into()), network: Some("new".into()), memory: None, ..machine() };
        assert_eq!(machine().changed(&other), 6);
        assert!(machine().is_same(&other, TOLERANCE));
    }

    #[test]
    fn a_new_mainboard_is_another_machine_whatever_the_tolerance() {
        let other = Hardware { board: "new".into(), ..machine() };
        assert!(!machine().is_same(&other, u8::MAX));
    }

    #[test]
    fn cpu_disk_and_network_together_are_beyond_tolerance() {
        let other =
            Hardware { cpu: Some("new".into()), disk: Some("new".into()), network: Some("new".into()), ..machine() };
        assert!(!machine().is_same(&other, TOLERANCE));
    }

    #[test]
    fn a_reading_needs_its_mainboard_and_knows_its_components() {
        let read = |text: &str| Hardware::read(Fields::read(text.as_bytes()).unwrap()).map_err(|f| f.to_string());
        assert_eq!(read(r#"{"cpu":"1"}"#).unwrap_err(), "the field “hardware.board” is missing");
        assert!(read(r#"{"board":"a b"}"#).unwrap_err().contains("hardware.board"));
        assert!(read(r#"{"board":"a","gpu":"b"}"#).unwrap_err().contains("gpu"));
        assert!(read(r#"{"board":"a","cpu":"b"}"#).is_ok());
    }

    proptest! {
        /// The same either way round, and nothing where nothing changed.
        #[test]
        fn change_is_symmetric(one in parts(), two in parts()) {
            prop_assert_eq!(one.changed(&two), two.changed(&one));
            prop_assert_eq!(one.changed(&one), 0);
        }
    }

    fn parts() -> impl Strategy<Value = Hardware> {
        proptest::array::uniform6(proptest::option::of("[ab]")).prop_map(|mut parts| {
            parts[0].get_or_insert_with(|| "board".into());
            Hardware::from_parts(parts).unwrap()
        })
    }
}
