//! Leases: what a machine holds to know, without any connection, that it is activated and until when.
//!
//! A lease is a compact JWS (EdDSA) under the site's key. Clients keep the site's public keys and verify it
//! themselves.

use aws_lc_rs::signature::Ed25519KeyPair;
use ed25519_dalek::{SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{
    hardware::Hardware,
    jws::{self, Untrusted, base64url},
    wire::PublicKey,
};
use crate::vault::envelope::Key32;

/// Days that a lease lasts at most, and where a SKU says nothing else (DOMAIN §3).
pub const DAYS: i64 = 180;
/// How far a verifier's clock may be behind or ahead: what the responder allows too.
pub const SKEW: Duration = Duration::hours(4);

/// What activated the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Model {
    /// The count.
    Kms,
    /// A counted key.
    Mak,
}

/// What a lease says. Moments are seconds since 1970, as JWT has them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// The site, `urn:uuid:…`.
    pub iss: String,
    /// The application.
    pub aud: Uuid,
    /// The client's machine id.
    pub sub: Uuid,
    /// This lease; for a MAK the activation that was spent.
    pub jti: Uuid,
    /// When it was made.
    pub iat: i64,
    /// From when it holds.
    pub nbf: i64,
    /// Until when it holds.
    pub exp: i64,
    /// The edition.
    pub sku: Uuid,
    /// What activated the machine.
    pub model: Model,
    /// The hardware it is bound to, for a MAK.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hw: Option<Hardware>,
}

/// What a lease is made of besides the site.
#[derive(Clone, Debug)]
pub struct Grant<'a> {
    /// The application.
    pub application: Uuid,
    /// The edition.
    pub sku: Uuid,
    /// The client.
    pub cmid: Uuid,
    /// The lease's id.
    pub id: Uuid,
    /// From now.
    pub at: OffsetDateTime,
    /// For so many days.
    pub days: i64,
    /// For a MAK: the hardware it is bound to.
    pub hardware: Option<&'a Hardware>,
}

/// Signs leases with the site's key.
pub struct Signer {
    /// Signs in three fifths of the time that the other library takes, which was two fifths of what a renewal cost
    /// the responder (decision 43).
    key: Ed25519KeyPair,
    public: VerifyingKey,
    header: String,
    iss: String,
    kid: String,
}

impl Signer {
    /// Takes the site's signing seed and the site's id.
    ///
    /// # Panics
    /// Never: any 32 bytes are a seed, and both libraries make the same public key of it.
    #[allow(clippy::expect_used)]
    pub fn new(seed: &Key32, site: Uuid) -> Self {
        let public = SigningKey::from_bytes(seed.expose()).verifying_key();
        let key = Ed25519KeyPair::from_seed_and_public_key(seed.expose(), public.as_bytes())
            .expect("a seed makes its own public key");
        let kid = jws::key_id(&public);
        let header = header(&kid);
        Self { key, public, header, iss: issuer(site), kid }
    }

    /// The public key as a `hello` tells it.
    pub fn public(&self) -> PublicKey {
        PublicKey { kid: self.kid.clone(), x: base64url(self.public.as_bytes()) }
    }

    /// The issuer.
    pub fn issuer(&self) -> &str {
        &self.iss
    }

    /// Makes a lease. The same grant makes the same bytes.
    pub fn lease(&self, grant: &Grant<'_>) -> String {
        let iat = grant.at.unix_timestamp();
        let claims = Claims {
            iss: self.iss.clone(),
            aud: grant.application,
            sub: grant.cmid,
            jti: grant.id,
            iat,
            nbf: iat,
            exp: iat + grant.days * 86_400,
            sku: grant.sku,
            model: if grant.hardware.is_some() { Model::Mak } else { Model::Kms },
            hw: grant.hardware.cloned(),
        };
        let mut payload = Vec::with_capacity(512);
        // Nothing of it can fail to be written.
        let _ = serde_json::to_writer(&mut payload, &claims);
        jws::sign(&self.header, &payload, |text| self.key.sign(text))
    }
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Signer({})", self.kid)
    }
}

