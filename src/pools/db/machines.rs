//! Machines: those of the count, those that a key activated, and those that nobody vouches for, as one list, however
//! many there are (docs/decisions/0039).

use sqlx::AssertSqlSafe;
use time::OffsetDateTime;
use uuid::Uuid;

use super::super::model::{Counted, Filter, Known, Machine};
use crate::postgres::{Scoped, like};

/// What a list of machines is sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// Name.
    Name,
    /// When it asked first.
    First,
    /// When it asked last.
    Last,
    /// When its lease ends; those without one stand last.
    Lease,
}

/// A list shows so many at most, and counts no further: who reads it narrows it down, and the other end is a click on a
/// heading away.
pub const MOST: i64 = 10_000;

/// A device whose trust was taken away; few.
const REVOKED: &str = "EXISTS (SELECT 1 FROM devices d WHERE d.application_id = k.application_id AND d.cmid = k.cmid AND d.revoked_at IS NOT NULL)";
/// A key that activates nothing any more.
const BLOCKED: &str = "m.key_id IN (SELECT p.id FROM own_keys o JOIN product_keys p ON p.id = o.key_id
    WHERE o.application_id = $1 AND (p.blocked_at IS NOT NULL OR p.archived_at IS NOT NULL))";

/// That an answer is its client's latest: looked up for each that is met on a walk which soon ends.
const LATEST_LOOKED_UP: &str = "m.request_id = (SELECT l.request_id FROM mak_answers l
    WHERE l.application_id = $1 AND l.cmid = m.cmid AND l.activation_id IS NOT NULL ORDER BY l.at DESC, l.request_id DESC LIMIT 1)";
/// The same where all of them are read.
const LATEST_JOINED: &str = "NOT EXISTS (SELECT 1 FROM mak_answers l WHERE l.application_id = $1 AND l.cmid = m.cmid
    AND l.activation_id IS NOT NULL AND l.at >= m.at AND (l.at, l.request_id) > (m.at, m.request_id))";

/// A source of machines: a statement without its conditions, which the list narrows, sorts and cuts before it is put
/// beside the others.
struct Source {
    /// As the filter names it.
    way: &'static str,
    select: String,
    /// The client's id, its name and when it asked last, in the statement.
    cmid: &'static str,
    name: &'static str,
    conditions: Vec<String>,
}

/// The sources that the filter leaves, each with what the filter asks of it. `few`: a search found few counted clients,
/// which are known. `walks`: the first ones in the order of time are enough.
fn sources(filter: &Filter, few: bool, walks: bool) -> Vec<Source> {
    let state = filter.state.as_str();
    [counted(state), keyed(state, walks && filter.q.is_empty()), unverified(state)]
        .into_iter()
        .flatten()
        .filter(|source| filter.way.is_empty() || filter.way == source.way)
        .map(|mut source| {
            if let Some(condition) = searched(&source, filter, few) {
                source.conditions.push(condition);
            }
            source
        })
        .collect()
}

/// `$2` is what was searched as a pattern, `$3` as an id, `$4` the clients found by their names, `$5` the present: as a
/// value it can be looked up in an index, which row-level security doesn't let a function be.
fn searched(source: &Source, filter: &Filter, few: bool) -> Option<String> {
    if filter.q.is_empty() {
        None
    } else if filter.id().is_some() {
        Some(format!("{} = $3", source.cmid))
    } else if few && source.way == "count" {
        Some(format!("{} = ANY ($4)", source.cmid))
    } else {
        Some(format!("lower({}) LIKE $2", source.name))
    }
}

