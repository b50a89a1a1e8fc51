//! `/activation`: the applications, and what the site's hosts do for them.
use askama::Template;

use super::{dns::Lines, model::Show};
use crate::web::{
    page::{Shell, Tone},
    view::{Address, Chip, Empty, Field, Meter, Pager, Plot, When},
};

/// An application in the list.
#[derive(Clone, Debug)]
pub struct ApplicationCard {
    /// Its page.
    pub href: String,
    /// Its name.
    pub name: String,
    /// The License ID it belongs to.
    pub license_id: String,
    /// Machines counted.
    pub count: String,
    /// What a genuine host would show, where that is another number.
    pub capped: Option<String>,
    /// How it stands towards what each edition needs.
    pub standings: Vec<(Tone, String)>,
    /// Activations used of those that its MAKs hold.
    pub maks: Option<Meter>,
    /// Keys that are MAKs.
    pub mak_count: u64,
    /// The count over the last 30 days.
    pub plot: Option<Plot>,
    /// Whether only enrolled devices count.
    pub enrolled: bool,
    /// When it was closed.
    pub closed: Option<When>,
}

/// A responder.
#[derive(Clone, Debug)]
pub struct HostRow {
    /// Its machine's name.
    pub host: String,
    /// The address that it listens on.
    pub listens: String,
    /// Whether no other machine reaches it.
    pub loopback: bool,
    /// Its version.
    pub version: String,
    /// When it was started.
    pub started: When,
    /// When it was seen last.
    pub seen: When,
    /// Whether that is a while ago.
    pub silent: bool,
}

/// What was answered in the last hour.
#[derive(Clone, Debug)]
pub struct DoneRow {
    /// What was asked, in words.
    pub asked: &'static str,
    /// The operation as the protocol names it; `line` for what was none.
    pub op: String,
    /// The result's code or an error's word.
    pub code: String,
    /// In words.
    pub words: String,
    /// How much it matters.
    pub tone: Tone,
    /// How often.
    pub requests: String,
    /// The page on that code, for an HRESULT.
    pub href: Option<String>,
}

/// A client of another protocol.
#[derive(Clone, Debug)]
pub struct ForeignRow {
    /// Its address.
    pub address: String,
    /// When it came last.
    pub last: When,
    /// How often.
    pub contacts: String,
}

/// The key that leases are signed with.
#[derive(Clone, Debug)]
pub struct SiteKey {
    /// Its RFC 7638 thumbprint.
    pub kid: String,
    /// The Ed25519 key, base64url.
    pub x: String,
    /// Whether leases are signed with it now.
    pub current: bool,
}

/// The records to publish.
#[derive(Clone, Debug)]
pub struct Records {
    /// The field that asks for the domain.
    pub field: Field,
    /// The lines for each kind of server.
    pub servers: [Lines; 3],
    /// Whether a host was seen whose name stands in them.
    pub hosts_known: bool,
}

/// The page.
#[derive(Template)]
#[template(path = "pools/list.html")]
pub struct ActivationPage {
    /// The frame.
    pub shell: Shell,
    /// Whether the person administers any License ID: he may register an application.
    pub administers: bool,
    /// The form's fields: `license_id`, `name`, `trust`, `tolerance`.
    pub fields: Vec<Field>,
    /// The applications on this page.
    pub applications: Vec<ApplicationCard>,
    /// Which page.
    pub pager: Pager,
    /// The list's address: `show`, `page`.
    pub address: Address,
    /// Which applications are shown.
    pub show: Show,
    /// What to show without an application.
    pub empty: Empty,
    /// Responders seen within a day.
    pub hosts: Vec<HostRow>,
    /// The last hour.
    pub done: Vec<DoneRow>,
    /// Clients of another protocol within a week.
    pub foreign: Vec<ForeignRow>,
    /// The records to publish.
    pub records: Records,
    /// The issuer that leases name.
    pub issuer: String,
    /// Keys that leases were signed with.
    pub keys: Vec<SiteKey>,
}

