//! The use cases of the authorization server.

mod apply_clients;
mod authenticate_client;
mod authorize;
mod by_rotation;
mod client_response;
mod describe_server;
mod end_application_session;
mod end_sign_in;
mod exchange_code;
mod find_sign_in;
mod grant_tokens;
mod issue_response;
mod manage_clients;
mod manage_scopes;
mod page_sign_in;
mod push_request;
mod refresh_application;
mod track_client_origins;
mod view_account;
mod withdraw_access;

pub use apply_clients::{ChangeKind, ClientChange, WantedClient, WantedSecret};
pub(crate) use authenticate_client::{AuthenticateClient, ClientCredentials};
pub(crate) use authorize::{
    Authorization, Authorize, Decision, KnownRequest, PendingRequest, RequiredPage, ShownConsent,
};
pub(crate) use by_rotation::ByRotation;
pub(crate) use client_response::ClientResponse;
pub(crate) use describe_server::{DescribeServer, Described};
pub(crate) use end_application_session::EndApplicationSession;
pub(crate) use end_sign_in::EndSignIn;
pub(crate) use exchange_code::ExchangeCode;
pub(crate) use find_sign_in::{FindSignIn, SignedIn};
pub(crate) use grant_tokens::{GrantTokens, PresentedCode, PresentedGrant, PresentedRefreshToken};
pub(crate) use issue_response::IssueResponse;
pub use manage_clients::ManageClients;
pub use manage_scopes::ManageScopes;
pub(crate) use page_sign_in::PageSignIn;
pub(crate) use push_request::PushRequest;
pub(crate) use refresh_application::RefreshApplication;
pub(crate) use track_client_origins::TrackClientOrigins;
pub(crate) use view_account::{AccountOverview, AllowedApplication, ViewAccount};
pub(crate) use withdraw_access::WithdrawAccess;
