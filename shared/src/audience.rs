//! The `aud` of a token (RFC 7519 §4.1.3).

use std::fmt;
use std::sync::Arc;

use serde::de::value::SeqAccessDeserializer;
use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The services that a token is for. In JSON a string or a list of strings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audience(pub Arc<[String]>);

impl Serialize for Audience {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &*self.0 {
            [one] => one.serialize(serializer),
            several => several.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Audience {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrSeveral;
        impl<'de> Visitor<'de> for OneOrSeveral {
            type Value = Audience;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or a list of strings")
            }

            fn visit_str<E: Error>(self, one: &str) -> Result<Audience, E> {
                Ok(Audience([one.to_owned()].into()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, several: A) -> Result<Audience, A::Error> {
                Deserialize::deserialize(SeqAccessDeserializer::new(several)).map(Audience)
            }
        }
        deserializer.deserialize_any(OneOrSeveral)
    }
}
