//! The functions of `migrations/*_responder.sql`, which are all that the responder's role may call.

use std::collections::HashMap;

use sqlx::types::Json;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    config::Config,
    hardware::Hardware,
    kms::{Client, Count, Last},
    mak::Pool,
    wire::Outcome,
};
use crate::{
    audit::{self, Actor, Event, chain::Linker},
    postgres::Scoped,
};

/// The end of an audit chain, its row locked.
#[derive(Clone, Debug)]
pub struct ChainEnd {
    seq: i64,
    link: Vec<u8>,
}

/// Reads the configuration.
///
/// # Errors
/// When the database fails or is of another version.
pub async fn config(tx: &mut Scoped) -> sqlx::Result<Config> {
    let told: serde_json::Value = sqlx::query_scalar("SELECT responder_config()").fetch_one(&mut **tx).await?;
    Config::read(told).map_err(|fault| sqlx::Error::Decode(fault.into()))
}

/// Locks the end of a chain, made where there is none yet.
///
/// # Errors
/// When the database fails.
pub async fn chain_end(tx: &mut Scoped, chain: &str) -> sqlx::Result<ChainEnd> {
    let (seq, link) =
        sqlx::query_as("SELECT seq, link FROM responder_chain($1)").bind(chain).fetch_one(&mut **tx).await?;
    Ok(ChainEnd { seq, link })
}

/// Adds an event behind the end of its chain.
///
/// # Errors
/// When the database refuses: then nothing that depends on the event may happen.
pub async fn add_event(
    tx: &mut Scoped,
    linker: &Linker,
    (chain, end): (&str, ChainEnd),
    actor: &Actor,
    event: Event,
) -> sqlx::Result<()> {
    let at = tx.now();
    let row = audit::db::stored(chain.to_owned(), end.seq + 1, at, actor, event);
    let link = linker.link(&end.link, &row);
    sqlx::query("SELECT responder_event($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)")
        .bind(&row.chain)
        .bind(row.seq)
        .bind(row.at)
        .bind(row.actor_id)
        .bind(&row.actor)
        .bind(&row.action)
        .bind(&row.outcome)
        .bind(row.contract_id)
        .bind(&row.subject)
        .bind(Json(&row.detail))
        .bind(&row.key_ids)
        .bind(&row.address)
        .bind(&row.request_id)
        .bind(link.as_slice())
        .execute(&mut **tx)
        .await?;
    Ok(())
}

#[derive(sqlx::FromRow)]
struct MakRow {
    generation: i64,
    used: i64,
    total: i64,
    blocked: bool,
    seq: i64,
    link: Vec<u8>,
    request_id: Option<Uuid>,
    answer: Option<String>,
    activation_id: Option<Uuid>,
    hardware: Option<Vec<Option<String>>>,
}

/// A key with its row locked, the configuration's generation, and the end of the key's chain; none where it
/// is no MAK of this application.
///
/// # Errors
/// When the database fails.
pub async fn mak_look(
    tx: &mut Scoped,
    application: Uuid,
    key: Uuid,
    requests: &[Uuid],
    boards: &[&str],
) -> sqlx::Result<Option<(i64, Pool, ChainEnd)>> {
    let rows: Vec<MakRow> = sqlx::query_as("SELECT * FROM responder_mak_look($1, $2, $3, $4)")
        .bind(application)
        .bind(key)
        .bind(requests)
        .bind(boards)
        .fetch_all(&mut **tx)
        .await?;
    let Some(first) = rows.first() else { return Ok(None) };
    let end = ChainEnd { seq: first.seq, link: first.link.clone() };
    let generation = first.generation;
    let mut pool = Pool { used: first.used, total: first.total, blocked: first.blocked, ..Pool::default() };
    for row in rows {
        if let (Some(request), Some(answer)) = (row.request_id, row.answer) {
            pool.answers.insert(request, answer);
        } else if let (Some(id), Some(hardware)) = (row.activation_id, row.hardware.and_then(bound)) {
            pool.machines.entry(hardware.board.clone()).or_default().push((id, hardware));
        }
    }
    Ok(Some((generation, pool, end)))
}

fn bound(parts: Vec<Option<String>>) -> Option<Hardware> {
    Hardware::from_parts(parts.try_into().ok()?)
}

/// An activation to be written.
#[derive(Clone, Copy, Debug)]
pub struct Spent<'a> {
    /// Its id.
    pub id: Uuid,
    /// The edition.
    pub sku: Uuid,
    /// The request that spent it.
    pub request: Uuid,
    /// The client.
    pub cmid: Uuid,
    /// Its name.
    pub machine: &'a str,
    /// Whether it is virtual.
    pub is_virtual: bool,
    /// What it is bound to.
    pub hardware: &'a Hardware,
    /// From where.
    pub address: &'a str,
}

