//! Codes to type: what a machine without any connection shows and somebody dictates or types at the portal,
//! and the confirmation that comes back the same way. `docs/protocol.md`, "Codes to type".
//!
//! Pure. A code is written in groups of six characters: three bytes in five, and a check of the group and of
//! its place, so that a slip is named by its group. A request code holds no product key, only its last group: the
//! portal knows the rest. A confirmation is long because it is a signature: the machine verifies it by itself.

use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use uuid::{Builder, Uuid};

use super::{
    hardware::{COMPONENTS, Hardware},
    jws::{self, base64url},
    lease::{self, Claims, Model},
    product_key::ALPHABET as KEY_ALPHABET,
    wire::Ask,
};

/// The characters of codes: none that look alike.
pub const ALPHABET: &[u8; 31] = b"23456789ABCDEFGHJKLMNPQRSTVWXYZ";
/// Characters of a group.
pub const GROUP: usize = 6;
/// First byte of a request code.
const REQUEST: u8 = 0x11;
/// First byte of a confirmation code.
const CONFIRMATION: u8 = 0x12;
/// Hexadecimal digits of the mainboard's digest.
const BOARD: usize = 16;
/// Hexadecimal digits of any other component's digest.
const OTHER: usize = 4;
/// Bytes of an Ed25519 signature.
const SIGNATURE: usize = 64;

/// Why a text isn't a code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadCode {
    /// A character that no code holds.
    #[error("group {group} has “{character}”, which no code holds")]
    Character {
        /// From 1.
        group: usize,
        /// The character.
        character: char,
    },
    /// A group isn't what was shown.
    #[error("group {0} isn't right: compare it with the code that was shown")]
    Group(usize),
    /// Groups are missing, too many, or of two codes.
    #[error("the code isn't whole: it needs every group of the code that was shown, in its order")]
    Whole,
    /// A code of the other kind.
    #[error("this is {0}")]
    Kind(&'static str),
    /// Can't be said by a code.
    #[error("this can't be said by a code: {0}; use a file")]
    NoCode(&'static str),
}

/// What a machine says by a code: a `mak` request without what the portal knows or is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodedRequest {
    /// Last group of the key.
    pub last_five: String,
    /// The client.
    pub cmid: Uuid,
    /// Whether it is a virtual machine.
    pub is_virtual: bool,
    /// Its clock, whole seconds.
    pub time: OffsetDateTime,
    /// Its components: 16 hexadecimal digits for the mainboard, 4 for the others.
    pub hardware: Hardware,
}

impl CodedRequest {
    /// The code, in groups.
    ///
    /// # Errors
    /// [`BadCode::NoCode`] where the components aren't digests of the lengths above.
    pub fn write(&self) -> Result<String, BadCode> {
        Ok(encode(self.bytes()?))
    }

    /// Reads what was typed, in either case, with any spaces and hyphens.
    ///
    /// # Errors
    /// [`BadCode`] names the group at fault.
    pub fn read(text: &str) -> Result<Self, BadCode> {
        let bytes = decode(text)?;
        let mut reader = Reader::new(&bytes, REQUEST)?;
        let flags = reader.byte()?;
        let last_five = last_five(u32::from_be_bytes([0, reader.byte()?, reader.byte()?, reader.byte()?]))?;
        let cmid = Uuid::from_bytes(reader.array()?);
        let seconds = u32::from_be_bytes(reader.array()?);
        let time = OffsetDateTime::from_unix_timestamp(i64::from(seconds)).map_err(|_| BadCode::Whole)?;
        let mut parts: [Option<String>; 6] = Default::default();
        parts[0] = Some(hex(&reader.array::<8>()?));
        for (at, part) in parts.iter_mut().enumerate().skip(1) {
            if flags & bit(at) != 0 {
                *part = Some(hex(&reader.array::<2>()?));
            }
        }
        reader.end()?;
        let hardware = Hardware::from_parts(parts).ok_or(BadCode::Whole)?;
        Ok(Self { last_five, cmid, is_virtual: flags & 1 != 0, time, hardware })
    }

    /// The request's id: the same code is the same request.
    ///
    /// # Errors
    /// As [`CodedRequest::write`].
    pub fn id(&self) -> Result<Uuid, BadCode> {
        let digest: [u8; 32] = Sha256::digest(self.bytes()?).into();
        let mut id = [0; 16];
        id.copy_from_slice(&digest[..16]);
        Ok(Builder::from_custom_bytes(id).into_uuid())
    }

    /// Who asks, with what the portal knows of the key and is told of the machine.
    pub fn ask(&self, application: Uuid, sku: Uuid, machine: &str) -> Ask {
        Ask {
            application,
            sku,
            cmid: self.cmid,
            previous_cmid: None,
            machine: machine.to_owned(),
            r#virtual: self.is_virtual,
            time: self.time,
        }
    }

