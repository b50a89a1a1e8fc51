//! What a notice may be about.

/// The kinds of notices; each person chooses for each how to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Somebody asks for something.
    RequestSubmitted,
    /// The asker is asked back.
    RequestQuestion,
    /// The asker has answered.
    RequestAnswered,
    /// It was approved.
    RequestApproved,
    /// It was declined.
    RequestDeclined,
    /// It went to the vendor.
    RequestSent,
    /// The new number has been read back.
    RequestDone,
    /// The asker took it back.
    RequestWithdrawn,
    /// Somebody commented on it.
    RequestComment,
    /// A License ID ends.
    ContractEnd,
    /// Extended Security Updates end.
    EsuEnd,
    /// A MAK has few activations left.
    MakRunOut,
    /// A key can be used from a day on: ESU whose coverage begins.
    KeyUsable,
    /// A License ID has one Administrator only.
    SingleAdministrator,
    /// One's own role ends by itself.
    GrantEnd,
    /// Somebody gave one a role, or took one away.
    RoleChanged,
}

impl Kind {
    /// All of them, in the order that pages show.
    pub const ALL: [Self; 16] = [
        Self::RequestSubmitted,
        Self::RequestQuestion,
        Self::RequestAnswered,
        Self::RequestApproved,
        Self::RequestDeclined,
        Self::RequestSent,
        Self::RequestDone,
        Self::RequestWithdrawn,
        Self::RequestComment,
        Self::ContractEnd,
        Self::EsuEnd,
        Self::MakRunOut,
        Self::KeyUsable,
        Self::SingleAdministrator,
        Self::GrantEnd,
        Self::RoleChanged,
    ];

    /// As the database, forms and webhooks name it.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::RequestSubmitted => "request-submitted",
            Self::RequestQuestion => "request-question",
            Self::RequestAnswered => "request-answered",
            Self::RequestApproved => "request-approved",
            Self::RequestDeclined => "request-declined",
            Self::RequestSent => "request-sent",
            Self::RequestDone => "request-done",
            Self::RequestWithdrawn => "request-withdrawn",
            Self::RequestComment => "request-comment",
            Self::ContractEnd => "contract-end",
            Self::EsuEnd => "esu-end",
            Self::MakRunOut => "mak-run-out",
            Self::KeyUsable => "key-usable",
            Self::SingleAdministrator => "single-administrator",
            Self::GrantEnd => "grant-end",
            Self::RoleChanged => "role-changed",
        }
    }

    /// The kind with this code.
    #[must_use]
    pub fn of(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }

    /// As pages name it.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::RequestSubmitted => "A request waits for a decision",
            Self::RequestQuestion => "A question about a request",
            Self::RequestAnswered => "An answer about a request",
            Self::RequestApproved => "A request was approved",
            Self::RequestDeclined => "A request was declined",
            Self::RequestSent => "A request went to the vendor",
            Self::RequestDone => "A request is done",
            Self::RequestWithdrawn => "A request was withdrawn",
            Self::RequestComment => "A comment on a request",
            Self::ContractEnd => "A License ID ends",
            Self::EsuEnd => "ESU coverage ends",
            Self::MakRunOut => "A MAK runs out",
            Self::KeyUsable => "An ESU key can be used",
            Self::SingleAdministrator => "You alone administer a License ID",
            Self::GrantEnd => "A role of yours ends",
            Self::RoleChanged => "Your roles have changed",
        }
    }
}
