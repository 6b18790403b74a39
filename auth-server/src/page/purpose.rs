//! Why a user signs in or registers: what comes next.

use actix_web::HttpResponse;
use auth_pages::FormContext;

use super::page_error::PageError;
use super::visit::Visit;
use crate::flow::oauth::{Authorize, KnownRequest};

/// What comes after a sign-in: the pending request of a client, a web app behind forward authentication, or else the
/// account.
pub(super) struct Purpose {
    pending: Option<Pending>,
    return_to: Option<String>,
}

/// A pending request, and how forms carry it.
struct Pending {
    known: KnownRequest,
    sealed: String,
}

impl Purpose {
    /// For a pending request.
    pub(super) fn of_request(known: KnownRequest, sealed: String) -> Self {
        Self { pending: Some(Pending { known, sealed }), return_to: None }
    }

    /// What a form or a link carries. Both are checked each time.
    pub(super) async fn load(
        visit: &Visit,
        flow: &Authorize,
        sealed: Option<&str>,
        return_to: Option<&str>,
    ) -> Result<Self, PageError> {
        let return_to = visit.return_url(return_to)?;
        let pending = match sealed {
            Some(sealed) => {
                let known = flow.load(&visit.pending(sealed)?).await?;
                Some(Pending { known, sealed: sealed.to_owned() })
            }
            None => None,
        };
        Ok(Self { pending, return_to })
    }

    /// The hidden fields of a form.
    pub(super) fn form<'a>(&'a self, csrf: &'a str) -> FormContext<'a> {
        let of_client = self.pending.as_ref().map(|pending| pending.known.to.redirect_uri.as_str());
        FormContext {
            csrf,
            request: self.pending.as_ref().map(|pending| pending.sealed.as_str()),
            return_to: self.return_to.as_deref(),
            destination: of_client.or(self.return_to.as_deref()),
        }
    }

    /// The name of the client.
    pub(super) fn application(&self) -> Option<&str> {
        self.pending.as_ref().map(|pending| pending.known.client.name.as_str())
    }

    /// The address that the client suggests.
    pub(super) fn login_hint(&self) -> Option<&str> {
        self.pending.as_ref()?.known.parameters.login_hint()
    }

    /// The languages that the client asks for.
    pub(super) fn ui_locales(&self) -> Option<&str> {
        self.pending.as_ref()?.known.parameters.ui_locales()
    }

    /// The URL of the web app behind forward authentication, if no pending request comes first.
    pub(super) fn return_to(&self) -> Option<&str> {
        self.return_to.as_deref().filter(|_| self.pending.is_none())
    }

    /// 303 to what comes next.
    pub(super) fn continue_with(&self, visit: &Visit) -> HttpResponse {
        match (&self.pending, &self.return_to) {
            (Some(pending), _) => visit.resume(&pending.sealed),
            (None, Some(url)) => visit.to_sign_in_for(url),
            (None, None) => visit.to_own_page("/account"),
        }
    }
}
