//! The scope of an access token that a client refreshes.

use goptri::Scope;

/// The scope that the client asked for is not part of the granted one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the scope is wider than the granted one")]
pub struct ScopeTooWide;

/// The scope of the next access token: what was asked for, or everything that was granted, as far as the client may
/// still ask for it (RT-08, AS-15).
///
/// # Errors
/// [`ScopeTooWide`] if more is asked for than was granted.
pub fn narrow_scope(
    granted: &Scope,
    asked: Option<&Scope>,
    of_client: &Scope,
) -> Result<Scope, ScopeTooWide> {
    let wanted = asked.unwrap_or(granted);
    if !wanted.words().all(|word| granted.contains(word)) {
        return Err(ScopeTooWide);
    }
    Ok(wanted.filter(|word| of_client.contains(word)))
}
