//! Parses JSON objects without duplicate members at any depth (RFC 7515 §4, RFC 7519 §4; JV-11), for Goptri's own
//! servers and for tools.
//!
//! Parsers disagree on whether the first or the last duplicate counts, so a token with duplicates is ambiguous.
//! Duplicates are detected while the value is deserialized, also in members that the type ignores. The number of
//! members is limited, because the text is parsed before its sender is authenticated. So a linear search is cheap
//! enough.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

use serde::de::value::CowStrDeserializer;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, forward_to_deserialize_any};

/// The most members in a token's header, a token's claims, or the body of a request. The members of nested objects
/// count, and each nested object counts as one more. This is more than any honest sender needs: Goptri itself
/// writes fifteen at most.
pub const MAX_MEMBERS: usize = 64;

/// Why a text was rejected.
#[derive(Debug)]
pub enum StrictJsonError {
    /// An object has two members of the same name.
    Duplicate,
    /// It has more members than allowed.
    TooManyMembers,
    /// It is not a JSON object, or not one of the expected type. The error may quote the text.
    Json(serde_json::Error),
}

/// Parses `json`, which must be one object and nothing else, with at most 127 levels of nesting and [`MAX_MEMBERS`]
/// members.
pub fn from_slice<'de, T: Deserialize<'de>>(json: &'de [u8]) -> Result<T, StrictJsonError> {
    from_slice_with_limit(json, MAX_MEMBERS)
}

/// Like [`from_slice`], with at most `max_members` members.
pub(crate) fn from_slice_with_limit<'de, T: Deserialize<'de>>(
    json: &'de [u8],
    max_members: usize,
) -> Result<T, StrictJsonError> {
    if json.first() != Some(&b'{') {
        return Err(StrictJsonError::Json(Error::custom("it is not an object")));
    }
    // One check of the whole text is faster than one for each string.
    let json = std::str::from_utf8(json).map_err(|error| StrictJsonError::Json(Error::custom(error)))?;
    let mut json = serde_json::Deserializer::from_str(json);
    let state =
        ParseState { members_left: Cell::new(max_members.saturating_add(1)), ..ParseState::default() };
    let value = T::deserialize(Strict { inner: &mut json, state: &state });
    value
        .and_then(|value| json.end().map(|()| value))
        .map_err(|error| state.rejected.take().unwrap_or(StrictJsonError::Json(error)))
}

/// The state of the whole text so far.
#[derive(Default)]
struct ParseState {
    members_left: Cell<usize>,
    /// Set before an error is returned, because serde has no error of these kinds.
    rejected: Cell<Option<StrictJsonError>>,
}

impl ParseState {
    /// Counts a member or an object: empty objects cost time too.
    fn count<E: Error>(&self) -> Result<(), E> {
        let left = self.members_left.get().checked_sub(1);
        self.members_left.set(left.ok_or_else(|| self.reject(StrictJsonError::TooManyMembers))?);
        Ok(())
    }

    fn reject<E: Error>(&self, error: StrictJsonError) -> E {
        self.rejected.set(Some(error));
        E::custom("rejected")
    }
}

/// Wraps everything that serde passes on while it deserializes: deserializers, visitors, seeds and sequences.
struct Strict<'c, T> {
    inner: T,
    state: &'c ParseState,
}

