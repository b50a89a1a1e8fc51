//! Who is told of a step, in the transaction that takes it: the asker of what others do, the Administrators
//! of what waits for them or has ended.

use uuid::Uuid;

use super::{
    machine::{Action, Kind},
    model::Request,
};
use crate::{
    notices::{self, Notice, To},
    postgres::Scoped,
};

/// A line of history that is news.
#[derive(Clone, Debug)]
pub struct News {
    /// The line; names the notice for good.
    pub entry: Uuid,
    /// Who; nobody for the program itself.
    pub by: Option<Uuid>,
    /// Their name.
    pub who: String,
    /// What was said.
    pub comment: String,
}

/// Tells whoever waits for this step.
///
/// # Errors
/// When the database refuses.
pub async fn step(tx: &mut Scoped, request: &Request, action: Action, news: &News) -> sqlx::Result<()> {
    let (kind, did) = match action {
        Action::Submit => (notices::Kind::RequestSubmitted, "asks for this"),
        Action::Ask => (notices::Kind::RequestQuestion, "asks back"),
        Action::Answer => (notices::Kind::RequestAnswered, "has answered"),
        Action::Approve => (notices::Kind::RequestApproved, "has approved it"),
        Action::Decline => (notices::Kind::RequestDeclined, "has declined it"),
        Action::Send => (notices::Kind::RequestSent, "has sent it to the vendor"),
        Action::Refuse => (notices::Kind::RequestDeclined, "has noted that the vendor declined it"),
        Action::Close => (notices::Kind::RequestDone, "has read the new total back: it is done"),
        Action::Withdraw => (notices::Kind::RequestWithdrawn, "has withdrawn it"),
    };
    let asker = !matches!(action, Action::Submit | Action::Answer | Action::Withdraw);
    let administrators = !matches!(action, Action::Ask | Action::Approve | Action::Decline);
    tell(tx, request, kind, did, news, (asker, administrators)).await
}

/// Tells the others of a comment.
///
/// # Errors
/// When the database refuses.
pub async fn comment(tx: &mut Scoped, request: &Request, news: &News) -> sqlx::Result<()> {
    tell(tx, request, notices::Kind::RequestComment, "says", news, (true, true)).await
}

async fn tell(
    tx: &mut Scoped,
    request: &Request,
    kind: notices::Kind,
    did: &str,
    news: &News,
    (asker, administrators): (bool, bool),
) -> sqlx::Result<()> {
    // A draft, and what becomes of it before it is handed in, is its writer's alone.
    if request.state == super::machine::State::Draft
        || (request.submitted_at.is_none() && kind == notices::Kind::RequestWithdrawn)
    {
        return Ok(());
    }
    let who = if news.who.is_empty() { "An import" } else { &news.who };
    let said = if news.comment.is_empty() { ".".to_owned() } else { format!(": “{}”", news.comment) };
    // Access is asked for without any role: how it ends is told its asker whatever License ID it was. What
    // both may read is one notice, so that an asker who is Administrator too is told once.
    let blind = request.kind == Kind::Access;
    let notice = |to: &str, contract_id| Notice {
        kind,
        about: format!("request:{}:{}:{}", request.number, news.entry, if blind { to } else { "all" }),
        subject: format!("Request {}: {}", request.number, request.title()),
        sentence: format!("{who} {did}{said}"),
        link: request.href(),
        contract_id,
    };
    if asker && news.by != Some(request.asker_id) {
        let contract = request.contract_id.filter(|_| !blind);
        notices::put(tx, &notice("asker", contract), To::People(&[request.asker_id])).await?;
    }
    if let (true, Some(contract)) = (administrators, request.contract_id) {
        let notice = notice("administrators", Some(contract));
        // The asker knows, or was told just now.
        let told = To::AdministratorsOf { contract, except: Some(news.by.unwrap_or(request.asker_id)) };
        notices::put(tx, &notice, told).await?;
    }
    Ok(())
}
