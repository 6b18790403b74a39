//! `/consent`.

use askama::Template;

use crate::language::Language;
use crate::page::{Frame, Page, Pages, Policy};
use crate::web_url::Destination;
use crate::{AccessDuration, Application, FormContext};

/// The question of `/consent`. It posts `decision=allow` or `decision=cancel`; "Not you?" posts to `/sign-out`, with
/// the same hidden fields.
#[derive(Debug, Clone)]
pub struct Consent<'a> {
    /// The hidden fields. The page names the host of `destination`, where the response goes.
    pub form: FormContext<'a>,
    /// Which application asks.
    pub application: Application<'a>,
    /// What it may do.
    pub permissions: &'a [Permission<'a>],
    /// For how long.
    pub lasts: AccessDuration,
    /// Whose account it is.
    pub email: &'a str,
}

/// One sentence of what an application may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission<'a> {
    /// The operator's description of a scope ("See your photos").
    Described(&'a str),
    /// `openid`: the application learns which account it is.
    Identity,
    /// `email`: the application learns the address.
    Email,
}

#[derive(Template)]
#[template(path = "consent.html", whitespace = "minimize")]
struct ConsentTemplate<'a> {
    frame: &'a Frame<'a>,
    view: &'a Consent<'a>,
    destination: Destination,
}

impl Pages {
    /// The page of `/consent`.
    pub fn consent(&self, language: Language, view: &Consent<'_>) -> Page {
        let policy =
            Policy::new().with_forms_to(view.form.destination).with_image(view.application.logo.as_ref());
        let destination = Destination::of(view.form.destination);
        self.page(language, policy, |frame| ConsentTemplate { frame, view, destination }.render())
    }
}
