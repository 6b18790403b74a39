//! How a response reaches the client (OAuth 2.0 Multiple Response Type Encoding Practices).

/// Where the parameters of a response are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResponseMode {
    /// In the query of the redirect URI.
    Query,
    /// In its fragment, which no server sees.
    Fragment,
    /// In a form that the browser posts to it.
    FormPost,
}

impl ResponseMode {
    /// The mode with that name. `None`: it is not supported.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "query" => Some(Self::Query),
            "fragment" => Some(Self::Fragment),
            "form_post" => Some(Self::FormPost),
            _ => None,
        }
    }

    /// The mode of a request that names none. Tokens never appear in a query, which logs and `Referer` show.
    pub(super) fn default_of(is_front_channel: bool) -> Self {
        if is_front_channel { Self::Fragment } else { Self::Query }
    }
}

/// Whether a `response_type` asks for tokens in the response of `/authorize`, even if this server does not support it.
pub(super) fn is_front_channel(response_type: &str) -> bool {
    response_type.split(' ').any(|word| matches!(word, "token" | "id_token"))
}
