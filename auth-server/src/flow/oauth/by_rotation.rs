//! What differs between clients whose refresh tokens rotate and the others.

use auth_domain::Client;

/// A use case in two variants.
#[derive(Clone)]
pub(crate) struct ByRotation<T> {
    /// Each refresh returns a new refresh token.
    pub(crate) rotating: T,
    /// A session keeps one refresh token.
    pub(crate) fixed: T,
    /// `REFRESH_ROTATION`.
    pub(crate) rotation_enabled: bool,
}

impl<T> ByRotation<T> {
    /// The variant for a client. The refresh tokens of a public client always rotate: it has no credentials that a
    /// thief of a token lacks (RFC 9700 §4.14.2).
    pub(super) fn of(&self, client: &Client) -> &T {
        let rotates = client.is_public() || (self.rotation_enabled && client.rotation);
        if rotates { &self.rotating } else { &self.fixed }
    }
}
