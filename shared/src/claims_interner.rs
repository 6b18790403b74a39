//! What the tokens of a client have alike, kept once for most of them.

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwapOption;

use crate::usual_payload::UsualPayload;
use crate::{Audience, InvalidScope, Scope};

/// The latest of each kind of token, as far as there is room.
pub(crate) struct Alike([ArcSwapOption<Common>; PLACES]);

/// More than there are kinds of clients in most places.
const PLACES: usize = 64;

/// Comparing takes less time than copying, and where thousands of tokens are remembered, it is a quarter of the memory.
#[derive(Debug, Clone)]
pub(crate) struct Common {
    pub(crate) iss: Arc<str>,
    pub(crate) aud: Audience,
    pub(crate) client_id: Arc<str>,
    pub(crate) scope: Scope,
}

impl Alike {
    /// What this payload says of these four.
    ///
    /// # Errors
    /// When its scope has what no scope may have.
    pub(crate) fn common(&self, payload: &UsualPayload<'_>) -> Result<Common, InvalidScope> {
        let sum = payload.client_id.bytes().chain(payload.scope.bytes());
        let sum = sum.fold(0, |sum: usize, byte| sum.wrapping_mul(31).wrapping_add(usize::from(byte)));
        let place = &self.0[sum % PLACES];
        if let Some(latest) = place.load().as_deref().filter(|latest| latest.is_of(payload)) {
            return Ok(latest.clone());
        }
        let common = Common {
            iss: payload.iss.into(),
            aud: Audience(payload.aud.iter().map(str::to_owned).collect()),
            client_id: payload.client_id.into(),
            scope: Scope::parse(payload.scope)?,
        };
        place.store(Some(Arc::new(common.clone())));
        Ok(common)
    }
}

impl Common {
    fn is_of(&self, payload: &UsualPayload<'_>) -> bool {
        *self.client_id == *payload.client_id
            && self.scope.as_str() == payload.scope
            && *self.iss == *payload.iss
            && self.aud.0.iter().map(String::as_str).eq(payload.aud.iter())
    }
}

impl Default for Alike {
    fn default() -> Self {
        Self([const { ArcSwapOption::const_empty() }; PLACES])
    }
}

impl fmt::Debug for Alike {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Alike").finish_non_exhaustive()
    }
}
