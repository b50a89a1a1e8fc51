//! From a line to a request, strictly: nothing unknown, nothing missing, nothing of another form.

use std::borrow::Cow;

use ed25519_dalek::VerifyingKey;
use uuid::Uuid;

use super::{
    fields::{Fields, wrong},
    hardware::Hardware,
    jws,
    wire::{Ask, Enrol, Fault, MACHINE, Op, Request, VERSION},
};

/// Characters of an enrolment code at most.
const CODE: usize = 64;

/// A request with the key of the device that signed it, if one did. Whether that key is enrolled is for the
/// ledger to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// The request.
    pub request: Request,
    /// The key that its signature holds under.
    pub device: Option<VerifyingKey>,
}

/// A line that is no request, with its id where that could be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The id that the error line repeats.
    pub id: Option<Uuid>,
    /// What is wrong.
    pub fault: Fault,
}

/// Reads a line without its line feed: a request, or `{"v":1,"jws":"…"}` around one.
///
/// # Errors
/// [`Refused`], which names the field at fault.
pub fn read(line: &[u8]) -> Result<Received, Refused> {
    let mut fields = Fields::read(line).map_err(|fault| Refused { id: None, fault: fault.into() })?;
    if !fields.has("jws") {
        return plain(fields).map(|request| Received { request, device: None });
    }
    let (device, payload) = envelope(&mut fields)
        .and_then(|jws| fields.end().map(|()| jws).map_err(Fault::from))
        .and_then(|jws| jws::open_device(&jws).map_err(|fault| wrong("jws", format!("isn't trusted: {fault}")).into()))
        .map_err(|fault| Refused { id: None, fault })?;
    let fields = Fields::read(&payload).map_err(|fault| Refused { id: None, fault: fault.into() })?;
    plain(fields).map(|request| Received { request, device: Some(device) })
}

fn envelope<'l>(fields: &mut Fields<'l>) -> Result<Cow<'l, str>, Fault> {
    version(fields)?;
    fields.text_if("jws")?.ok_or_else(|| wrong("jws", "is missing").into())
}

fn version(fields: &mut Fields<'_>) -> Result<(), Fault> {
    if fields.integer("v")? == VERSION { Ok(()) } else { Err(Fault::Version) }
}

fn plain(mut fields: Fields<'_>) -> Result<Request, Refused> {
    // The version first: another one may have other fields.
    if let Err(fault) = version(&mut fields) {
        return Err(Refused { id: fields.uuid_if("id").ok().flatten(), fault });
    }
    let id = fields.uuid("id").map_err(|fault| Refused { id: None, fault: fault.into() })?;
    let op = op(fields).map_err(|fault| Refused { id: Some(id), fault })?;
    Ok(Request { v: VERSION, op, id })
}

fn op(mut fields: Fields<'_>) -> Result<Op, Fault> {
    let name = fields.words("op", 16)?;
    let op = match name.as_str() {
        "hello" => Op::Hello { enrol: fields.object_if("enrol")?.map(enrol).transpose()? },
        "activate" => Op::Activate(ask(&mut fields)?),
        "mak" => {
            let ask = ask(&mut fields)?;
            let key = fields.words("key", 64)?;
            let hardware = fields.object_if("hardware")?.ok_or_else(|| wrong("hardware", "is missing"))?;
            Op::Mak { ask, key, hardware: Hardware::read(hardware)? }
        }
        "status" => Op::Status {
            ask: ask(&mut fields)?,
            hardware: fields.object_if("hardware")?.map(Hardware::read).transpose()?,
        },
        _ => return Err(wrong("op", "isn't one of hello, activate, mak, status").into()),
    };
    fields.end()?;
    Ok(op)
}

fn ask(fields: &mut Fields<'_>) -> Result<Ask, Fault> {
    let ask = Ask {
        application: fields.uuid("application")?,
        sku: fields.uuid("sku")?,
        cmid: fields.uuid("cmid")?,
        previous_cmid: fields.uuid_if("previous_cmid")?,
        machine: fields.words("machine", MACHINE)?,
        r#virtual: fields.flag("virtual")?,
        time: fields.moment("time")?,
    };
    if ask.previous_cmid == Some(ask.cmid) {
        return Err(wrong("previous_cmid", "is the same as cmid: leave it out").into());
    }
    Ok(ask)
}

