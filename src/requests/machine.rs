//! The life of a request, pure. The trigger `requests_guard` draws the same in the database, which
//! no statement gets past; `tests/requests/property.rs` plays them against each other.
//!
//! ```text
//! draft ── submit ──▶ submitted ── ask ──▶ question ── answer ──▶ submitted
//! submitted ── approve ──▶ approved (vendor)   done (own product, access)
//! submitted ── decline ──▶ declined
//! approved, submitted without a second person ── send ──▶ sent (vendor)
//! approved, sent ── the new total is read back ──▶ done (vendor)
//! sent ── the vendor says no ──▶ declined
//! whatever is open ── withdraw ──▶ withdrawn
//! ```

use std::{fmt, str::FromStr};

/// What is asked for (S000; DOMAIN §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// More activations of a MAK.
    MakLimit,
    /// More KMS host activations than six hosts of ten.
    KmsHosts,
    /// A KMS key for Open Value or Open Value Subscription.
    KmsException,
    /// A role on a License ID.
    Access,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::MakLimit, Self::KmsHosts, Self::KmsException, Self::Access];

    /// As addresses, forms and the database have it.
    pub fn code(self) -> &'static str {
        match self {
            Self::MakLimit => "mak-limit",
            Self::KmsHosts => "kms-hosts",
            Self::KmsException => "kms-exception",
            Self::Access => "access",
        }
    }

    /// As a page has it.
    pub fn label(self) -> &'static str {
        match self {
            Self::MakLimit => "More MAK activations",
            Self::KmsHosts => "More KMS host activations",
            Self::KmsException => "KMS exception",
            Self::Access => "Access",
        }
    }

    /// What is counted, in the plural.
    pub fn unit(self) -> &'static str {
        match self {
            Self::MakLimit => "activations",
            Self::KmsHosts | Self::KmsException => "host activations",
            Self::Access => "",
        }
    }
}

/// Where a request is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Being written; its writer alone sees it.
    Draft,
    /// Waits for a decision.
    Submitted,
    /// Waits for the asker's answer.
    Question,
    /// Agreed to; to be sent to the vendor.
    Approved,
    /// Refused, here or by the vendor.
    Declined,
    /// With the vendor.
    Sent,
    /// Granted: the limit has risen, or the role is given.
    Done,
    /// Taken back by its asker.
    Withdrawn,
}

impl State {
    /// All of them, in the order of a life.
    pub const ALL: [Self; 8] = [
        Self::Draft,
        Self::Submitted,
        Self::Question,
        Self::Approved,
        Self::Sent,
        Self::Done,
        Self::Declined,
        Self::Withdrawn,
    ];

    /// As addresses and the database have it.
    pub fn code(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Submitted => "submitted",
            Self::Question => "question",
            Self::Approved => "approved",
            Self::Declined => "declined",
            Self::Sent => "sent",
            Self::Done => "done",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// As a page has it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Draft => "Draft",
            Self::Submitted => "Waiting for a decision",
            Self::Question => "Question to the asker",
            Self::Approved => "Approved, to be sent",
            Self::Declined => "Declined",
            Self::Sent => "With the vendor",
            Self::Done => "Done",
            Self::Withdrawn => "Withdrawn",
        }
    }

    /// Whether something can still come of it.
    pub fn is_open(self) -> bool {
        !matches!(self, Self::Declined | Self::Done | Self::Withdrawn)
    }
}

/// A step in a request's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// The asker hands a draft in.
    Submit,
    /// A decider asks back.
    Ask,
    /// The asker answers.
    Answer,
    /// A decider agrees.
    Approve,
    /// A decider refuses.
    Decline,
    /// It was sent to the vendor.
    Send,
    /// The vendor refused.
    Refuse,
    /// The new total was read back.
    Close,
    /// The asker takes it back.
    Withdraw,
}

impl Action {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Submit,
        Self::Ask,
        Self::Answer,
        Self::Approve,
        Self::Decline,
        Self::Send,
        Self::Refuse,
        Self::Close,
        Self::Withdraw,
    ];

    /// As the history has it.
    pub fn code(self) -> &'static str {
        match self {
            Self::Submit => "submit",
            Self::Ask => "ask",
            Self::Answer => "answer",
            Self::Approve => "approve",
            Self::Decline => "decline",
            Self::Send => "send",
            Self::Refuse => "refuse",
            Self::Close => "close",
            Self::Withdraw => "withdraw",
        }
    }

    /// As the audit log has it.
    pub fn event(self) -> &'static str {
        match self {
            Self::Submit => "request.submit",
            Self::Ask => "request.ask",
            Self::Answer => "request.answer",
            Self::Approve => "request.approve",
            Self::Decline => "request.decline",
            Self::Send => "request.send",
            Self::Refuse => "request.refuse",
            Self::Close => "request.close",
            Self::Withdraw => "request.withdraw",
        }
    }
}

/// What the way of a request depends on besides its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Course {
    /// Granted by the vendor; else here: own products, and access.
    pub vendor: bool,
    /// Its License ID asked for a second person when it was submitted.
    pub second_person: bool,
}

