//! How a request authenticates its client: by header, by form, or by an assertion (RFC 6749 §2.3, RFC 7523 §2.2).

use actix_web::http::header::{AUTHORIZATION, HeaderMap};
use auth_domain::{ClientAssertion, ClientId, ClientSecret};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use goptri::ProtocolError;
use goptri::actix::credential;
use goptri::credential::Credential;
use goptri::protocol_error::Challenge;
use goptri::token::BUILT_IN_CLIENT;
use goptri_settings::Plain;
use zeroize::Zeroizing;

use super::Form;
use crate::error::{CLIENT_NOT_AUTHENTICATED, Failure, TWO_CLIENT_AUTHENTICATIONS};
use crate::flow::oauth::ClientCredentials;

/// The only type of assertion (RFC 7523 §2.2).
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The credentials of a client.
#[derive(Debug)]
pub(crate) struct PresentedClient {
    pub(crate) credentials: ClientCredentials,
    pub(crate) is_basic: IsBasic,
}

/// Whether credentials came in `Authorization: Basic`, so that their rejection has a challenge (RFC 6749 §5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct IsBasic(bool);

impl IsBasic {
    /// Adds the challenge to the failure of a request.
    pub(crate) fn add_challenge(self, failure: Failure) -> Failure {
        match failure {
            Failure::Refused(error) if self.0 && error.code == "invalid_client" => {
                Failure::Refused(error.with_challenge(Challenge::Basic))
            }
            other => other,
        }
    }
}

impl PresentedClient {
    /// Whether the request is an application's. A form without client credentials is the built-in client's.
    pub(crate) fn is_in(headers: &HeaderMap, form: &Form) -> bool {
        let has_id = form.all("client_id").any(|id| id != BUILT_IN_CLIENT);
        let has_assertion =
            ["client_assertion", "client_assertion_type"].iter().any(|name| form.get(name).is_some());
        has_id || has_assertion || matches!(credential(headers), Credential::Basic)
    }

    /// Reads the credentials. A secret in the query never counts (AS-10). An `Authorization` header other than `Basic`
    /// is ignored, as at every endpoint that takes its credentials from the body.
    ///
    /// # Errors
    /// `invalid_request` for two ways at once (AS-11), and `invalid_client` for none or one that cannot be read.
    pub(crate) fn parse(headers: &HeaderMap, form: &Form) -> Result<Self, ProtocolError> {
        let id = form
            .get("client_id")
            .map(|id| ClientId::parse(id).ok_or(CLIENT_NOT_AUTHENTICATED))
            .transpose()?;
        let secret = form.secret::<ClientSecret>("client_secret");
        let assertion = form.secret::<ClientAssertion>("client_assertion");
        let has_type = form.get("client_assertion_type").is_some();
        let basic = match credential(headers) {
            Credential::TwoAuthorizationHeaders => return Err(ProtocolError::TWO_AUTHORIZATION_HEADERS),
            Credential::Basic => true,
            _ => false,
        };
        let ways = [basic, secret.is_some(), assertion.is_some() || has_type];
        if ways.iter().filter(|way| **way).count() > 1 {
            return Err(TWO_CLIENT_AUTHENTICATIONS);
        }
        let is_basic = IsBasic(basic);
        let credentials = match (id, secret, assertion) {
            (id, _, _) if basic => by_header(headers, id)?,
            (Some(id), Some(secret), _) => ClientCredentials::Secret(id, secret),
            (id, None, Some(assertion)) if form.get("client_assertion_type") == Some(ASSERTION_TYPE) => {
                ClientCredentials::Assertion(id, assertion)
            }
            (Some(id), None, None) if !has_type => ClientCredentials::Public(id),
            _ => return Err(CLIENT_NOT_AUTHENTICATED),
        };
        Ok(Self { credentials, is_basic })
    }
}

/// The credentials of `Authorization: Basic`. `also` is the `client_id` of the form.
fn by_header(headers: &HeaderMap, also: Option<ClientId>) -> Result<ClientCredentials, ProtocolError> {
    let (id, secret) = basic(headers).ok_or(CLIENT_NOT_AUTHENTICATED.with_challenge(Challenge::Basic))?;
    if also.is_some_and(|also| also != id) {
        return Err(TWO_CLIENT_AUTHENTICATIONS);
    }
    Ok(ClientCredentials::Secret(id, secret))
}

/// Both halves are form-encoded (AS-12), so that an id may have a colon.
fn basic(headers: &HeaderMap) -> Option<(ClientId, Plain<ClientSecret>)> {
    let header = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (_, encoded) = header.split_once(' ')?;
    let decoded = Zeroizing::new(STANDARD.decode(encoded.trim_matches(' ')).ok()?);
    let (id, secret) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
    Some((ClientId::parse(&form_decoded(id)?)?, Plain::new(form_decoded(secret)?)))
}

/// The text that was form-encoded as one value.
fn form_decoded(text: &str) -> Option<String> {
    // An `&` would end the value, and a client that does not encode may send one.
    let one = format!("v={}", text.replace('&', "%26"));
    let [(_, value)]: [(String, String); 1] =
        serde_urlencoded::from_str::<Vec<_>>(&one).ok()?.try_into().ok()?;
    (!value.contains(char::REPLACEMENT_CHARACTER)).then_some(value)
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn headers(credentials: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let value = format!("Basic {}", STANDARD.encode(credentials));
        headers.insert(AUTHORIZATION, HeaderValue::from_str(&value).unwrap());
        headers
    }

    /// AS-12
    #[test]
    fn both_halves_of_basic_are_form_decoded() {
        for (sent, id, secret) in [
            ("printer:secret", "printer", "secret"),
            ("https%3A%2F%2Fclient.example:a%2Bb+c%25%3A", "https://client.example", "a+b c%:"),
            ("printer:a:b", "printer", "a:b"),
            ("printer:a=b&c", "printer", "a=b&c"),
            ("printer:", "printer", ""),
        ] {
            let (found, found_secret) = basic(&headers(sent)).unwrap();
            assert_eq!((found.as_str(), found_secret.expose()), (id, secret), "{sent}");
        }
        for bad in ["", ":secret", "printer", "a%00b:secret", "%ff:secret"] {
            assert!(basic(&headers(bad)).is_none(), "{bad}");
        }
        for bad in ["Basic", "Basic ", "Basic \u{fffd}", "Basic cHJpbnRlcg=", "Basic ****"] {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, HeaderValue::from_bytes(bad.as_bytes()).unwrap());
            assert!(basic(&headers).is_none(), "{bad}");
        }
    }
}
