//! A strict reader for small JSON objects: each field is taken by name once, with its type and its form;
//! what is left over is an error, and so is a name that stands twice. Every error names its field.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use time::{OffsetDateTime, PrimitiveDateTime, macros::format_description};
use uuid::Uuid;

/// How deep objects may lie in each other: the line itself, and one object in it.
pub const DEPTH: usize = 2;

/// What is wrong with a text that should be an object of known fields.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// No JSON object at all.
    #[error("{0}")]
    NoObject(&'static str),
    /// A field.
    #[error("the field “{field}” {why}")]
    Field {
        /// Its name; of a field inside another, `outer.inner`.
        field: String,
        /// What is wrong with it.
        why: String,
    },
}

/// A field that is missing, left over or not of its form.
pub fn wrong(field: impl Into<String>, why: impl Into<String>) -> Malformed {
    let mut field = field.into();
    // A name is the sender's text: short, and free of control characters, in an answer or a log.
    if field.len() > 64 || field.chars().any(char::is_control) {
        field = field.chars().filter(|c| !c.is_control()).take(32).collect::<String>() + "…";
    }
    Malformed::Field { field, why: why.into() }
}

/// The fields of an object that haven't been taken yet; their texts lie in the line, where it holds them as they are.
#[derive(Debug, Default)]
pub struct Fields<'l> {
    within: &'static str,
    rest: Vec<(Text<'l>, Value<'l>)>,
}

#[derive(Debug, PartialEq)]
struct Text<'l>(Cow<'l, str>);

