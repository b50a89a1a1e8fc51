//! Which way of activation fits: a pure decision, one rule after the other, each with its source.

use super::guides::Guide;
use crate::keys::KeyKind;

/// What is to be activated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A Windows client.
    WindowsClient,
    /// Windows Server.
    WindowsServer,
    /// Office, Project, Visio.
    Office,
    /// Extended Security Updates.
    Esu,
    /// SQL Server before 2022.
    SqlServer,
    /// SQL Server 2022 and newer.
    SqlServer2022,
    /// Client access licences of Remote Desktop Services.
    Rds,
    /// Other client access licences.
    Cal,
    /// A product that is activated online with a single-use key.
    Online,
    /// A product that asks for a key and counts nothing.
    Typed,
}

/// The machines' way to the vendor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    /// They reach the Internet.
    Online,
    /// They don't.
    Isolated,
}

/// The programme, as far as it decides anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// Open Value or Open Value Subscription.
    OpenValue,
    /// Open License.
    OpenLicense,
    /// Any other, or not known.
    Other,
}

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub struct Question {
    /// What is to be activated.
    pub kind: Kind,
    /// The machines' way to the vendor.
    pub network: Network,
    /// Machines that would ask a KMS host: for Windows clients and servers together.
    pub machines: u32,
    /// Whether there is a KMS host for it.
    pub host: bool,
    /// The programme it was bought under.
    pub program: Program,
}

/// The recommended way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// No key is needed.
    NoKey,
    /// No key, but a number for the activation wizard.
    Wizard,
    /// The published setup key, and the KMS host that is there.
    Kms,
    /// The same, once a host has been set up.
    NewKms,
    /// A MAK, each machine by itself.
    MakIndependent,
    /// A MAK through a proxy.
    MakProxy,
    /// A key that is typed in during setup.
    TypedKey,
    /// A key that is redeemed once.
    SingleUse,
}

/// Where a rule comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// S000.
    ProductKeys,
    /// M365 download-vl-products.
    Downloads,
    /// WSD kms-activation-planning.
    KmsPlanning,
    /// ITP activate-windows-clients-vamt.
    KmsClients,
    /// OFF configure-a-kms-host.
    OfficeKms,
    /// ITP scenario-proxy-activation-vamt.
    ProxyActivation,
}

impl Source {
    /// What the vendor calls it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::ProductKeys => "Find and use product keys for volume licensing",
            Self::Downloads => "Download volume licensing products",
            Self::KmsPlanning => "Plan for KMS activation",
            Self::KmsClients => "Activate clients running Windows",
            Self::OfficeKms => "Configure a KMS host computer for Office",
            Self::ProxyActivation => "Scenario: proxy activation with VAMT",
        }
    }
}

/// A reason, or something to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// The sentence.
    pub text: String,
    /// Where it comes from.
    pub source: Source,
}

/// The answer.
#[derive(Clone, Debug)]
pub struct Advice {
    /// The way.
    pub way: Way,
    /// The kind of key it means; none where none is needed.
    pub key: Option<KeyKind>,
    /// Why this way.
    pub why: Vec<Reason>,
    /// What to know besides.
    pub know: Vec<Reason>,
    /// The guide that leads through it.
    pub guide: Option<Guide>,
}

impl Way {
    /// Its name.
    pub const fn title(self) -> &'static str {
        match self {
            Self::NoKey => "No key needed",
            Self::Wizard => "No key: a programme and a number for the wizard",
            Self::Kms => "Setup key and your KMS host",
            Self::NewKms => "Setup key, once a KMS host is set up",
            Self::MakIndependent => "MAK, each machine by itself",
            Self::MakProxy => "MAK through a proxy",
            Self::TypedKey => "The volume key, typed in during setup",
            Self::SingleUse => "A single-use key, redeemed online",
        }
    }
}

impl Kind {
    /// Machines that must have asked a KMS host before it activates: 25, 5 or 5.
    pub const fn threshold(self) -> u32 {
        match self {
            Self::WindowsClient => 25,
            _ => 5,
        }
    }

