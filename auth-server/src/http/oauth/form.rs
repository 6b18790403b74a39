//! The form of an application's request (RFC 6749, appendix B).

use goptri::ProtocolError;
use goptri_server::{BodyKind, LimitedBody};
use goptri_settings::{Plain, SecretKind};

use crate::error::Failure;

/// The kind of a value in a form: it may be a secret.
#[derive(Debug)]
pub(crate) enum FormValue {}
impl SecretKind for FormValue {
    const NAME: &'static str = "form value";
}

/// Decoded parameters.
#[derive(Debug)]
pub(crate) struct Form(Vec<(String, Plain<FormValue>)>);

impl Form {
    /// Decodes a form, in which a parameter may still occur twice.
    pub(crate) fn decode(body: &[u8]) -> Result<Self, ProtocolError> {
        serde_urlencoded::from_bytes(body).map(Self).map_err(|_| ProtocolError::MALFORMED_FORM)
    }

    /// Decodes the form in the body of a request. Rejects repetitions.
    pub(crate) fn parse(body: &LimitedBody) -> Result<Self, ProtocolError> {
        match body.kind {
            BodyKind::Form => Self::decode(&body.bytes)?.without_repetitions(),
            BodyKind::Json | BodyKind::Other => Err(ProtocolError::UNSUPPORTED_MEDIA_TYPE),
        }
    }

    /// Rejects a parameter that occurs twice, even empty or unknown (AS-09). Only `resource` may repeat (RFC 8707 §2).
    pub(crate) fn without_repetitions(self) -> Result<Self, ProtocolError> {
        let mut names: Vec<_> =
            self.0.iter().map(|(name, _)| name.as_str()).filter(|name| *name != "resource").collect();
        names.sort_unstable();
        if names.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(ProtocolError::MALFORMED_FORM);
        }
        Ok(self)
    }

    /// The parameter. An empty one counts as absent (RFC 6749 §3.2).
    pub(crate) fn get<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        self.all(name).next()
    }

    /// The parameter, or the error that it is missing.
    pub(crate) fn required<'a>(&'a self, name: &'a str) -> Result<&'a str, ProtocolError> {
        self.get(name).ok_or(ProtocolError::MALFORMED_FORM)
    }

    /// The parameter as a secret.
    pub(crate) fn secret<K: SecretKind>(&self, name: &str) -> Option<Plain<K>> {
        self.get(name).map(|value| Plain::new(value.to_owned()))
    }

    /// The parameters as a query, without those with these names.
    pub(crate) fn to_query_without(&self, names: &[&str]) -> Result<String, Failure> {
        let kept = self.0.iter().filter(|(name, _)| !names.contains(&name.as_str()));
        let pairs: Vec<_> = kept.map(|(name, value)| (name.as_str(), value.expose())).collect();
        serde_urlencoded::to_string(pairs).map_err(Failure::internal)
    }

    /// Every value of a parameter that may repeat.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(known, value)| known == name && !value.expose().is_empty())
            .map(|(_, value)| value.expose())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(body: &str) -> Result<Form, ProtocolError> {
        Form::decode(body.as_bytes())?.without_repetitions()
    }

    /// AS-09
    #[test]
    fn a_parameter_occurs_once_and_an_empty_one_is_absent() {
        let found = form("code=a%20b&scope=&resource=x&resource=y&Code=c").unwrap();
        assert_eq!((found.get("code"), found.get("scope"), found.get("state")), (Some("a b"), None, None));
        assert_eq!(found.all("resource").collect::<Vec<_>>(), ["x", "y"]);
        assert!(found.required("scope").is_err());
        for twice in ["code=a&code=a", "code=a&code=", "code=&code=", "x&x", "code=a&c%6fde=b"] {
            assert_eq!(form(twice).unwrap_err(), ProtocolError::MALFORMED_FORM, "{twice}");
        }
    }

    #[test]
    fn no_value_is_shown_when_a_form_is_printed() {
        let shown = format!("{:?}", form("client_secret=hunter2").unwrap());
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
