//! Reads every chain from its start and names the first link that doesn't hold.

use std::{collections::HashMap, fmt, mem};

use anyhow::Result;
use futures_util::TryStreamExt;

use super::{
    SITE, Stored,
    chain::{Linker, START},
};
use crate::postgres::Scoped;

/// What a whole log amounts to.
#[derive(Debug, PartialEq, Eq)]
pub struct Sound {
    /// How many chains.
    pub chains: usize,
    /// How many events in all.
    pub events: u64,
}

/// The first link that doesn't hold.
#[derive(Debug, PartialEq, Eq)]
pub struct Broken {
    /// `site`, or the License ID.
    pub chain: String,
    /// The place in the chain, from 1.
    pub seq: i64,
    /// What is wrong there.
    pub how: &'static str,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let chain = if self.chain == SITE {
            "the site's chain".to_owned()
        } else {
            format!("the chain of License ID {}", self.chain)
        };
        write!(f, "{chain} breaks at event {}: {}", self.seq, self.how)
    }
}

/// An event with the recorded end of its chain, read in one statement: of one moment, so that an
/// event which is being added meanwhile doesn't look like a broken end.
#[derive(sqlx::FromRow)]
struct Walked {
    #[sqlx(flatten)]
    event: Stored,
    head_seq: Option<i64>,
    head_link: Option<Vec<u8>>,
}

const WALK: &str = "SELECT e.*, h.seq AS head_seq, h.link AS head_link
    FROM audit_events e LEFT JOIN audit_heads h ON h.chain = e.chain ORDER BY e.chain, e.seq";

/// Walks all chains, in the order of their names. In the system's scope or an auditor's: to anybody
/// else row-level security shows too few events.
///
/// # Errors
/// When the database fails; a broken chain is the inner `Err`.
pub async fn verify(tx: &mut Scoped, linker: &Linker) -> Result<Result<Sound, Broken>> {
    let license_ids: HashMap<String, String> =
        sqlx::query_as::<_, (String, String)>(
            "SELECT contract_id::text, license_id FROM app_audited()
             UNION ALL
             SELECT o.key_id::text, a.license_id || ', own key ending in ' || p.last_five
             FROM app_audited() a JOIN own_keys o ON o.contract_id = a.contract_id JOIN product_keys p ON p.id = o.key_id",
        )
            .fetch_all(&mut **tx)
            .await?
            .into_iter()
            .collect();
    let named = |chain: &str| license_ids.get(chain).cloned().unwrap_or_else(|| chain.to_owned());
    let broken = |chain: &str, seq, how| Ok(Err(Broken { chain: named(chain), seq, how }));

    let mut walk = Walk::default();
    {
        let mut rows = sqlx::query_as::<_, Walked>(WALK).fetch(&mut **tx);
        while let Some(Walked { event: row, head_seq, head_link }) = rows.try_next().await? {
            if row.chain != walk.chain {
                if let Some((seq, how)) = walk.end() {
                    return broken(&walk.chain, seq, how);
                }
                walk.start(&row.chain, head_seq.zip(head_link));
            }
            if let Some(how) = walk.step(&row, linker) {
                return broken(&row.chain, row.seq.min(walk.seq + 1), how);
            }
        }
    }
    if let Some((seq, how)) = walk.end() {
        return broken(&walk.chain, seq, how);
    }
    // Heads whose events are all gone; one that never had any stands at 0.
    let lost: Option<String> = sqlx::query_scalar(
        "SELECT chain FROM audit_heads h WHERE seq > 0 AND NOT EXISTS (SELECT 1 FROM audit_events e WHERE e.chain = h.chain) ORDER BY chain LIMIT 1",
    )
    .fetch_optional(&mut **tx)
    .await?;
    if let Some(chain) = lost {
        return broken(&chain, 1, "all its events are missing");
    }
    Ok(Ok(Sound { chains: walk.chains, events: walk.events }))
}

#[derive(Default)]
struct Walk {
    chain: String,
    seq: i64,
    link: Vec<u8>,
    /// Where the chain ends by its own record.
    head: Option<(i64, Vec<u8>)>,
    chains: usize,
    events: u64,
}

impl Walk {
    fn start(&mut self, chain: &str, head: Option<(i64, Vec<u8>)>) {
        self.head = head;
        chain.clone_into(&mut self.chain);
        self.seq = 0;
        self.link = START.to_vec();
        self.chains += 1;
    }

    fn step(&mut self, row: &Stored, linker: &Linker) -> Option<&'static str> {
        if row.seq != self.seq + 1 {
            return Some("it is missing");
        }
        if linker.link(&self.link, row).as_slice() != row.link {
            return Some("it was changed after it was written");
        }
        self.seq = row.seq;
        self.link.clone_from(&row.link);
        self.events += 1;
        None
    }

    /// The chain's end must be where its head says: a cut tail shows here.
    fn end(&mut self) -> Option<(i64, &'static str)> {
        if self.chain.is_empty() {
            return None;
        }
        match mem::take(&mut self.head) {
            Some((seq, link)) if seq == self.seq && link == self.link => None,
            Some((seq, _)) if seq > self.seq => Some((self.seq + 1, "it and what followed are missing")),
            _ => Some((self.seq, "the recorded end of the chain is another one")),
        }
    }
}
