//! `/sign-in`.

use askama::Template;

use crate::FormContext;
use crate::language::Language;
use crate::page::{Frame, Page, Pages, Policy};

/// The form of `/sign-in`. It posts `email` and `password`.
#[derive(Debug, Clone, Copy)]
pub struct SignIn<'a> {
    /// The hidden fields.
    pub form: FormContext<'a>,
    /// The name of the application that the user came from.
    pub application: Option<&'a str>,
    /// The address that the user typed before, or that the application suggests (`login_hint`).
    pub email: &'a str,
    /// Links to `/register`.
    pub open_registration: bool,
    /// Why the last attempt failed.
    pub problem: Option<SignInProblem>,
}

/// Why signing in failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignInProblem {
    /// There is no such user, or the password is another one.
    WrongEmailOrPassword,
    /// Too many failed attempts.
    TryAgainIn {
        /// Until the next attempt.
        seconds: u64,
    },
    /// The server cannot check a password now.
    Busy,
    /// The CSRF token does not match: the page is old, or the browser has lost its cookie.
    Expired,
}

impl SignIn<'_> {
    /// The problem is about what the user typed.
    fn is_about_fields(&self) -> bool {
        self.problem == Some(SignInProblem::WrongEmailOrPassword)
    }

    fn problem_text(&self, frame: &Frame<'_>) -> String {
        self.problem.map(frame.t.sign_in.problem).unwrap_or_default()
    }

    /// The id of the field that the summary links to; empty if there is none.
    fn problem_field(&self) -> &'static str {
        if self.is_about_fields() { "email" } else { "" }
    }
}

#[derive(Template)]
#[template(path = "sign_in.html", whitespace = "minimize")]
struct SignInTemplate<'a> {
    frame: &'a Frame<'a>,
    view: &'a SignIn<'a>,
}

impl Pages {
    /// The page of `/sign-in`.
    pub fn sign_in(&self, language: Language, view: &SignIn<'_>) -> Page {
        let policy = Policy::new().with_forms_to(view.form.destination);
        self.page(language, policy, |frame| SignInTemplate { frame, view }.render())
    }
}
