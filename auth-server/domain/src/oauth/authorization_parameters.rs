//! The parameters of an authorization request as a client sent them: at `/authorize` or at `/par`.

use url::form_urlencoded;

use super::Client;
use super::authorization_error::Unanswerable;
use super::response_mode::{ResponseMode, is_front_channel};
use super::return_address::ReturnAddress;
use crate::ClientId;

/// The largest request, in bytes: it travels through forms and, after a sign-in, through a query.
pub const MAX_AUTHORIZATION_REQUEST: usize = 4_096;

/// The most bytes of `login_hint` and of `ui_locales`. Longer ones are ignored.
const MAX_HINT: usize = 256;

/// What [`AuthorizationParameters`] knows. Other parameters are ignored (RFC 6749 §3.1).
const KNOWN: [&str; 15] = [
    "client_id",
    "redirect_uri",
    "response_type",
    "response_mode",
    "scope",
    "state",
    "code_challenge",
    "code_challenge_method",
    "prompt",
    "max_age",
    "login_hint",
    "ui_locales",
    "request",
    "request_uri",
    "resource",
];

/// The parameters of a request, decoded.
#[derive(Debug, Clone)]
pub struct AuthorizationParameters {
    pairs: Vec<(&'static str, String)>,
    is_too_long: bool,
}

/// Why a parameter cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unusable {
    /// It occurs twice.
    Repeated,
    /// It is not UTF-8.
    NotText,
}

impl AuthorizationParameters {
    /// Decodes a query, or the body of a form. An empty parameter counts as absent (AS-09).
    pub fn parse(query: &str) -> Self {
        let pairs = form_urlencoded::parse(query.as_bytes()).filter_map(|(name, value)| {
            let name = KNOWN.into_iter().find(|known| *known == name)?;
            (!value.is_empty()).then(|| (name, value.into_owned()))
        });
        Self { pairs: pairs.collect(), is_too_long: query.len() > MAX_AUTHORIZATION_REQUEST }
    }

    /// The client that the request names.
    pub fn client_id(&self) -> Result<ClientId, Unanswerable> {
        match self.one("client_id") {
            // No client has another id, and a database may reject a control character.
            Ok(Some(id)) => ClientId::parse(id).ok_or(Unanswerable::UnknownClient),
            Ok(None) | Err(_) => Err(Unanswerable::ClientId),
        }
    }

    /// The `request_uri` of a pushed request (RFC 9126). The other parameters beside it are ignored.
    pub fn request_uri(&self) -> Result<Option<&str>, Unanswerable> {
        self.one("request_uri").map_err(|_| Unanswerable::RequestUri)
    }

    /// Whether there is a `request_uri`, even a repeated one. A pushed request must not have one.
    pub fn has_request_uri(&self) -> bool {
        self.all("request_uri").next().is_some()
    }

    /// `login_hint`, for the form of the sign-in.
    pub fn login_hint(&self) -> Option<&str> {
        self.hint("login_hint")
    }

    /// `ui_locales`, for the language of the pages (OI-08).
    pub fn ui_locales(&self) -> Option<&str> {
        self.hint("ui_locales")
    }

    /// Where the response goes, also if it is an error. Until this is known, no browser is redirected (AS-03).
    pub fn return_address(&self, client: &Client) -> Result<ReturnAddress, Unanswerable> {
        let presented = match self.one("redirect_uri") {
            Ok(Some(uri)) => uri,
            Ok(None) => return Err(Unanswerable::NoRedirectUri),
            Err(_) => return Err(Unanswerable::RedirectUri),
        };
        let redirect_uri = client.redirect_uri(presented).ok_or(Unanswerable::RedirectUri)?;
        let is_front_channel = self.all("response_type").any(is_front_channel);
        let asked = self.one("response_mode").ok().flatten().and_then(ResponseMode::parse);
        let is_possible = |mode: &ResponseMode| match mode {
            ResponseMode::Query => !is_front_channel,
            ResponseMode::Fragment => true,
            ResponseMode::FormPost => redirect_uri.is_web(),
        };
        let mode = asked.filter(is_possible).unwrap_or(ResponseMode::default_of(is_front_channel));
        let state = self.one("state").ok().flatten().map(str::to_owned);
        Ok(ReturnAddress { redirect_uri, mode, state })
    }

    pub(super) fn is_too_long(&self) -> bool {
        self.is_too_long
    }

    /// The parameter, or why it cannot be used.
    pub(super) fn one(&self, name: &'static str) -> Result<Option<&str>, Unusable> {
        let mut values = self.all(name);
        let Some(value) = values.next() else { return Ok(None) };
        if values.next().is_some() {
            return Err(Unusable::Repeated);
        }
        // The decoder writes U+FFFD for bytes that are not UTF-8. A `state` with it would not return as it was sent.
        if value.contains(char::REPLACEMENT_CHARACTER) {
            return Err(Unusable::NotText);
        }
        Ok(Some(value))
    }

    pub(super) fn all(&self, name: &'static str) -> impl Iterator<Item = &str> {
        self.pairs.iter().filter(move |(known, _)| *known == name).map(|(_, value)| value.as_str())
    }

    /// The first known parameter that occurs twice or is not UTF-8. `resource` is not checked: it may repeat (RFC 8707
    /// §2).
    pub(super) fn first_unusable(&self) -> Option<(&'static str, Unusable)> {
        let occurs_once = |name: &&str| *name != "resource";
        KNOWN.into_iter().filter(occurs_once).find_map(|name| self.one(name).err().map(|error| (name, error)))
    }

    fn hint(&self, name: &'static str) -> Option<&str> {
        self.one(name).ok().flatten().filter(|hint| hint.len() <= MAX_HINT)
    }
}
