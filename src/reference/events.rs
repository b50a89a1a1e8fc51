//! What the Info string of a KMS event says, field by field.
//!
//! Three events carry one: 12288 and 12289 on the client, 12290 on the host (DOMAIN §3, from the
//! vendor's operations guide). The strings have no names in them and differ from version to version:
//! blanks after the commas or none, dates padded or not, the last field left out.

/// Events read of one paste: more are a log, not a question.
const MOST: usize = 10;

/// Which event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The client asked.
    Request,
    /// The client got its answer.
    Answer,
    /// The host was asked.
    Asked,
}

/// A field of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// As it stands in the event.
    pub value: String,
    /// What it says, in words; empty where it says it itself.
    pub meaning: String,
}

/// An event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Which.
    pub kind: Kind,
    /// Its fields, in their order.
    pub fields: Vec<Field>,
}

impl Kind {
    /// Its number.
    pub fn number(self) -> u16 {
        match self {
            Self::Request => 12288,
            Self::Answer => 12289,
            Self::Asked => 12290,
        }
    }

    /// What it is, and in which log.
    pub fn title(self) -> &'static str {
        match self {
            Self::Request => "The client asked a KMS host (its Application log)",
            Self::Answer => "The client got an answer (its Application log)",
            Self::Asked => "The host was asked (its Key Management Service log)",
        }
    }
}

/// Every Info string in the text.
pub fn find(text: &str) -> Vec<Event> {
    text.lines().filter_map(read).take(MOST).collect()
}

fn read(line: &str) -> Option<Event> {
    // "Info: 0x0, …" and quoted cells of a log that was exported.
    let begin = line.find("0x").or_else(|| line.find("0X"))?;
    let parts: Vec<&str> = line[begin..].trim_end_matches(['"', '\'']).split(',').map(str::trim).collect();
    hexadecimal(parts.first()?)?;
    let (kind, names) = shape(&parts)?;
    let fields = names
        .iter()
        .zip(&parts)
        .filter(|(name, value)| !name.is_empty() && !value.is_empty())
        .map(|(name, value)| Field { name, value: (*value).to_owned(), meaning: meaning(name, value) })
        .collect();
    Some(Event { kind, fields })
}

const RESULT: &str = "Result";
const FLAGS: &str = "Flags";
const ADDRESS: &str = "Host and port";
const CMID: &str = "Client machine ID";
const TIME: &str = "Client’s time";
const VIRTUAL: &str = "Virtual machine";
const STATUS: &str = "Licence status";
const MINUTES: &str = "Minutes to expiry";
const ACTIVATION: &str = "Activation ID";
const NEEDED: &str = "Count needed";
const MACHINE: &str = "Machine";
const ACTIVATED: &str = "Activated";
const COUNT: &str = "Host’s count";
const RETRY: &str = "Activation interval";
const RENEWAL: &str = "Renewal interval";

/// Which event has fields like these.
fn shape(parts: &[&str]) -> Option<(Kind, &'static [&'static str])> {
    const REQUEST: [&str; 10] = [RESULT, FLAGS, ADDRESS, CMID, TIME, VIRTUAL, STATUS, MINUTES, ACTIVATION, NEEDED];
    const ANSWER: [&str; 8] = [RESULT, FLAGS, ACTIVATED, "", COUNT, RETRY, RENEWAL, TIME];
    const ASKED: [&str; 9] = [RESULT, NEEDED, MACHINE, CMID, TIME, VIRTUAL, STATUS, MINUTES, ACTIVATION];
    let second = parts.get(1)?;
    let third = parts.get(2)?;
    let fourth = parts.get(3)?;
    if hexadecimal(second).is_some() {
        if guid(fourth) && parts.len() >= 7 {
            return Some((Kind::Request, &REQUEST));
        }
        return (matches!(*third, "0" | "1") && parts.len() >= 7).then_some((Kind::Answer, &ANSWER[..]));
    }
    (second.parse::<u32>().is_ok() && guid(fourth) && parts.len() >= 8).then_some((Kind::Asked, &ASKED[..]))
}