fn counted(state: &str) -> Option<Source> {
    let mut conditions = vec!["k.application_id = $1".to_owned()];
    let standing = match state {
        "" => "",
        "counted" => "k.counted AND k.asked_at > $5 - interval '30 days'",
        "cloned" => "k.cloned_at IS NOT NULL",
        "revoked" => {
            "k.cmid IN (SELECT d.cmid FROM devices d WHERE d.application_id = $1 AND d.revoked_at IS NOT NULL)"
        }
        "replaced" => "k.superseded_by IS NOT NULL",
        "activated" => "k.superseded_by IS NULL AND k.lease_ends_at > $5",
        "ended" => "k.superseded_by IS NULL AND k.lease_hour <= $5 AND k.lease_ends_at <= $5",
        "waiting" => "k.superseded_by IS NULL AND k.lease_hour IS NULL",
        _ => return None,
    };
    if !standing.is_empty() {
        conditions.push(standing.to_owned());
    }
    if !matches!(state, "" | "counted" | "cloned" | "revoked") {
        conditions.push(format!("NOT {REVOKED}"));
    }
    let select = format!(
        "SELECT k.cmid, k.machine, 'count' AS way, k.virtual AS is_virtual, k.first_seen_at, k.asked_at AS seen_at, k.lease_ends_at,
                k.counted AND k.asked_at > $5 - interval '30 days' AS counted, k.cloned_at IS NOT NULL AS cloned, k.sku_id,
                CASE WHEN {REVOKED} THEN 'revoked' WHEN k.superseded_by IS NOT NULL THEN 'replaced'
                     WHEN k.lease_ends_at > $5 THEN 'activated' WHEN k.lease_hour IS NULL THEN 'waiting' ELSE 'ended' END AS state
         FROM kms_clients k"
    );
    Some(Source { way: "count", select, cmid: "k.cmid", name: "k.machine", conditions })
}

/// A machine that keys activated stands there once, with what it was answered last.
fn keyed(state: &str, walks: bool) -> Option<Source> {
    let mut conditions = vec![
        "m.application_id = $1 AND m.activation_id IS NOT NULL".to_owned(),
        if walks && matches!(state, "" | "activated") { LATEST_LOOKED_UP } else { LATEST_JOINED }.to_owned(),
    ];
    match state {
        "" => {}
        "blocked" => conditions.push(BLOCKED.to_owned()),
        // An end that isn't known is none that has passed.
        "activated" => conditions.push(format!("NOT {BLOCKED} AND (m.lease_ends_at > $5) IS NOT FALSE")),
        "ended" => conditions.push(format!("NOT {BLOCKED} AND m.lease_ends_at <= $5")),
        _ => return None,
    }
    let select = format!(
        "SELECT m.cmid, m.machine, 'key' AS way, a.virtual AS is_virtual,
                (SELECT min(f.at) FROM mak_answers f WHERE f.application_id = $1 AND f.cmid = m.cmid AND f.activation_id IS NOT NULL) AS first_seen_at,
                m.at AS seen_at, m.lease_ends_at, false AS counted, false AS cloned, a.sku_id,
                CASE WHEN {BLOCKED} THEN 'blocked' WHEN m.lease_ends_at <= $5 THEN 'ended' ELSE 'activated' END AS state
         FROM mak_answers m LEFT JOIN activations a ON a.id = m.activation_id"
    );
    Some(Source { way: "key", select, cmid: "m.cmid", name: "m.machine", conditions })
}

/// At most 1,000 an application.
fn unverified(state: &str) -> Option<Source> {
    let select = "SELECT u.cmid, u.machine, 'none' AS way, false AS is_virtual, u.first_seen_at, u.asked_at AS seen_at, NULL::timestamptz AS lease_ends_at,
                  false AS counted, false AS cloned, NULL::uuid AS sku_id, 'unverified' AS state FROM unverified_clients u";
    let conditions = vec!["u.application_id = $1".to_owned()];
    let source = Source { way: "none", select: select.to_owned(), cmid: "u.cmid", name: "u.machine", conditions };
    matches!(state, "" | "unverified").then_some(source)
}

impl Source {
    fn statement(&self, further: &str) -> String {
        format!("{} WHERE {}{further}", self.select, self.conditions.join(" AND "))
    }

