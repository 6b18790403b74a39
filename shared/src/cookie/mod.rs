//! Cookies that carry access tokens: their name and scope, their value, and which requests may use them.

mod header;
mod scope;
mod sender;
mod value;

pub use header::{TwoCookies, find_cookie};
pub use scope::SessionCookie;
pub use sender::may_use_cookies;
pub(crate) use value::with_token;
pub use value::{MAX_COOKIE_BYTES, decode, encode, max_token_bytes};
