//! Finds a member name that stands twice in one JSON object, at any depth (RFC 7515 §4, RFC 7519 §4; JV-11).
//!
//! Parsers differ in whether the first or the last one wins, so a token with both means two things.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// What was found in a text that should be one JSON object.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Members {
    Unique,
    Duplicate,
    NotAnObject,
}

/// Reads all of `json`. More than 128 levels of nesting count as no object.
pub(crate) fn check(json: &[u8]) -> Members {
    if json.first() != Some(&b'{') {
        return Members::NotAnObject;
    }
    match serde_json::from_slice::<Unique>(json) {
        Ok(Unique) => Members::Unique,
        Err(error) if error.to_string().starts_with(TWICE) => Members::Duplicate,
        Err(_) => Members::NotAnObject,
    }
}

const TWICE: &str = "a member stands twice";

struct Unique;

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Walk.deserialize(deserializer)
    }
}

struct Walk;

impl<'de> DeserializeSeed<'de> for Walk {
    type Value = Unique;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Unique, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk {
    type Value = Unique;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Unique, A::Error> {
        // A token has about fifteen members: looking through a short list beats hashing.
        let mut seen: Vec<Cow<'de, str>> = Vec::new();
        while let Some(Name(name)) = map.next_key()? {
            if seen.contains(&name) {
                return Err(A::Error::custom(TWICE));
            }
            seen.push(name);
            map.next_value_seed(Walk)?;
        }
        Ok(Unique)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Unique, A::Error> {
        while seq.next_element_seed(Walk)?.is_some() {}
        Ok(Unique)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Unique, E> {
        Ok(Unique)
    }
    fn visit_i64<E: Error>(self, _: i64) -> Result<Unique, E> {
        Ok(Unique)
    }
    fn visit_u64<E: Error>(self, _: u64) -> Result<Unique, E> {
        Ok(Unique)
    }
    fn visit_f64<E: Error>(self, _: f64) -> Result<Unique, E> {
        Ok(Unique)
    }
    fn visit_str<E: Error>(self, _: &str) -> Result<Unique, E> {
        Ok(Unique)
    }
    fn visit_unit<E: Error>(self) -> Result<Unique, E> {
        Ok(Unique)
    }
}

/// A member name, borrowed where it has no escapes; `"\u0061"` and `"a"` are the same name.
struct Name<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Name<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a member name")
            }
            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Name(Cow::Borrowed(text)))
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Name(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// JV-11
    #[test]
    fn a_member_that_stands_twice_is_found_at_any_depth_and_in_any_spelling() {
        let deep = format!("{}1{}", "{\"a\":".repeat(200), "}".repeat(200));
        let table = [
            (r#"{"a":1,"b":[{"a":1},{"a":2}],"c":{"a":null}}"#, Members::Unique),
            (r#"{"a":1,"a":1}"#, Members::Duplicate),
            (r#"{"a":1,"\u0061":2}"#, Members::Duplicate),
            (r#"{"b":{"c":[{"a":"x","a":"y"}]}}"#, Members::Duplicate),
            (r#"{"a":1} x"#, Members::NotAnObject),
            (r"[]", Members::NotAnObject),
            (r" {}", Members::NotAnObject),
            ("", Members::NotAnObject),
            ("\u{feff}{}", Members::NotAnObject),
            (r#"{"a":"\ud800"}"#, Members::NotAnObject),
            (deep.as_str(), Members::NotAnObject),
        ];
        for (json, expected) in table {
            assert_eq!(check(json.as_bytes()), expected, "{json}");
        }
        assert_eq!(check(b"{\"a\":\"\xff\"}"), Members::NotAnObject);
    }
}
