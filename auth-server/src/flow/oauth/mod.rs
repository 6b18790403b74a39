//! The use cases of the authorization server.

mod apply_clients;
mod authenticate_client;
mod describe_server;
mod exchange_code;
mod follow_clients;
mod grant_tokens;
mod manage_clients;
mod manage_scopes;
mod refresh_application;
mod revoke_tokens;

pub use apply_clients::{ChangeKind, ClientChange, WantedClient, WantedSecret};
pub(crate) use authenticate_client::{AuthenticateClient, ClientCredentials};
pub(crate) use describe_server::{DescribeServer, Described};
pub(crate) use exchange_code::ExchangeCode;
pub(crate) use follow_clients::FollowClients;
pub(crate) use grant_tokens::{GrantTokens, PresentedCode, PresentedGrant, PresentedToken};
pub use manage_clients::ManageClients;
pub use manage_scopes::ManageScopes;
pub(crate) use refresh_application::RefreshApplication;
pub(crate) use revoke_tokens::RevokeTokens;
