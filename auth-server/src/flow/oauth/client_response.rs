//! The response to an authorization request, before it is put into a redirect or a form.

use auth_domain::{AuthorizationError, ReturnAddress};

/// The response to a client. No `Debug`: it contains a code or a token.
pub(crate) struct ClientResponse {
    to: ReturnAddress,
    client_name: String,
    parameters: Vec<(&'static str, String)>,
}

impl ClientResponse {
    /// A successful response.
    pub(crate) fn new(
        to: ReturnAddress,
        client_name: String,
        parameters: Vec<(&'static str, String)>,
    ) -> Self {
        Self { to, client_name, parameters }
    }

    /// An error response.
    pub(crate) fn error(to: ReturnAddress, client_name: String, error: AuthorizationError) -> Self {
        let parameters = vec![("error", error.code().to_owned()), ("error_description", error.to_string())];
        Self { to, client_name, parameters }
    }

    /// Where it goes.
    pub(crate) fn to(&self) -> &ReturnAddress {
        &self.to
    }

    /// The name of the client.
    pub(crate) fn client_name(&self) -> &str {
        &self.client_name
    }

    /// All parameters, with `state` and `iss` (RFC 9207).
    pub(crate) fn parameters<'a>(&'a self, issuer: &'a str) -> Vec<(&'a str, &'a str)> {
        self.to.parameters(self.parameters.iter().map(|(name, value)| (*name, value.as_str())), issuer)
    }
}