/// The header of a lease under this key, base64url.
pub fn header(kid: &str) -> String {
    base64url(format!(r#"{{"alg":"EdDSA","typ":"JWT","kid":"{kid}"}}"#).as_bytes())
}

/// A site's name in its leases.
pub fn issuer(site: Uuid) -> String {
    format!("urn:uuid:{site}")
}

/// Why a lease doesn't hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoLease {
    /// It isn't this site's.
    #[error("the lease isn't trusted: {0}")]
    Untrusted(#[from] Untrusted),
    /// Its payload isn't a lease.
    #[error("the lease isn't one that this version understands")]
    Claims,
    /// It begins later.
    #[error("the lease begins in the future: set the clock")]
    NotYet,
    /// It has ended.
    #[error("the lease ended: renew it")]
    Ended,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: String,
}

/// Verifies leases with the site's public keys, without any connection.
#[derive(Clone, Debug, Default)]
pub struct Verifier(Vec<(String, VerifyingKey)>);

impl Verifier {
    /// Takes the keys that a `hello` told; those that aren't keys are left out.
    pub fn new(keys: &[PublicKey]) -> Self {
        Self(keys.iter().filter_map(|key| Some((key.kid.clone(), jws::public_key(&key.x)?))).collect())
    }

    /// Whether all of these are keys, named by their thumbprints, and there is one.
    pub fn knows_all_of(&self, keys: &[PublicKey]) -> bool {
        !keys.is_empty() && self.0.len() == keys.len() && self.0.iter().all(|(kid, key)| *kid == jws::key_id(key))
    }

    /// What the lease says, whoever it is for and whenever it ends.
    ///
    /// # Errors
    /// [`NoLease::Untrusted`] and [`NoLease::Claims`].
    pub fn open(&self, lease: &str) -> Result<Claims, NoLease> {
        let parts = jws::parts(lease)?;
        let header: Header = serde_json::from_slice(&parts.header).map_err(|_| Untrusted::Header)?;
        if header.alg != "EdDSA" {
            return Err(Untrusted::Header.into());
        }
        let key = self.0.iter().find(|(kid, _)| *kid == header.kid).ok_or(Untrusted::Key)?;
        parts.verify(&key.1)?;
        serde_json::from_slice(&parts.payload).map_err(|_| NoLease::Claims)
    }

    /// The same, and that it holds at `now`, give or take [`SKEW`].
    ///
    /// # Errors
    /// See [`NoLease`].
    pub fn verify(&self, lease: &str, now: OffsetDateTime) -> Result<Claims, NoLease> {
        let claims = self.open(lease)?;
        if (now + SKEW).unix_timestamp() < claims.nbf {
            return Err(NoLease::NotYet);
        }
        if (now - SKEW).unix_timestamp() >= claims.exp {
            return Err(NoLease::Ended);
        }
        Ok(claims)
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-11-22 12:00 UTC);

    fn signer() -> Signer {
        Signer::new(&Key32::from_bytes([3; 32]), Uuid::from_u128(1))
    }

    fn grant() -> Grant<'static> {
        Grant {
            application: Uuid::from_u128(2),
            sku: Uuid::from_u128(3),
            cmid: Uuid::from_u128(4),
            id: Uuid::from_u128(5),
            at: NOW,
            days: DAYS,
            hardware: None,
        }
    }

    #[test]
    fn a_lease_lasts_180_days_and_is_verified_without_a_connection() {
        let signer = signer();
        let verifier = Verifier::new(&[signer.public()]);
        let lease = signer.lease(&grant());
        let claims = verifier.verify(&lease, NOW).unwrap();
        assert_eq!(claims.exp - claims.iat, 180 * 86_400);
        assert_eq!((claims.aud, claims.sub, claims.model), (Uuid::from_u128(2), Uuid::from_u128(4), Model::Kms));
        assert!(verifier.verify(&lease, NOW + Duration::days(179)).is_ok());
        assert_eq!(verifier.verify(&lease, NOW + Duration::days(181)), Err(NoLease::Ended));
        assert_eq!(verifier.verify(&lease, NOW - Duration::days(1)), Err(NoLease::NotYet));
    }

    #[test]
    fn the_same_grant_makes_the_same_bytes() {
        assert_eq!(signer().lease(&grant()), signer().lease(&grant()));
    }

    #[test]
    fn another_sites_lease_and_a_changed_one_are_refused() {
        let verifier = Verifier::new(&[signer().public()]);
        let other = Signer::new(&Key32::from_bytes([4; 32]), Uuid::from_u128(1)).lease(&grant());
        assert_eq!(verifier.open(&other), Err(NoLease::Untrusted(Untrusted::Key)));
        let lease = signer().lease(&grant());
        let later = signer().lease(&Grant { days: 90, ..grant() });
        let payload = later.split('.').nth(1).unwrap();
        let parts: Vec<&str> = lease.split('.').collect();
        let forged = format!("{}.{payload}.{}", parts[0], parts[2]);
        assert_eq!(verifier.open(&forged), Err(NoLease::Untrusted(Untrusted::Signature)));
    }

    #[test]
    fn a_header_with_another_algorithm_is_refused() {
        let signer = signer();
        let lease = signer.lease(&grant());
        let (_, rest) = lease.split_once('.').unwrap();
        let header = base64url(format!(r#"{{"alg":"none","kid":"{}"}}"#, signer.public().kid).as_bytes());
        let verifier = Verifier::new(&[signer.public()]);
        assert_eq!(verifier.open(&format!("{header}.{rest}")), Err(NoLease::Untrusted(Untrusted::Header)));
    }
}
