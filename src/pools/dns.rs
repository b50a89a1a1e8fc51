//! The records to publish so that clients find a host: service `_keyward._tcp` (docs/protocol.md), for the
//! DNS servers that organisations run.

/// Seconds that a resolver keeps a record.
const TTL: u32 = 3600;
/// Stands where a domain has to be put in.
pub const EXAMPLE: &str = "example.com";

/// A host as the records name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Full name, without a dot at the end.
    pub host: String,
    /// Its port.
    pub port: u16,
}

/// The lines for one kind of DNS server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lines {
    /// Whose.
    pub server: &'static str,
    /// What one does with them.
    pub what: &'static str,
    /// A line a host.
    pub lines: Vec<String>,
}

/// The records of a domain.
pub fn records(domain: &str, hosts: &[Target]) -> [Lines; 3] {
    let each = |line: &dyn Fn(&Target) -> String| hosts.iter().map(line).collect();
    [
        Lines {
            server: "BIND",
            what: "Lines for the zone’s file; raise its serial number, then run rndc reload.",
            lines: each(&|to| format!("_keyward._tcp.{domain}. {TTL} IN SRV 0 0 {} {}.", to.port, to.host)),
        },
        Lines {
            server: "PowerDNS",
            what: "Commands on the authoritative server.",
            lines: each(&|to| {
                format!("pdnsutil add-record {domain} _keyward._tcp SRV {TTL} \"0 0 {} {}.\"", to.port, to.host)
            }),
        },
        Lines {
            server: "Windows DNS",
            what: "Commands in PowerShell on the DNS server.",
            lines: each(&|to| {
                format!(
                    "Add-DnsServerResourceRecord -Srv -ZoneName \"{domain}\" -Name \"_keyward._tcp\" -DomainName \"{}\" -Priority 0 -Weight 0 -Port {} -TimeToLive 01:00:00",
                    to.host, to.port
                )
            }),
        },
    ]
}

/// A domain as it was typed, in lower case without a dot at the end; none where it isn't one.
pub fn domain(text: &str) -> Option<String> {
    let domain = text.trim().trim_end_matches('.').to_ascii_lowercase();
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    (domain.len() <= 240 && domain.split('.').all(label)).then_some(domain)
}

/// The host of a responder by its own name and the address that it listens on; a bare name is taken to be in
/// the domain.
pub fn target(name: &str, listens: &str, domain: &str) -> Target {
    let port = listens.rsplit(':').next().and_then(|port| port.parse().ok()).unwrap_or(1688);
    let host =
        if name.contains('.') { name.to_ascii_lowercase() } else { format!("{}.{domain}", name.to_ascii_lowercase()) };
    Target { host, port }
}

/// Whether a responder listens for its own machine only.
pub fn is_loopback(listens: &str) -> bool {
    listens.parse::<std::net::SocketAddr>().is_ok_and(|at| at.ip().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_server_gets_its_own_form_of_the_same_record() {
        let hosts =
            [target("act1", "0.0.0.0:1688", "corp.example"), target("Act2.Site.Example", "[::]:1700", "corp.example")];
        let [bind, power, windows] = records("corp.example", &hosts);
        assert_eq!(bind.lines[0], "_keyward._tcp.corp.example. 3600 IN SRV 0 0 1688 act1.corp.example.");
        assert_eq!(
            power.lines[1],
            "pdnsutil add-record corp.example _keyward._tcp SRV 3600 \"0 0 1700 act2.site.example.\""
        );
        assert_eq!(
            windows.lines[0],
            "Add-DnsServerResourceRecord -Srv -ZoneName \"corp.example\" -Name \"_keyward._tcp\" -DomainName \"act1.corp.example\" -Priority 0 -Weight 0 -Port 1688 -TimeToLive 01:00:00"
        );
    }

    #[test]
    fn a_domain_is_a_domain_and_nothing_that_a_shell_would_read() {
        assert_eq!(domain(" Corp.Example. ").as_deref(), Some("corp.example"));
        for wrong in ["", "a b", "a..b", "-a.b", "a;rm", "\"x\"", "$(x)", "ü.example", &"a.".repeat(200)] {
            assert_eq!(domain(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_host_for_itself_alone_is_seen() {
        assert!(is_loopback("127.0.0.1:1688") && is_loopback("[::1]:1688"));
        assert!(!is_loopback("0.0.0.0:1688") && !is_loopback("10.0.0.5:1688"));
    }
}
