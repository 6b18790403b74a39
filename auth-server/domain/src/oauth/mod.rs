//! Clients of the authorization server, what users allow them, and the codes and sign-ins behind it (RFC 6749, RFC 9700).

mod client;
mod code;
mod grant;
mod pkce;
mod pushed;
mod redirect_uri;
mod registered_scope;
mod sign_in;

pub use client::{Client, ClientAuthentication, ClientOrigin, ClientSecret};
pub use code::{ApplicationSession, AuthorizationCode, CODE_LIFETIME, CodeKey, NewCode, StoredCode};
pub use grant::Grant;
pub use pkce::{CodeChallenge, CodeVerifier, InvalidPkce};
pub use pushed::{PUSHED_LIFETIME, PushedRequest, RequestUri};
pub use redirect_uri::{InvalidRedirectUri, RedirectUri};
pub use registered_scope::{OFFLINE_ACCESS, RegisteredScope};
pub use sign_in::{SignInHandle, SignInKey};
