//! Reads JSON in which no member name stands twice in one object, at any depth (RFC 7515 §4, RFC 7519 §4; JV-11).
//!
//! Parsers differ in whether the first or the last one wins, so a token with both means two things. The names are looked at
//! while the value is made, in one go: what serde does not keep is looked through as well.

use std::borrow::Cow;
use std::fmt;

use serde::de::value::CowStrDeserializer;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, forward_to_deserialize_any};

/// Why a text was not read.
#[derive(Debug)]
pub enum StrictJsonError {
    /// A name stands twice.
    Duplicate,
    /// It is no JSON object, or not that of the type that was asked for. The error may quote the text.
    Json(serde_json::Error),
}

/// A `T` from all of `json`, which is one object. More than 128 levels of nesting are not read.
pub fn from_slice<'de, T: Deserialize<'de>>(json: &'de [u8]) -> Result<T, StrictJsonError> {
    if json.first() != Some(&b'{') {
        return Err(StrictJsonError::Json(Error::custom("it is no object")));
    }
    // Looked at once, and not string by string.
    let json = std::str::from_utf8(json).map_err(|error| StrictJsonError::Json(Error::custom(error)))?;
    let mut json = serde_json::Deserializer::from_str(json);
    T::deserialize(Unique(&mut json)).and_then(|value| json.end().map(|()| value)).map_err(|error| {
        if error.to_string().starts_with(TWICE) {
            StrictJsonError::Duplicate
        } else {
            StrictJsonError::Json(error)
        }
    })
}

const TWICE: &str = "a member stands twice";

