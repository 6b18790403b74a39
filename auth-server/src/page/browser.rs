//! The cookies of the pages: which browser it is, and which sign-in it has.

use actix_web::HttpRequest;
use actix_web::http::header::{COOKIE, HeaderValue};
use auth_domain::{Entropy, SignInHandle, SignInKey};
use goptri::cookie::{TwoCookies, find_cookie};
use goptri::token::{decode_base64url, encode_base64url};
use goptri_settings::{Plain, SecretKind};

/// The kind of the id in the cookie of a browser, to which its forms are bound.
#[derive(Debug)]
pub(crate) enum BrowserId {}
impl SecretKind for BrowserId {
    const NAME: &'static str = "browser id";
}

/// How this server sets, reads and expires the cookies of the pages.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PageCookies {
    is_secure: bool,
}

/// The browser that sent a request.
#[derive(Debug, Clone)]
pub(super) struct Browser {
    /// Its id.
    pub(super) id: Plain<BrowserId>,
    /// Whether it gets the id with the response.
    pub(super) is_new: bool,
    /// The handle of its sign-in, which may have ended.
    pub(super) sign_in: Option<SignInKey>,
}

impl PageCookies {
    /// `is_secure`: the cookies are `Secure`, with the prefix `__Host-`. `false` only if the issuer is http on
    /// localhost, where browsers do not accept the prefix.
    pub(crate) fn new(is_secure: bool) -> Self {
        Self { is_secure }
    }

    /// The browser that sent the request. Without a valid id, it gets a new one.
    pub(super) fn read(self, request: &HttpRequest, entropy: &dyn Entropy) -> Result<Browser, TwoCookies> {
        let find = |name| {
            let cookies = request.headers().get_all(COOKIE).map(HeaderValue::as_bytes);
            let found = find_cookie(cookies, name)?;
            Ok(found.and_then(|value| std::str::from_utf8(value).ok()).map(str::to_owned))
        };
        let id = find(self.browser_name())?.filter(|id| is_id(id));
        let (id, is_new) = id.map_or_else(|| (new_id(entropy), true), |id| (id, false));
        let handle = find(self.sign_in_name())?.map(Plain::<SignInHandle>::new);
        let sign_in = handle.as_ref().and_then(SignInKey::of);
        Ok(Browser { id: Plain::new(id), is_new, sign_in })
    }

    /// Sets the id of a browser, until it is closed.
    pub(super) fn set_browser(self, id: &Plain<BrowserId>) -> Option<HeaderValue> {
        self.header(self.browser_name(), id.expose(), "")
    }

    /// Sets the handle of a sign-in, until the browser is closed.
    pub(super) fn set_sign_in(self, handle: &Plain<SignInHandle>) -> Option<HeaderValue> {
        self.header(self.sign_in_name(), handle.expose(), "")
    }

    /// Deletes the handle.
    pub(super) fn expire_sign_in(self) -> Option<HeaderValue> {
        self.header(self.sign_in_name(), "", "; Max-Age=0")
    }

    /// `None` never happens: names and values are base64url.
    fn header(self, name: &str, value: &str, age: &str) -> Option<HeaderValue> {
        let secure = if self.is_secure { "; Secure" } else { "" };
        HeaderValue::try_from(format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{age}")).ok()
    }

    fn sign_in_name(self) -> &'static str {
        if self.is_secure { "__Host-signin" } else { "signin" }
    }

    fn browser_name(self) -> &'static str {
        if self.is_secure { "__Host-browser" } else { "browser" }
    }
}

fn new_id(entropy: &dyn Entropy) -> String {
    let mut bytes = [0; 32];
    entropy.fill(&mut bytes);
    encode_base64url(bytes)
}

fn is_id(text: &str) -> bool {
    decode_base64url(text).is_some_and(|bytes| bytes.len() == 32)
}
