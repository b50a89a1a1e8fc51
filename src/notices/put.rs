//! Putting a notice: the one thing of this slice that others call.

use uuid::Uuid;

use super::{Kind, words::without_keys};
use crate::postgres::Scoped;

/// Something to be told.
#[derive(Clone, Debug)]
pub struct Notice {
    /// What it is.
    pub kind: Kind,
    /// Names the event for good, e.g. `request:12:approved`: a person is told once of it, however often
    /// it is put. People who are to read different words need different names (`…:approved:asker`).
    pub about: String,
    /// One line, at most 200 characters, without a control character.
    pub subject: String,
    /// Plain text without a secret: of a key the last five characters at most; one that slipped in with what
    /// somebody wrote is cut to them.
    pub sentence: String,
    /// Where it leads: a path of the portal, such as `/requests/12`.
    pub link: String,
    /// Whoever loses sight of this License ID loses the notice (and isn't sent what still waits); `None`
    /// for what the recipients may know without a role, such as the end of their own request.
    pub contract_id: Option<Uuid>,
}

/// Whom to tell; disabled accounts are left out.
#[derive(Clone, Copy, Debug)]
pub enum To<'a> {
    /// These.
    People(&'a [Uuid]),
    /// Whoever administers the License ID now, but for one (who did it himself).
    AdministratorsOf {
        /// The License ID, a row in `contracts`.
        contract: Uuid,
        /// Who need not be told.
        except: Option<Uuid>,
    },
}

/// Writes a notice, and what is to be sent of it, in the transaction of what it tells of. Each recipient's
/// own choices decide whether it goes by mail, to the portal, both or neither.
///
/// # Errors
/// When the database refuses: a person's transaction may tell others of requests alone.
pub async fn put(tx: &mut Scoped, notice: &Notice, to: To<'_>) -> sqlx::Result<()> {
    write(tx, Uuid::now_v7(), notice, to, false).await.map(drop)
}

/// As [`put`]; all mails of one `batch` to one person are one message. With `insist`, choices aren't asked:
/// for what a person sends to himself. How many people hadn't been told before.
pub(super) async fn write(
    tx: &mut Scoped,
    batch: Uuid,
    notice: &Notice,
    to: To<'_>,
    insist: bool,
) -> sqlx::Result<i64> {
    let (people, contract, except) = match to {
        To::People(people) => (people, None, None),
        To::AdministratorsOf { contract, except } => (&[][..], Some(contract), except),
    };
    // A number or a name from an import may be long or odd; that mustn't keep the rest from being told.
    let subject: String = without_keys(&notice.subject).chars().filter(|c| !c.is_control()).take(200).collect();
    sqlx::query_scalar("SELECT app_notify($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)")
        .bind(batch)
        .bind(notice.kind.code())
        .bind(&notice.about)
        .bind(subject)
        .bind(without_keys(&notice.sentence))
        .bind(&notice.link)
        .bind(notice.contract_id)
        .bind(people)
        .bind(contract)
        .bind(except)
        .bind(insist)
        .fetch_one(&mut **tx)
        .await
}
