//! The bearer layer in a gRPC server of tonic.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use goptri::revocation::{ManualMonotonicClock, OnStale, RevocationSet, StalenessPolicy};
use goptri::tower::{BearerAuth, Require, authorize};
use goptri::{Guard, Requirement};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Server};
use tonic::{Code, Request, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tonic_health::server::health_reporter;

use crate::protected_app::guard;
use test_support::forge::{USER, claims, good, with, with_claims};

/// An interceptor for methods that need a scope. The subject in the message shows that the claims arrive.
fn needs_photos_read(request: Request<()>) -> Result<Request<()>, Status> {
    match authorize(request.extensions(), Requirement::Scope("photos:read")) {
        Ok(caller) if caller.subject() == USER => Ok(request),
        Ok(_) => Err(Status::internal("another caller")),
        Err(error) if error.status == 403 => Err(Status::permission_denied(error.description)),
        Err(error) => Err(Status::unauthenticated(error.description)),
    }
}

async fn start(guard: Guard) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (_, health) = health_reporter();
    let service = InterceptedService::new(health, needs_photos_read);
    let server = Server::builder().layer(BearerAuth::required(guard)).add_service(service);
    tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
    address
}

/// The code that the client sees, and the message.
async fn check(address: SocketAddr, authorization: &[&str]) -> Result<(), (Code, String)> {
    let channel = Channel::from_shared(format!("http://{address}")).unwrap().connect().await.unwrap();
    let mut request = Request::new(HealthCheckRequest { service: String::new() });
    for value in authorization {
        request.metadata_mut().append("authorization", value.parse().unwrap());
    }
    let checked = HealthClient::new(channel).check(request).await;
    checked.map(|_| ()).map_err(|status| (status.code(), status.message().to_owned()))
}

#[actix_web::test]
async fn the_client_sees_the_grpc_code_of_each_rejection() {
    let address = start(guard()).await;
    let bearer = format!("Bearer {}", good());
    assert_eq!(check(address, &[&bearer]).await, Ok(()));
    for (authorization, code) in [
        (&[] as &[&str], Code::Unauthenticated),
        (&["Basic YTpi"], Code::Unauthenticated),
        (&["Bearer nonsense"], Code::Unauthenticated),
        (&[&bearer, &bearer], Code::InvalidArgument),
    ] {
        let (found, message) = check(address, authorization).await.unwrap_err();
        assert_eq!(found, code, "{authorization:?}");
        assert!(!message.is_empty());
    }
    let lacking = format!("Bearer {}", with_claims(&with(claims(), "scope", "photos:write")));
    let (code, message) = check(address, &[&lacking]).await.unwrap_err();
    assert_eq!((code, message.contains("lacks the scope")), (Code::PermissionDenied, true), "{message}");

    let revocations = RevocationSet::new(
        StalenessPolicy { max_age: Duration::from_mins(1), on_stale: OnStale::Refuse },
        Arc::new(ManualMonotonicClock::default()),
    );
    let address = start(guard().with_revocations(revocations)).await;
    assert_eq!(check(address, &[&bearer]).await.unwrap_err().0, Code::Unavailable);
}

/// A layer inside of a service has the same rejections.
#[actix_web::test]
async fn a_layer_for_a_scope_rejects_a_call_of_grpc() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (_, health) = health_reporter();
    let mut layers =
        Server::builder().layer(BearerAuth::required(guard())).layer(Require::scope("photos:write"));
    let server = layers.add_service(health);
    tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
    let (code, message) = check(address, &[&format!("Bearer {}", good())]).await.unwrap_err();
    assert_eq!((code, message.contains("lacks the scope")), (Code::PermissionDenied, true), "{message}");
    let writer = with_claims(&with(claims(), "scope", "photos:write"));
    assert_eq!(check(address, &[&format!("Bearer {writer}")]).await, Ok(()));
}