    /// The first `$6` of this source in an order: by an index where the source can be long.
    fn first(&self, sort: Sort, dir: &str) -> Vec<String> {
        let cut = |further: &str, order: &str| format!("({} ORDER BY {order} LIMIT $6)", self.statement(further));
        let (cmid, name) = (self.cmid, self.name);
        match (self.way, sort) {
            (_, Sort::Name) => vec![cut("", &format!("lower({name}) {dir}, {cmid} {dir}"))],
            ("count", Sort::First) => vec![cut("", &format!("k.first_seen_at {dir}, lower({name}), {cmid}"))],
            ("count", Sort::Last) => {
                vec![cut("", &format!("k.asked_hour {dir}, k.asked_at {dir}, lower({name}), {cmid}"))]
            }
            // Those that wait have no lease: they stand last whatever the direction, so they are read by themselves.
            ("count", Sort::Lease) => vec![
                cut(
                    " AND k.lease_hour IS NOT NULL",
                    &format!("k.lease_hour {dir}, k.lease_ends_at {dir}, lower({name}), {cmid}"),
                ),
                cut(" AND k.lease_hour IS NULL", &format!("lower({name}), {cmid}")),
            ],
            ("key", Sort::Last) => vec![cut("", &format!("m.at {dir}, lower({name}), {cmid}"))],
            (_, Sort::First) => vec![cut("", &format!("first_seen_at {dir}, lower({name}), {cmid}"))],
            (_, Sort::Last) => vec![cut("", &format!("seen_at {dir}, lower({name}), {cmid}"))],
            (_, Sort::Lease) => vec![cut("", &format!("lease_ends_at {dir} NULLS LAST, lower({name}), {cmid}"))],
        }
    }
}

/// The order of the whole list.
fn order(sort: Sort, dir: &str) -> String {
    match sort {
        Sort::Name => format!("lower(machine) {dir}, cmid {dir}, way"),
        Sort::First => format!("first_seen_at {dir}, lower(machine), cmid, way"),
        Sort::Last => format!("seen_at {dir}, lower(machine), cmid, way"),
        Sort::Lease => format!("lease_ends_at {dir} NULLS LAST, lower(machine), cmid, way"),
    }
}

/// What a list of an application's machines is narrowed to, ready to be read.
pub struct Narrowed {
    application: Uuid,
    pattern: String,
    id: Option<Uuid>,
    /// The counted clients that a search found, where they are few.
    few: Option<Vec<Uuid>>,
    now: OffsetDateTime,
    filter: Filter,
}

/// Looks for the names that a search asks for, which are read from their index alone. No more than [`MOST`] are looked
/// up one by one; more of them are met soon enough in any order.
///
/// # Errors
/// When the database fails.
pub async fn narrow(tx: &mut Scoped, application: Uuid, filter: Filter) -> sqlx::Result<Narrowed> {
    // What matches a filter differs too much for one plan.
    sqlx::query("SET LOCAL plan_cache_mode = force_custom_plan").execute(&mut **tx).await?;
    let pattern = ["%", &like(&filter.q.to_lowercase()), "%"].concat();
    let id = filter.id();
    let mut few = None;
    if !filter.q.is_empty() && id.is_none() && matches!(filter.way.as_str(), "" | "count") {
        let found: Vec<Uuid> = sqlx::query_scalar(
            "SELECT cmid FROM kms_clients WHERE application_id = $1 AND lower(machine) LIKE $2 LIMIT $3",
        )
        .bind(application)
        .bind(&pattern)
        .bind(MOST + 1)
        .fetch_all(&mut **tx)
        .await?;
        few = (found.len() as u64 <= MOST.unsigned_abs()).then_some(found);
    }
    Ok(Narrowed { application, pattern, id, few, now: tx.now(), filter })
}