/// An answer to be kept.
#[derive(Clone, Copy, Debug)]
pub struct Answered<'a> {
    /// To which request.
    pub request: Uuid,
    /// The activation spent or found again.
    pub activation: Option<Uuid>,
    /// The client.
    pub cmid: Uuid,
    /// Its name.
    pub machine: &'a str,
    /// The bytes.
    pub answer: &'a str,
    /// Until when the lease in it holds.
    pub ends: Option<OffsetDateTime>,
}

/// Writes a batch.
///
/// # Errors
/// When the database refuses; nothing of the batch stands then.
pub async fn mak_write(
    tx: &mut Scoped,
    (application, key, way): (Uuid, Uuid, &str),
    spent: &[Spent<'_>],
    answered: &[Answered<'_>],
) -> sqlx::Result<()> {
    // The parts hold no spaces; one that is missing is empty.
    let hardware: Vec<String> =
        spent.iter().map(|s| s.hardware.parts().map(Option::unwrap_or_default).join(" ")).collect();
    sqlx::query(
        "SELECT responder_mak_write($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
    )
    .bind(application)
    .bind(key)
    .bind(way)
    .bind(spent.iter().map(|s| s.id).collect::<Vec<_>>())
    .bind(spent.iter().map(|s| s.sku).collect::<Vec<_>>())
    .bind(spent.iter().map(|s| s.request).collect::<Vec<_>>())
    .bind(spent.iter().map(|s| s.cmid).collect::<Vec<_>>())
    .bind(spent.iter().map(|s| s.machine).collect::<Vec<_>>())
    .bind(spent.iter().map(|s| s.is_virtual).collect::<Vec<_>>())
    .bind(hardware)
    .bind(spent.iter().map(|s| s.address).collect::<Vec<_>>())
    .bind(answered.iter().map(|a| a.request).collect::<Vec<_>>())
    .bind(answered.iter().map(|a| a.activation).collect::<Vec<_>>())
    .bind(answered.iter().map(|a| a.cmid).collect::<Vec<_>>())
    .bind(answered.iter().map(|a| a.machine).collect::<Vec<_>>())
    .bind(answered.iter().map(|a| a.answer).collect::<Vec<_>>())
    .bind(answered.iter().map(|a| a.ends).collect::<Vec<_>>())
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// What a client holds by a key.
#[derive(Clone, Debug)]
pub struct Held {
    /// The activation.
    pub activation: Uuid,
    /// What it is bound to.
    pub hardware: Hardware,
    /// Whether its key was blocked.
    pub blocked: bool,
    /// What the client was answered last.
    pub answer: String,
}

/// The activation that a client holds for an edition.
///
/// # Errors
/// When the database fails.
pub async fn mak_state(tx: &mut Scoped, application: Uuid, sku: Uuid, cmid: Uuid) -> sqlx::Result<Option<Held>> {
    type Row = (Uuid, Vec<Option<String>>, bool, String);
    let row: Option<Row> = sqlx::query_as("SELECT * FROM responder_mak_state($1, $2, $3)")
        .bind(application)
        .bind(sku)
        .bind(cmid)
        .fetch_optional(&mut **tx)
        .await?;
    Ok(row.and_then(|(activation, parts, blocked, answer)| {
        Some(Held { activation, hardware: bound(parts)?, blocked, answer })
    }))
}

#[derive(sqlx::FromRow)]
struct KmsRow {
    generation: i64,
    total: i64,
    cmid: Option<Uuid>,
    machine: Option<String>,
    former_names: Option<Vec<String>>,
    counted: Option<bool>,
    request_id: Option<Uuid>,
    result: Option<String>,
    count: Option<i64>,
    needed: Option<i64>,
    lease: Option<String>,
}

/// An application's count with its row locked, and the configuration's generation; none where there is no
/// such application. `asked` are ids of clients, each with the request that it is asked for: the lease that a
/// client got last is known only where that was the request.
///
/// # Errors
/// When the database fails.
pub async fn kms_look(
    tx: &mut Scoped,
    application: Uuid,
    asked: &[(Uuid, Option<Uuid>)],
) -> sqlx::Result<Option<(i64, Count)>> {
    let rows: Vec<KmsRow> = sqlx::query_as("SELECT * FROM responder_kms_look($1, $2, $3)")
        .bind(application)
        .bind(asked.iter().map(|(client, _)| *client).collect::<Vec<_>>())
        .bind(asked.iter().map(|(_, request)| *request).collect::<Vec<_>>())
        .fetch_all(&mut **tx)
        .await?;
    let Some(first) = rows.first() else { return Ok(None) };
    let generation = first.generation;
    let mut count = Count { total: first.total, ..Count::default() };
    for row in rows {
        let Some(cmid) = row.cmid else { continue };
        let result = row.result.as_deref().and_then(Outcome::from_code);
        let last = row.request_id.zip(result).map(|(request, result)| Last {
            request,
            result,
            count: row.count.unwrap_or_default(),
            needed: row.needed.unwrap_or_default(),
            lease: row.lease,
        });
        let client = Client {
            machine: row.machine.unwrap_or_default(),
            former: row.former_names.unwrap_or_default(),
            counted: row.counted.unwrap_or_default(),
            last,
            ..Client::default()
        };
        // A client is there once for each request of the batch.
        let known = count.clients.entry(cmid).or_insert_with(|| client.clone());
        if client.last.as_ref().is_some_and(|last| last.lease.is_some()) {
            *known = client;
        }
    }
    Ok(Some((generation, count)))
}

/// A client of the count to be written.
#[derive(Clone, Copy, Debug)]
pub struct Counted<'a> {
    /// Its id.
    pub cmid: Uuid,
    /// The edition that it asked for last.
    pub sku: Uuid,
    /// Whether it is virtual.
    pub is_virtual: bool,
    /// Until when its new lease holds.
    pub ends: Option<OffsetDateTime>,
    /// From where it asked.
    pub address: &'a str,
    /// The rest.
    pub client: &'a Client,
    /// What it was answered last.
    pub last: &'a Last,
}

/// Writes a batch; `fresh` of its clients weren't in the count.
///
/// # Errors
/// When the database refuses; nothing of the batch stands then.
pub async fn kms_write(
    tx: &mut Scoped,
    application: Uuid,
    fresh: i32,
    rows: &[Counted<'_>],
    gone: &[(Uuid, Uuid)],
) -> sqlx::Result<()> {
    let largest = rows.iter().map(|row| row.last.needed).max().unwrap_or_default();
    sqlx::query(
        "SELECT responder_kms_write($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)",
    )
    .bind(application)
    .bind(i32::try_from(largest).unwrap_or(i32::MAX))
    .bind(fresh)
    .bind(rows.iter().map(|r| r.cmid).collect::<Vec<_>>())
    .bind(rows.iter().map(|r| r.sku).collect::<Vec<_>>())
    .bind(rows.iter().map(|r| r.client.machine.as_str()).collect::<Vec<_>>())
    .bind(rows.iter().map(|r| r.client.former.join("\n")).collect::<Vec<_>>())
    .bind(rows.iter().map(|r| r.client.cloned).collect::<Vec<_>>())
    .bind(rows.iter().map(|r| r.is_virtual).collect::<Vec<_>>())
    .bind(rows.iter().map(|r| r.client.asked).collect::<Vec<_>>())
    .bind(rows.iter().map(|r| r.ends).collect::<Vec<_>>())
    .bind(rows.iter().map(|r| r.address).collect::<Vec<_>>())
    .bind(rows.iter().map(|r| r.last.request).collect::<Vec<_>>())
    .bind(rows.iter().map(|r| r.last.result.code()).collect::<Vec<_>>())
    .bind(rows.iter().map(|r| r.last.count).collect::<Vec<_>>())
    .bind(rows.iter().map(|r| r.last.needed).collect::<Vec<_>>())
    .bind(rows.iter().map(|r| r.last.lease.as_deref()).collect::<Vec<_>>())
    .bind(gone.iter().map(|g| g.0).collect::<Vec<_>>())
    .bind(gone.iter().map(|g| g.1).collect::<Vec<_>>())
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// The count, and the lease that a client got last with its end.
///
/// # Errors
/// When the database fails.
pub async fn kms_state(
    tx: &mut Scoped,
    application: Uuid,
    cmid: Uuid,
) -> sqlx::Result<Option<(i64, Option<String>, Option<OffsetDateTime>)>> {
    sqlx::query_as("SELECT * FROM responder_kms_state($1, $2)")
        .bind(application)
        .bind(cmid)
        .fetch_optional(&mut **tx)
        .await
}

/// An enrolled device: its public key, and the clock of its last signed request.
pub type Device = (Vec<u8>, Option<OffsetDateTime>);

/// Enrolled devices by their client ids. Locks them.
///
/// # Errors
/// When the database fails.
pub async fn devices(tx: &mut Scoped, application: Uuid, ids: &[Uuid]) -> sqlx::Result<HashMap<Uuid, Device>> {
    type Row = (Uuid, Vec<u8>, Option<OffsetDateTime>);
    let rows: Vec<Row> = sqlx::query_as("SELECT * FROM responder_devices($1, $2)")
        .bind(application)
        .bind(ids)
        .fetch_all(&mut **tx)
        .await?;
    Ok(rows.into_iter().map(|(cmid, key, time)| (cmid, (key, time))).collect())
}

/// Remembers the clocks of signed requests.
///
/// # Errors
/// When the database fails.
pub async fn devices_seen(tx: &mut Scoped, application: Uuid, seen: &[(Uuid, OffsetDateTime)]) -> sqlx::Result<()> {
    sqlx::query("SELECT responder_devices_seen($1, $2, $3)")
        .bind(application)
        .bind(seen.iter().map(|s| s.0).collect::<Vec<_>>())
        .bind(seen.iter().map(|s| s.1).collect::<Vec<_>>())
        .execute(&mut **tx)
        .await?;
    Ok(())
}
