//! The page of `/authorize` for `prompt=select_account`.

use askama::Template;

use crate::FormContext;
use crate::language::Language;
use crate::page::{Frame, Page, Pages, Policy};

/// The choice between the signed-in user and another one. It posts `choice=continue` or `choice=other` to
/// `/authorize/account`.
#[derive(Debug, Clone, Copy)]
pub struct SelectAccount<'a> {
    /// The hidden fields.
    pub form: FormContext<'a>,
    /// The name of the application that the user came from.
    pub application: Option<&'a str>,
    /// The address of the signed-in user.
    pub email: &'a str,
}

#[derive(Template)]
#[template(path = "select_account.html", whitespace = "minimize")]
struct SelectAccountTemplate<'a> {
    frame: &'a Frame<'a>,
    view: &'a SelectAccount<'a>,
}

impl Pages {
    /// The page that asks which account to use.
    pub fn select_account(&self, language: Language, view: &SelectAccount<'_>) -> Page {
        let policy = Policy::new().with_forms_to(view.form.destination);
        self.page(language, policy, |frame| SelectAccountTemplate { frame, view }.render())
    }
}
