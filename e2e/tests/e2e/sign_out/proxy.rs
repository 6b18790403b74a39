//! A link that the test can cut: connections through it are passed on, held, or lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What happens to what is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Link {
    /// It arrives.
    Whole,
    /// It arrives half a second later.
    Slow,
    /// Nothing arrives, and nobody is told.
    BlackHole,
    /// Connections are closed, and none is accepted for long.
    Lost,
}

pub(super) struct Proxy {
    pub(super) url: String,
    link: Arc<AtomicU8>,
}

impl Proxy {
    /// Before the server of that URL.
    pub(super) async fn before(url: &str) -> Self {
        let target = url.trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let link = Arc::new(AtomicU8::new(Link::Whole as u8));
        let accepting = Arc::clone(&link);
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                if accepting.load(Ordering::SeqCst) == Link::Lost as u8 {
                    continue;
                }
                let Ok(far) = TcpStream::connect(&target).await else { continue };
                let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
                tokio::spawn(pass(near_in, far_out, Arc::clone(&accepting)));
                tokio::spawn(pass(far_in, near_out, Arc::clone(&accepting)));
            }
        });
        Self { url, link }
    }

    pub(super) fn set(&self, link: Link) {
        self.link.store(link as u8, Ordering::SeqCst);
    }
}

async fn pass(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    link: Arc<AtomicU8>,
) {
    let mut bytes = vec![0; 64 * 1024];
    loop {
        let read = tokio::select! {
            read = from.read(&mut bytes) => read.unwrap_or(0),
            () = until(&link, Link::Lost) => 0,
        };
        if read == 0 {
            return;
        }
        if link.load(Ordering::SeqCst) == Link::Slow as u8 {
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        while link.load(Ordering::SeqCst) == Link::BlackHole as u8 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        if to.write_all(&bytes[..read]).await.is_err() {
            return;
        }
    }
}

async fn until(link: &AtomicU8, wanted: Link) {
    while link.load(Ordering::SeqCst) != wanted as u8 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
