//! What the metadata of the authorization server says about the registered clients and scopes (RFC 8414).

use std::sync::Arc;

use auth_domain::OFFLINE_ACCESS;
use auth_store::Store;

use crate::error::Failure;

/// Reads what clients may ask for.
#[derive(Clone)]
pub(crate) struct DescribeServer {
    pub(crate) store: Arc<dyn Store>,
}

/// What clients may ask for.
#[derive(Debug)]
pub(crate) struct Described {
    /// Every scope.
    pub(crate) scopes: Vec<String>,
    /// Whether a client may use the implicit grant.
    pub(crate) has_implicit: bool,
}

impl DescribeServer {
    /// What clients may ask for at this moment.
    pub(crate) async fn run(&self) -> Result<Described, Failure> {
        let registered = self.store.list_scopes().await?.into_iter().map(|scope| scope.name);
        let scopes = registered.chain([OFFLINE_ACCESS.to_owned()]).collect();
        let has_implicit = self.store.list_clients().await?.iter().any(|client| client.implicit);
        Ok(Described { scopes, has_implicit })
    }
}
