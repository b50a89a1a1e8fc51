//! Compact JWS (RFC 7515) with EdDSA over Ed25519 (RFC 8037) and nothing else: leases, and what enrolled
//! devices send. The algorithm is fixed; a header that names another is refused.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};

use super::fields::Fields;

/// Why a JWS isn't believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Untrusted {
    /// Not three parts of base64url.
    #[error("it isn't a compact JWS: three parts of base64url, joined by dots")]
    Form,
    /// A header with other fields or another algorithm.
    #[error("its header isn't the one that docs/protocol.md describes")]
    Header,
    /// The key it names isn't known.
    #[error("the key that it names isn't known")]
    Key,
    /// The signature isn't this key's over these bytes.
    #[error("its signature doesn't hold")]
    Signature,
}

/// base64url without padding.
pub fn base64url(bytes: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// Reads base64url without padding.
pub fn from_base64url(text: &str) -> Option<Vec<u8>> {
    BASE64_URL_SAFE_NO_PAD.decode(text).ok()
}

/// The name of a public key: its RFC 7638 thumbprint.
pub fn key_id(key: &VerifyingKey) -> String {
    let jwk = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, base64url(key.as_bytes()));
    base64url(&Sha256::digest(jwk))
}

/// A public key from base64url.
pub fn public_key(text: &str) -> Option<VerifyingKey> {
    VerifyingKey::from_bytes(&from_base64url(text)?.try_into().ok()?).ok()
}

/// Puts `payload` under a header that is base64url already, and what `sign` makes of both behind them.
pub fn sign<S: AsRef<[u8]>>(header: &str, payload: &[u8], sign: impl FnOnce(&[u8]) -> S) -> String {
    let mut text = String::with_capacity(header.len() + payload.len() * 4 / 3 + 96);
    text.push_str(header);
    text.push('.');
    BASE64_URL_SAFE_NO_PAD.encode_string(payload, &mut text);
    let signature = sign(text.as_bytes());
    text.push('.');
    BASE64_URL_SAFE_NO_PAD.encode_string(signature, &mut text);
    text
}

/// A JWS taken apart, its signature not yet looked at.
pub struct Parts<'a> {
    signed: &'a str,
    signature: Signature,
    /// The header's text.
    pub header: Vec<u8>,
    /// The payload.
    pub payload: Vec<u8>,
}

/// Takes a JWS apart.
///
/// # Errors
/// [`Untrusted::Form`].
pub fn parts(text: &str) -> Result<Parts<'_>, Untrusted> {
    let (signed, signature) = text.rsplit_once('.').ok_or(Untrusted::Form)?;
    let (header, payload) = signed.split_once('.').ok_or(Untrusted::Form)?;
    let decode = |part| from_base64url(part).ok_or(Untrusted::Form);
    let signature = Signature::from_slice(&decode(signature)?).map_err(|_| Untrusted::Form)?;
    Ok(Parts { signed, signature, header: decode(header)?, payload: decode(payload)? })
}

impl Parts<'_> {
    /// Whether this key signed it. Strict: of a signature there is one form only.
    ///
    /// # Errors
    /// [`Untrusted::Signature`].
    pub fn verify(&self, key: &VerifyingKey) -> Result<(), Untrusted> {
        key.verify_strict(self.signed.as_bytes(), &self.signature).map_err(|_| Untrusted::Signature)
    }
}

/// A device's JWS: its header carries the device's public key.
///
/// # Errors
/// See [`Untrusted`].
pub fn open_device(text: &str) -> Result<(VerifyingKey, Vec<u8>), Untrusted> {
    let parts = parts(text)?;
    let key = device_key(&parts.header).ok_or(Untrusted::Header)?;
    parts.verify(&key)?;
    Ok((key, parts.payload))
}

fn device_key(header: &[u8]) -> Option<VerifyingKey> {
    let mut fields = Fields::read(header).ok()?;
    if fields.text_if("alg").ok()?.as_deref() != Some("EdDSA") {
        return None;
    }
    let mut jwk = fields.object_if("jwk").ok()??;
    fields.end().ok()?;
    let of_curve =
        jwk.text_if("kty").ok()?.as_deref() == Some("OKP") && jwk.text_if("crv").ok()?.as_deref() == Some("Ed25519");
    let x = jwk.text_if("x").ok()??;
    jwk.end().ok()?;
    if of_curve { public_key(&x) } else { None }
}

/// Signs as a device does.
pub fn sign_device(key: &SigningKey, payload: &[u8]) -> String {
    let x = base64url(key.verifying_key().as_bytes());
    let header = format!(r#"{{"alg":"EdDSA","jwk":{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}}}"#);
    sign(&base64url(header.as_bytes()), payload, |text| key.sign(text).to_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The key and the thumbprint of RFC 8037, appendix A.
    #[test]
    fn the_names_of_keys_are_those_of_rfc_8037() {
        let key = public_key("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo").unwrap();
        assert_eq!(key_id(&key), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    /// The signature of RFC 8037, appendix A.4.
    #[test]
    fn signatures_are_those_of_rfc_8037() {
        let seed = from_base64url("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A").unwrap();
        let key = SigningKey::from_bytes(&seed.try_into().unwrap());
        let text = sign("eyJhbGciOiJFZERTQSJ9", b"Example of Ed25519 signing", |text| key.sign(text).to_bytes());
        assert_eq!(
            text,
            "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
        );
        assert!(parts(&text).unwrap().verify(&key.verifying_key()).is_ok());
    }

    #[test]
    fn a_device_signs_with_the_key_that_it_names() {
        let key = SigningKey::from_bytes(&[7; 32]);
        let text = sign_device(&key, b"payload");
        let (device, payload) = open_device(&text).unwrap();
        assert_eq!((device, payload.as_slice()), (key.verifying_key(), b"payload".as_slice()));
        let other = sign_device(&SigningKey::from_bytes(&[8; 32]), b"payload");
        let (header, _) = text.split_once('.').unwrap();
        let (_, rest) = other.split_once('.').unwrap();
        assert_eq!(open_device(&format!("{header}.{rest}")), Err(Untrusted::Signature));
        assert_eq!(open_device("a.b"), Err(Untrusted::Form));
        let unsigned = format!("{}.{}", base64url(br#"{"alg":"none"}"#), &text[text.find('.').unwrap() + 1..]);
        assert_eq!(open_device(&unsigned), Err(Untrusted::Header));
    }
}