impl ActivationPage {
    fn form_open(&self) -> bool {
        Field::any_wrong(&self.fields)
    }

    fn chips(&self) -> Vec<Chip> {
        let label = self.show.label();
        if label.is_empty() { Vec::new() } else { vec![Chip::new(label, address().href())] }
    }
}

/// The list's address.
pub fn address() -> Address {
    Address::new("/activation")
}

#[cfg(test)]
impl ActivationPage {
    /// Two applications, one of them waiting, and a Windows client gone astray.
    pub fn sample() -> Self {
        use time::{Duration, macros::datetime};

        use super::{dns, plot};

        let now = datetime!(2026-11-22 12:00 UTC);
        let samples: Vec<plot::Sample> = (0..31)
            .map(|day| plot::Sample { at: now - Duration::days(30 - day), count: 2 * day, capped: (2 * day).min(50) })
            .collect();
        let thresholds = [plot::Threshold { needed: 25, editions: "Standard".into() }];
        let card = |name: &str, closed: Option<When>| ApplicationCard {
            href: "/activation/7f2f9c1e-6f0d-4a59-9c3e-2f1f3f0d1a01".into(),
            name: name.into(),
            license_id: "NW-OWN-01".into(),
            count: "60".into(),
            capped: Some("50".into()),
            standings: vec![(Tone::Good, "Standard: count reached".into())],
            maks: Some(Meter { used: 42, total: 50 }),
            mak_count: 2,
            plot: plot::draw(name, &samples, &thresholds, now - Duration::days(30), now),
            enrolled: true,
            closed,
        };
        let targets = [dns::target("act1", "0.0.0.0:1688", "corp.example")];
        Self {
            shell: Shell::sample("/activation"),
            administers: true,
            fields: vec![Field::new("text", "name", "Name").error(Some("Fill this in.".into()))],
            applications: vec![card("Plotter", None), card("Old Plotter", Some(When::moment(now, now)))],
            pager: Pager::new(&address(), "page", 1, 50, 2),
            address: address(),
            show: Show::All,
            empty: Empty::new(crate::web::view::EmptyKind::NothingYet, "No application yet", "Register one."),
            hosts: vec![HostRow {
                host: "act1".into(),
                listens: "127.0.0.1:1688".into(),
                loopback: true,
                version: "0.1.0".into(),
                started: When::moment(now - Duration::days(1), now),
                seen: When::moment(now, now),
                silent: false,
            }],
            done: vec![DoneRow {
                asked: super::words::asked("activate"),
                op: "activate".into(),
                code: "0xC004F038".into(),
                words: super::words::result("0xC004F038").into(),
                tone: Tone::Info,
                requests: "1,204".into(),
                href: Some("/error-codes/0xC004F038".into()),
            }],
            foreign: vec![ForeignRow {
                address: "192.0.2.77".into(),
                last: When::moment(now, now),
                contacts: "12".into(),
            }],
            records: Records {
                field: Field::new("text", "domain", "Domain").value("corp.example"),
                servers: dns::records("corp.example", &targets),
                hosts_known: true,
            },
            issuer: "urn:uuid:6a7c1d52-3a0b-4f7e-9a51-0c8f3b1e2d40".into(),
            keys: vec![SiteKey { kid: "1IG2tMH7".into(), x: "A6EHv".into(), current: true }],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_counts_and_the_visitor_gone_astray_are_shown() {
        let html = ActivationPage::sample().render().expect("renders");
        for part in [
            "A genuine host would show 50",
            "42 of 50",
            "Needed by Standard: 25",
            "a Windows KMS client is pointed at this portal",
            "192.0.2.77",
            "/guides/troubleshooting",
            "_keyward._tcp.corp.example. 3600 IN SRV 0 0 1688 act1.corp.example.",
            "Add-DnsServerResourceRecord",
            "127.0.0.1",
        ] {
            assert!(html.contains(part), "{part}");
        }
    }
}
