//! Writing to the log and reading from it.

use std::collections::BTreeMap;

use futures_util::stream::BoxStream;
use sqlx::AssertSqlSafe;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Actor, Event, Stored, chain::Linker};
use crate::postgres::{Scoped, like};

/// Events per INSERT: keeps one statement's array small while exports write thousands.
const BATCH: usize = 1_000;

/// Adds one event; it stands when the transaction commits.
///
/// # Errors
/// When the database refuses: then nothing that depends on the event may happen.
pub async fn record(
    tx: &mut Scoped,
    linker: &Linker,
    at: OffsetDateTime,
    actor: &Actor,
    event: Event,
) -> sqlx::Result<()> {
    record_all(tx, linker, at, actor, vec![event]).await
}

/// Adds many events. Chains are locked in the order of their names, so that two exports over the
/// same License IDs wait for each other instead of deadlocking.
///
/// # Errors
/// When the database refuses.
pub async fn record_all(
    tx: &mut Scoped,
    linker: &Linker,
    at: OffsetDateTime,
    actor: &Actor,
    events: Vec<Event>,
) -> sqlx::Result<()> {
    if events.is_empty() {
        return Ok(());
    }
    let mut by_chain: BTreeMap<String, Vec<Event>> = BTreeMap::new();
    for event in events {
        by_chain.entry(event.chain()).or_default().push(event);
    }
    let names: Vec<String> = by_chain.keys().cloned().collect();
    let mut heads = lock_heads(tx, &names).await?;
    let mut rows = Vec::new();
    for (chain, events) in by_chain {
        // An end that somebody took away is not begun anew: nothing that depends on the event may happen.
        let (seq, link) = heads
            .get_mut(&chain)
            .ok_or_else(|| sqlx::Error::Protocol(format!("the chain {chain} of the log has lost its end")))?;
        for event in events {
            *seq += 1;
            let mut row = stored(chain.clone(), *seq, at, actor, event);
            *link = linker.link(link, &row).to_vec();
            row.link.clone_from(link);
            rows.push(row);
        }
    }
    for batch in rows.chunks(BATCH) {
        insert(tx, batch).await?;
    }
    save_heads(tx, &heads).await
}

/// An event as it will stand, its link still empty.
pub(crate) fn stored(chain: String, seq: i64, at: OffsetDateTime, actor: &Actor, event: Event) -> Stored {
    Stored {
        chain,
        seq,
        at,
        actor_id: actor.id,
        actor: actor.name.clone(),
        action: event.action.to_owned(),
        outcome: event.outcome.as_str().to_owned(),
        contract_id: event.contract,
        // NUL can't be stored, and nothing in a log needs it.
        subject: event.subject.replace('\0', "\u{fffd}"),
        detail: event.detail,
        key_ids: event.keys,
        address: actor.address.clone(),
        request_id: actor.request_id.clone(),
        link: Vec::new(),
    }
}

/// The ends of these chains, locked. A License ID's chain has its end from the start, and so has the site's.
async fn lock_heads(tx: &mut Scoped, names: &[String]) -> sqlx::Result<BTreeMap<String, (i64, Vec<u8>)>> {
    let rows: Vec<(String, i64, Vec<u8>)> =
        // Joined, so that each is found by index: `= ANY` of hundreds of names reads the whole table, name by name.
        sqlx::query_as(
            "SELECT h.chain, h.seq, h.link FROM unnest($1::text[]) AS n (name) JOIN audit_heads h ON h.chain = n.name
             ORDER BY h.chain FOR UPDATE OF h",
        )
        .bind(names)
        .fetch_all(&mut **tx)
        .await?;
    Ok(rows.into_iter().map(|(chain, seq, link)| (chain, (seq, link))).collect())
}

async fn save_heads(tx: &mut Scoped, heads: &BTreeMap<String, (i64, Vec<u8>)>) -> sqlx::Result<()> {
    let chains: Vec<&str> = heads.keys().map(String::as_str).collect();
    let seqs: Vec<i64> = heads.values().map(|(seq, _)| *seq).collect();
    let links: Vec<&[u8]> = heads.values().map(|(_, link)| link.as_slice()).collect();
    sqlx::query(
        "UPDATE audit_heads h SET seq = n.seq, link = n.link
         FROM unnest($1::text[], $2::bigint[], $3::bytea[]) AS n (chain, seq, link) WHERE h.chain = n.chain",
    )
    .bind(chains)
    .bind(seqs)
    .bind(links)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Whole rows: PostgreSQL takes them apart with less work than a list for each column (decision 53).
async fn insert(tx: &mut Scoped, rows: &[Stored]) -> sqlx::Result<()> {
    sqlx::query("INSERT INTO audit_events SELECT * FROM unnest($1::audit_events[])")
        .bind(rows)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// How many keys this person has revealed or copied since `since`: what the budget counts.
///
/// # Errors
/// When the database fails.
pub async fn releases_since(tx: &mut Scoped, person: Uuid, since: OffsetDateTime) -> sqlx::Result<i64> {
    sqlx::query_scalar("SELECT count(*) FROM audit_events WHERE actor_id = $1 AND action IN ('key.reveal', 'key.copy') AND outcome = 'done' AND at > $2")
        .bind(person)
        .bind(since)
        .fetch_one(&mut **tx)
        .await
}

/// What a list of events is narrowed to.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Part of an actor's name or address.
    pub person: String,
    /// An action's code, or empty for all.
    pub action: String,
    /// A License ID, or empty for all and for the site's own events.
    pub license_id: String,
    /// From this moment on.
    pub from: Option<OffsetDateTime>,
    /// Up to this moment.
    pub until: Option<OffsetDateTime>,
    /// The last five characters of a key, or empty for all and for what is about no key.
    pub key: String,
}

impl Filter {
    /// Whether it leaves everything.
    pub fn is_empty(&self) -> bool {
        self.person.is_empty()
            && self.action.is_empty()
            && self.license_id.is_empty()
            && self.from.is_none()
            && self.until.is_none()
            && self.key.is_empty()
    }
}

/// An event as the page lists it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Listed {
    /// When.
    pub at: OffsetDateTime,
    /// Who.
    pub actor: String,
    /// The action's code.
    pub action: String,
    /// The outcome's code.
    pub outcome: String,
    /// The License ID it belongs to; empty for the site.
    pub license_id: String,
    /// What it was done to.
    pub subject: String,
    /// From where.
    pub address: String,
}

