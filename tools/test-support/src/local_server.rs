//! A server in the process of the test, and a client for it.

use std::cell::RefCell;
use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpStream};

use actix_web::rt::task::JoinHandle;
use reqwest::redirect::Policy;
use reqwest::{Client, Method, RequestBuilder};
use tokio::sync::oneshot;

use crate::{Answer, TIMEOUT, answer};

thread_local! {
    /// The servers that the test of this thread has asked to stop.
    static STOPPING: RefCell<Vec<JoinHandle<()>>> = const { RefCell::new(Vec::new()) };
}

/// A running server; asked to stop on drop.
#[derive(Debug)]
pub struct LocalServer {
    pub address: SocketAddr,
    pub url: String,
    client: Client,
    running: RefCell<Option<(Stop, JoinHandle<()>)>>,
}

/// Stops the server that it is given to, once sent.
#[derive(Debug)]
pub struct Stop(oneshot::Sender<()>);

impl Stop {
    /// A signal and its receiver for the next server, once all servers that this test has asked to stop have stopped: a
    /// server that is still stopping could take a connection from the next one.
    pub async fn after_earlier_servers() -> (Self, impl Future<Output = ()> + Send + 'static) {
        for stopping in STOPPING.take() {
            // Cancelled if the runtime of an earlier test on this thread has ended.
            let _ = stopping.await;
        }
        let (stop, stopped) = oneshot::channel();
        (Self(stop), async move { drop(stopped.await) })
    }
}

impl LocalServer {
    /// Serves with `run` until it is dropped.
    pub fn start(
        address: SocketAddr,
        stop: Stop,
        run: impl Future<Output = io::Result<()>> + 'static,
    ) -> Self {
        let running = actix_web::rt::spawn(async move { run.await.unwrap() });
        Self {
            address,
            url: format!("http://{address}"),
            client: Client::builder().redirect(Policy::none()).pool_max_idle_per_host(0).build().unwrap(),
            running: RefCell::new(Some((stop, running))),
        }
    }

    pub fn request(
        &self,
        method: impl TryInto<Method, Error: std::fmt::Debug>,
        path: &str,
    ) -> RequestBuilder {
        self.client.request(method.try_into().unwrap(), format!("{}{path}", self.url))
    }

    pub async fn send(&self, request: RequestBuilder) -> Answer {
        answer(request).await
    }

    /// A TCP connection, for requests that no client library sends.
    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(TIMEOUT)).unwrap();
        stream
    }

    /// Asks the server to stop, as a signal does.
    pub fn stop(&self) {
        if let Some((stop, running)) = self.running.take() {
            let _ = stop.0.send(());
            STOPPING.with_borrow_mut(|stopping| stopping.push(running));
        }
    }
}

impl Drop for LocalServer {
    fn drop(&mut self) {
        self.stop();
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::rc::Rc;
    use std::time::Duration;

    use super::*;

    #[actix_web::test]
    async fn a_server_starts_once_those_that_were_dropped_have_stopped() {
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let has_stopped = Rc::new(Cell::new(false));
        let (stop, stopped) = Stop::after_earlier_servers().await;
        let run = {
            let has_stopped = Rc::clone(&has_stopped);
            async move {
                stopped.await;
                tokio::time::sleep(Duration::from_millis(50)).await;
                has_stopped.set(true);
                Ok(())
            }
        };
        drop(LocalServer::start(address, stop, run));
        let _next = Stop::after_earlier_servers().await;
        assert!(has_stopped.get());
    }
}
