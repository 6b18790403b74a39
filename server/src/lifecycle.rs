//! Coming up and going down: a taken port is a clear sentence, and a stop lets finish what is in flight.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::signal::unix::{Signal, SignalKind, signal};

use goptri_settings::FileWatch;

/// The address cannot be listened on.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Somebody listens there already.
    #[error(
        "the address {address} is taken: another program listens there. Stop it, or set {variable} to another address"
    )]
    Taken {
        /// The address.
        address: SocketAddr,
        /// The variable that sets it.
        variable: &'static str,
    },
    /// Another reason.
    #[error("cannot listen on {address}, which {variable} names: {cause}")]
    Other {
        /// The address.
        address: SocketAddr,
        /// The variable that sets it.
        variable: &'static str,
        /// What the operating system said.
        cause: io::Error,
    },
}

impl ListenError {
    /// Puts the operating system's error into words.
    pub fn new(cause: io::Error, address: SocketAddr, variable: &'static str) -> Self {
        if cause.kind() == io::ErrorKind::AddrInUse {
            Self::Taken { address, variable }
        } else {
            Self::Other { address, variable, cause }
        }
    }
}

/// SIGHUP, which no longer ends the process once this is there: the first may come before there are files to read again.
#[derive(Debug)]
pub struct SighupReload(Option<Signal>);

impl SighupReload {
    /// From now on it is heard. Within a Tokio runtime.
    pub fn hear() -> Self {
        let hangups = signal(SignalKind::hangup());
        Self(hangups.inspect_err(|error| tracing::warn!(%error, "SIGHUP cannot be heard")).ok())
    }

    /// Each, and one that came before, reads the files of secrets and keys again; without any, it does nothing.
    pub fn reread(self, files: Option<Arc<FileWatch>>) {
        let Some(mut hangups) = self.0 else { return };
        actix_web::rt::spawn(async move {
            while hangups.recv().await.is_some() {
                let Some(files) = &files else {
                    tracing::info!("SIGHUP: nothing to read again, as no secret is in a file");
                    continue;
                };
                tracing::info!("SIGHUP: the files of secrets and keys are read again");
                files.reload_now();
            }
        });
    }
}

/// Ends when the process is asked to stop: by SIGTERM, or by Ctrl-C.
pub async fn stop_signal() {
    let wait = |kind: SignalKind| async move {
        match signal(kind) {
            Ok(mut signals) => {
                signals.recv().await;
            }
            Err(error) => {
                tracing::warn!(%error, "a stop signal cannot be heard");
                std::future::pending::<()>().await;
            }
        }
    };
    tokio::select! {
        () = wait(SignalKind::terminate()) => {}
        () = wait(SignalKind::interrupt()) => {}
    }
    tracing::info!("stopping: no new connections, and what is in flight is finished");
}
