//! The return to a web app behind forward authentication.

use actix_web::HttpResponse;
use actix_web::http::header::SET_COOKIE;
use url::form_urlencoded;

use super::page_error::PageError;
use super::visit::Visit;
use crate::error::Failure;
use crate::flow::oauth::SignedIn;
use crate::return_origins::return_url;

impl Visit {
    /// The URL that `return_to` names. Only those in `RETURN_ORIGINS` are accepted.
    pub(super) fn return_url(&self, text: Option<&str>) -> Result<Option<String>, PageError> {
        let Some(text) = text else { return Ok(None) };
        match return_url(&self.parts.return_origins, text) {
            Some(url) => Ok(Some(url)),
            None => Err(PageError::WrongReturnAddress),
        }
    }

    /// 303 to the web app, with a session cookie for the API. When the token in the cookie has expired, the web app
    /// sends the browser here again, which renews the cookie without showing a page.
    pub(super) fn return_with_cookie(
        &self,
        url: &str,
        signed_in: &SignedIn,
    ) -> Result<HttpResponse, PageError> {
        let token = self.parts.tokens.access_only(&signed_in.snapshot, &self.parts.audience);
        let token = token.map_err(Failure::from).map_err(PageError::Failed)?;
        let cookie = self.parts.session_cookies.access_only(&token).map_err(PageError::Failed)?;
        let mut response = self.see_other(url);
        response.headers_mut().append(SET_COOKIE, cookie);
        Ok(response)
    }

    /// 303 to the sign-in page, which returns to the web app.
    pub(super) fn to_sign_in_for(&self, url: &str) -> HttpResponse {
        let query = form_urlencoded::Serializer::new(String::new()).append_pair("return_to", url).finish();
        self.to_own_page(&format!("/sign-in?{query}"))
    }
}
