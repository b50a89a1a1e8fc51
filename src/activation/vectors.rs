//! The test vectors of `docs/protocol.md` are what this program reads and writes.

use ed25519_dalek::SigningKey;
use time::macros::datetime;
use uuid::{Uuid, uuid};

use super::{
    hardware::Hardware,
    jws,
    lease::{Grant, Signer, Verifier},
    product_key,
    request::{Received, read},
    wire::{Answer, Fault, LINE, Outcome, Site},
};
use crate::{keys::ProductKey, vault::envelope::Key32};

const DOCUMENT: &str = include_str!("../../docs/protocol.md");

const SITE: Uuid = uuid!("6a7c1d52-3a0b-4f7e-9a51-0c8f3b1e2d40");
const APPLICATION: Uuid = uuid!("b1f0c9a4-5d1e-4c2b-8f3a-7e6d5c4b3a29");
const SKU: Uuid = uuid!("2d9e8f70-1c3b-4a5d-9e6f-708192a3b4c5");
const CMID: Uuid = uuid!("c0ffee00-1234-4abc-8def-0123456789ab");

/// The line of the document that follows this name in a vector block.
fn vector(name: &str) -> &'static str {
    let mark = format!("\n{name}:\n");
    let (_, rest) = DOCUMENT.split_once(&mark).unwrap_or_else(|| panic!("docs/protocol.md has no vector “{name}”"));
    rest.lines().next().unwrap()
}

fn signer() -> Signer {
    Signer::new(&Key32::from_bytes(std::array::from_fn(|at| u8::try_from(at).unwrap())), SITE)
}

fn hardware() -> Hardware {
    Hardware { board: "b-5f1c".into(), cpu: Some("c-77aa".into()), disk: Some("d-0e12".into()), ..Hardware::default() }
}

fn grant(id: Uuid, hardware: Option<&Hardware>) -> Grant<'_> {
    let at = datetime!(2026-11-22 12:00 UTC);
    Grant { application: APPLICATION, sku: SKU, cmid: CMID, id, at, days: 180, hardware }
}

#[test]
fn requests_read_and_are_written_again_byte_for_byte() {
    for name in ["hello", "enrol", "activate", "mak", "status"] {
        let line = vector(name);
        assert!(line.len() < LINE);
        let Received { request, device } = read(line.as_bytes()).unwrap_or_else(|fault| panic!("{name}: {fault:?}"));
        assert_eq!(request.line(), line, "{name}");
        assert_eq!(device, None);
    }
}

#[test]
fn a_signed_request_is_made_and_verified() {
    let key = SigningKey::from_bytes(&[0x42; 32]);
    assert_eq!(vector("device seed, hex"), "42".repeat(32));
    let line = format!(r#"{{"v":1,"jws":"{}"}}"#, jws::sign_device(&key, vector("activate").as_bytes()));
    assert_eq!(line, vector("activate, signed"));
    assert_eq!(read(line.as_bytes()).unwrap().device, Some(key.verifying_key()));
}

#[test]
fn leases_are_these_bytes() {
    let signer = signer();
    let keys = [signer.public()];
    assert_eq!(vector("site key, kid"), keys[0].kid);
    assert_eq!(vector("site key, x"), keys[0].x);
    let id = uuid!("00000000-0000-4000-8000-000000000001");
    let kms = signer.lease(&grant(id, None));
    assert_eq!(kms, vector("lease of a count"));
    let mak = signer.lease(&grant(id, Some(&hardware())));
    assert_eq!(mak, vector("lease of a key"));
    let claims = Verifier::new(&keys).open(&mak).unwrap();
    assert_eq!(serde_json::to_string(&claims).unwrap(), vector("claims of the lease of a key"));
}

#[test]
fn answers_are_these_lines() {
    let id = uuid!("0e4bd6a4-86f7-4a3b-8a43-6c3fd1c4a101");
    let done = Answer::new(id, Outcome::Done);
    let leased = done.clone().counted(25, 25).leased(vector("lease of a count"));
    assert_eq!(leased.line(), vector("answer, activated"));
    assert_eq!(
        Answer::new(id, Outcome::CountInsufficient).counted(24, 25).line(),
        vector("answer, count insufficient")
    );
    let confirmed = uuid!("00000000-0000-4000-8000-000000000001");
    let mak = done.clone().confirmed(confirmed).leased(vector("lease of a key"));
    assert_eq!(mak.line(), vector("answer, mak"));
    assert_eq!(Answer::new(id, Outcome::LimitReached).line(), vector("answer, limit reached"));
    let signer = signer();
    let site = Site { iss: signer.issuer().into(), keys: vec![signer.public()], line: 4096, pipeline: 64 };
    assert_eq!(Answer { site: Some(site), ..done }.line(), vector("answer, hello"));
    let fault = read(vector("activate").replace("\"sku\"", "\"product\"").as_bytes()).unwrap_err();
    assert_eq!(fault.fault.line(fault.id), vector("error, field"));
    assert_eq!(Fault::Busy.line(None), vector("error, busy"));
}

#[test]
fn every_result_and_every_error_word_is_explained() {
    for outcome in Outcome::ALL {
        assert!(DOCUMENT.contains(&format!("| `{}` |", outcome.code())), "{outcome:?}");
    }
    let field = Fault::Field { field: String::new(), why: String::new() };
    for fault in [
        Fault::Malformed(""),
        field,
        Fault::Version,
        Fault::TooLong,
        Fault::TooSlow,
        Fault::Busy,
        Fault::TooManyFaults,
        Fault::Enrolment(""),
        Fault::Unavailable,
    ] {
        assert!(DOCUMENT.contains(&format!("| `{}` |", fault.word())), "{fault:?}");
    }
}

#[test]
fn the_key_of_the_document_holds_its_check_and_its_mistakes_do_not() {
    let check = |text: &str| product_key::check(&ProductKey::parse(text).unwrap());
    assert_eq!(check(vector("key")), Ok(()));
    assert!(check(vector("key, one character wrong")).is_err());
    assert!(check(vector("key, neighbours swapped")).is_err());
}

/// Prints what the document holds, after a change of the protocol: `cargo test vectors::print -- --ignored --nocapture`.
#[test]
#[ignore = "prints the vectors; checks nothing"]
fn print() {
    let signer = signer();
    let id = uuid!("00000000-0000-4000-8000-000000000001");
    println!("{:?}\n{}", signer.public(), signer.lease(&grant(id, None)));
    println!("{}", signer.lease(&grant(id, Some(&hardware()))));
    let claims = Verifier::new(&[signer.public()]).open(&signer.lease(&grant(id, Some(&hardware())))).unwrap();
    println!("{}", serde_json::to_string(&claims).unwrap());
    println!("{}", product_key::generate().expose());
    let key = SigningKey::from_bytes(&[0x42; 32]);
    println!(r#"{{"v":1,"jws":"{}"}}"#, jws::sign_device(&key, vector("activate").as_bytes()));
    let id = uuid!("0e4bd6a4-86f7-4a3b-8a43-6c3fd1c4a101");
    println!("{}", Answer::new(id, Outcome::CountInsufficient).counted(24, 25).line());
    println!("{}", Answer::new(id, Outcome::LimitReached).line());
    println!("{}", Fault::Busy.line(None));
}
