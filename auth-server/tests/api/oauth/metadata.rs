//! `GET /.well-known/oauth-authorization-server` (RFC 8414).

use auth_domain::Client;
use serde_json::json;

use super::fixture::{OAuth, page, printer};
use crate::support::on_both_engines;

const PATH: &str = "/.well-known/oauth-authorization-server";

on_both_engines! {
    /// OI-01, OI-02, AS-05
    async fn the_metadata_describes_the_issuer_its_endpoints_and_the_registered_scopes(server) {
        server.scope("photos:read").await;
        server.add(&printer()).await;
        let answer = server.get(PATH, None).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        for (name, value) in [
            ("issuer", json!("http://localhost:4000")),
            ("token_endpoint", json!("http://localhost:4000/token")),
            ("revocation_endpoint", json!("http://localhost:4000/revoke")),
            ("jwks_uri", json!("http://localhost:4000/.well-known/jwks.json")),
            ("scopes_supported", json!(["photos:read", "offline_access"])),
            ("response_types_supported", json!(["code"])),
            ("code_challenge_methods_supported", json!(["S256"])),
            ("authorization_response_iss_parameter_supported", json!(true)),
        ] {
            assert_eq!(answer.body[name], value, "{name}");
        }
    }

    /// AS-15
    async fn the_implicit_grant_is_advertised_only_while_a_client_has_it(server) {
        server.add(&printer()).await;
        assert_eq!(server.get(PATH, None).await.body["response_types_supported"], json!(["code"]));
        server.add(&Client { implicit: true, ..page() }).await;
        assert_eq!(server.get(PATH, None).await.body["response_types_supported"], json!(["code", "token"]));
    }
}
