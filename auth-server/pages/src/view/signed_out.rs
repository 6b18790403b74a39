//! The page after signing out.

use askama::Template;

use crate::language::Language;
use crate::page::{Frame, Page, Pages, Policy};

/// Confirms that the user is signed out, and links to `/sign-in`.
#[derive(Debug, Clone, Copy)]
pub struct SignedOut {
    /// What ended the sign-in.
    pub reason: SignedOutReason,
}

/// What ended a sign-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignedOutReason {
    /// The user signed out.
    SignedOut,
    /// The user deleted the account.
    AccountDeleted,
}

#[derive(Template)]
#[template(path = "signed_out.html", whitespace = "minimize")]
struct SignedOutTemplate<'a> {
    frame: &'a Frame<'a>,
    view: &'a SignedOut,
}

impl Pages {
    /// The page after signing out.
    pub fn signed_out(&self, language: Language, view: &SignedOut) -> Page {
        self.page(language, Policy::new(), |frame| SignedOutTemplate { frame, view }.render())
    }
}
