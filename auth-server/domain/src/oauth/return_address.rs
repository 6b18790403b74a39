//! Where the response to an authorization request goes.

use url::form_urlencoded;

use super::{RedirectUri, ResponseMode};

/// A redirect URI that the client has registered, how the response gets there, and the client's `state`.
#[derive(Debug, Clone, PartialEq)]
pub struct ReturnAddress {
    /// The redirect URI, as the request names it.
    pub redirect_uri: RedirectUri,
    /// How the response gets there.
    pub mode: ResponseMode,
    /// The client's own value, returned as it was sent.
    pub state: Option<String>,
}

impl ReturnAddress {
    /// The parameters of a response, with `state` and `iss` (RFC 9207).
    pub fn parameters<'a>(
        &'a self,
        response: impl IntoIterator<Item = (&'a str, &'a str)>,
        issuer: &'a str,
    ) -> Vec<(&'a str, &'a str)> {
        let state = self.state.as_deref().map(|state| ("state", state));
        response.into_iter().chain(state).chain([("iss", issuer)]).collect()
    }

    /// The URI with these parameters in the query or in the fragment. `None`: the mode is `form_post`.
    ///
    /// A query of the redirect URI itself is kept, in front of them.
    pub fn with_parameters(&self, parameters: &[(&str, &str)]) -> Option<String> {
        let encoded = form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
        let uri = self.redirect_uri.as_str();
        let separator = match self.mode {
            ResponseMode::Query if !uri.contains('?') => '?',
            ResponseMode::Query if uri.ends_with(['?', '&']) => return Some(format!("{uri}{encoded}")),
            ResponseMode::Query => '&',
            ResponseMode::Fragment => '#',
            ResponseMode::FormPost => return None,
        };
        Some(format!("{uri}{separator}{encoded}"))
    }
}