/// The first wall: auditors read all, Administrators the events of their License IDs. Row-level
/// security shows one's own events too (the budget of reveals counts them); the page doesn't.
const READABLE: &str = "((SELECT app_is_auditor()) OR e.contract_id IN (SELECT app_administered()))
    AND ($1 = '' OR e.actor ILIKE '%' || $1 || '%') AND ($2 = '' OR e.action = $2)
    AND ($3 = '' OR e.contract_id IN (SELECT contract_id FROM app_audited() WHERE license_id = $3))
    AND ($4::timestamptz IS NULL OR e.at >= $4) AND ($5::timestamptz IS NULL OR e.at < $5)
    AND ($6 = '' OR (e.contract_id IN (SELECT contract_id FROM app_audited_keys($6))
        AND (e.key_ids && ARRAY(SELECT key_id FROM app_audited_keys($6)) OR e.subject LIKE '%ending in ' || $6 || '%')))";

/// A page of events, the latest first.
///
/// # Errors
/// When the database fails.
pub async fn list(tx: &mut Scoped, filter: &Filter, limit: i64, offset: i64) -> sqlx::Result<Vec<Listed>> {
    sqlx::query_as(AssertSqlSafe(format!(
        "WITH page AS (SELECT e.* FROM audit_events e WHERE {READABLE} ORDER BY e.at DESC, e.chain, e.seq DESC LIMIT $7 OFFSET $8)
         SELECT p.at, p.actor, p.action, p.outcome, coalesce(a.license_id, '') AS license_id, p.subject, p.address
         FROM page p LEFT JOIN app_audited() a ON a.contract_id = p.contract_id ORDER BY p.at DESC, p.chain, p.seq DESC"
    )))
    .bind(like(&filter.person))
    .bind(&filter.action)
    .bind(&filter.license_id)
    .bind(filter.from)
    .bind(filter.until)
    .bind(&filter.key)
    .bind(limit)
    .bind(offset)
    .fetch_all(&mut **tx)
    .await
}

/// An event as a file holds it: as it is stored, with the License ID in place of its row.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Exported {
    /// The stored event.
    #[sqlx(flatten)]
    pub event: Stored,
    /// The License ID it belongs to; empty for the site.
    pub license_id: String,
}

/// All events that match, the oldest first, as they come from the database.
pub fn stream<'a>(tx: &'a mut Scoped, filter: &Filter) -> BoxStream<'a, sqlx::Result<Exported>> {
    sqlx::query_as(AssertSqlSafe(format!(
        "SELECT e.*, coalesce(a.license_id, '') AS license_id
         FROM audit_events e LEFT JOIN app_audited() a ON a.contract_id = e.contract_id WHERE {READABLE} ORDER BY e.at, e.chain, e.seq"
    )))
    .bind(like(&filter.person))
    .bind(filter.action.clone())
    .bind(filter.license_id.clone())
    .bind(filter.from)
    .bind(filter.until)
    .bind(filter.key.clone())
    .fetch(&mut **tx)
}

/// How many events match.
///
/// # Errors
/// When the database fails.
pub async fn count(tx: &mut Scoped, filter: &Filter) -> sqlx::Result<i64> {
    sqlx::query_scalar(AssertSqlSafe(format!("SELECT count(*) FROM audit_events e WHERE {READABLE}")))
        .bind(like(&filter.person))
        .bind(&filter.action)
        .bind(&filter.license_id)
        .bind(filter.from)
        .bind(filter.until)
        .bind(&filter.key)
        .fetch_one(&mut **tx)
        .await
}

/// How many events there are that the person may read, and in how many chains: told by the heads,
/// without counting events.
///
/// # Errors
/// When the database fails.
pub async fn extent(tx: &mut Scoped) -> sqlx::Result<(i64, i64)> {
    sqlx::query_as(
        "SELECT coalesce(sum(seq), 0)::bigint, count(*) FROM audit_heads
         WHERE seq > 0 AND ((SELECT app_is_auditor()) OR chain IN (SELECT a.id::text FROM app_administered() AS a (id))
               OR chain IN (SELECT key_id::text FROM own_keys))",
    )
    .fetch_one(&mut **tx)
    .await
}
