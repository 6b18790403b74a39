//! What every page needs.

use std::sync::Arc;

use auth_domain::Entropy;
use auth_pages::Pages;
use chrono::TimeDelta;
use goptri::clock::Clock;
use goptri::cookie::SessionCookie;
use goptri::origin::Origins;

use super::FormKeys;
use super::browser::PageCookies;
use crate::flow::IssueTokens;
use crate::flow::oauth::FindSignIn;
use crate::http::cookies::Cookies;

/// The parts that all pages share.
pub(crate) struct PageParts {
    pub(crate) pages: Pages,
    pub(crate) keys: FormKeys,
    pub(crate) cookies: PageCookies,
    pub(crate) sign_ins: FindSignIn,
    pub(crate) issuer: String,
    /// The origins of the web apps to which a sign-in returns (forward authentication).
    pub(crate) return_origins: Origins,
    /// The session cookie that these web apps read.
    pub(crate) session_cookies: Cookies,
    /// Signs the access token in that cookie.
    pub(crate) tokens: IssueTokens,
    /// The API that this access token is for.
    pub(crate) audience: String,
    /// The path of the issuer, without a slash at its end; the pages are below it.
    pub(crate) base_path: String,
    /// Only its origin is used, that of the issuer: a form must come from one of its pages.
    pub(crate) own_pages: SessionCookie,
    pub(crate) registration_open: bool,
    pub(crate) min_password_length: usize,
    /// How far the clocks of this server and of the database may differ.
    pub(crate) clock_leeway: TimeDelta,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
}