    /// Whether the number of machines, the network and a host decide anything.
    pub const fn activates(self) -> bool {
        matches!(self, Self::WindowsClient | Self::WindowsServer | Self::Office)
    }
}

fn reason(text: impl Into<String>, source: Source) -> Reason {
    Reason { text: text.into(), source }
}

fn plain(way: Way, key: Option<KeyKind>, text: &str, source: Source) -> Advice {
    Advice { way, key, why: vec![reason(text, source)], know: Vec::new(), guide: None }
}

/// The recommended way, and why.
pub fn advise(question: Question) -> Advice {
    match question.kind {
        Kind::SqlServer => plain(
            Way::NoKey,
            None,
            "SQL Server carries its key in its setup, which finds it by itself. To read it, open x64\\DefaultSetup.ini on the installation medium.",
            Source::ProductKeys,
        ),
        Kind::SqlServer2022 => plain(
            Way::NoKey,
            Some(KeyKind::Vlk),
            "SQL Server carries its key in its setup, which finds it by itself. From 2022 on the key is shown among the product’s keys, too.",
            Source::ProductKeys,
        ),
        Kind::Rds => plain(
            Way::Wizard,
            None,
            "Remote Desktop Services take no key. The activation wizard asks for the licence programme and a number of the agreement.",
            Source::ProductKeys,
        ),
        Kind::Cal => plain(
            Way::NoKey,
            None,
            "Client access licences are held on paper: nothing is downloaded, installed or activated.",
            Source::Downloads,
        ),
        Kind::Typed => plain(
            Way::TypedKey,
            Some(KeyKind::Vlk),
            "Setup asks for the key of your License ID. Nothing counts how often it is used; your licences do.",
            Source::ProductKeys,
        ),
        Kind::Online => plain(
            Way::SingleUse,
            Some(KeyKind::Osa),
            "The product is activated online with a key of its own that can be redeemed once.",
            Source::ProductKeys,
        ),
        Kind::Esu => esu(question.network),
        Kind::WindowsClient | Kind::WindowsServer | Kind::Office => volume(question),
    }
}

fn esu(network: Network) -> Advice {
    let mut why = vec![reason(
        "Extended Security Updates are activated with a MAK, whatever activates Windows itself.",
        Source::ProductKeys,
    )];
    let way = mak_way(network, &mut why);
    let know = vec![reason(
        "The MAK can be seen before its coverage begins, but not used. Its Keys page says from when.",
        Source::ProductKeys,
    )];
    Advice { way, key: Some(KeyKind::Mak), why, know, guide: Some(Guide::MakActivations) }
}

/// Windows, Windows Server and Office: MAK or KMS.
fn volume(question: Question) -> Advice {
    let needed = question.kind.threshold();
    let enough = question.machines >= needed;
    let mut know = Vec::new();
    let mut why = Vec::new();
    match question.program {
        Program::OpenLicense => why.push(reason(
            "Open License has been retired: its keys go on working, and the exception by which KMS host keys are assigned doesn’t hold for it.",
            Source::ProductKeys,
        )),
        Program::OpenValue => {
            why.push(reason(
                "For Open Value and Open Value Subscription the MAK is the recommended way.",
                Source::ProductKeys,
            ));
            know.push(reason(
                if enough {
                    "A KMS host key is assigned by exception, to those who reach the threshold. Where you have one, setup keys and that host serve as well."
                } else {
                    "A KMS host key is assigned by exception, and only to those who reach the threshold."
                },
                Source::ProductKeys,
            ));
        }
        Program::Other if enough => return kms(question),
        Program::Other => why.push(below(question, needed)),
    }
    let way = mak_way(question.network, &mut why);
    know.push(reason(
        "Each activation is taken from the MAK’s number, a virtual machine’s too. Setting a machine up anew takes another, unless its confirmation ID was kept.",
        Source::ProductKeys,
    ));
    Advice { way, key: Some(KeyKind::Mak), why, know, guide: Some(Guide::MakActivations) }
}

