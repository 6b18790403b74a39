//! The response of `/authorize` with `response_mode=form_post` (OAuth 2.0 Form Post Response Mode).

use askama::Template;

use crate::language::Language;
use crate::page::{Frame, Page, Pages, Policy};
use crate::web_url::WebUrl;

/// A form that posts the response to the application: immediately where scripts run, otherwise with a button.
#[derive(Debug, Clone)]
pub struct FormPost<'a> {
    /// The redirect URI.
    pub action: WebUrl,
    /// The name of the application.
    pub application: &'a str,
    /// The parameters of the response: names and values.
    pub fields: &'a [(&'a str, &'a str)],
}

#[derive(Template)]
#[template(path = "form_post.html", whitespace = "minimize")]
struct FormPostTemplate<'a> {
    frame: &'a Frame<'a>,
    view: &'a FormPost<'a>,
}

impl Pages {
    /// The page that sends the response to the application.
    pub fn form_post(&self, language: Language, view: &FormPost<'_>) -> Page {
        let policy = Policy::new().with_forms_to(Some(view.action.as_str()));
        self.page(language, policy, |frame| FormPostTemplate { frame, view }.render())
    }
}
