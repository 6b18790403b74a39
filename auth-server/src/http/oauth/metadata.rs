//! `GET /.well-known/oauth-authorization-server`: what clients need to know about this server (RFC 8414).

use actix_web::HttpResponse;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::Data;
use serde_json::{Value, json};

use crate::error::Failure;
use crate::flow::oauth::{DescribeServer, Described};

/// The path of the metadata.
pub(crate) const PATH: &str = "/.well-known/oauth-authorization-server";

/// How long clients may use a cached copy.
const CACHE_FOR: &str = "public, max-age=300";

/// How clients authenticate at every endpoint.
const AUTH_METHODS: [&str; 4] = ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"];

/// The algorithms of `private_key_jwt`: those of the keys that this server verifies with.
const ASSERTION_ALGORITHMS: [&str; 3] = ["EdDSA", "ES256", "RS256"];

/// `ISSUER`: every URL in the metadata begins with it.
#[derive(Debug, Clone)]
pub(crate) struct Issuer(pub(crate) String);

/// 200 with the metadata.
pub(crate) async fn show(issuer: Data<Issuer>, flow: Data<DescribeServer>) -> Result<HttpResponse, Failure> {
    let described = flow.run().await?;
    let mut response = HttpResponse::Ok();
    Ok(response.insert_header((CACHE_CONTROL, CACHE_FOR)).json(document(&issuer.0, &described)))
}

fn document(issuer: &str, described: &Described) -> Value {
    let url = |path: &str| format!("{issuer}{path}");
    let if_implicit = |name| described.has_implicit.then_some(name);
    let response_types: Vec<_> = ["code"].into_iter().chain(if_implicit("token")).collect();
    let grant_types: Vec<_> =
        ["authorization_code", "refresh_token"].into_iter().chain(if_implicit("implicit")).collect();
    json!({
        "issuer": issuer,
        "authorization_endpoint": url("/authorize"),
        "token_endpoint": url("/token"),
        "revocation_endpoint": url("/revoke"),
        "pushed_authorization_request_endpoint": url("/par"),
        "jwks_uri": url(goptri::keys::JWKS_PATH),
        "scopes_supported": described.scopes,
        "response_types_supported": response_types,
        "response_modes_supported": ["query", "fragment", "form_post"],
        "grant_types_supported": grant_types,
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
        "token_endpoint_auth_methods_supported": AUTH_METHODS,
        "token_endpoint_auth_signing_alg_values_supported": ASSERTION_ALGORITHMS,
        "revocation_endpoint_auth_methods_supported": AUTH_METHODS,
        "revocation_endpoint_auth_signing_alg_values_supported": ASSERTION_ALGORITHMS,
        "ui_locales_supported": ["en", "de"],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described(has_implicit: bool) -> Value {
        let scopes = vec!["photos:read".to_owned(), "offline_access".to_owned()];
        document("https://auth.example/base", &Described { scopes, has_implicit })
    }

    /// OI-01, OI-02, AS-05
    #[test]
    fn every_url_begins_with_the_issuer_and_only_s256_is_offered() {
        let document = described(false);
        assert_eq!(document["issuer"], "https://auth.example/base");
        let urls = document
            .as_object()
            .unwrap()
            .iter()
            .filter(|(name, _)| name.ends_with("_endpoint") || *name == "jwks_uri");
        assert_eq!(urls.clone().count(), 5);
        for (name, url) in urls {
            assert!(url.as_str().unwrap().starts_with("https://auth.example/base/"), "{name}");
        }
        assert_eq!(document["code_challenge_methods_supported"], json!(["S256"]));
        assert_eq!(document["authorization_response_iss_parameter_supported"], true);
    }

    /// AS-15
    #[test]
    fn the_implicit_grant_is_offered_only_while_a_client_has_it() {
        assert_eq!(described(false)["response_types_supported"], json!(["code"]));
        assert_eq!(described(false)["grant_types_supported"], json!(["authorization_code", "refresh_token"]));
        assert_eq!(described(true)["response_types_supported"], json!(["code", "token"]));
        assert!(described(true)["grant_types_supported"].as_array().unwrap().contains(&json!("implicit")));
    }
}
