//! What the pages show. One file per page: the view, its errors, and how [`Pages`](crate::Pages) renders it.

pub(crate) mod account;
pub(crate) mod consent;
pub(crate) mod error;
pub(crate) mod form_post;
pub(crate) mod inspect;
pub(crate) mod register;
pub(crate) mod select_account;
pub(crate) mod sign_in;
pub(crate) mod signed_out;

use crate::web_url::{Logo, WebUrl};

/// What every form of a page carries in hidden fields, and where the forms finally lead.
#[derive(Debug, Clone, Copy)]
pub struct FormContext<'a> {
    /// The field `csrf`.
    pub csrf: &'a str,
    /// The field `request`: the sealed pending request of `/authorize`. Links between the pages of the flow carry it as
    /// a parameter of the same name.
    pub request: Option<&'a str>,
    /// The field `return_to`, carried like `request`.
    pub return_to: Option<&'a str>,
    /// The redirect URI of the pending request, or the address to return to. The content security policy lets a form be
    /// redirected there, because Chromium applies `form-action` to the whole chain of redirects. `None`: the forms lead
    /// only to pages of auth-server.
    pub destination: Option<&'a str>,
}

/// An application (an OAuth client), as the operator described it.
#[derive(Debug, Clone)]
pub struct Application<'a> {
    /// The name.
    pub name: &'a str,
    /// The website.
    pub home: Option<WebUrl>,
    /// The logo.
    pub logo: Option<Logo>,
    /// The privacy policy.
    pub policy: Option<WebUrl>,
    /// Whether the operator has registered it as `first_party`. The consent page warns about other applications.
    pub known: bool,
}

/// How long an application keeps its access.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccessDuration {
    /// Until the user signs out of auth-server: the application's session ends with the sign-in.
    WhileSignedIn,
    /// Until the user takes it back (`offline_access`).
    UntilTakenBack,
}
