//! The rules of sign-in, sessions, refresh tokens and passwords.
//!
//! Pure decisions: no HTTP, no SQL and no runtime. Callers pass in the time and the randomness. The ports to storage
//! are in `auth-store`.

mod access;
mod common_passwords;
mod digest;
mod email;
mod entropy;
mod guess_limit;
mod hashing_cost;
mod judge;
mod oauth;
mod password;
mod refresh_token;
mod session;
mod user;

pub use access::{access_claims, session_of};
pub use digest::{Digest, RefreshJti};
pub use email::{Email, EmailKey, InvalidEmail, StoredEmail};
pub use entropy::{Entropy, random_id, random_token_id};
pub use guess_limit::{GuessLimit, PER_ACCOUNT_AND_ADDRESS, PER_ADDRESS, RetryLater, Tally, network_prefix};
pub use hashing_cost::{CostTooLow, HashingCost};
pub use judge::{EndReason, RefreshPolicy, RefuseReason, Verdict, judge, judge_unclear};
pub use oauth::{
    ApplicationSession, AssertionVerifier, AuthorizationCode, AuthorizationError, AuthorizationParameters,
    AuthorizationRequest, CODE_LIFETIME, Client, ClientAssertion, ClientAuthentication, ClientLinks,
    ClientOrigin, ClientRegistration, ClientSecret, CodeChallenge, CodeKey, CodeMismatch, CodeVerdict,
    CodeVerifier, Grant, InvalidAssertion, InvalidClient, InvalidCodeChallenge, InvalidRedirectUri,
    MAX_AUTHORIZATION_REQUEST, NewCode, NextStep, OFFLINE_ACCESS, PUSHED_LIFETIME, Prompt, PushedRequest,
    Redemption, RedirectUri, RegisteredScope, RequestUri, ResponseMode, ResponseType, ReturnAddress,
    ScopeTooWide, SignInHandle, SignInKey, Situation, StoredCode, Unanswerable, client_named_by,
    narrow_scope,
};
pub use password::{NormalisedPassword, Password, PasswordHash, PasswordRejected, PasswordRules};
pub use refresh_token::{PresentedRefresh, RefreshTokens};
pub use session::{
    ClientId, Generation, ListedSession, MAX_SESSIONS, NewSession, Session, SessionId, SessionKey,
    SessionOwner, SessionSnapshot,
};
pub use user::{
    Credentials, InvalidRole, NewPassword, NewUser, PasswordSetter, Role, User, UserId, UserIdOrEmail,
};