    fn bytes(&self) -> Result<Vec<u8>, BadCode> {
        let [board, others @ ..] = self.hardware.parts();
        let mut bytes = vec![REQUEST, u8::from(self.is_virtual)];
        let [_, key @ ..] = key_number(&self.last_five)?.to_be_bytes();
        bytes.extend(key);
        bytes.extend(self.cmid.as_bytes());
        let seconds = u32::try_from(self.time.unix_timestamp()).map_err(|_| BadCode::NoCode("the clock isn't set"))?;
        bytes.extend(seconds.to_be_bytes());
        bytes.extend(unhex(board, BOARD)?);
        for (at, part) in others.iter().enumerate() {
            if part.is_some() {
                bytes[1] |= bit(at + 1);
                bytes.extend(unhex(*part, OTHER)?);
            }
        }
        Ok(bytes)
    }
}

/// What the portal answers by a code: a lease, without what the machine knows of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodedConfirmation {
    days: u8,
    iat: u32,
    jti: Uuid,
    signature: [u8; SIGNATURE],
    /// Components that the activation is bound to, where they aren't those of the request; an inner none is one
    /// that it has none of.
    bound: [Option<Option<String>>; 6],
}

impl CodedConfirmation {
    /// Of a lease that answers a coded request.
    ///
    /// # Errors
    /// [`BadCode::NoCode`] where it isn't a lease of a key, or is bound to components that a code can't say.
    pub fn of(lease: &str, asked: &Hardware) -> Result<Self, BadCode> {
        const NO: BadCode = BadCode::NoCode("it isn't the lease of a key");
        let parts = jws::parts(lease).map_err(|_| NO)?;
        let claims: Claims = serde_json::from_slice(&parts.payload).map_err(|_| NO)?;
        let signature = lease.rsplit('.').next().and_then(jws::from_base64url).ok_or(NO)?;
        let hw = claims.hw.ok_or(NO)?;
        let mut bound: [Option<Option<String>>; 6] = Default::default();
        for ((one, other), slot) in hw.parts().into_iter().zip(asked.parts()).zip(&mut bound) {
            if one != other {
                one.map(|digest| unhex(Some(digest), OTHER)).transpose()?;
                *slot = Some(one.map(str::to_owned));
            }
        }
        if bound[0].is_some() {
            return Err(BadCode::NoCode("it is bound to another mainboard"));
        }
        Ok(Self {
            days: u8::try_from((claims.exp - claims.iat) / 86_400).map_err(|_| NO)?,
            iat: u32::try_from(claims.iat).map_err(|_| NO)?,
            jti: claims.jti,
            signature: signature.try_into().map_err(|_| NO)?,
            bound,
        })
    }

    /// The code, in groups.
    pub fn write(&self) -> String {
        let mut bytes = vec![CONFIRMATION, 0, 0, self.days];
        bytes.extend(self.iat.to_be_bytes());
        bytes.extend(self.jti.as_bytes());
        bytes.extend(self.signature);
        for (at, part) in self.bound.iter().enumerate() {
            match part {
                None => {}
                Some(None) => bytes[2] |= bit(at),
                Some(Some(digest)) => {
                    bytes[1] |= bit(at);
                    // looked at when it was made
                    bytes.extend(unhex(Some(digest), OTHER).unwrap_or_default());
                }
            }
        }
        encode(bytes)
    }

    /// Reads what was typed.
    ///
    /// # Errors
    /// [`BadCode`] names the group at fault.
    pub fn read(text: &str) -> Result<Self, BadCode> {
        let bytes = decode(text)?;
        let mut reader = Reader::new(&bytes, CONFIRMATION)?;
        let (changed, absent, days) = (reader.byte()?, reader.byte()?, reader.byte()?);
        let iat = u32::from_be_bytes(reader.array()?);
        let jti = Uuid::from_bytes(reader.array()?);
        let signature = reader.array()?;
        let mut bound: [Option<Option<String>>; 6] = Default::default();
        for (at, slot) in bound.iter_mut().enumerate().skip(1) {
            if changed & bit(at) != 0 {
                *slot = Some(Some(hex(&reader.array::<2>()?)));
            } else if absent & bit(at) != 0 {
                *slot = Some(None);
            }
        }
        reader.end()?;
        Ok(Self { days, iat, jti, signature, bound })
    }

    /// The lease, if the site's key `kid` signed it for this client; whether it did is for a verifier to say.
    pub fn lease(&self, iss: &str, kid: &str, application: Uuid, sku: Uuid, cmid: Uuid, asked: &Hardware) -> String {
        let mut parts = asked.parts().map(|part| part.map(str::to_owned));
        for (part, bound) in parts.iter_mut().zip(&self.bound) {
            if let Some(bound) = bound {
                part.clone_from(bound);
            }
        }
        let iat = i64::from(self.iat);
        let claims = Claims {
            iss: iss.to_owned(),
            aud: application,
            sub: cmid,
            jti: self.jti,
            iat,
            nbf: iat,
            exp: iat + i64::from(self.days) * 86_400,
            sku,
            model: Model::Mak,
            hw: Hardware::from_parts(parts),
        };
        let payload = base64url(&serde_json::to_vec(&claims).unwrap_or_default());
        format!("{}.{payload}.{}", lease::header(kid), base64url(&self.signature))
    }
}

