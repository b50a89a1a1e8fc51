//! What a machine tells of itself, on Linux: its name, whether it is virtual, and digests of its components.
//!
//! The numbers themselves never leave the machine: a digest is of a number and the application together, so
//! that two publishers can't compare what they were told. Mainboard: 16 hexadecimal digits, others 4: enough to
//! see a change, short enough to be typed.

use std::{fs, path::Path};

use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::trouble::Trouble;
use crate::{
    activation::{
        hardware::{COMPONENTS, Hardware},
        wire::MACHINE,
    },
    vault::files::hex,
};

/// What firmware says where its maker said nothing.
const NOTHING: [&str; 9] = [
    "none",
    "default string",
    "to be filled by o.e.m.",
    "not specified",
    "not applicable",
    "system serial number",
    "base board serial number",
    "unknown",
    "0",
];

/// A machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// Its name, 1 to 64 characters.
    pub name: String,
    /// Whether it is a virtual machine.
    pub is_virtual: bool,
    /// Its components.
    pub hardware: Hardware,
}

impl Machine {
    /// This machine, as seen by `application`.
    ///
    /// # Errors
    /// [`Trouble::NoHardware`].
    pub fn this(application: Uuid) -> Result<Self, Trouble> {
        Self::under(Path::new("/"), application)
    }

    /// The machine whose `sys`, `proc` and `etc` lie under `root`.
    ///
    /// # Errors
    /// [`Trouble::NoHardware`].
    pub fn under(root: &Path, application: Uuid) -> Result<Self, Trouble> {
        let told = Told { root };
        let parts = told.components().map(|text| text.map(|text| text.to_lowercase()));
        let mut digests = parts.into_iter().zip(COMPONENTS).enumerate().map(|(at, (text, component))| {
            let digits = if at == 0 { 16 } else { 4 };
            text.map(|text| digest(application, component.name, &text, digits))
        });
        let hardware = Hardware::from_parts(std::array::from_fn(|_| digests.next().flatten()));
        Ok(Self { name: told.name(), is_virtual: told.is_virtual(), hardware: hardware.ok_or(Trouble::NoHardware)? })
    }
}

fn digest(application: Uuid, component: &str, text: &str, digits: usize) -> String {
    let digest = Sha256::new()
        .chain_update(b"keyward hardware\0")
        .chain_update(application.as_bytes())
        .chain_update(component)
        .chain_update(b"\0")
        .chain_update(text)
        .finalize();
    let mut text = hex(&digest);
    text.truncate(digits);
    text
}

/// Reads what the kernel tells. Some of it is told to root only: an agent runs as one user, always.
struct Told<'a> {
    root: &'a Path,
}

