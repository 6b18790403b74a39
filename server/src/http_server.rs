//! The HTTP server that both servers run: actix-web's workers and dispatcher, on connections with limits.

use std::fmt::Debug;
use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;

use actix_http::body::MessageBody;
use actix_http::error::DispatchError;
use actix_http::{HttpService, Request};
use actix_server::{GracefulShutdownSignal, Server, ServerBuilder};
use actix_service::{IntoServiceFactory, Service, ServiceFactory, fn_factory, fn_service, map_config};
use actix_web::Error;
use actix_web::dev::{AppConfig, ServiceResponse};
use actix_web::rt::net::TcpStream;
use tokio::net::TcpSocket;
use tokio_rustls::TlsAcceptor;

use crate::Tls;
use crate::connection::{Acceptor, ConnectionLimits, LINGER, LimitedStream, call_tracked};
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
    /// Listens on `address`, which the setting `variable` names. Each worker will serve an instance of `app`; with
    /// `tls`, over HTTPS only. Must be called within a Tokio runtime.
    ///
    /// # Errors
    /// If the address cannot be listened on.
    pub fn bind<F, I, S, B>(
        address: SocketAddr,
        variable: &'static str,
        limits: ConnectionLimits,
        tls: Option<&Tls>,
        app: F,
    ) -> Result<Self, ListenError>
    where
        F: Fn() -> I + Send + Clone + 'static,
        I: IntoServiceFactory<S, Request>,
        S: ServiceFactory<Request, Config = AppConfig, Response = ServiceResponse<B>, Error = Error>
            + 'static,
        S::InitError: Debug,
        S::Future: 'static,
        S::Service: 'static,
        <S::Service as Service<Request>>::Future: 'static,
        B: MessageBody + 'static,
    {
        let listen_error = |cause| ListenError::new(cause, address, variable);
        let listener = listen(address).map_err(listen_error)?;
        let local = listener.local_addr().map_err(listen_error)?;
        let builder = Server::build().shutdown_timeout(SHUTDOWN_SECONDS);
        let (stopping, tls) = (builder.graceful_shutdown_signal(), tls.map(Tls::config));
        let service = move || {
            let worker =
                Worker { local, limits, stopping: stopping.clone(), tls: tls.clone().map(TlsAcceptor::from) };
            let app = Rc::new(map_config(app(), |()| AppConfig::default()));
            fn_factory(move || worker.clone().start(Rc::clone(&app)))
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

/// What each worker serves connections with, besides the application.
#[derive(Clone)]
struct Worker {
    local: SocketAddr,
    limits: ConnectionLimits,
    stopping: GracefulShutdownSignal,
    tls: Option<TlsAcceptor>,
}

impl Worker {
    async fn start<A, S, B>(
        self,
        app: Rc<A>,
    ) -> Result<impl Service<TcpStream, Response = (), Error = DispatchError>, ()>
    where
        A: ServiceFactory<Request, Config = (), Service = S, Response = ServiceResponse<B>, Error = Error>,
        A::InitError: Debug,
        S: Service<Request, Response = ServiceResponse<B>, Error = Error> + 'static,
        S::Future: 'static,
        B: MessageBody + 'static,
    {
        let Self { local, limits, stopping, tls } = self;
        let app = app.new_service(()).await;
        let app = Rc::new(app.map_err(|error| tracing::error!(?error, "the application cannot be started"))?);
        let stopping = move || {
            let stopping = stopping.clone();
            async move { stopping.notified().await }
        };
        let tracked = Rc::clone(&app);
        let http1 = HttpService::build()
            .graceful_shutdown_signal(stopping.clone())
            .keep_alive(limits.keep_alive)
            .client_disconnect_timeout(LINGER)
            .local_addr(local)
            .on_connect_ext(LimitedStream::attach)
            .h1(fn_service(move |request| call_tracked(request, tracked.as_ref())))
            .new_service(())
            .await?;
        let acceptor = Rc::new(Acceptor { app, http1, tls, limits, stopping });
        Ok(fn_service(move |stream| {
            let acceptor = Rc::clone(&acceptor);
            async move { acceptor.serve(stream).await }
        }))
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // Otherwise a restarted server would have to wait until the old connections have timed out.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)?.into_std()
}
