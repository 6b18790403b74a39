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
    /// The applications to which a sign-in returns.
    pub(crate) return_origins: Origins,
    /// The cookie that they read.
    pub(crate) session_cookies: Cookies,
    /// Signs the token in it.
    pub(crate) tokens: IssueTokens,
    /// The API for which that token is.
    pub(crate) audience: String,
    /// The path of the issuer, without a slash at its end; the pages are below it.
    pub(crate) base_path: String,
    /// The origin of the issuer, whose pages may post forms.
    pub(crate) own_pages: SessionCookie,
    pub(crate) registration_open: bool,
    pub(crate) min_password_length: usize,
    /// How far the clocks of this server and of the database may differ.
    pub(crate) clock_leeway: TimeDelta,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
}