/// Around all that serde hands on while it reads: deserializers, visitors, seeds, and the members of lists.
struct Unique<T>(T);

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Unique<D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_any(Unique(visitor))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_option(Unique(visitor))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_newtype_struct(name, Unique(visitor))
    }

    // JSON says itself of what type a value is.
    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Unique<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        // A token has about fifteen members: looking through a short list beats hashing.
        self.0.visit_map(UniqueMembers { map, seen: Vec::with_capacity(16), sums: 0 })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<V::Value, A::Error> {
        self.0.visit_seq(Unique(seq))
    }

    fn visit_some<D: Deserializer<'de>>(self, value: D) -> Result<V::Value, D::Error> {
        self.0.visit_some(Unique(value))
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, value: D) -> Result<V::Value, D::Error> {
        self.0.visit_newtype_struct(Unique(value))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<V::Value, E> {
        self.0.visit_bool(value)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<V::Value, E> {
        self.0.visit_i64(value)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<V::Value, E> {
        self.0.visit_u64(value)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<V::Value, E> {
        self.0.visit_f64(value)
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<V::Value, E> {
        self.0.visit_str(value)
    }

    fn visit_borrowed_str<E: Error>(self, value: &'de str) -> Result<V::Value, E> {
        self.0.visit_borrowed_str(value)
    }

    fn visit_none<E: Error>(self) -> Result<V::Value, E> {
        self.0.visit_none()
    }

    fn visit_unit<E: Error>(self) -> Result<V::Value, E> {
        self.0.visit_unit()
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Unique<A> {
    type Error = A::Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, A::Error> {
        self.0.next_element_seed(Unique(seed))
    }
}

impl<'de, T: DeserializeSeed<'de>> DeserializeSeed<'de> for Unique<T> {
    type Value = T::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T::Value, D::Error> {
        self.0.deserialize(Unique(deserializer))
    }
}

/// The members of one object, and the names of those that have passed.
struct UniqueMembers<'de, A> {
    map: A,
    seen: Vec<Cow<'de, str>>,
    /// A bit for the sum of the bytes of each: most names are the first of theirs, and need not be looked for.
    sums: u64,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for UniqueMembers<'de, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        let Some(Name(name)) = self.map.next_key()? else { return Ok(None) };
        let sum = 1 << (name.bytes().fold(0, u8::wrapping_add) % 64);
        if self.sums & sum != 0 && self.seen.contains(&name) {
            return Err(A::Error::custom(TWICE));
        }
        self.sums |= sum;
        self.seen.push(name.clone());
        seed.deserialize(CowStrDeserializer::new(name)).map(Some)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, A::Error> {
        self.map.next_value_seed(Unique(seed))
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
    use std::collections::BTreeMap;

    use serde::de::IgnoredAny;
    use serde_json::Value;

    use super::*;

    /// What becomes of it: read, a duplicate, or no JSON; the same whether its members are kept or not.
    fn read(json: &[u8]) -> &'static str {
        fn outcome<T>(read: &Result<T, StrictJsonError>) -> &'static str {
            match read {
                Ok(_) => "read",
                Err(StrictJsonError::Duplicate) => "duplicate",
                Err(StrictJsonError::Json(_)) => "no JSON",
            }
        }
        let outcomes = [
            outcome(&from_slice::<IgnoredAny>(json)),
            outcome(&from_slice::<Value>(json)),
            outcome(&from_slice::<BTreeMap<String, Option<Value>>>(json)),
            outcome(&from_slice::<Nothing>(json)),
        ];
        assert!(outcomes.windows(2).all(|pair| pair[0] == pair[1]), "{outcomes:?}");
        outcomes[0]
    }

    /// Knows none of the members.
    #[derive(Deserialize)]
    struct Nothing {}

    /// JV-11
    #[test]
    fn a_member_that_stands_twice_is_found_at_any_depth_and_in_any_spelling() {
        let deep = format!("{}1{}", "{\"a\":".repeat(200), "}".repeat(200));
        let table = [
            (r#"{"a":1,"b":[{"a":1},{"a":2}],"c":{"a":null},"d":-1,"e":1.5,"f":true,"g":"\n"}"#, "read"),
            (r#"{"a":1,"a":1}"#, "duplicate"),
            (r#"{"a":1,"\u0061":2}"#, "duplicate"),
            (r#"{"b":{"c":[{"a":"x","a":"y"}]}}"#, "duplicate"),
            (r#"{"b":[1,[{"c":{},"c":{}}]]}"#, "duplicate"),
            (r#"{"a":1} x"#, "no JSON"),
            (r"[]", "no JSON"),
            (r" {}", "no JSON"),
            ("", "no JSON"),
            ("\u{feff}{}", "no JSON"),
            (r#"{"a":"\ud800"}"#, "no JSON"),
            (deep.as_str(), "no JSON"),
        ];
        for (json, expected) in table {
            assert_eq!(read(json.as_bytes()), expected, "{json}");
        }
        assert_eq!(read(b"{\"a\":\"\xff\"}"), "no JSON");
    }

    #[test]
    fn what_is_read_is_what_stands_there() {
        #[derive(Debug, PartialEq, Deserialize)]
        struct Kept<'a> {
            text: &'a str,
            list: Vec<i64>,
            #[serde(default)]
            none: Option<u8>,
            some: Option<Newtype>,
        }
        #[derive(Debug, PartialEq, Deserialize)]
        struct Newtype(f64);
        let json = r#"{"text":"a","list":[-1,2],"none":null,"some":0.5,"more":{"x":[]}}"#;
        let expected = Kept { text: "a", list: vec![-1, 2], none: None, some: Some(Newtype(0.5)) };
        assert_eq!(from_slice::<Kept<'_>>(json.as_bytes()).unwrap(), expected);
        let whole: Value = serde_json::from_str(json).unwrap();
        assert_eq!(from_slice::<Value>(json.as_bytes()).unwrap(), whole);
        for wrong in [r#"{"text":1,"list":[]}"#, r#"{"text":"a"}"#, r#"{"text":"a","list":{}}"#] {
            assert!(
                matches!(from_slice::<Kept<'_>>(wrong.as_bytes()), Err(StrictJsonError::Json(_))),
                "{wrong}"
            );
        }
    }
}
