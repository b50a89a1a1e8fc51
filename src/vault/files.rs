//! The two secret files beside the database: the KEK, and the site's keys that a responder without
//! KEK needs too (fingerprints, audit links, lease signatures). Mode 0400, made once, lines of
//! `name = base64`.

use std::{
    fs,
    io::{ErrorKind, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use anyhow::{Context, Result, bail};
use base64::{Engine, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::envelope::Key32;
use crate::keys::ProductKey;

/// The key-encryption key with its public id.
#[derive(Clone, Debug)]
pub struct Kek {
    /// First 8 bytes of SHA-256 over the key, in hex: names it without telling it.
    pub id: String,
    /// The key itself.
    pub key: Key32,
}

/// Keys of the site that aren't the KEK.
#[derive(Clone, Debug)]
pub struct SiteKeys {
    /// Names this set without telling it.
    pub id: String,
    /// HMAC key of product key fingerprints.
    pub fingerprint: Key32,
    /// HMAC key of the audit chain's links.
    pub audit: Key32,
    /// Seed of the Ed25519 key that signs leases and audit heads.
    pub signing: Key32,
}

impl SiteKeys {
    /// HMAC-SHA-256 of a normalised product key: equal for equal keys, telling nothing without this file.
    pub fn fingerprint_of(&self, key: &ProductKey) -> [u8; 32] {
        self.mac(&[key.expose().as_bytes()])
    }

    /// The same of an enrolment code, which is no product key.
    pub fn enrolment_hash(&self, code: &str) -> [u8; 32] {
        self.mac(&[b"enrolment code ", code.as_bytes()])
    }

    fn mac(&self, parts: &[&[u8]]) -> [u8; 32] {
        #[allow(clippy::expect_used)]
        let mut mac =
            Hmac::<Sha256>::new_from_slice(self.fingerprint.expose()).expect("any length of key will do for HMAC");
        for part in parts {
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }
}

/// Reads the KEK; `None` where the file is missing.
///
/// # Errors
/// When the file can't be read or doesn't hold a KEK.
pub fn read_kek(path: &Path) -> Result<Option<Kek>> {
    let Some([key]) = read(path, ["kek"])? else { return Ok(None) };
    Ok(Some(Kek { id: key_id(&[&key]), key }))
}

/// Makes a KEK where there is none yet.
///
/// # Errors
/// When the file exists already or can't be written.
pub fn make_kek(path: &Path) -> Result<Kek> {
    let key = Key32::random();
    write(
        path,
        "Keyward key-encryption key. Without it no product key can be read: keep a copy apart from the database's backups.",
        &[("kek", &key)],
    )?;
    Ok(Kek { id: key_id(&[&key]), key })
}

/// Reads the site's keys; `None` where the file is missing.
///
/// # Errors
/// When the file can't be read or lacks a key.
pub fn read_site_keys(path: &Path) -> Result<Option<SiteKeys>> {
    let Some([fingerprint, audit, signing]) = read(path, ["fingerprint", "audit", "signing"])? else { return Ok(None) };
    Ok(Some(site_keys(fingerprint, audit, signing)))
}

/// Makes the site's keys where there are none yet.
///
/// # Errors
/// When the file exists already or can't be written.
pub fn make_site_keys(path: &Path) -> Result<SiteKeys> {
    let keys = site_keys(Key32::random(), Key32::random(), Key32::random());
    write(
        path,
        "Keyward site keys: fingerprints, audit links, lease signatures. Keep a copy apart from the database's backups.",
        &[("fingerprint", &keys.fingerprint), ("audit", &keys.audit), ("signing", &keys.signing)],
    )?;
    Ok(keys)
}

fn site_keys(fingerprint: Key32, audit: Key32, signing: Key32) -> SiteKeys {
    SiteKeys { id: key_id(&[&fingerprint, &audit, &signing]), fingerprint, audit, signing }
}

fn key_id(keys: &[&Key32]) -> String {
    let mut hash = Sha256::new_with_prefix(b"keyward key id");
    for key in keys {
        hash.update(key.expose());
    }
    hex(&hash.finalize()[..8])
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

fn read<const N: usize>(path: &Path, names: [&str; N]) -> Result<Option<[Key32; N]>> {
    let text = match fs::read_to_string(path) {
        Ok(text) => Zeroizing::new(text),
        Err(fault) if fault.kind() == ErrorKind::NotFound => return Ok(None),
        Err(fault) => {
            bail!("{} can't be read ({fault}): make it readable for the user that runs Keyward", path.display())
        }
    };
    let mut keys = Vec::with_capacity(N);
    for name in names {
        let line = text
            .lines()
            .find_map(|line| line.split_once('=').filter(|(left, _)| left.trim() == name))
            .with_context(|| {
                format!(
                    "{} has no line “{name} = …”: it isn't the file that Keyward made; put that back",
                    path.display()
                )
            })?;
        let bytes = Zeroizing::new(BASE64_STANDARD.decode(line.1.trim()).unwrap_or_default());
        let bytes: [u8; 32] = bytes.as_slice().try_into().ok().with_context(|| {
            format!("{}: “{name}” isn't 32 bytes in base64; put back the file that Keyward made", path.display())
        })?;
        keys.push(Key32::from_bytes(bytes));
    }
    Ok(keys.try_into().ok())
}

/// Writes a temporary file, syncs it, and links it into place: whole or not at all, and never over
/// a file that is there.
fn write(path: &Path, comment: &str, keys: &[(&str, &Key32)]) -> Result<()> {
    let dir = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let context = || format!("{} can't be written: choose a directory that Keyward may write to", path.display());
    fs::create_dir_all(dir).with_context(context)?;
    let mut text = Zeroizing::new(format!("# {comment}\n"));
    for (name, key) in keys {
        text.push_str(&format!("{name} = {}\n", Zeroizing::new(BASE64_STANDARD.encode(key.expose())).as_str()));
    }
    let draft = dir.join(format!(
        ".{}.{}",
        path.file_name().unwrap_or_default().to_string_lossy(),
        uuid::Uuid::new_v4().simple()
    ));
    let result = (|| {
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o400).open(&draft)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::hard_link(&draft, path)?;
        fs::File::open(dir)?.sync_all()
    })();
    let _ = fs::remove_file(&draft);
    result.with_context(context)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn made_once_read_back_and_never_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("kek");
        assert!(read_kek(&path).unwrap().is_none());
        let made = make_kek(&path).unwrap();
        let read = read_kek(&path).unwrap().unwrap();
        assert_eq!((made.id, made.key.expose()), (read.id, read.key.expose()));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o400);
        assert!(make_kek(&path).is_err());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "no draft is left behind");
    }

    #[test]
    fn a_file_that_is_no_kek_names_itself_and_the_way_out() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("kek");
        fs::write(&path, "kek = dG9vIHNob3J0\n").unwrap();
        let fault = read_kek(&path).unwrap_err().to_string();
        assert!(fault.contains("isn't 32 bytes") && fault.contains("put back"), "{fault}");
    }
}
