//! The port to sign-ins at the pages of this server. A sign-in is opened, listed and ended as every session is.

use async_trait::async_trait;
use auth_domain::{Digest, PasswordHash, SessionKey, SessionSnapshot, SignInHandle, SignInKey};

use crate::StoreError;

/// Finds and renews sign-ins.
#[async_trait]
pub trait SignIns: Send + Sync + 'static {
    /// The sign-in, also an expired one or that of a disabled user. `None`: there is none, or it has another handle.
    async fn find_sign_in(&self, key: &SignInKey) -> Result<Option<SessionSnapshot>, StoreError>;

    /// Gives a sign-in a new handle and the present time as `auth_time`, if it has not expired and its user is enabled and
    /// still has the verified password hash. It counts as a use. The sessions of its applications stay. `None`: nothing
    /// changed.
    ///
    /// The password is the proof, not the handle: a form that is sent twice arrives with the old handle again.
    async fn renew_sign_in(
        &self,
        session: SessionKey,
        to: &Digest<SignInHandle>,
        verified_hash: &PasswordHash,
    ) -> Result<Option<SessionSnapshot>, StoreError>;
}
