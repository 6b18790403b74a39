//! Errors that no form can show.

use askama::Template;

use crate::language::Language;
use crate::page::{Frame, Page, Pages, Policy};

/// What went wrong, what to do, and the request id to quote.
#[derive(Debug, Clone, Copy)]
pub struct ErrorPage<'a> {
    /// What went wrong.
    pub kind: ErrorKind,
    /// The request id, which the server's log has.
    pub request_id: Option<&'a str>,
}

/// What went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// `/authorize`: the `client_id` is missing, unknown or disabled.
    UnknownApplication,
    /// `/authorize`: the `redirect_uri` is missing or not registered for the client.
    WrongRedirectUri,
    /// `/authorize`: another parameter is missing, repeated or unusable, and cannot be reported to the application.
    UnusableRequest,
    /// The browser sent two cookies of one name.
    TwoCookies,
    /// The sealed pending request or the pushed request is too old, spent, or of another browser.
    RequestExpired,
    /// `return_to` is not an address of this service.
    WrongReturnAddress,
    /// The CSRF token does not match: the page is old, or the browser has lost its cookie.
    FormExpired,
    /// Another website sent the form.
    OtherSite,
    /// There is no such page.
    NotFound,
    /// The form is too large or not a form.
    UnusableForm,
    /// Too many requests.
    TooManyRequests {
        /// Until the next attempt.
        seconds: u64,
    },
    /// The server is overloaded or cannot reach its database.
    Unavailable,
    /// A bug.
    Internal,
}

#[derive(Template)]
#[template(path = "error.html", whitespace = "minimize")]
struct ErrorTemplate<'a> {
    frame: &'a Frame<'a>,
    view: &'a ErrorPage<'a>,
}

impl Pages {
    /// The page of an error.
    pub fn error(&self, language: Language, view: &ErrorPage<'_>) -> Page {
        self.page(language, Policy::new(), |frame| ErrorTemplate { frame, view }.render())
    }
}
