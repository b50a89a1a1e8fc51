//! `GET /guides` and `GET /guides/{slug}`: how to administer the genuine volume activation, in our
//! own words.
//!
//! Facts are those of DOMAIN §2 and §3, with the contradictions of §4 settled as it settles them.
use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};

use super::commands::{self, Command};
use crate::{
    app::AppState,
    auth::proof::SignedIn,
    error::{Error, Result},
    web::page::{Html, Shell},
};

/// A guide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guide {
    /// MAK against KMS against activation by Active Directory.
    Choosing,
    /// A genuine KMS host and its clients.
    KmsHost,
    /// Its records in DNS.
    SrvRecords,
    /// What takes an activation of a MAK.
    MakActivations,
    /// A Windows KMS client asks this portal.
    PointedHere,
}

impl Guide {
    /// All of them, in the order of the list.
    pub const ALL: [Self; 5] =
        [Self::Choosing, Self::KmsHost, Self::SrvRecords, Self::MakActivations, Self::PointedHere];

    /// The end of its address.
    pub const fn slug(self) -> &'static str {
        match self {
            Self::Choosing => "choosing",
            Self::KmsHost => "kms-host",
            Self::SrvRecords => "srv-records",
            Self::MakActivations => "mak-activations",
            Self::PointedHere => "troubleshooting",
        }
    }

    /// The guide with this end of its address.
    pub fn by_slug(slug: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|guide| guide.slug() == slug)
    }

    /// Its address.
    pub fn href(self) -> String {
        ["/guides/", self.slug()].concat()
    }

    /// Its heading.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Choosing => "MAK, KMS or Active Directory",
            Self::KmsHost => "Set up a KMS host and its clients",
            Self::SrvRecords => "Publish and check the KMS records in DNS",
            Self::MakActivations => "What uses up a MAK activation",
            Self::PointedHere => "A Windows KMS client is pointed at this portal",
        }
    }

    /// What it is for, in a sentence.
    pub const fn lead(self) -> &'static str {
        match self {
            Self::Choosing => "Three ways to activate what is licensed by volume, and when each one fits.",
            Self::KmsHost => {
                "From the host key to the first activated client, with the numbers that decide whether it works."
            }
            Self::SrvRecords => "How clients find their KMS host, and what to look at when they don’t.",
            Self::MakActivations => "What counts against a MAK, what doesn’t, and how to spare activations.",
            Self::PointedHere => {
                "Why such a machine isn’t activated here, and how to send it where it belongs. For troubleshooting."
            }
        }
    }

    /// The one that reads on from here.
    pub const fn next(self) -> Self {
        match self {
            Self::Choosing | Self::SrvRecords => Self::KmsHost,
            Self::KmsHost | Self::PointedHere => Self::SrvRecords,
            Self::MakActivations => Self::Choosing,
        }
    }
}

/// The list of guides.
#[derive(Template)]
#[template(path = "reference/guides.html")]
pub struct GuidesPage {
    shell: Shell,
}

/// One guide.
#[derive(Template)]
#[template(path = "reference/guide.html")]
pub struct GuidePage {
    shell: Shell,
    guide: Guide,
    client: Vec<Command>,
}

/// The list.
///
/// # Errors
/// Never but for what its proof refuses.
pub async fn list(person: SignedIn, State(state): State<AppState>) -> Result<Response> {
    Ok(Html(GuidesPage { shell: person.visitor().shell(&state) }).into_response())
}

/// One guide.
///
/// # Errors
/// 404 for a slug that is none.
pub async fn one(person: SignedIn, State(state): State<AppState>) -> Result<Response> {
    let path = person.visitor().path().split('?').next().unwrap_or_default();
    let guide = path.strip_prefix("/guides/").and_then(Guide::by_slug).ok_or(Error::NotFound)?;
    Ok(Html(GuidePage::new(person.visitor().shell(&state), guide)).into_response())
}

impl GuidePage {
    fn new(shell: Shell, guide: Guide) -> Self {
        Self { shell, guide, client: commands::kms_client(commands::YOUR_KEY, false) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl GuidesPage {
        fn sample() -> Self {
            Self { shell: Shell::sample("/guides") }
        }
    }

    impl GuidePage {
        fn sample(guide: Guide) -> Self {
            Self::new(Shell::sample(&guide.href()), guide)
        }
    }

    fn page(guide: Guide) -> String {
        GuidePage::sample(guide).render().expect("renders")
    }

    #[test]
    fn every_guide_is_listed_and_has_a_page() {
        let html = GuidesPage::sample().render().expect("renders");
        for guide in Guide::ALL {
            assert_eq!(Guide::by_slug(guide.slug()), Some(guide));
            assert!(html.contains(&format!("href=\"{}\"", guide.href())), "{guide:?}");
            let html = page(guide);
            assert!(html.contains(guide.title()) && html.contains(&guide.next().href()), "{guide:?}");
        }
    }

    /// DOMAIN §4: what S002 says, and what is right.
    #[test]
    fn s002_corrected_host_and_clients() {
        let html = page(Guide::KmsHost);
        for right in [
            "counted together",
            "at its own next request",
            "every 7 days",
            "slmgr /ckms",
            "Software Protection",
            "six hosts",
        ] {
            assert!(html.contains(right), "{right}");
        }
        for wrong in
            ["/skms auto", "Volume Activation service", "retroactive", "Insufficient Data", "reduced functionality"]
        {
            assert!(!html.contains(wrong), "{wrong}");
        }
    }

    /// DOMAIN §4: what S003 says, and what is right.
    #[test]
    fn s003_corrected_mak() {
        let html = page(Guide::MakActivations);
        assert!(html.contains("0xC004C020") && html.contains("confirmation ID"));
        assert!(html.contains("No client knows how many are left"));
    }

    #[test]
    fn s004_records_in_dns() {
        let html = page(Guide::SrvRecords);
        for part in ["_vlmcs._tcp", "1688", "DisableDnsPublishing", "DnsDomainPublishList", "12293", "24 hours"] {
            assert!(html.contains(part), "{part}");
        }
    }

    #[test]
    fn the_portal_says_that_it_activates_no_vendors_product() {
        let html = page(Guide::PointedHere);
        assert!(html.contains("doesn’t activate products of a vendor") && html.contains("_vlmcs._tcp"));
    }
}