#[derive(Debug)]
enum Value<'l> {
    Text(Cow<'l, str>),
    Integer(i64),
    Flag(bool),
    Object(Vec<(Text<'l>, Value<'l>)>),
    Other(&'static str),
}

impl<'l> Fields<'l> {
    /// Reads one object from a line of text.
    ///
    /// # Errors
    /// [`Malformed`], which never repeats the line.
    pub fn read(line: &'l [u8]) -> Result<Self, Malformed> {
        let text = std::str::from_utf8(line).map_err(|_| Malformed::NoObject("the line isn't UTF-8"))?;
        shallow(text)?;
        match serde_json::from_str::<Value<'l>>(text) {
            Ok(Value::Object(rest)) => Self::of("", rest),
            Ok(_) => Err(Malformed::NoObject("the line isn't a JSON object")),
            Err(_) => Err(Malformed::NoObject("the line isn't JSON")),
        }
    }

    fn of(within: &'static str, rest: Vec<(Text<'l>, Value<'l>)>) -> Result<Self, Malformed> {
        let fields = Self { within, rest };
        for (at, (name, _)) in fields.rest.iter().enumerate() {
            if fields.rest[..at].iter().any(|(before, _)| before == name) {
                return Err(wrong(fields.full(&name.0), "stands twice"));
            }
        }
        Ok(fields)
    }

    fn full(&self, name: &str) -> String {
        if self.within.is_empty() { name.to_owned() } else { format!("{}.{name}", self.within) }
    }

    fn take(&mut self, name: &str) -> Option<Value<'l>> {
        let at = self.rest.iter().position(|(known, _)| known.0 == name)?;
        Some(self.rest.swap_remove(at).1)
    }

    fn fault(&self, name: &str, why: impl Into<String>) -> Malformed {
        wrong(self.full(name), why)
    }

    fn required<T>(&self, name: &str, value: Option<T>) -> Result<T, Malformed> {
        value.ok_or_else(|| self.fault(name, "is missing"))
    }

    /// A text.
    ///
    /// # Errors
    /// Of another type.
    pub fn text_if(&mut self, name: &str) -> Result<Option<Cow<'l, str>>, Malformed> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(other) => Err(self.fault(name, format!("is {}, a text is needed", other.kind()))),
        }
    }

    /// A text that must be there, of `most` characters at most and one at least, without control characters.
    ///
    /// # Errors
    /// See above.
    pub fn words(&mut self, name: &str, most: usize) -> Result<String, Malformed> {
        let text = self.text_if(name)?;
        let text = self.required(name, text)?;
        let length = text.chars().count();
        if length == 0 || length > most {
            return Err(self.fault(name, format!("has {length} characters, 1 to {most} are allowed")));
        }
        if text.chars().any(char::is_control) {
            return Err(self.fault(name, "holds a control character"));
        }
        Ok(text.into_owned())
    }

    /// A UUID.
    ///
    /// # Errors
    /// Of another type or form.
    pub fn uuid_if(&mut self, name: &str) -> Result<Option<Uuid>, Malformed> {
        let Some(text) = self.text_if(name)? else { return Ok(None) };
        let hyphenated = text.len() == 36;
        match Uuid::try_parse(&text).ok().filter(|id| hyphenated && !id.is_nil()) {
            Some(id) => Ok(Some(id)),
            None => Err(self.fault(name, "isn't a UUID, written as 8-4-4-4-12 hexadecimal digits and not all zero")),
        }
    }

    /// A UUID that must be there.
    ///
    /// # Errors
    /// See above.
    pub fn uuid(&mut self, name: &str) -> Result<Uuid, Malformed> {
        let id = self.uuid_if(name)?;
        self.required(name, id)
    }

    /// A truth value that must be there.
    ///
    /// # Errors
    /// See above.
    pub fn flag(&mut self, name: &str) -> Result<bool, Malformed> {
        match self.take(name) {
            Some(Value::Flag(flag)) => Ok(flag),
            Some(other) => Err(self.fault(name, format!("is {}, true or false is needed", other.kind()))),
            None => Err(self.fault(name, "is missing")),
        }
    }

    /// An integer that must be there.
    ///
    /// # Errors
    /// See above.
    pub fn integer(&mut self, name: &str) -> Result<i64, Malformed> {
        match self.take(name) {
            Some(Value::Integer(number)) => Ok(number),
            Some(other) => Err(self.fault(name, format!("is {}, an integer is needed", other.kind()))),
            None => Err(self.fault(name, "is missing")),
        }
    }

    /// A moment that must be there, in UTC to the second: `2026-11-22T12:00:00Z`.
    ///
    /// # Errors
    /// See above.
    pub fn moment(&mut self, name: &str) -> Result<OffsetDateTime, Malformed> {
        let text = self.text_if(name)?;
        let text = self.required(name, text)?;
        parse_moment(&text).ok_or_else(|| self.fault(name, "isn't a moment in UTC such as 2026-11-22T12:00:00Z"))
    }

    /// An object inside this one.
    ///
    /// # Errors
    /// Of another type, or with a name twice.
    pub fn object_if(&mut self, name: &'static str) -> Result<Option<Self>, Malformed> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Object(rest)) => Self::of(name, rest).map(Some),
            Some(other) => Err(self.fault(name, format!("is {}, an object is needed", other.kind()))),
        }
    }

    /// Whether a field of this name is still there.
    pub fn has(&self, name: &str) -> bool {
        self.rest.iter().any(|(known, _)| known.0 == name)
    }

    /// Says that every field was taken.
    ///
    /// # Errors
    /// Names the first that wasn't.
    pub fn end(self) -> Result<(), Malformed> {
        match self.rest.first() {
            None => Ok(()),
            Some((name, _)) => Err(wrong(self.full(&name.0), "isn't known here")),
        }
    }
}

/// The written form of moments.
const MOMENT: &[time::format_description::BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");

fn parse_moment(text: &str) -> Option<OffsetDateTime> {
    if text.len() != 20 {
        return None;
    }
    PrimitiveDateTime::parse(text, MOMENT).ok().map(PrimitiveDateTime::assume_utc)
}

/// A moment as the protocol writes it.
pub fn moment(at: OffsetDateTime) -> String {
    at.to_offset(time::UtcOffset::UTC).format(MOMENT).unwrap_or_default()
}

/// Refuses nesting before the parser recurses into it.
fn shallow(text: &str) -> Result<(), Malformed> {
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'{' | b'[' if !quoted => {
                depth += 1;
                if depth > DEPTH {
                    return Err(Malformed::NoObject("the line is nested too deeply"));
                }
            }
            b'}' | b']' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    Ok(())
}

impl Value<'_> {
    fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "a text",
            Self::Integer(_) => "an integer",
            Self::Flag(_) => "true or false",
            Self::Object(_) => "an object",
            Self::Other(kind) => kind,
        }
    }
}

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(AnyText)
    }
}

struct AnyText;

impl<'de> Visitor<'de> for AnyText {
    type Value = Text<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }
    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
        Ok(Text(Cow::Borrowed(text)))
    }
    fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
        Ok(Text(Cow::Owned(text.to_owned())))
    }
}