impl Narrowed {
    /// A page of machines. Each source is read in the list's order no further than the page.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn machines(
        &self,
        tx: &mut Scoped,
        (sort, descending): (Sort, bool),
        (limit, offset): (i64, i64),
    ) -> sqlx::Result<Vec<Machine>> {
        let dir = if descending { "DESC" } else { "ASC" };
        let sources = sources(&self.filter, self.few.is_some(), sort == Sort::Last);
        let parts: Vec<String> = sources.iter().flat_map(|source| source.first(sort, dir)).collect();
        if parts.is_empty() {
            return Ok(Vec::new());
        }
        // The text is ours, not the request's. The page first, then the names of its editions.
        let (all, order) = (parts.join(" UNION ALL "), order(sort, dir));
        let statement = format!(
            "SELECT page.*, coalesce(s.edition, '') AS edition
             FROM (SELECT a.*, row_number() OVER (ORDER BY {order}) AS place FROM ({all}) a ORDER BY place LIMIT $7 OFFSET $8) page
             LEFT JOIN skus s ON s.id = page.sku_id ORDER BY place"
        );
        sqlx::query_as(AssertSqlSafe(statement))
            .bind(self.application)
            .bind(&self.pattern)
            .bind(self.id)
            .bind(self.few.as_deref().unwrap_or_default())
            .bind(self.now)
            .bind(limit + offset)
            .bind(limit)
            .bind(offset)
            .fetch_all(&mut **tx)
            .await
    }

    /// How many machines match: all of them, or counted no further than `most`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count(&self, tx: &mut Scoped, most: Option<i64>) -> sqlx::Result<i64> {
        let sources = sources(&self.filter, self.few.is_some(), most.is_some());
        let parts: Vec<String> =
            sources.iter().map(|source| format!("SELECT 1 FROM ({}) one", source.statement(""))).collect();
        if parts.is_empty() {
            return Ok(0);
        }
        let statement = format!("SELECT count(*) FROM ({} LIMIT $6) matching", parts.join(" UNION ALL "));
        sqlx::query_scalar(AssertSqlSafe(statement))
            .bind(self.application)
            .bind(&self.pattern)
            .bind(self.id)
            .bind(self.few.as_deref().unwrap_or_default())
            .bind(self.now)
            .bind(most)
            .fetch_one(&mut **tx)
            .await
    }
}

/// All that is known of one machine; nothing where nobody has seen it.
///
/// # Errors
/// When the database fails.
pub async fn machine(tx: &mut Scoped, application: Uuid, cmid: Uuid) -> sqlx::Result<Known> {
    let counted: Option<Counted> = sqlx::query_as(
        "SELECT k.machine, k.former_names, k.cloned_at, k.virtual AS is_virtual, k.first_seen_at, k.asked_at, k.requests,
                k.counted AND k.asked_at > app_now() - interval '30 days' AS counted, k.superseded_by, k.lease_ends_at, k.address, k.result,
                k.count, k.needed, s.edition
         FROM kms_clients k JOIN skus s ON s.id = k.sku_id WHERE k.application_id = $1 AND k.cmid = $2",
    )
    .bind(application)
    .bind(cmid)
    .fetch_optional(&mut **tx)
    .await?;
    let held = sqlx::query_as(
        "SELECT a.id, m.machine, a.virtual AS is_virtual, a.at, m.told_at, m.lease_ends_at, a.way, a.address, s.edition, a.key_id,
                coalesce(p.last_five, '') AS last_five, p.blocked_at IS NOT NULL OR p.archived_at IS NOT NULL AS blocked, a.hardware
         FROM (SELECT DISTINCT ON (activation_id) activation_id, machine, at AS told_at, lease_ends_at FROM mak_answers
               WHERE application_id = $1 AND cmid = $2 AND activation_id IS NOT NULL ORDER BY activation_id, at DESC) m
         JOIN activations a ON a.id = m.activation_id JOIN product_keys p ON p.id = a.key_id JOIN skus s ON s.id = a.sku_id
         ORDER BY m.told_at DESC, a.id LIMIT 20",
    )
    .bind(application)
    .bind(cmid)
    .fetch_all(&mut **tx)
    .await?;
    let device = sqlx::query_as(
        "SELECT d.machine, d.enrolled_at, d.revoked_at, c.note, d.public_key
         FROM devices d JOIN enrolment_codes c ON c.id = d.code_id WHERE d.application_id = $1 AND d.cmid = $2",
    )
    .bind(application)
    .bind(cmid)
    .fetch_optional(&mut **tx)
    .await?;
    let unverified = sqlx::query_as(
        "SELECT machine, address, first_seen_at, asked_at, requests FROM unverified_clients WHERE application_id = $1 AND cmid = $2",
    )
    .bind(application)
    .bind(cmid)
    .fetch_optional(&mut **tx)
    .await?;
    Ok(Known { counted, held, device, unverified })
}
