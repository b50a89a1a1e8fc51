//! What can go wrong, each a sentence that names the cause and the way out.

use std::path::PathBuf;

use crate::{
    activation::{code::BadCode, lease::NoLease, offline::NoFile},
    agent::HostName,
};

/// Why the agent couldn't do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// The state file can't be read or written.
    #[error("{path} can't be {verb} ({why}): choose another file with --state, or run as the user that owns it")]
    File {
        /// The file.
        path: PathBuf,
        /// read, written or locked.
        verb: &'static str,
        /// The system's words.
        why: std::io::Error,
    },
    /// The state file isn't one.
    #[error(
        "{path} is damaged ({why}): put a copy of it back, or move it away and begin anew (the same machine gets its activation by a key again and spends none; in a count it is a new client, and the old one leaves after 30 days)"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where.
        why: String,
    },
    /// Somebody else works with it.
    #[error("another keyward agent is at work with {0}: try again when it is done")]
    Busy(PathBuf),
    /// Nothing was set up.
    #[error("{0} doesn't know yet what to activate: give --application ID and --sku ID, which the publisher told")]
    NoProduct(PathBuf),
    /// Set up for something else.
    #[error("{0} is for another application: give each application a file of its own with --state")]
    OtherProduct(PathBuf),
    /// The key isn't one.
    #[error("the key {0}")]
    Key(String),
    /// There is no key.
    #[error("there is no key to do this with: keyward agent install-key KEY")]
    NoKey,
    /// A host's name isn't one.
    #[error("“{0}” isn't a host: write NAME or NAME:PORT, for example activation.example.org:1688")]
    HostName(String),
    /// DNS says nothing.
    #[error("no activation host was found: {0}; publish the record, or name a host: keyward agent set-host HOST")]
    NoHost(String),
    /// Nobody answered.
    #[error(
        "no activation host answered ({}): check that it runs and that TCP port {} is open to it, or name another one: keyward agent set-host HOST",
        tried.iter().map(|(host, why)| format!("{host}: {why}")).collect::<Vec<_>>().join("; "),
        tried.first().map_or(super::PORT, |(host, _)| host.port)
    )]
    Unreachable {
        /// Whom it asked, and what became of it.
        tried: Vec<(HostName, String)>,
    },
    /// An error line.
    #[error("{host} doesn't take the request ({word}): {message}")]
    Refused {
        /// The host.
        host: HostName,
        /// The protocol's word.
        word: String,
        /// The host's sentence.
        message: String,
    },
    /// A host of another site.
    #[error(
        "{host} isn't a host of this machine's site: it signs with other keys than those that were given or met first; if the site's keys were changed, ask for its site file and trust it: keyward agent trust FILE"
    )]
    OtherSite {
        /// The host.
        host: HostName,
    },
    /// The lease isn't to be taken.
    #[error("what came isn't taken: {0}")]
    Lease(#[from] NotTaken),
    /// Without the site's keys nothing can be verified.
    #[error("the site's keys aren't known here: bring its site file and trust it: keyward agent trust FILE")]
    NoSite,
    /// A site file isn't one.
    #[error("{0} isn't a site file: take the one that the portal or `keyward agent site` on a connected machine made")]
    NoSiteFile(PathBuf),
    /// An enrolled device's request isn't typed.
    #[error(
        "this device signs its requests, which makes them too long to type: write a request file instead: keyward agent request --output FILE (with --enrol CODE where it was never enrolled)"
    )]
    Signed,
    /// A carried file.
    #[error("{0}")]
    Carried(#[from] NoFile),
    /// A typed code.
    #[error("{0}")]
    Code(#[from] BadCode),
    /// A confirmation file without ours.
    #[error("the file holds no answer for this machine: look for the one to its last request")]
    NoAnswer,
    /// The portal couldn't serve the carried request.
    #[error("the portal didn't take this machine's request: {0}")]
    NotServed(String),
    /// The machine has nothing to tell it from others.
    #[error(
        "this machine tells nothing of its mainboard and has no /etc/machine-id: make that one (systemd-machine-id-setup), or give --hardware"
    )]
    NoHardware,
}

/// Why a lease isn't taken.
#[derive(Debug, thiserror::Error)]
pub enum NotTaken {
    /// It doesn't hold.
    #[error("{0}")]
    NoLease(#[from] NoLease),
    /// It is of another site, application, edition or machine.
    #[error("the lease is for another {0}")]
    Another(&'static str),
    /// It is bound to other hardware.
    #[error("the lease is bound to other hardware: activate this machine")]
    Hardware,
}
