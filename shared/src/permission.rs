//! The scope or role that a route requires of its caller.

use crate::access_claims::AccessClaims;

/// What a route requires of its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Needs {
    /// Any valid access token.
    AnyToken,
    /// A token with this scope.
    Scope(&'static str),
    /// A user with this role. A client has no roles.
    Role(&'static str),
}

impl Needs {
    /// Whether a caller with these claims meets the requirement.
    pub fn met_by(self, claims: &AccessClaims) -> bool {
        match self {
            Self::AnyToken => true,
            Self::Scope(word) => claims.scope.contains(word),
            Self::Role(role) => {
                claims.user().is_some_and(|user| user.roles.iter().any(|granted| granted == role))
            }
        }
    }
}

/// A requirement as a type, for the signature of a handler: `Bearer<InvoicesRead>`.
///
/// ```
/// struct InvoicesRead;
/// impl goptri::Permission for InvoicesRead {
///     const NEEDS: goptri::Needs = goptri::Needs::Scope("invoices:read");
/// }
/// struct Accountant;
/// impl goptri::Permission for Accountant {
///     const NEEDS: goptri::Needs = goptri::Needs::Role("accountant");
/// }
/// ```
pub trait Permission: 'static {
    /// The requirement.
    const NEEDS: Needs;
}

/// Any valid access token.
#[derive(Debug)]
pub struct AnyToken;

impl Permission for AnyToken {
    const NEEDS: Needs = Needs::AnyToken;
}
