//! Where the hosts are: the one that was named, or those of the SRV record `_keyward._tcp.DOMAIN`.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    str::FromStr,
};

use hickory_resolver::{
    Resolver, TokioResolver,
    config::{ConnectionConfig, NameServerConfig, ResolverConfig, ResolverOpts},
    net::runtime::TokioRuntimeProvider,
    proto::rr::{Name, RData},
    system_conf::read_system_conf,
};
use serde::{Deserialize, Serialize};

use super::trouble::Trouble;

/// The service's port where nothing else is said.
pub const PORT: u16 = 1688;
/// The name of the site's own service in DNS, below a domain.
pub const SERVICE: &str = "_keyward._tcp";

/// A host and its port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HostName {
    /// Name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

impl FromStr for HostName {
    type Err = Trouble;
    /// `NAME`, `NAME:PORT`, `[ADDRESS]:PORT` or an IPv6 address.
    fn from_str(text: &str) -> Result<Self, Trouble> {
        let bad = || Trouble::HostName(text.to_owned());
        let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, "")) => (host, None),
            Some((host, port)) => (host, Some(port.strip_prefix(':').ok_or_else(bad)?)),
            None => match text.split_once(':') {
                Some((_, rest)) if rest.contains(':') => (text, None),
                Some((host, port)) => (host, Some(port)),
                None => (text, None),
            },
        };
        let port = port.map_or(Ok(PORT), str::parse).map_err(|_| bad())?;
        let fits = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '%');
        if host.is_empty() || host.len() > 253 || port == 0 || !host.chars().all(fits) {
            return Err(bad());
        }
        Ok(Self { host: host.trim_end_matches('.').to_owned(), port })
    }
}

impl TryFrom<String> for HostName {
    type Error = Trouble;
    fn try_from(text: String) -> Result<Self, Trouble> {
        text.parse()
    }
}

impl From<HostName> for String {
    fn from(host: HostName) -> Self {
        host.to_string()
    }
}

/// Whom to ask about DNS; by default the system's servers about the system's domains.
#[derive(Clone, Debug, Default)]
pub struct Dns {
    /// A name server instead of the system's.
    pub server: Option<SocketAddr>,
    /// A domain instead of the system's.
    pub domain: Option<String>,
}

impl Dns {
    /// The hosts that DNS tells, in the order to try them: by priority, within one at random by weight.
    ///
    /// # Errors
    /// [`Trouble::NoHost`] says what was looked for.
    pub async fn hosts(&self) -> Result<Vec<HostName>, Trouble> {
        let (resolver, domains) = self.resolver().map_err(Trouble::NoHost)?;
        if domains.is_empty() {
            return Err(Trouble::NoHost("this machine has no DNS domain to look in (give --domain)".into()));
        }
        let mut said = Vec::new();
        for domain in &domains {
            let name = format!("{SERVICE}.{}.", domain.trim_end_matches('.'));
            match resolver.srv_lookup(name.as_str()).await {
                Ok(found) => {
                    let records = found.answers().iter().filter_map(|record| match &record.data {
                        // a target of "." says that the service isn't offered (RFC 2782)
                        RData::SRV(srv) if !srv.target.is_root() => Some(Record {
                            priority: srv.priority,
                            weight: srv.weight,
                            host: HostName { host: target(&srv.target), port: srv.port },
                        }),
                        _ => None,
                    });
                    let hosts = order(records.collect(), random_below);
                    if !hosts.is_empty() {
                        return Ok(hosts);
                    }
                    said.push(format!("{name} names no host"));
                }
                Err(fault) if fault.is_no_records_found() => said.push(format!("DNS has no SRV record {name}")),
                Err(fault) => said.push(format!("DNS doesn't answer about {name} ({fault})")),
            }
        }
        Err(Trouble::NoHost(said.join("; ")))
    }

    /// A host's addresses: by the system's means, or by the name server that was named.
    ///
    /// # Errors
    /// The reason in a few words.
    pub(super) async fn addresses(&self, host: &HostName) -> Result<Vec<SocketAddr>, String> {
        if self.server.is_none() || host.host.parse::<IpAddr>().is_ok() {
            let found = tokio::net::lookup_host((host.host.as_str(), host.port)).await;
            return found.map(Iterator::collect).map_err(|fault| fault.to_string());
        }
        let (resolver, _) = self.resolver()?;
        let found = resolver.lookup_ip(format!("{}.", host.host)).await.map_err(|fault| fault.to_string())?;
        Ok(found.iter().map(|address| SocketAddr::new(address, host.port)).collect())
    }