impl<'de> Deserialize<'de> for Value<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }
    fn visit_bool<E>(self, flag: bool) -> Result<Value<'de>, E> {
        Ok(Value::Flag(flag))
    }
    fn visit_i64<E>(self, number: i64) -> Result<Value<'de>, E> {
        Ok(Value::Integer(number))
    }
    fn visit_u64<E>(self, number: u64) -> Result<Value<'de>, E> {
        Ok(i64::try_from(number).map_or(Value::Other("a number too large"), Value::Integer))
    }
    fn visit_f64<E>(self, _: f64) -> Result<Value<'de>, E> {
        Ok(Value::Other("a fraction"))
    }
    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Value<'de>, E> {
        Ok(Value::Text(Cow::Borrowed(text)))
    }
    fn visit_str<E>(self, text: &str) -> Result<Value<'de>, E> {
        Ok(Value::Text(Cow::Owned(text.to_owned())))
    }
    fn visit_unit<E>(self) -> Result<Value<'de>, E> {
        Ok(Value::Other("null"))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value<'de>, A::Error> {
        while items.next_element::<serde::de::IgnoredAny>()?.is_some() {}
        Ok(Value::Other("a list"))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value<'de>, A::Error> {
        // As many as a request has.
        let mut fields = Vec::with_capacity(12);
        while let Some(entry) = entries.next_entry()? {
            fields.push(entry);
        }
        Ok(Value::Object(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str, take: impl FnOnce(&mut Fields<'_>) -> Result<(), Malformed>) -> String {
        let mut fields = match Fields::read(text.as_bytes()) {
            Ok(fields) => fields,
            Err(fault) => return fault.to_string(),
        };
        take(&mut fields).and_then(|()| fields.end()).map_or_else(|fault| fault.to_string(), |()| "fine".into())
    }

    #[test]
    fn what_is_no_object_is_said_without_repeating_it() {
        for (text, says) in [
            ("", "isn't JSON"),
            ("[1]", "isn't a JSON object"),
            ("{\"a\":", "isn't JSON"),
            ("{\"a\":1} {}", "isn't JSON"),
            ("{\"a\":{\"b\":{}}}", "nested too deeply"),
            ("[[[[[[[[", "nested too deeply"),
        ] {
            assert!(fault(text, |_| Ok(())).contains(says), "{text}");
        }
        assert_eq!(Fields::read(b"{\"a\":\"\xff\"}").unwrap_err().to_string(), "the line isn't UTF-8");
    }

    #[test]
    fn brackets_in_texts_are_no_nesting() {
        assert_eq!(fault(r#"{"a":"[[[{{{\"[["}"#, |f| f.words("a", 20).map(drop)), "fine");
    }

    #[test]
    fn every_fault_names_its_field() {
        assert!(fault(r#"{"a":1,"a":2}"#, |_| Ok(())).contains("“a” stands twice"));
        assert!(fault(r#"{"a":1,"b":2}"#, |f| f.integer("a").map(drop)).contains("“b” isn't known"));
        assert!(fault(r#"{"a":"1"}"#, |f| f.integer("a").map(drop)).contains("“a” is a text"));
        assert!(fault(r#"{"a":1.0}"#, |f| f.integer("a").map(drop)).contains("“a” is a fraction"));
        assert!(fault(r#"{"a":null}"#, |f| f.uuid("a").map(drop)).contains("“a” is null"));
        assert!(fault(r#"{"a":"x"}"#, |f| f.uuid("a").map(drop)).contains("“a” isn't a UUID"));
        assert!(fault(r#"{"a":"2026-11-22"}"#, |f| f.moment("a").map(drop)).contains("“a” isn't a moment"));
        assert!(fault(r#"{"a":"x\u0007y"}"#, |f| f.words("a", 9).map(drop)).contains("control"));
        assert!(fault(r#"{"a":{"b":1}}"#, |f| f.object_if("a")?.unwrap().end()).contains("“a.b” isn't known"));
        assert!(fault("{}", |f| f.flag("a").map(drop)).contains("“a” is missing"));
    }

    #[test]
    fn moments_read_as_they_are_written() {
        let at = time::macros::datetime!(2026-11-22 12:00:01 UTC);
        assert_eq!(moment(at), "2026-11-22T12:00:01Z");
        assert_eq!(parse_moment("2026-11-22T12:00:01Z"), Some(at));
        assert_eq!(parse_moment("2026-11-22T12:00:60Z"), None);
    }
}
