//! The scope or role that a route requires of its caller.

use crate::access_claims::AccessClaims;

/// What a route requires of its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Requirement {
    /// Any valid access token.
    AnyToken,
    /// A token with this scope.
    Scope(&'static str),
    /// A user with this role. A client has no roles.
    Role(&'static str),
}

impl Requirement {
    /// Whether a caller with these claims meets the requirement.
    pub fn is_met_by(self, claims: &AccessClaims) -> bool {
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
///     const REQUIRES: goptri::Requirement = goptri::Requirement::Scope("invoices:read");
/// }
/// struct Accountant;
/// impl goptri::Permission for Accountant {
///     const REQUIRES: goptri::Requirement = goptri::Requirement::Role("accountant");
/// }
/// ```
pub trait Permission: 'static {
    /// The requirement.
    const REQUIRES: Requirement;
}

/// Any valid access token.
#[derive(Debug)]
pub struct AnyToken;

impl Permission for AnyToken {
    const REQUIRES: Requirement = Requirement::AnyToken;
}
