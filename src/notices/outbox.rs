//! The outbox: taking a message, and what came of it. Several servers may empty it at once; a message is
//! taken by moving its time into the future (a lease), so that one that died with it in hand lets go of it.

use std::ops::ControlFlow;

use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::postgres::{Db, Scope};

/// How long a message stays with whoever took it; longer than any attempt may take.
pub const LEASE: Duration = Duration::minutes(5);
/// What couldn't be sent for this long is given up, as mail servers do.
pub const PATIENCE: Duration = Duration::days(5);
/// The longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::hours(1);
/// The longest explanation that is kept, in characters.
const LONGEST_FAULT: usize = 300;

/// Which way a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// To a person's address.
    Mail,
    /// To the site's webhook.
    Webhook,
}

impl Way {
    const fn code(self) -> &'static str {
        match self {
            Self::Mail => "mail",
            Self::Webhook => "webhook",
        }
    }
}

/// A message in hand.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Taken {
    /// The row; the receiver knows the message by it, at every attempt the same.
    pub id: Uuid,
    /// A mail's notices.
    pub batch: Option<Uuid>,
    /// A mail's recipient.
    pub person_id: Option<Uuid>,
    /// What a webhook tells.
    pub notice_id: Option<Uuid>,
    /// When it was written.
    pub made_at: OffsetDateTime,
    /// Which attempt this is, from 1.
    pub attempts: i32,
}

/// What came of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The receiver has it.
    Sent,
    /// The receiver doesn't want it, now or later.
    Refused(String),
    /// Nobody is to get it any more: the account was closed, the role taken away, the webhook removed.
    Dropped,
    /// Not this time.
    Failed(String),
    /// Nor would any other message get through now.
    Down(String),
}

/// What a round of sending did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Round {
    /// How many messages the receivers took.
    pub sent: u64,
    /// Why nothing gets through; the round ended there.
    pub down: Option<String>,
}

/// Takes the next message that is due.
///
/// # Errors
/// When the database fails.
pub async fn take(db: &Db, way: Way) -> sqlx::Result<Option<Taken>> {
    // System scope, in all of this file: the outbox belongs to nobody.
    let mut tx = db.begin(Scope::System).await?;
    let taken = sqlx::query_as(
        "UPDATE outbox SET next_at = $2, attempts = attempts + 1
         WHERE id = (SELECT id FROM outbox WHERE way = $1 AND ended_at IS NULL AND next_at <= app_now()
                     ORDER BY next_at, made_at LIMIT 1 FOR UPDATE SKIP LOCKED)
         RETURNING id, batch, person_id, notice_id, made_at, attempts",
    )
    .bind(way.code())
    .bind(tx.now() + LEASE)
    .fetch_optional(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(taken)
}

/// Gives up what nobody took for days: a server set up much later shall not send old news.
///
/// # Errors
/// When the database fails.
pub async fn give_up_late(db: &Db, way: Way) -> sqlx::Result<()> {
    let mut tx = db.begin(Scope::System).await?;
    sqlx::query(
        "UPDATE outbox SET ended_at = app_now(), outcome = 'late' WHERE way = $1 AND ended_at IS NULL AND next_at <= app_now() AND coalesce(retried_at, made_at) < $2",
    )
    .bind(way.code())
    .bind(tx.now() - PATIENCE)
    .execute(&mut *tx)
    .await?;
    tx.commit().await
}

/// Writes down what came of an attempt, and counts it in `round`; breaks where nothing else would get through now.
///
/// # Errors
/// When the database fails; the message is then tried again when its lease is over.
pub async fn settle(
    db: &Db,
    way: Way,
    taken: &Taken,
    outcome: Outcome,
    round: &mut Round,
) -> sqlx::Result<ControlFlow<()>> {
    let mut tx = db.begin(Scope::System).await?;
    let (end, fault) = match &outcome {
        Outcome::Sent => (Some("sent"), ""),
        Outcome::Dropped => (Some("dropped"), ""),
        Outcome::Refused(fault) => (Some("refused"), fault.as_str()),
        Outcome::Failed(fault) | Outcome::Down(fault) => (None, fault.as_str()),
    };
    let fault = line(fault);
    // Sent is sent, whoever has taken it since; a failure counts while nobody else has it.
    sqlx::query(
        "UPDATE outbox SET next_at = $3, fault = $4, outcome = $5, ended_at = CASE WHEN $5 IS NULL THEN NULL ELSE app_now() END
         WHERE id = $1 AND ended_at IS NULL AND (attempts = $2 OR $5 = 'sent')",
    )
    .bind(taken.id)
    .bind(taken.attempts)
    .bind(tx.now() + pause(taken.attempts))
    .bind(&fault)
    .bind(end)
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    match outcome {
        Outcome::Sent => round.sent += 1,
        Outcome::Dropped => {}
        Outcome::Refused(_) => tracing::warn!(id = %taken.id, fault, "a {} was refused for good", way.code()),
        Outcome::Failed(_) => {
            tracing::warn!(id = %taken.id, attempt = taken.attempts, fault, "a {} couldn't be sent and is tried again", way.code());
        }
        Outcome::Down(_) => {
            round.down = Some(fault);
            return Ok(ControlFlow::Break(()));
        }
    }
    Ok(ControlFlow::Continue(()))
}

/// One, two, four … minutes, up to an hour.
fn pause(attempts: i32) -> Duration {
    let doubled = u32::try_from(attempts.clamp(1, 10) - 1).unwrap_or_default();
    Duration::minutes(1_i64 << doubled).min(LONGEST_PAUSE)
}

/// What a server answered, fit for a page: one line, not endless.
fn line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST_FAULT).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_an_hour() {
        let minutes: Vec<i64> = (1..=9).map(|attempt| pause(attempt).whole_minutes()).collect();
        assert_eq!(minutes, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!(pause(i32::MAX), LONGEST_PAUSE);
        assert_eq!(pause(0), Duration::minutes(1));
    }
}