/// The bit that stands for a component, by its place in [`COMPONENTS`]; that of the mainboard is free.
fn bit(component: usize) -> u8 {
    debug_assert!(component < COMPONENTS.len());
    1 << component
}

/// Takes a code's bytes apart; what is left at the end is their digest.
struct Reader<'a> {
    all: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn new(all: &'a [u8], kind: u8) -> Result<Self, BadCode> {
        match all.first() {
            Some(first) if *first == kind => Ok(Self { all, at: 1 }),
            Some(&REQUEST) => Err(BadCode::Kind("a machine's request code: the confirmation code is wanted here")),
            Some(&CONFIRMATION) => Err(BadCode::Kind("a confirmation code: a machine's request code is wanted here")),
            _ => Err(BadCode::Kind("no code of this version")),
        }
    }

    fn byte(&mut self) -> Result<u8, BadCode> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], BadCode> {
        let bytes = self.all.get(self.at..).and_then(<[u8]>::first_chunk).ok_or(BadCode::Whole)?;
        self.at += N;
        Ok(*bytes)
    }

    fn end(self) -> Result<(), BadCode> {
        let (said, digest) = self.all.split_at(self.at);
        if digest.len() == digest_length(said.len()) && digest == &Sha256::digest(said)[..digest.len()] {
            Ok(())
        } else {
            Err(BadCode::Whole)
        }
    }
}

/// Two bytes of digest at least, and as many as make whole groups.
fn digest_length(bytes: usize) -> usize {
    2 + (1 + 2 * bytes) % 3
}

fn encode(mut bytes: Vec<u8>) -> String {
    let digest = Sha256::digest(&bytes);
    bytes.extend(&digest[..digest_length(bytes.len())]);
    let mut text = String::with_capacity(bytes.len() / 3 * (GROUP + 1));
    for (at, three) in bytes.chunks(3).enumerate() {
        if at > 0 {
            text.push('-');
        }
        let mut number = three.iter().fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
        let mut digits = [0_u32; GROUP];
        for digit in digits[..GROUP - 1].iter_mut().rev() {
            *digit = number % 31;
            number /= 31;
        }
        // 26 is the inverse of the last digit's weight
        digits[GROUP - 1] = (31 - weigh(at, &digits)) % 31 * 26 % 31;
        text.extend(digits.iter().map(|digit| char::from(ALPHABET[*digit as usize])));
    }
    text
}

/// The weights of a group's characters are 1 to 6, that of its place (from 1) is 7.
fn weigh(group: usize, digits: &[u32; GROUP]) -> u32 {
    let place = u32::try_from(group + 1).unwrap_or_default();
    digits.iter().zip(1..).fold(7 * place, |sum, (digit, weight)| sum + digit * weight) % 31
}

fn decode(text: &str) -> Result<Vec<u8>, BadCode> {
    let characters: Vec<char> = text.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
    let mut bytes = Vec::with_capacity(characters.len() / 2);
    for (at, group) in characters.chunks(GROUP).enumerate() {
        let mut digits = [0_u32; GROUP];
        for (digit, character) in digits.iter_mut().zip(group) {
            let upper = character.to_ascii_uppercase();
            let place = ALPHABET.iter().position(|known| char::from(*known) == upper);
            let place = place.ok_or(BadCode::Character { group: at + 1, character: *character })?;
            *digit = u32::try_from(place).unwrap_or_default();
        }
        let number = digits[..GROUP - 1].iter().fold(0, |number, digit| number * 31 + digit);
        let [none, three @ ..] = number.to_be_bytes();
        if group.len() != GROUP || none != 0 || weigh(at, &digits) != 0 {
            return Err(BadCode::Group(at + 1));
        }
        bytes.extend(three);
    }
    if bytes.is_empty() { Err(BadCode::Whole) } else { Ok(bytes) }
}

fn key_number(last_five: &str) -> Result<u32, BadCode> {
    if last_five.len() != 5 {
        return Err(BadCode::NoCode("the key isn't one of an own product"));
    }
    last_five.bytes().try_fold(0, |number, byte| {
        let digit = KEY_ALPHABET.iter().position(|known| *known == byte).and_then(|digit| u32::try_from(digit).ok());
        Ok(number * 24 + digit.ok_or(BadCode::NoCode("the key isn't one of an own product"))?)
    })
}

fn last_five(mut number: u32) -> Result<String, BadCode> {
    let mut text = [0; 5];
    for byte in text.iter_mut().rev() {
        *byte = KEY_ALPHABET[(number % 24) as usize];
        number /= 24;
    }
    if number == 0 { Ok(text.iter().map(|byte| char::from(*byte)).collect()) } else { Err(BadCode::Whole) }
}

fn hex(bytes: &[u8]) -> String {
    crate::vault::files::hex(bytes)
}

fn unhex(digits: Option<&str>, length: usize) -> Result<Vec<u8>, BadCode> {
    const NO: BadCode = BadCode::NoCode("a component isn't a digest of the length that codes have");
    let digits = digits.filter(|digits| digits.len() == length).ok_or(NO)?;
    if !digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
        return Err(NO);
    }
    (0..length).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).map_err(|_| NO)).collect()
}

#[cfg(test)]
mod tests;
