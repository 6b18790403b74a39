//! The HTTP server that both servers run: actix-web's workers and dispatcher, on connections with limits.

use std::future::{Future, ready};
use std::io;
use std::net::{SocketAddr, TcpListener};

use actix_http::body::MessageBody;
use actix_http::error::DispatchError;
use actix_http::{HttpService, Request};
use actix_server::{Server, ServerBuilder};
use actix_service::{
    IntoServiceFactory, Service, ServiceFactory, ServiceFactoryExt, apply_fn_factory, fn_service, map_config,
};
use actix_web::Error;
use actix_web::dev::{AppConfig, ServiceResponse};
use actix_web::rt::net::TcpStream;
use tokio::net::TcpSocket;

use crate::connection::{ConnectionLimits, LINGER, LimitedStream, call_tracked};
use crate::lifecycle::ListenError;

/// Connections that the operating system accepts before a worker does.
const BACKLOG: u32 = 1024;

/// How long a stop waits for requests in flight.
const SHUTDOWN_SECONDS: u64 = 30;

/// A server that listens and does not serve yet.
pub struct HttpServer {
    builder: ServerBuilder,
    address: SocketAddr,
}

impl HttpServer {
    /// Listens on `address`, which `variable` names, for an instance of `app` in each worker. Must be called within a
    /// Tokio runtime.
    ///
    /// # Errors
    /// If the address cannot be listened on.
    pub fn bind<F, I, S, B>(
        address: SocketAddr,
        variable: &'static str,
        limits: ConnectionLimits,
        app: F,
    ) -> Result<Self, ListenError>
    where
        F: Fn() -> I + Send + Clone + 'static,
        I: IntoServiceFactory<S, Request>,
        S: ServiceFactory<Request, Config = AppConfig, Response = ServiceResponse<B>, Error = Error>
            + 'static,
        S::InitError: std::fmt::Debug,
        S::Future: 'static,
        S::Service: 'static,
        <S::Service as Service<Request>>::Future: 'static,
        B: MessageBody + 'static,
    {
        let listen_error = |cause| ListenError::new(cause, address, variable);
        let listener = listen(address).map_err(listen_error)?;
        let local = listener.local_addr().map_err(listen_error)?;
        let builder = Server::build().shutdown_timeout(SHUTDOWN_SECONDS);
        let stopping = builder.graceful_shutdown_signal();
        let service = move || {
            let stopping = stopping.clone();
            let app = map_config(app(), |()| AppConfig::default());
            let http = HttpService::build()
                .graceful_shutdown_signal(move || {
                    let stopping = stopping.clone();
                    async move { stopping.notified().await }
                })
                .keep_alive(limits.keep_alive)
                .client_disconnect_timeout(LINGER)
                .local_addr(local)
                .on_connect_ext(LimitedStream::attach)
                .h1(apply_fn_factory(app, call_tracked::<S::Service, B>));
            let guarded = move |stream: TcpStream| {
                // Fails only if the client has disconnected already.
                let _ = stream.set_nodelay(true);
                let peer = stream.peer_addr().ok();
                ready(Ok::<_, DispatchError>((LimitedStream::new(stream, limits), peer)))
            };
            fn_service(guarded).and_then(http)
        };
        let builder = builder.listen("http", listener, service).map_err(listen_error)?;
        Ok(Self { builder, address: local })
    }

    /// The address it listens on, with the port that the operating system chose if the configuration says 0.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop` completes, and then finishes the requests in flight.
    pub fn run(self, stop: impl Future<Output = ()> + Send + 'static) -> Server {
        self.builder.shutdown_signal(stop).run()
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // A restarted server need not wait for the connections of the last one.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)?.into_std()
}
