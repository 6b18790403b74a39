//! Cookies that carry access tokens: their name and domain, their value, and which requests may use them.

mod header;
mod origin_check;
mod session_cookie;
mod value;

pub use header::{TwoCookies, find_cookie};
pub use origin_check::may_use_cookies;
pub use session_cookie::SessionCookie;
pub(crate) use value::with_token;
pub use value::{MAX_COOKIE_BYTES, decode, encode, max_token_bytes};
