//! One connection. Requests are written as given; of a response only the status and the body are parsed.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Longer response heads are an error.
const MAX_HEAD: usize = 16 * 1024;

/// A persistent connection.
pub(crate) struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
}

pub(crate) struct Response<'a> {
    pub(crate) status: u16,
    pub(crate) head: &'a [u8],
    pub(crate) body: &'a [u8],
}

impl Response<'_> {
    /// The text between `before` and the next quotation mark: a member of a JSON object that has no escapes.
    pub(crate) fn quoted_after(&self, before: &str) -> Option<&str> {
        let body = std::str::from_utf8(self.body).ok()?;
        body.split_once(before)?.1.split_once('"').map(|(text, _)| text)
    }

    /// For an error message.
    pub(crate) fn describe(&self) -> String {
        let body: String = String::from_utf8_lossy(self.body).chars().take(300).collect();
        format!("{} {body}", self.status)
    }
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, received: Vec::with_capacity(4096) })
    }

    /// Sends a request and reads the whole response.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> io::Result<Response<'_>> {
        self.stream.write_all(request).await?;
        self.received.clear();
        let body_begins = loop {
            let seen = self.received.len().saturating_sub(3);
            self.receive().await?;
            if let Some(end) = self.received[seen..].windows(4).position(|four| four == b"\r\n\r\n") {
                break seen + end + 4;
            }
            if self.received.len() > MAX_HEAD {
                return Err(broken("the head of a response is too long"));
            }
        };
        let head = &self.received[..body_begins];
        let status = status(head).ok_or_else(|| broken("a response has no status"))?;
        let length = content_length(head).unwrap_or_default();
        if length == 0 && status != 204 && !has_header(head, b"content-length") {
            return Err(broken("a response has no length"));
        }
        while self.received.len() < body_begins + length {
            self.receive().await?;
        }
        let (head, rest) = self.received.split_at(body_begins);
        Ok(Response { status, head, body: &rest[..length] })
    }

    async fn receive(&mut self) -> io::Result<()> {
        match self.stream.read_buf(&mut self.received).await? {
            0 => Err(io::Error::new(ErrorKind::UnexpectedEof, "the server closed the connection")),
            _ => Ok(()),
        }
    }
}

/// Sends one request on a new connection.
pub(crate) fn once(address: SocketAddr, request: &str) -> io::Result<(u16, String)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut connection = Connection::open(address).await?;
        let response = connection.exchange(request.as_bytes()).await?;
        Ok((response.status, String::from_utf8_lossy(response.body).into_owned()))
    })
}

fn status(head: &[u8]) -> Option<u16> {
    std::str::from_utf8(head.get(9..12)?).ok()?.parse().ok()
}

fn content_length(head: &[u8]) -> Option<usize> {
    let line = header(head, b"content-length")?;
    std::str::from_utf8(line).ok()?.trim().parse().ok()
}

fn has_header(head: &[u8], name: &[u8]) -> bool {
    header(head, name).is_some()
}

fn header<'a>(head: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    head.split(|byte| *byte == b'\n').find_map(|line| {
        let (start, rest) = line.split_at_checked(name.len())?;
        if start.eq_ignore_ascii_case(name) { rest.strip_prefix(b":") } else { None }
    })
}

fn broken(what: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_and_length_are_parsed_from_the_head() {
        let head = b"HTTP/1.1 200 OK\r\nx-request-id: 1\r\nContent-Length:  17\r\n\r\n";
        assert_eq!((status(head), content_length(head)), (Some(200), Some(17)));
        assert_eq!(content_length(b"HTTP/1.1 204 No Content\r\n\r\n"), None);
        assert_eq!(status(b"HTTP/1.1 x"), None);
    }

    #[test]
    fn a_member_is_found_in_a_body() {
        let response = Response { status: 200, head: b"", body: br#"{"a":"x","refresh_token":"t.t.t"}"# };
        assert_eq!(response.quoted_after(r#""refresh_token":""#), Some("t.t.t"));
        assert_eq!(response.quoted_after(r#""b":""#), None);
    }
}
