//! The sign-in of a browser: a session that a cookie names instead of tokens.

use goptri_settings::{Plain, SecretKind};
use uuid::Uuid;

use crate::{Digest, Entropy, SessionId, SessionKey, UserId};

/// The kind of the handle in the cookie.
#[derive(Debug)]
pub enum SignInHandle {}
impl SecretKind for SignInHandle {
    const NAME: &'static str = "sign-in handle";
}

/// How a sign-in is found: its session's key, and the digest of the whole handle.
#[derive(Debug, Clone, PartialEq)]
pub struct SignInKey {
    /// The session.
    pub session: SessionKey,
    /// The digest of the handle, which the session's row must have.
    pub hash: Digest<SignInHandle>,
}

impl SignInKey {
    /// A new handle of a session: its key and 256 random bits, in base64url.
    pub fn generate(session: SessionKey, entropy: &dyn Entropy) -> (Plain<SignInHandle>, Self) {
        let mut bytes = [0; 64];
        bytes[..16].copy_from_slice(session.user_id.0.as_bytes());
        bytes[16..32].copy_from_slice(session.id.0.as_bytes());
        entropy.fill(&mut bytes[32..]);
        let handle = Plain::new(goptri::token::encode_base64url(bytes));
        let hash = Digest::of(&handle);
        (handle, Self { session, hash })
    }

    /// The key of a handle that a browser presents. `None`: the text does not have the form of a handle.
    pub fn of(handle: &Plain<SignInHandle>) -> Option<Self> {
        let bytes: [u8; 64] = goptri::token::decode_base64url(handle.expose())?.try_into().ok()?;
        let user_id = UserId(Uuid::from_slice(&bytes[..16]).ok()?);
        let id = SessionId(Uuid::from_slice(&bytes[16..32]).ok()?);
        Some(Self { session: SessionKey { user_id, id }, hash: Digest::of(handle) })
    }
}
