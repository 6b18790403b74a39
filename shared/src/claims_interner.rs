//! Shares the claims that most tokens of a client have in common.

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwapOption;

use crate::audience::Audience;
use crate::scope::{InvalidScope, Scope};

/// The latest [`SharedClaims`] for each hash of client and scope.
///
/// To compare is cheaper than to copy, and to share saves a quarter of the memory of thousands of cached tokens.
pub(crate) struct ClaimsInterner([ArcSwapOption<SharedClaims>; SLOTS]);

/// Most installations have fewer combinations of client and scope.
const SLOTS: usize = 64;

/// The claims that tokens can share.
#[derive(Debug, Clone)]
pub(crate) struct SharedClaims {
    pub(crate) iss: Arc<str>,
    pub(crate) aud: Audience,
    pub(crate) client_id: Arc<str>,
    pub(crate) scope: Scope,
}

impl SharedClaims {
    /// # Errors
    /// If `scope` has characters that RFC 6749 §3.3 forbids.
    pub(crate) fn new(iss: &str, aud: &Audience, client_id: &str, scope: &str) -> Result<Self, InvalidScope> {
        let scope = Scope::parse(scope)?;
        Ok(Self { iss: iss.into(), aud: aud.clone(), client_id: client_id.into(), scope })
    }
}

impl ClaimsInterner {
    /// Like [`SharedClaims::new`], but reuses the latest equal claims.
    pub(crate) fn intern(
        &self,
        iss: &str,
        aud: &Audience,
        client_id: &str,
        scope: &str,
    ) -> Result<SharedClaims, InvalidScope> {
        let bytes = client_id.bytes().chain(scope.bytes());
        let hash = bytes.fold(0, |hash: usize, byte| hash.wrapping_mul(31).wrapping_add(usize::from(byte)));
        let slot = &self.0[hash % SLOTS];
        if let Some(latest) = slot.load().as_deref()
            && *latest.client_id == *client_id
            && latest.scope.as_str() == scope
            && *latest.iss == *iss
            && latest.aud == *aud
        {
            return Ok(latest.clone());
        }
        let claims = SharedClaims::new(iss, aud, client_id, scope)?;
        slot.store(Some(Arc::new(claims.clone())));
        Ok(claims)
    }
}

impl Default for ClaimsInterner {
    fn default() -> Self {
        Self([const { ArcSwapOption::const_empty() }; SLOTS])
    }
}

impl fmt::Debug for ClaimsInterner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClaimsInterner").finish_non_exhaustive()
    }
}