    fn resolver(&self) -> Result<(TokioResolver, Vec<String>), String> {
        let (config, options) = match self.server {
            Some(server) => {
                let mut connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()];
                for connection in &mut connections {
                    connection.port = server.port();
                }
                let server = NameServerConfig::new(server.ip(), true, connections.into());
                (ResolverConfig::from_name_servers(vec![server]), ResolverOpts::default())
            }
            None => read_system_conf().map_err(|fault| format!("the system's DNS settings can't be read ({fault})"))?,
        };
        let domains = match &self.domain {
            Some(domain) => vec![domain.clone()],
            None => {
                let names = config.search().iter().chain(config.domain());
                let mut names: Vec<String> = names.filter(|name| !name.is_root()).map(target).collect();
                names.dedup();
                names
            }
        };
        let builder = Resolver::builder_with_config(config, TokioRuntimeProvider::default()).with_options(options);
        Ok((builder.build().map_err(|fault| fault.to_string())?, domains))
    }
}

fn target(name: &Name) -> String {
    name.to_utf8().trim_end_matches('.').to_owned()
}

/// What an SRV record says.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Record {
    priority: u16,
    weight: u16,
    host: HostName,
}

/// The order of RFC 2782: lowest priority first; of one priority, drawn by weight.
fn order(mut records: Vec<Record>, mut below: impl FnMut(u32) -> u32) -> Vec<HostName> {
    records.sort_by_key(|record| (record.priority, record.weight));
    let mut hosts = Vec::with_capacity(records.len());
    while let Some(first) = records.first() {
        let priority = first.priority;
        let same = records.iter().take_while(|record| record.priority == priority);
        let mut drawn = below(same.map(|record| u32::from(record.weight)).sum::<u32>() + 1);
        let mut chosen = 0;
        for (at, record) in records.iter().enumerate().take_while(|(_, record)| record.priority == priority) {
            chosen = at;
            match drawn.checked_sub(u32::from(record.weight)) {
                Some(rest) if rest > 0 => drawn = rest,
                _ => break,
            }
        }
        hosts.push(records.remove(chosen).host);
    }
    hosts
}

/// A number below `end`; the bias of the remainder doesn't matter for a choice of hosts.
fn random_below(end: u32) -> u32 {
    getrandom::u32().unwrap_or(0) % end.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(priority: u16, weight: u16, host: &str) -> Record {
        Record { priority, weight, host: host.parse().unwrap() }
    }

    #[test]
    fn hosts_are_read_with_and_without_a_port() {
        for (text, host, port) in [
            ("a.example", "a.example", 1688),
            ("a.example.:99", "a.example", 99),
            ("[::1]:99", "::1", 99),
            ("[::1]", "::1", 1688),
            ("fe80::1", "fe80::1", 1688),
            ("127.0.0.1:1", "127.0.0.1", 1),
        ] {
            let read: HostName = text.parse().unwrap();
            assert_eq!((read.host.as_str(), read.port), (host, port), "{text}");
            assert_eq!(read.to_string().parse::<HostName>().unwrap(), read);
        }
        for text in ["", ":1688", "a:", "a:0", "a:70000", "a b", "[::1", "http://a"] {
            assert!(text.parse::<HostName>().is_err(), "{text}");
        }
    }

    /// RFC 2782.
    #[test]
    fn lower_priorities_come_first_and_weights_decide_within_one() {
        let records =
            vec![record(20, 0, "spare"), record(10, 0, "none"), record(10, 1, "light"), record(10, 3, "heavy")];
        for (drawn, expected) in [(0, "none"), (1, "light"), (2, "heavy"), (4, "heavy")] {
            let mut first = Some(drawn);
            let hosts = order(records.clone(), |end| first.take().unwrap_or(0).min(end - 1));
            assert_eq!(hosts[0].host, expected, "{drawn}");
            assert_eq!((hosts.len(), hosts[3].host.as_str()), (4, "spare"));
        }
    }
}