fn hexadecimal(text: &str) -> Option<u32> {
    u32::from_str_radix(text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"))?, 16).ok()
}

fn guid(text: &str) -> bool {
    text.len() == 36 && uuid::Uuid::try_parse(text).is_ok()
}

/// A field's value in words.
fn meaning(name: &str, value: &str) -> String {
    let words = match (name, value) {
        (RESULT, _) => match hexadecimal(value) {
            Some(0) => "Success",
            Some(code) => return super::codes::by_number(code).map_or_else(String::new, |known| known.title.clone()),
            None => "",
        },
        (FLAGS, _) => return hexadecimal(value).map_or_else(String::new, flags),
        (VIRTUAL, "1") => "Yes",
        (VIRTUAL, "0") => "No",
        (ACTIVATED, "1") => "Yes",
        (ACTIVATED, "0") => "No",
        (STATUS, "0") => "Unlicensed",
        (STATUS, "1") => "Licensed",
        (STATUS, "2") => "Initial grace",
        (STATUS, "3") => "Grace after hardware changed or the licence ran out",
        (STATUS, "4") => "Non-genuine grace",
        (STATUS, "5") => "Notification",
        (STATUS, "6") => "Extended grace",
        (NEEDED, "25") => "A Windows client",
        (NEEDED, "5") => "Windows Server, or Office",
        (TIME, _) => "Without a time zone",
        (MINUTES | RETRY | RENEWAL, _) => return value.parse().map_or_else(|_| String::new(), minutes),
        _ => "",
    };
    words.to_owned()
}

/// The vendor's table of flags (DOMAIN §3).
fn flags(value: u32) -> String {
    const FLAGS: [(u32, &str); 5] = [
        (0x0400_0000, "the host’s count is too low"),
        (0x0100_0000, "no binding is registered"),
        (0x0200_0000, "the registration has a wrong type"),
        (0x0800_0000, "the firmware carries no volume marker"),
        (0x8, "another computer"),
    ];
    let set: Vec<&str> = FLAGS.iter().filter(|(bit, _)| value & bit != 0).map(|(_, words)| *words).collect();
    if value == 0 { "None".to_owned() } else { set.join(", ") }
}

fn minutes(value: u32) -> String {
    let days = value / 1_440;
    let hours = value % 1_440 / 60;
    let part = |n: u32, one: &str, many: &str| crate::web::view::count(u64::from(n), one, many);
    match (days, hours) {
        (0, 0) => part(value, "minute", "minutes"),
        (0, _) => part(hours, "hour", "hours"),
        (_, 0) => part(days, "day", "days"),
        _ => [part(days, "day", "days"), part(hours, "hour", "hours")].join(", "),
    }
}

/// Events without a code to look up, told by their number.
const OTHERS: [(&str, &str); 6] = [
    ("12291", "The Key Management Service couldn’t start on the host."),
    ("12292", "A timer of the Key Management Service failed on the host."),
    ("12293", "The host couldn’t publish its SRV record in DNS."),
    ("12294", "The host has published its SRV record in DNS."),
    ("12288", "The client asked a KMS host. Without a 12289 after it the host wasn’t reached."),
    ("12289", "The client got an answer of a KMS host."),
];

/// What is to be said about the numbers of events in a text that holds no Info string.
pub fn named(text: &str) -> Vec<(&'static str, &'static str)> {
    let words: Vec<&str> = text.split(|c: char| !c.is_ascii_alphanumeric()).collect();
    OTHERS.into_iter().filter(|(number, _)| words.contains(number)).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CMID: &str = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0";

    fn said(event: &Event, name: &str) -> (String, String) {
        let field = event.fields.iter().find(|field| field.name == name).unwrap_or_else(|| panic!("no {name}"));
        (field.value.clone(), field.meaning.clone())
    }

    #[test]
    fn vaog_12288_is_read_with_blanks_after_its_commas() {
        let text = format!(
            "Info:\n0xC004F06C, 0x00000000, kms.corp.example:1688, {CMID}, 2010/09/29 17:52, 0, 2, 41760, 68531fb9-5511-4989-97be-d11a0f55633f, 5"
        );
        let [event] = &find(&text)[..] else { panic!("one event") };
        assert_eq!((event.kind, event.fields.len()), (Kind::Request, 10));
        assert_eq!(said(event, "Result").1, "The clocks of client and host differ too much");
        assert_eq!(said(event, "Host and port").0, "kms.corp.example:1688");
        assert_eq!(said(event, "Licence status").1, "Initial grace");
        assert_eq!(said(event, "Minutes to expiry").1, "29 days");
        assert_eq!(said(event, "Count needed"), ("5".into(), "Windows Server, or Office".into()));
        assert_eq!(said(event, "Flags").1, "None");
    }

    #[test]
    fn sup_a_modern_12288_ends_with_an_empty_field() {
        let text = format!(
            "0xC004F074, 0x00000000, host:1688, {CMID}, 2026/01/02 03:04, 0, 5, 0, 68531fb9-5511-4989-97be-d11a0f55633f, "
        );
        let event = &find(&text)[0];
        assert_eq!((event.kind, event.fields.len()), (Kind::Request, 9), "the needed count is missing, not wrong");
        assert_eq!(said(event, "Licence status").1, "Notification");
    }

    #[test]
    fn vaog_12289_says_whether_it_was_activated_and_the_hosts_count() {
        let event = &find("Info: 0x0,0x04000000,0,0,12,120,10080,2026/11/22 9:05")[0];
        assert_eq!((event.kind, said(event, "Result").1.as_str()), (Kind::Answer, "Success"));
        assert_eq!(said(event, "Activated").1, "No");
        assert_eq!(said(event, "Host’s count").0, "12");
        assert_eq!(said(event, "Flags").1, "the host’s count is too low");
        assert_eq!(
            (said(event, "Activation interval").1, said(event, "Renewal interval").1),
            ("2 hours".into(), "7 days".into())
        );
    }

    #[test]
    fn vaog_12290_is_read_without_blanks_and_with_unpadded_dates() {
        let text = format!("0xC004F06C,5,pc-17,{CMID},2010/9/29 21:46,1,2,41520,68531fb9-5511-4989-97be-d11a0f55633f");
        let event = &find(&text)[0];
        assert_eq!((event.kind, event.kind.number()), (Kind::Asked, 12290));
        assert_eq!(said(event, "Machine").0, "pc-17");
        assert_eq!(said(event, "Virtual machine").1, "Yes");
        assert_eq!(said(event, "Client’s time").0, "2010/9/29 21:46");
        assert_eq!(said(event, "Minutes to expiry").1, "28 days, 20 hours");
    }

    #[test]
    fn other_lines_are_no_events() {
        for text in ["", "Error: 0xC004F074, see the log", "0xC004F038", "a,b,c,d,e,f,g,h", "0x1,2,3,4,5,6,7,8,9"] {
            assert_eq!(find(text), [], "{text}");
        }
        assert_eq!(named("Event ID 12293, Source Security-SPP")[0].0, "12293");
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(0x[0-9a-f]{0,9}|[,0-9: /-]|\\PC){0,40}") {
            let _ = find(&text);
        }
    }
}
