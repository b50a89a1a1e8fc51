//! Reads every chain from its start and names the first link that doesn't hold.

use std::{collections::HashMap, fmt};

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

/// Walks all chains, in the order of their names.
///
/// # Errors
/// When the database fails; a broken chain is the inner `Err`.
pub async fn verify(tx: &mut Scoped, linker: &Linker) -> Result<Result<Sound, Broken>> {
    let heads: Vec<(String, i64, Vec<u8>)> =
        sqlx::query_as("SELECT chain, seq, link FROM audit_heads").fetch_all(&mut **tx).await?;
    let mut heads: HashMap<String, (i64, Vec<u8>)> =
        heads.into_iter().map(|(chain, seq, link)| (chain, (seq, link))).collect();
    let license_ids: HashMap<String, String> =
        sqlx::query_as::<_, (String, String)>("SELECT id::text, license_id FROM contracts")
            .fetch_all(&mut **tx)
            .await?
            .into_iter()
            .collect();
    let named = |chain: &str| license_ids.get(chain).cloned().unwrap_or_else(|| chain.to_owned());
    let broken = |chain: &str, seq, how| Ok(Err(Broken { chain: named(chain), seq, how }));

    let mut walk = Walk::default();
    {
        let mut rows = sqlx::query_as::<_, Stored>("SELECT * FROM audit_events ORDER BY chain, seq").fetch(&mut **tx);
        while let Some(row) = rows.try_next().await? {
            if row.chain != walk.chain {
                if let Some((seq, how)) = walk.end(&mut heads) {
                    return broken(&walk.chain, seq, how);
                }
                walk.start(&row.chain);
            }
            if let Some(how) = walk.step(&row, linker) {
                return broken(&row.chain, row.seq.min(walk.seq + 1), how);
            }
        }
    }
    if let Some((seq, how)) = walk.end(&mut heads) {
        return broken(&walk.chain, seq, how);
    }
    // Heads whose events are all gone; one that never had any stands at 0.
    if let Some((chain, _)) = heads.iter().find(|(_, (seq, _))| *seq > 0) {
        return broken(chain, 1, "all its events are missing");
    }
    Ok(Ok(Sound { chains: walk.chains, events: walk.events }))
}

#[derive(Default)]
struct Walk {
    chain: String,
    seq: i64,
    link: Vec<u8>,
    chains: usize,
    events: u64,
}

impl Walk {
    fn start(&mut self, chain: &str) {
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
    fn end(&self, heads: &mut HashMap<String, (i64, Vec<u8>)>) -> Option<(i64, &'static str)> {
        if self.chain.is_empty() {
            return None;
        }
        match heads.remove(&self.chain) {
            Some((seq, link)) if seq == self.seq && link == self.link => None,
            Some((seq, _)) if seq > self.seq => Some((self.seq + 1, "it and what followed are missing")),
            _ => Some((self.seq, "the recorded end of the chain is another one")),
        }
    }
}