fn enrol(mut fields: Fields<'_>) -> Result<Enrol, Fault> {
    let enrol = Enrol {
        application: fields.uuid("application")?,
        cmid: fields.uuid("cmid")?,
        machine: fields.words("machine", MACHINE)?,
        code: fields.words("code", CODE)?,
    };
    fields.end()?;
    Ok(enrol)
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::SigningKey;
    use proptest::prelude::*;
    use time::OffsetDateTime;

    use super::*;

    const LINE: &str = r#"{"v":1,"op":"activate","id":"0e4bd6a4-86f7-4a3b-8a43-6c3fd1c4a101","application":"7f2f9c1e-6f0d-4a59-9c3e-2f1f3f0d1a01","sku":"7f2f9c1e-6f0d-4a59-9c3e-2f1f3f0d1a02","cmid":"7f2f9c1e-6f0d-4a59-9c3e-2f1f3f0d1a03","machine":"PC-0001","virtual":false,"time":"2026-11-22T12:00:00Z"}"#;

    fn word(line: &str) -> String {
        match read(line.as_bytes()) {
            Ok(_) => "fine".to_owned(),
            Err(Refused { fault: Fault::Field { field, .. }, .. }) => format!("field {field}"),
            Err(Refused { fault, .. }) => fault.word().to_owned(),
        }
    }

    #[test]
    fn every_field_is_needed_and_none_more_is_taken() {
        assert_eq!(word(LINE), "fine");
        for field in ["op", "id", "application", "sku", "cmid", "machine", "virtual", "time"] {
            let other = LINE.replace(&format!("\"{field}\":"), "\"else\":");
            assert_eq!(word(&other), format!("field {field}"));
        }
        assert_eq!(word(&LINE.replace("}", ",\"key\":\"x\"}")), "field key");
        assert_eq!(word(&LINE.replace("\"v\":1", "\"v\":2")), "version");
        assert_eq!(word(&LINE.replace("\"v\":1", "\"v\":\"1\"")), "field v");
        assert_eq!(word(&LINE.replace("activate", "kill")), "field op");
        assert_eq!(word(&LINE.replace("activate", "mak")), "field key");
    }

    #[test]
    fn an_error_line_repeats_the_id_where_it_can_be_read() {
        let refused = read(LINE.replace("false", "0").as_bytes()).unwrap_err();
        assert_eq!(refused.id.unwrap().to_string(), "0e4bd6a4-86f7-4a3b-8a43-6c3fd1c4a101");
        let refused = read(LINE.replace("\"v\":1", "\"v\":2").as_bytes()).unwrap_err();
        assert!(refused.id.is_some());
    }

    #[test]
    fn a_signed_line_brings_its_key_and_a_changed_one_is_refused() {
        let key = SigningKey::from_bytes(&[5; 32]);
        let line = format!(r#"{{"v":1,"jws":"{}"}}"#, jws::sign_device(&key, LINE.as_bytes()));
        assert_eq!(read(line.as_bytes()).unwrap().device, Some(key.verifying_key()));
        let changed = line.replacen("eyJ2", "eyJ3", 1);
        assert_eq!(word(&changed), "field jws");
        assert_eq!(word(&line.replace("\"v\":1", "\"v\":1,\"id\":\"x\"")), "field id");
    }

    fn asks() -> impl Strategy<Value = Ask> {
        let id = || any::<u128>().prop_filter("nil isn't allowed", |n| *n != 0).prop_map(Uuid::from_u128);
        let name = "[^\\p{Cc}]{1,64}";
        (id(), id(), id(), proptest::option::of(id()), name, any::<bool>(), 0_i64..4_000_000_000).prop_filter_map(
            "the previous id is another one",
            |(application, sku, cmid, previous_cmid, machine, r#virtual, time)| {
                (previous_cmid != Some(cmid)).then(|| Ask {
                    application,
                    sku,
                    cmid,
                    previous_cmid,
                    machine,
                    r#virtual,
                    time: OffsetDateTime::from_unix_timestamp(time).unwrap(),
                })
            },
        )
    }

    fn hardware() -> impl Strategy<Value = Hardware> {
        proptest::array::uniform6(proptest::option::of("[!-~]{1,64}")).prop_map(|mut parts| {
            parts[0].get_or_insert_with(|| "board".into());
            Hardware::from_parts(parts).unwrap()
        })
    }

    proptest! {
        #[test]
        fn what_a_client_writes_reads_as_it_was_meant(
            ask in asks(), hardware in hardware(), key in "[A-Z0-9]{5}(-[A-Z0-9]{5}){4}", which in 0..4_u8,
        ) {
            let op = match which {
                0 => Op::Activate(ask),
                1 => Op::Mak { ask, key, hardware },
                2 => Op::Status { ask, hardware: Some(hardware) },
                _ => Op::Hello { enrol: Some(Enrol {
                    application: ask.application, cmid: ask.cmid, machine: ask.machine, code: key,
                }) },
            };
            let request = Request { v: VERSION, op, id: Uuid::from_u128(9) };
            let line = serde_json::to_string(&request).unwrap();
            prop_assert!(line.len() < super::super::wire::LINE);
            prop_assert_eq!(read(line.as_bytes()).unwrap(), Received { request, device: None });
        }

        #[test]
        fn no_bytes_make_the_reader_panic(line in proptest::collection::vec(any::<u8>(), 0..600)) {
            let _ = read(&line);
        }

        #[test]
        fn one_changed_byte_is_refused_or_read_but_never_panics(at in 0..LINE.len(), byte in any::<u8>()) {
            let mut line = LINE.as_bytes().to_vec();
            line[at] = byte;
            if let Err(refused) = read(&line) {
                prop_assert!(refused.fault.line(refused.id).len() < 512);
            }
        }
    }
}
