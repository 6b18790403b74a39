//! Clients of the authorization server, what users allow them, and the codes and sign-ins behind it (RFC 6749, RFC
//! 9700).

mod authorization_error;
mod authorization_parameters;
mod authorization_request;
mod client;
mod client_assertion;
mod client_registration;
mod code;
mod grant;
mod narrow_scope;
mod next_step;
mod pkce;
mod pushed;
mod redeem;
mod redirect_uri;
mod registered_scope;
mod response_mode;
mod return_address;
mod sign_in;

pub use authorization_error::{AuthorizationError, Unanswerable};
pub use authorization_parameters::{AuthorizationParameters, MAX_AUTHORIZATION_REQUEST};
pub use authorization_request::{AuthorizationRequest, Prompt, ResponseType};
pub use client::{Client, ClientAuthentication, ClientOrigin, ClientSecret};
pub use client_assertion::{AssertionVerifier, ClientAssertion, InvalidAssertion, client_named_by};
pub use client_registration::{ClientLinks, ClientRegistration, InvalidClient};
pub use code::{ApplicationSession, AuthorizationCode, CODE_LIFETIME, CodeKey, NewCode, StoredCode};
pub use grant::Grant;
pub use narrow_scope::{ScopeTooWide, narrow_scope};
pub use next_step::{NextStep, Situation};
pub use pkce::{CodeChallenge, CodeVerifier, InvalidCodeChallenge};
pub use pushed::{PUSHED_LIFETIME, PushedRequest, RequestUri};
pub use redeem::{CodeMismatch, CodeVerdict, Redemption};
pub use redirect_uri::{InvalidRedirectUri, RedirectUri};
pub use registered_scope::{OFFLINE_ACCESS, RegisteredScope};
pub use response_mode::ResponseMode;
pub use return_address::ReturnAddress;
pub use sign_in::{SignInHandle, SignInKey};