impl<'c, T> Strict<'c, T> {
    fn wrap<U>(&self, inner: U) -> Strict<'c, U> {
        Strict { inner, state: self.state }
    }
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Strict<'_, D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        let visitor = self.wrap(visitor);
        self.inner.deserialize_any(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        let visitor = self.wrap(visitor);
        self.inner.deserialize_option(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        let visitor = self.wrap(visitor);
        self.inner.deserialize_newtype_struct(name, visitor)
    }

    // JSON is self-describing.
    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Strict<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.expecting(f)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        self.state.count()?;
        let members = Members { map: self.wrap(map), seen: Vec::new(), hashes: 0 };
        self.inner.visit_map(members)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<V::Value, A::Error> {
        let seq = self.wrap(seq);
        self.inner.visit_seq(seq)
    }

    fn visit_some<D: Deserializer<'de>>(self, value: D) -> Result<V::Value, D::Error> {
        let value = self.wrap(value);
        self.inner.visit_some(value)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, value: D) -> Result<V::Value, D::Error> {
        let value = self.wrap(value);
        self.inner.visit_newtype_struct(value)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<V::Value, E> {
        self.inner.visit_bool(value)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<V::Value, E> {
        self.inner.visit_i64(value)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<V::Value, E> {
        self.inner.visit_u64(value)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<V::Value, E> {
        self.inner.visit_f64(value)
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<V::Value, E> {
        self.inner.visit_str(value)
    }

    fn visit_borrowed_str<E: Error>(self, value: &'de str) -> Result<V::Value, E> {
        self.inner.visit_borrowed_str(value)
    }

    fn visit_none<E: Error>(self) -> Result<V::Value, E> {
        self.inner.visit_none()
    }

    fn visit_unit<E: Error>(self) -> Result<V::Value, E> {
        self.inner.visit_unit()
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Strict<'_, A> {
    type Error = A::Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, A::Error> {
        let seed = self.wrap(seed);
        self.inner.next_element_seed(seed)
    }
}

impl<'de, T: DeserializeSeed<'de>> DeserializeSeed<'de> for Strict<'_, T> {
    type Value = T::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T::Value, D::Error> {
        let deserializer = self.wrap(deserializer);
        self.inner.deserialize(deserializer)
    }
}

/// The members of one object, and the names seen so far.
struct Members<'de, 'c, A> {
    map: Strict<'c, A>,
    seen: Vec<Cow<'de, str>>,
    /// One bit per hash of a seen name. Most names are new and need no search.
    hashes: u64,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Members<'de, '_, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        let Some(Name(name)) = self.map.inner.next_key()? else { return Ok(None) };
        let hash = 1 << (name.bytes().fold(0, u8::wrapping_add) % 64);
        if self.hashes & hash != 0 && self.seen.contains(&name) {
            return Err(self.map.state.reject(StrictJsonError::Duplicate));
        }
        self.map.state.count()?;
        self.hashes |= hash;
        if self.seen.is_empty() {
            // A token has about fifteen members, for which a linear search beats hashing.
            self.seen.reserve(16);
        }
        self.seen.push(name.clone());
        seed.deserialize(CowStrDeserializer::new(name)).map(Some)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, A::Error> {
        let seed = self.map.wrap(seed);
        self.map.inner.next_value_seed(seed)
    }
}

/// A member name, borrowed unless it has escapes. `"\u0061"` and `"a"` are the same name.
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

    /// The outcome, which must not depend on whether the type keeps or ignores the members.
    fn read(json: &[u8]) -> &'static str {
        fn outcome<T>(read: &Result<T, StrictJsonError>) -> &'static str {
            match read {
                Ok(_) => "read",
                Err(StrictJsonError::Duplicate) => "duplicate",
                Err(StrictJsonError::TooManyMembers) => "too many members",
                Err(StrictJsonError::Json(_)) => "not JSON",
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

    /// Ignores all members.
    #[derive(Deserialize)]
    struct Nothing {}

    /// JV-11
    #[test]
    fn a_duplicate_member_is_found_at_any_depth_and_in_any_spelling() {
        let deep = format!("{{\"a\":{}1{}}}", "[".repeat(200), "]".repeat(200));
        let table = [
            (r#"{"a":1,"b":[{"a":1},{"a":2}],"c":{"a":null},"d":-1,"e":1.5,"f":true,"g":"\n"}"#, "read"),
            (r#"{"a":1,"a":1}"#, "duplicate"),
            (r#"{"a":1,"\u0061":2}"#, "duplicate"),
            (r#"{"b":{"c":[{"a":"x","a":"y"}]}}"#, "duplicate"),
            (r#"{"b":[1,[{"c":{},"c":{}}]]}"#, "duplicate"),
            (r#"{"a":1} x"#, "not JSON"),
            (r"[]", "not JSON"),
            (r" {}", "not JSON"),
            ("", "not JSON"),
            ("\u{feff}{}", "not JSON"),
            (r#"{"a":"\ud800"}"#, "not JSON"),
            (deep.as_str(), "not JSON"),
        ];
        for (json, expected) in table {
            assert_eq!(read(json.as_bytes()), expected, "{json}");
        }
        assert_eq!(read(b"{\"a\":\"\xff\"}"), "not JSON");
    }

    #[test]
    fn the_members_of_all_objects_are_limited_together() {
        let members =
            |from: usize, to: usize| (from..to).map(|n| format!("\"m{n}\":1")).collect::<Vec<_>>().join(",");
        let nested = |count: usize| {
            format!(r#"{{"a":[{{{}}},{{{}}}]}}"#, members(0, count / 2), members(0, count.div_ceil(2)))
        };
        for (json, expected) in [
            (format!("{{{}}}", members(0, MAX_MEMBERS)), "read"),
            (format!("{{{}}}", members(0, MAX_MEMBERS + 1)), "too many members"),
            (nested(MAX_MEMBERS - 3), "read"),
            (nested(MAX_MEMBERS - 2), "too many members"),
            (format!(r#"{{"a":[{}0]}}"#, "{},".repeat(MAX_MEMBERS)), "too many members"),
            (format!("{}1{}", "{\"a\":".repeat(200), "}".repeat(200)), "too many members"),
            (format!("{{{},\"m0\":1}}", members(0, MAX_MEMBERS)), "duplicate"),
        ] {
            assert_eq!(read(json.as_bytes()), expected, "{json}");
        }
    }

    #[test]
    fn values_are_parsed_as_serde_json_parses_them() {
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
