//! The scopes that clients may ask for. The operator registers them.

/// The built-in scope that lets an application use its tokens after the user has signed out (OpenID Connect Core §11).
pub const OFFLINE_ACCESS: &str = "offline_access";

/// A scope that clients may ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisteredScope {
    /// Its name: one word.
    pub name: String,
    /// What it permits, as the consent page words it: "See your photos".
    pub description: String,
    /// The API to which it belongs. `None`: the default one.
    pub resource: Option<String>,
}
