use proptest::prelude::*;
use time::macros::datetime;
use uuid::uuid;

use super::*;
use crate::{
    activation::lease::{Grant, Signer, Verifier},
    vault::envelope::Key32,
};

const APPLICATION: Uuid = uuid!("b1f0c9a4-5d1e-4c2b-8f3a-7e6d5c4b3a29");
const SKU: Uuid = uuid!("2d9e8f70-1c3b-4a5d-9e6f-708192a3b4c5");
const CMID: Uuid = uuid!("c0ffee00-1234-4abc-8def-0123456789ab");

fn hardware() -> Hardware {
    Hardware {
        board: "0123456789abcdef".into(),
        cpu: Some("77aa".into()),
        disk: Some("0e12".into()),
        ..Hardware::default()
    }
}

fn request() -> CodedRequest {
    CodedRequest {
        last_five: "2VCTH".into(),
        cmid: CMID,
        is_virtual: false,
        time: datetime!(2026-11-22 12:00 UTC),
        hardware: hardware(),
    }
}

fn signer() -> Signer {
    let seed = std::array::from_fn(|at| u8::try_from(at).unwrap());
    Signer::new(&Key32::from_bytes(seed), uuid!("6a7c1d52-3a0b-4f7e-9a51-0c8f3b1e2d40"))
}

fn lease(bound: &Hardware) -> String {
    signer().lease(&Grant {
        application: APPLICATION,
        sku: SKU,
        cmid: CMID,
        id: uuid!("00000000-0000-4000-8000-000000000001"),
        at: datetime!(2026-11-22 12:00 UTC),
        days: 180,
        hardware: Some(bound),
    })
}

/// The lease that a machine makes of a confirmation code.
fn taken(code: &str) -> String {
    let signer = signer();
    let read = CodedConfirmation::read(code).unwrap();
    read.lease(signer.issuer(), &signer.public().kid, APPLICATION, SKU, CMID, &hardware())
}

/// The document's line below this name.
fn vector(name: &str) -> &'static str {
    let document = include_str!("../../../docs/protocol.md");
    let (_, rest) = document.split_once(&format!("\n{name}:\n")).unwrap_or_else(|| panic!("no vector “{name}”"));
    rest.lines().next().unwrap()
}

#[test]
fn the_codes_of_the_document_are_these() {
    let code = request().write().unwrap();
    let confirmation = CodedConfirmation::of(&lease(&hardware()), &hardware()).unwrap().write();
    println!("{code}\n{}\n{confirmation}\n{}", request().id().unwrap(), lease(&hardware()));
    assert_eq!(code, vector("request code"));
    assert_eq!(request().id().unwrap().to_string(), vector("request code, its id"));
    assert_eq!(confirmation, vector("confirmation code"));
    assert_eq!(taken(&confirmation), vector("confirmation code, its lease"));
}

#[test]
fn a_code_is_read_in_lower_case_and_with_other_spaces() {
    let code = request().write().unwrap().to_lowercase().replace('-', "\n ");
    assert_eq!(CodedRequest::read(&code), Ok(request()));
}

#[test]
fn a_confirmation_by_code_is_the_lease_byte_for_byte_and_verifies() {
    let lease = lease(&hardware());
    let code = CodedConfirmation::of(&lease, &hardware()).unwrap().write();
    assert_eq!(taken(&code), lease);
    assert!(Verifier::new(&[signer().public()]).open(&taken(&code)).is_ok());
}

#[test]
fn an_activation_found_again_brings_the_components_that_it_is_bound_to() {
    let bound = Hardware { disk: None, network: Some("beef".into()), ..hardware() };
    let lease = lease(&bound);
    let code = CodedConfirmation::of(&lease, &hardware()).unwrap().write();
    assert_eq!(taken(&code), lease);
}