fn below(question: Question, needed: u32) -> Reason {
    let (what, asking) = match question.kind {
        Kind::Office => ("Office", "installations"),
        Kind::WindowsServer => ("Windows Server", "machines"),
        _ => ("Windows clients", "machines"),
    };
    let host = if question.host { "Your KMS host" } else { "A KMS host" };
    let source = if question.kind == Kind::Office { Source::OfficeKms } else { Source::KmsPlanning };
    reason(
        format!(
            "{host} activates {what} only once {needed} {asking} have asked it: {} are too few.",
            question.machines
        ),
        source,
    )
}

fn mak_way(network: Network, why: &mut Vec<Reason>) -> Way {
    match network {
        Network::Online => {
            why.push(reason("Your machines reach the vendor, so each activates itself, once.", Source::ProductKeys));
            Way::MakIndependent
        }
        Network::Isolated => {
            why.push(reason(
                "Your machines don’t reach the vendor: VAMT asks in their place, with a file that is carried out and back. A few can be activated by telephone.",
                Source::ProxyActivation,
            ));
            Way::MakProxy
        }
    }
}

fn kms(question: Question) -> Advice {
    let needed = question.kind.threshold();
    let office = question.kind == Kind::Office;
    let source = if office { Source::OfficeKms } else { Source::KmsPlanning };
    let mut why = vec![reason(
        format!(
            "KMS activates from {needed} machines on, and you have {}. No activation is counted against a number.",
            question.machines
        ),
        source,
    )];
    let mut know = vec![if office {
        reason(
            "Office has a count of its own: neither Windows nor another host’s Office adds to it.",
            Source::OfficeKms,
        )
    } else {
        reason("Windows clients and servers are counted together, virtual machines like any other.", Source::KmsClients)
    }];
    let way = if question.host {
        why.push(reason("Your host is there: machines find it by DNS and renew by themselves.", Source::KmsClients));
        Way::Kms
    } else {
        why.push(reason(
            match question.network {
                Network::Online => "A host has to be set up first, with the KMS host key. Until then use MAKs only where it can’t wait: each activation is counted.",
                Network::Isolated => "A host inside your network has to be set up first. It needs the vendor once, and that can be done by telephone.",
            },
            Source::ProductKeys,
        ));
        Way::NewKms
    };
    if question.machines > 50 {
        know.push(reason(
            "With more than 50 machines have two hosts; more would split the count.",
            Source::KmsPlanning,
        ));
    }
    know.push(reason(
        "An activation holds for 180 days and is renewed every 7. A machine that is away longer is better off with a MAK.",
        Source::KmsClients,
    ));
    let key = if question.host { KeyKind::Setup } else { KeyKind::KmsHost };
    Advice { way, key: Some(key), why, know, guide: Some(Guide::KmsHost) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Question = Question {
        kind: Kind::WindowsClient,
        network: Network::Online,
        machines: 25,
        host: true,
        program: Program::Other,
    };

    fn way(question: Question) -> Way {
        advise(question).way
    }

    fn said(reasons: &[Reason], part: &str) -> bool {
        reasons.iter().any(|reason| reason.text.contains(part))
    }

    #[test]
    fn s000_sql_server_carries_its_key_and_shows_it_from_2022_on() {
        let old = advise(Question { kind: Kind::SqlServer, ..PLAIN });
        assert_eq!((old.way, old.key), (Way::NoKey, None));
        let new = advise(Question { kind: Kind::SqlServer2022, ..PLAIN });
        assert_eq!((new.way, new.key), (Way::NoKey, Some(KeyKind::Vlk)));
    }

    #[test]
    fn s000_rds_takes_a_number_and_no_key() {
        let advice = advise(Question { kind: Kind::Rds, ..PLAIN });
        assert_eq!((advice.way, advice.key), (Way::Wizard, None));
    }

    #[test]
    fn m365_cals_need_neither_download_nor_key() {
        let advice = advise(Question { kind: Kind::Cal, ..PLAIN });
        assert_eq!((advice.way, advice.key), (Way::NoKey, None));
        assert_eq!(advice.why[0].source, Source::Downloads);
    }

    #[test]
    fn wsd_clients_from_25_servers_from_5() {
        for (kind, needed) in [(Kind::WindowsClient, 25), (Kind::WindowsServer, 5)] {
            assert_eq!(way(Question { kind, machines: needed, ..PLAIN }), Way::Kms);
            let below = advise(Question { kind, machines: needed - 1, ..PLAIN });
            assert_eq!((below.way, below.key), (Way::MakIndependent, Some(KeyKind::Mak)));
            assert!(said(&below.why, &format!("only once {needed}")));
        }
    }

    #[test]
    fn off_office_from_5_with_a_count_of_its_own() {
        let advice = advise(Question { kind: Kind::Office, machines: 5, ..PLAIN });
        assert_eq!(advice.way, Way::Kms);
        assert!(said(&advice.know, "a count of its own"));
        assert_eq!(way(Question { kind: Kind::Office, machines: 4, ..PLAIN }), Way::MakIndependent);
    }

    #[test]
    fn itp_clients_and_servers_are_counted_together() {
        assert!(said(&advise(PLAIN).know, "clients and servers are counted together"));
    }

    #[test]
    fn s000_a_host_is_set_up_first_and_may_be_activated_by_telephone() {
        let advice = advise(Question { host: false, ..PLAIN });
        assert_eq!((advice.way, advice.key), (Way::NewKms, Some(KeyKind::KmsHost)));
        let isolated = advise(Question { host: false, network: Network::Isolated, ..PLAIN });
        assert_eq!(isolated.way, Way::NewKms);
        assert!(said(&isolated.why, "telephone"));
    }

    #[test]
    fn itp_isolated_machines_below_the_threshold_take_a_mak_by_proxy() {
        assert_eq!(way(Question { network: Network::Isolated, machines: 24, ..PLAIN }), Way::MakProxy);
        assert_eq!(way(Question { network: Network::Isolated, ..PLAIN }), Way::Kms, "a host inside serves them");
    }

    #[test]
    fn s000_open_value_takes_maks_and_kms_by_exception() {
        let advice = advise(Question { program: Program::OpenValue, machines: 500, ..PLAIN });
        assert_eq!(advice.way, Way::MakIndependent);
        assert!(said(&advice.know, "by exception"));
    }

    #[test]
    fn s000_open_license_is_retired_and_has_no_exception() {
        let advice = advise(Question { program: Program::OpenLicense, machines: 500, ..PLAIN });
        assert_eq!(advice.way, Way::MakIndependent);
        assert!(said(&advice.why, "retired") && !said(&advice.know, "exception"));
    }

    #[test]
    fn s000_esu_is_always_a_mak_and_not_usable_before_its_coverage() {
        let advice = advise(Question { kind: Kind::Esu, machines: 500, ..PLAIN });
        assert_eq!((advice.way, advice.key), (Way::MakIndependent, Some(KeyKind::Mak)));
        assert!(said(&advice.know, "before its coverage begins"));
        assert_eq!(way(Question { kind: Kind::Esu, network: Network::Isolated, ..PLAIN }), Way::MakProxy);
    }

    #[test]
    fn wsd_two_hosts_beyond_50() {
        assert!(!said(&advise(Question { machines: 50, ..PLAIN }).know, "two hosts"));
        assert!(said(&advise(Question { machines: 51, ..PLAIN }).know, "two hosts"));
    }

    #[test]
    fn osa_keys_are_redeemed_once_and_others_are_typed() {
        assert_eq!(advise(Question { kind: Kind::Online, ..PLAIN }).key, Some(KeyKind::Osa));
        assert_eq!(advise(Question { kind: Kind::Typed, ..PLAIN }).key, Some(KeyKind::Vlk));
    }
}