/// What somebody is to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Asked for it.
    pub asker: bool,
    /// Is Administrator of its License ID.
    pub administers: bool,
    /// May ask on its License ID: Administrator or Product keys reader.
    pub may_ask: bool,
}

impl Standing {
    /// Whether this person may decide: an Administrator who isn't the asker, where it is granted here
    /// or a second person is asked for (SECURITY, "Insider approver").
    pub fn decides(self, course: Course) -> bool {
        self.administers && (!self.asker || (course.vendor && !course.second_person))
    }

    /// Whether this person may take the step at all, whatever the state.
    pub fn may(self, action: Action, course: Course) -> bool {
        match action {
            Action::Submit | Action::Answer | Action::Withdraw => self.asker,
            Action::Ask | Action::Approve | Action::Decline => self.decides(course),
            Action::Send | Action::Refuse | Action::Close => self.may_ask && course.vendor,
        }
    }
}

/// The state that a step leads to; `None` where it isn't drawn.
pub fn next(state: State, action: Action, course: Course) -> Option<State> {
    use State as S;
    Some(match (state, action) {
        (S::Draft, Action::Submit) | (S::Question, Action::Answer) => S::Submitted,
        (S::Submitted, Action::Ask) => S::Question,
        (S::Submitted, Action::Approve) => {
            if course.vendor {
                S::Approved
            } else {
                S::Done
            }
        }
        (S::Submitted, Action::Decline) => S::Declined,
        (S::Submitted, Action::Send) if course.vendor && !course.second_person => S::Sent,
        (S::Approved, Action::Send) if course.vendor => S::Sent,
        (S::Sent, Action::Refuse) if course.vendor => S::Declined,
        (S::Approved | S::Sent, Action::Close) if course.vendor => S::Done,
        (state, Action::Withdraw) if state.is_open() => S::Withdrawn,
        _ => return None,
    })
}

macro_rules! by_code {
    ($($type:ty: $what:literal),*) => { $(
        impl FromStr for $type {
            type Err = String;
            fn from_str(text: &str) -> Result<Self, String> {
                let known = || Self::ALL.into_iter().map(Self::code).collect::<Vec<_>>().join(", ");
                Self::ALL
                    .into_iter()
                    .find(|one| one.code() == text)
                    .ok_or_else(|| format!("“{text}” is no {} of a request: use one of {}", $what, known()))
            }
        }
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.code())
            }
        }
        /// As the database hands it over.
        impl TryFrom<String> for $type {
            type Error = String;
            fn try_from(text: String) -> Result<Self, String> {
                text.parse()
            }
        }
    )* };
}
by_code!(Kind: "kind", State: "state", Action: "step");

#[cfg(test)]
mod tests {
    use super::*;

    const VENDOR: Course = Course { vendor: true, second_person: false };
    const WATCHED: Course = Course { vendor: true, second_person: true };
    const HERE: Course = Course { vendor: false, second_person: false };

    fn drawn(course: Course) -> Vec<(State, Action, State)> {
        let steps = State::ALL.into_iter().flat_map(|state| Action::ALL.map(|action| (state, action)));
        steps.filter_map(|(state, action)| Some((state, action, next(state, action, course)?))).collect()
    }

    /// Issue 3, "Life of a request".
    #[test]
    fn only_the_drawn_steps_exist() {
        assert_eq!(drawn(VENDOR).len(), 15);
        assert_eq!(drawn(WATCHED).len(), 14, "nothing is sent undecided");
        assert_eq!(drawn(HERE).len(), 10, "nothing goes to a vendor");
        assert!(!drawn(WATCHED).contains(&(State::Submitted, Action::Send, State::Sent)));
        assert_eq!(next(State::Submitted, Action::Approve, HERE), Some(State::Done));
        assert_eq!(next(State::Submitted, Action::Approve, VENDOR), Some(State::Approved));
    }

    #[test]
    fn what_has_ended_stays_ended() {
        for course in [VENDOR, WATCHED, HERE] {
            assert!(drawn(course).iter().all(|(state, ..)| state.is_open()));
        }
    }

    /// SECURITY, "Insider approver": requester ≠ approver.
    #[test]
    fn the_asker_decides_only_what_the_vendor_decides_in_the_end() {
        let asker = Standing { asker: true, administers: true, may_ask: true };
        assert!(asker.may(Action::Approve, VENDOR));
        assert!(!asker.may(Action::Approve, WATCHED) && !asker.may(Action::Approve, HERE));
        let reader = Standing { asker: true, administers: false, may_ask: true };
        assert!(!reader.may(Action::Approve, VENDOR) && reader.may(Action::Send, VENDOR));
    }

    #[test]
    fn codes_read_back() {
        assert!(Kind::ALL.into_iter().all(|one| one.code().parse() == Ok(one)));
        assert!(State::ALL.into_iter().all(|one| one.code().parse() == Ok(one)));
        assert!(Action::ALL.into_iter().all(|one| one.code().parse() == Ok(one)));
        assert!("grant".parse::<Kind>().unwrap_err().contains("mak-limit"));
    }
}
