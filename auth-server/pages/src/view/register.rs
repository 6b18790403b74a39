//! `/register`.

use askama::Template;

use crate::FormContext;
use crate::language::Language;
use crate::page::{Frame, Page, Pages, Policy};

/// The form of `/register`. It posts `email` and `password`.
#[derive(Debug, Clone, Copy)]
pub struct Register<'a> {
    /// The hidden fields.
    pub form: FormContext<'a>,
    /// The name of the application that the user came from.
    pub application: Option<&'a str>,
    /// The address that the user typed before.
    pub email: &'a str,
    /// The minimal length of a password, in characters.
    pub min_password_length: usize,
    /// Why the last attempt failed.
    pub problem: Option<RegisterProblem>,
}

/// Why registering failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RegisterProblem {
    /// The text is not an address.
    AddressUnusable,
    /// There is a user with this address.
    AddressTaken,
    /// The password breaks a rule.
    Password(PasswordProblem),
    /// The operator creates the users (`REGISTRATION`). The page shows no form.
    Closed,
    /// Too many attempts.
    TryAgainIn {
        /// Until the next attempt.
        seconds: u64,
    },
    /// The server cannot hash a password now.
    Busy,
    /// The CSRF token does not match: the page is old, or the browser has lost its cookie.
    Expired,
}

/// Which rule a new password breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordProblem {
    /// Fewer characters than the minimum.
    TooShort,
    /// More than 1,024 bytes.
    TooLong,
    /// Contains a NUL.
    Nul,
    /// The e-mail address, a part of it, or the name of the service.
    Obvious,
    /// One of those that attackers try first.
    Common,
}

#[derive(Template)]
#[template(path = "register.html", whitespace = "minimize")]
struct RegisterTemplate<'a> {
    frame: &'a Frame<'a>,
    view: &'a Register<'a>,
}

impl Pages {
    /// The page of `/register`.
    pub fn register(&self, language: Language, view: &Register<'_>) -> Page {
        let policy = Policy::new();
        let policy = if view.is_closed() { policy } else { policy.with_forms_to(view.form.destination) };
        self.page(language, policy, |frame| RegisterTemplate { frame, view }.render())
    }
}

impl Register<'_> {
    fn is_closed(&self) -> bool {
        self.problem == Some(RegisterProblem::Closed)
    }

    /// The id of the field that the problem is about; empty if it is about none.
    fn problem_field(&self) -> &'static str {
        match self.problem {
            Some(RegisterProblem::AddressUnusable | RegisterProblem::AddressTaken) => "email",
            Some(RegisterProblem::Password(_)) => "password",
            _ => "",
        }
    }

    fn problem_text(&self, frame: &Frame<'_>) -> String {
        let text = |problem| (frame.t.register.problem)(problem, self.min_password_length);
        self.problem.map(text).unwrap_or_default()
    }

    /// The error of that field; empty if it has none.
    fn problem_of(&self, frame: &Frame<'_>, field: &str) -> String {
        if self.problem_field() == field { self.problem_text(frame) } else { String::new() }
    }
}
