//! Signed ends of the chains, appended to a file that is shipped to another machine.
//!
//! The chains alone show an edited row; they can't show that the whole database was put back to an
//! older state by somebody who also holds its key file. A line of this file, kept elsewhere, does:
//! the event it names must still be there with the same link.

use std::{
    collections::HashMap,
    fs,
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use base64::{Engine, prelude::BASE64_STANDARD};
use ed25519_dalek::{Signature, Signer, SigningKey};
use serde::{Deserialize, Serialize};
use time::format_description::well_known::Rfc3339;

use super::verify::Broken;
use crate::{
    postgres::{Db, Scope, Scoped},
    vault::{envelope::Key32, files::hex},
};

/// The end of a chain at some moment, as a line of the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// When, RFC 3339, UTC.
    pub at: String,
    /// Which chain.
    pub chain: String,
    /// Its last event.
    pub seq: i64,
    /// That event's link, in hex.
    pub link: String,
    /// Ed25519 over the above under the site's signing key, in base64.
    pub signature: String,
}

/// Signs heads and checks signatures.
pub struct HeadSigner(SigningKey);

impl HeadSigner {
    /// Takes the site's signing seed.
    pub fn new(seed: &Key32) -> Self {
        Self(SigningKey::from_bytes(seed.expose()))
    }

    fn sign(&self, mut head: Head) -> Head {
        head.signature = BASE64_STANDARD.encode(self.0.sign(&message(&head)).to_bytes());
        head
    }

    fn holds(&self, head: &Head) -> bool {
        let bytes = BASE64_STANDARD.decode(&head.signature).unwrap_or_default();
        Signature::from_slice(&bytes).is_ok_and(|signature| self.0.verify(&message(head), &signature).is_ok())
    }
}

fn message(head: &Head) -> Vec<u8> {
    ["keyward audit head", &head.at, &head.chain, &head.seq.to_string(), &head.link].join("\n").into_bytes()
}

/// Appends the ends of the chains that have grown since the last call of this process.
pub struct HeadFile {
    path: PathBuf,
    signer: HeadSigner,
    written: HashMap<String, i64>,
}

impl HeadFile {
    /// Writes to `audit-heads.jsonl` in the data directory.
    pub fn new(data_dir: &Path, seed: &Key32) -> Self {
        Self { path: data_dir.join("audit-heads.jsonl"), signer: HeadSigner::new(seed), written: HashMap::new() }
    }

    /// Appends; how many lines.
    ///
    /// # Errors
    /// When the database fails or the file can't be written.
    pub async fn append(&mut self, db: &Db) -> Result<usize> {
        // System scope: the ends of all chains.
        let mut tx = db.begin(Scope::System).await?;
        let heads: Vec<(String, i64, Vec<u8>)> =
            sqlx::query_as("SELECT chain, seq, link FROM audit_heads WHERE seq > 0 ORDER BY chain")
                .fetch_all(&mut *tx)
                .await?;
        let at = tx.now().format(&Rfc3339)?;
        drop(tx);
        let mut lines = String::new();
        let mut grown = Vec::new();
        for (chain, seq, link) in heads {
            if self.written.get(&chain).is_none_or(|known| *known < seq) {
                let head =
                    Head { at: at.clone(), chain: chain.clone(), seq, link: hex(&link), signature: String::new() };
                lines.push_str(&serde_json::to_string(&self.signer.sign(head))?);
                lines.push('\n');
                grown.push((chain, seq));
            }
        }
        if !grown.is_empty() {
            let mut file = fs::OpenOptions::new().create(true).append(true).mode(0o600).open(&self.path)?;
            file.write_all(lines.as_bytes())?;
            file.sync_data()?;
        }
        let lines = grown.len();
        self.written.extend(grown);
        Ok(lines)
    }
}

/// Compares a shipped file with the log: every event that it names must be there with the same link.
/// How many lines were compared; a broken chain is the inner `Err`.
///
/// # Errors
/// When the file can't be read, a line isn't one or isn't signed by this site, or the database fails.
pub async fn compare(tx: &mut Scoped, signer: &HeadSigner, path: &Path) -> Result<Result<usize, Broken>> {
    let text = fs::read_to_string(path).with_context(|| format!("{} can't be read", path.display()))?;
    let mut compared = 0;
    for (number, line) in text.lines().enumerate() {
        let place = || format!("{}:{}", path.display(), number + 1);
        let head: Head = serde_json::from_str(line)
            .with_context(|| format!("{}: this isn't a line of audit-heads.jsonl", place()))?;
        if !signer.holds(&head) {
            bail!("{}: this line wasn't signed by this site, or was changed since", place());
        }
        let link: Option<Vec<u8>> = sqlx::query_scalar("SELECT link FROM audit_events WHERE chain = $1 AND seq = $2")
            .bind(&head.chain)
            .bind(head.seq)
            .fetch_optional(&mut **tx)
            .await?;
        let how = match link {
            Some(link) if hex(&link) == head.link => {
                compared += 1;
                continue;
            }
            Some(_) => "it isn't the event that was signed: the log was put back and went on from there",
            None => "it was signed and is missing: the log was put back to an earlier state",
        };
        return Ok(Err(Broken { chain: named(tx, &head.chain).await?, seq: head.seq, how }));
    }
    Ok(Ok(compared))
}

async fn named(tx: &mut Scoped, chain: &str) -> sqlx::Result<String> {
    let license_id = sqlx::query_scalar("SELECT license_id FROM contracts WHERE id::text = $1")
        .bind(chain)
        .fetch_optional(&mut **tx)
        .await?;
    Ok(license_id.unwrap_or_else(|| chain.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signed_head_shows_any_change() {
        let signer = HeadSigner::new(&Key32::random());
        let head = Head {
            at: "2026-01-01T00:00:00Z".into(),
            chain: "site".into(),
            seq: 7,
            link: "00ff".into(),
            signature: String::new(),
        };
        let signed = signer.sign(head);
        assert!(signer.holds(&signed));
        let changed = [
            Head { at: "2026-01-02T00:00:00Z".into(), ..signed.clone() },
            Head { chain: "other".into(), ..signed.clone() },
            Head { seq: 8, ..signed.clone() },
            Head { link: "00fe".into(), ..signed.clone() },
            Head { signature: String::new(), ..signed.clone() },
        ];
        assert!(changed.iter().all(|head| !signer.holds(head)));
        assert!(!HeadSigner::new(&Key32::random()).holds(&signed), "another site's key");
    }
}