impl Told<'_> {
    /// In the order of [`COMPONENTS`].
    fn components(&self) -> [Option<String>; 6] {
        let dmi = |name: &str| self.text(&format!("sys/class/dmi/id/{name}"));
        let system = dmi("product_uuid");
        // A virtual machine's board has no number: the id of the system, which its host made, says as much.
        let board = dmi("board_serial")
            .map(|serial| {
                [dmi("board_vendor"), dmi("board_name"), Some(serial)].map(Option::unwrap_or_default).join(" ")
            })
            .or_else(|| system.clone())
            .or_else(|| self.text("etc/machine-id"));
        [board, system, self.cpu(), self.disk(), self.network(), self.memory()]
    }

    fn cpu(&self) -> Option<String> {
        let info = self.text("proc/cpuinfo")?;
        let fields = ["vendor_id", "cpu family", "model", "model name", "stepping", "CPU implementer", "CPU part"];
        let found: Vec<&str> = fields.iter().filter_map(|field| value(&info, field)).collect();
        (!found.is_empty()).then(|| found.join(" "))
    }

    /// The first fixed disk by name that tells a number.
    fn disk(&self) -> Option<String> {
        let fixed = |name: &&String| {
            !["loop", "ram", "zram", "dm-", "md", "sr", "fd", "nbd"].iter().any(|other| name.starts_with(other))
                && self.text(&format!("sys/block/{name}/removable")).as_deref() != Some("1")
        };
        self.names("sys/block").iter().filter(fixed).find_map(|name| {
            let places = ["serial", "device/serial", "wwid", "device/wwid"];
            places.iter().find_map(|place| self.text(&format!("sys/block/{name}/{place}")))
        })
    }

    /// The address of the first adapter by name that is a device: bridges and tunnels aren't.
    fn network(&self) -> Option<String> {
        let names = self.names("sys/class/net");
        let device = |name: &&String| self.root.join("sys/class/net").join(name).join("device").exists();
        names.iter().filter(device).find_map(|name| self.text(&format!("sys/class/net/{name}/address")))
    }

    /// In whole GiB: what the kernel keeps for itself changes with its version.
    fn memory(&self) -> Option<String> {
        let info = self.text("proc/meminfo")?;
        let kib: u64 = value(&info, "MemTotal")?.split_whitespace().next()?.parse().ok()?;
        Some(kib.div_ceil(1024 * 1024).to_string())
    }

    fn name(&self) -> String {
        let name = self.text("proc/sys/kernel/hostname").or_else(|| self.text("etc/hostname"));
        let name: String = name.unwrap_or_default().chars().filter(|c| !c.is_control()).take(MACHINE).collect();
        if name.is_empty() { "unnamed".into() } else { name }
    }

    fn is_virtual(&self) -> bool {
        let info = self.text("proc/cpuinfo").unwrap_or_default();
        value(&info, "flags").is_some_and(|flags| flags.split_whitespace().any(|flag| flag == "hypervisor"))
            || self.text("sys/hypervisor/type").is_some()
    }

    /// A file's text; none where it can't be read or says nothing.
    fn text(&self, path: &str) -> Option<String> {
        let text = String::from_utf8_lossy(&fs::read(self.root.join(path)).ok()?).trim().to_owned();
        (!text.is_empty() && !NOTHING.contains(&text.to_lowercase().as_str())).then_some(text)
    }

    fn names(&self, path: &str) -> Vec<String> {
        let entries = fs::read_dir(self.root.join(path)).into_iter().flatten().flatten();
        let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

/// The value of the first line `field : value`.
fn value<'a>(text: &'a str, field: &str) -> Option<&'a str> {
    let of_field = |line: &'a str| line.split_once(':').filter(|(name, _)| name.trim() == field);
    text.lines().find_map(of_field).map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const APPLICATION: Uuid = Uuid::from_u128(1);

    fn write(root: &Path, files: &[(&str, &str)]) {
        for (path, text) in files {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
    }

    fn pc() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        write(
            dir.path(),
            &[
                ("sys/class/dmi/id/board_vendor", "Maker\n"),
                ("sys/class/dmi/id/board_name", "Board 1\n"),
                ("sys/class/dmi/id/board_serial", "B-0001\n"),
                ("sys/class/dmi/id/product_uuid", "11111111-2222-3333-4444-555555555555\n"),
                ("proc/cpuinfo", "processor\t: 0\nvendor_id\t: V\nmodel name\t: CPU 1\nflags\t\t: fpu sse2\n"),
                ("proc/meminfo", "MemTotal:       16312340 kB\n"),
                ("proc/sys/kernel/hostname", "pc-0001\n"),
                ("sys/block/loop0/serial", "no disk"),
                ("sys/block/sda/removable", "1"),
                ("sys/block/sda/serial", "a stick"),
                ("sys/block/sdb/removable", "0"),
                ("sys/block/sdb/device/wwid", "naa.5000"),
                ("sys/class/net/br0/address", "02:00:00:00:00:01"),
                ("sys/class/net/eth0/address", "00:11:22:33:44:55"),
                ("sys/class/net/eth0/device/vendor", "0x8086"),
                ("etc/machine-id", "0123456789abcdef"),
            ],
        );
        dir
    }

    #[test]
    fn components_are_digests_of_fixed_parts() {
        let pc = pc();
        let machine = Machine::under(pc.path(), APPLICATION).unwrap();
        assert_eq!((machine.name.as_str(), machine.is_virtual), ("pc-0001", false));
        let parts = machine.hardware.parts();
        assert_eq!(parts.map(|part| part.map(str::len)), [Some(16), Some(4), Some(4), Some(4), Some(4), Some(4)]);
        // What isn't a fixed part changes nothing: a stick, a bridge, a kernel that takes more memory.
        write(
            pc.path(),
            &[
                ("sys/block/sda/serial", "another stick"),
                ("sys/class/net/br0/address", "02:00:00:00:00:02"),
                ("proc/meminfo", "MemTotal:       16300000 kB\n"),
            ],
        );
        assert_eq!(Machine::under(pc.path(), APPLICATION).unwrap(), machine);
        write(pc.path(), &[("sys/block/sdb/device/wwid", "naa.6000")]);
        let changed = Machine::under(pc.path(), APPLICATION).unwrap();
        assert_eq!(machine.hardware.changed(&changed.hardware), 3);
    }

    #[test]
    fn two_applications_are_told_different_digests() {
        let pc = pc();
        let one = Machine::under(pc.path(), APPLICATION).unwrap().hardware;
        let other = Machine::under(pc.path(), Uuid::from_u128(2)).unwrap().hardware;
        assert!(one.parts().iter().zip(other.parts()).all(|(one, other)| *one != other));
    }

    #[test]
    fn a_virtual_machine_is_told_by_its_systems_id_and_a_container_by_its_machine_id() {
        let pc = pc();
        write(
            pc.path(),
            &[
                ("sys/class/dmi/id/board_serial", "None\n"),
                ("proc/cpuinfo", "model name\t: CPU 1\nflags\t: hypervisor\n"),
            ],
        );
        let machine = Machine::under(pc.path(), APPLICATION).unwrap();
        assert!(machine.is_virtual);
        write(pc.path(), &[("sys/class/dmi/id/product_uuid", "99999999-2222-3333-4444-555555555555")]);
        assert_ne!(Machine::under(pc.path(), APPLICATION).unwrap().hardware.board, machine.hardware.board);
        let container = tempfile::tempdir().unwrap();
        assert!(matches!(Machine::under(container.path(), APPLICATION), Err(Trouble::NoHardware)));
        write(container.path(), &[("etc/machine-id", "0123456789abcdef")]);
        assert_eq!(Machine::under(container.path(), APPLICATION).unwrap().name, "unnamed");
    }
}