/// Any wrong character and any two swapped within a group, exhaustively.
#[test]
fn a_slip_is_named_by_its_group() {
    let code = request().write().unwrap();
    let places: Vec<usize> = (0..code.len()).filter(|at| code.as_bytes()[*at] != b'-').collect();
    for (nth, at) in places.iter().enumerate() {
        for other in ALPHABET.iter().filter(|other| **other != code.as_bytes()[*at]) {
            let mut wrong = code.clone().into_bytes();
            wrong[*at] = *other;
            let wrong = String::from_utf8(wrong).unwrap();
            assert_eq!(CodedRequest::read(&wrong), Err(BadCode::Group(nth / GROUP + 1)), "{wrong}");
        }
        for second in &places[nth + 1..(nth / GROUP + 1) * GROUP] {
            let mut swapped = code.clone().into_bytes();
            swapped.swap(*at, *second);
            let swapped = String::from_utf8(swapped).unwrap();
            if swapped != code {
                assert_eq!(CodedRequest::read(&swapped), Err(BadCode::Group(nth / GROUP + 1)));
            }
        }
    }
}

#[test]
fn groups_missing_swapped_or_of_another_code_are_refused() {
    let code = request().write().unwrap();
    let groups: Vec<&str> = code.split('-').collect();
    assert_eq!(CodedRequest::read(&groups[..groups.len() - 1].join("-")), Err(BadCode::Whole));
    let mut swapped = groups.clone();
    swapped.swap(2, 9);
    assert_eq!(CodedRequest::read(&swapped.join("-")), Err(BadCode::Group(3)));
    let other = CodedRequest { cmid: APPLICATION, ..request() }.write().unwrap();
    let mixed: Vec<&str> = groups[..4].iter().copied().chain(other.split('-').skip(4)).collect();
    assert_eq!(CodedRequest::read(&mixed.join("-")), Err(BadCode::Whole));
    assert_eq!(CodedRequest::read(""), Err(BadCode::Whole));
    let confirmation = CodedConfirmation::of(&lease(&hardware()), &hardware()).unwrap().write();
    assert!(matches!(CodedRequest::read(&confirmation), Err(BadCode::Kind(_))));
    assert!(matches!(CodedConfirmation::read(&code), Err(BadCode::Kind(_))));
    assert_eq!(
        CodedRequest::read(&code.replacen(&code[..1], "0", 1)),
        Err(BadCode::Character { group: 1, character: '0' })
    );
}

#[test]
fn what_a_code_cannot_say_is_said_to_need_a_file() {
    let long = CodedRequest { hardware: Hardware { cpu: Some("77aabb".into()), ..hardware() }, ..request() };
    assert!(matches!(long.write(), Err(BadCode::NoCode(_))));
    let count = signer().lease(&Grant {
        application: APPLICATION,
        sku: SKU,
        cmid: CMID,
        id: APPLICATION,
        at: datetime!(2026-11-22 12:00 UTC),
        days: 180,
        hardware: None,
    });
    assert!(matches!(CodedConfirmation::of(&count, &hardware()), Err(BadCode::NoCode(_))));
    assert!(CodedConfirmation::of("no.lease.", &hardware()).is_err());
}

proptest! {
    #[test]
    fn what_is_written_reads_as_it_was_meant(
        cmid in any::<u128>(), seconds in any::<u32>(), is_virtual in any::<bool>(), board in "[0-9a-f]{16}",
        others in proptest::array::uniform5(proptest::option::of("[0-9a-f]{4}")), key in "[BCDFGHJKMPQRTVWXY2346789]{5}",
    ) {
        let [system, cpu, disk, network, memory] = others;
        let request = CodedRequest {
            last_five: key,
            cmid: Uuid::from_u128(cmid),
            is_virtual,
            time: OffsetDateTime::from_unix_timestamp(i64::from(seconds)).unwrap(),
            hardware: Hardware { board, system, cpu, disk, network, memory },
        };
        prop_assert_eq!(CodedRequest::read(&request.write().unwrap()), Ok(request));
    }

    #[test]
    fn no_text_makes_the_readers_panic(text in "[2-9A-Z -]{0,300}|\\PC{0,60}") {
        let _ = (CodedRequest::read(&text), CodedConfirmation::read(&text));
    }
}
