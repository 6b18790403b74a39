//! Callers of a protected route, each request with another token.

use uuid::Uuid;

use crate::Error;
use crate::driver::{Caller, Response};
use crate::tokens::{Requests, SESSIONS_EACH, session_id, user_id};

/// A request for `GET /me` for each token.
pub(super) fn requests(tokens: &[String]) -> Requests {
    tokens.iter().map(|token| request(token).into_bytes()).collect()
}

/// As [`requests`], with each token in a cookie, as a browser sends it.
pub(super) fn requests_by_cookie(tokens: &[String]) -> Requests {
    tokens.iter().map(|token| request_by_cookie(token).into_bytes()).collect()
}

/// A request of a proxy, for each token, about a request that has it.
pub(super) fn requests_of_proxy(tokens: &[String]) -> Requests {
    let ask = |token| {
        format!(
            "GET /verify HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\nX-Original-Method: POST\r\n\r\n"
        )
    };
    tokens.iter().map(|token| ask(token).into_bytes()).collect()
}

/// A request for `GET /me`.
pub(super) fn request(token: &str) -> String {
    format!("GET /me HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n\r\n")
}

fn request_by_cookie(token: &str) -> String {
    let value = goptri::cookie::encode(token);
    format!(
        "GET /me HTTP/1.1\r\nHost: bench\r\nCookie: theme=dark; session={value}\r\n\
         Sec-Fetch-Site: same-origin\r\n\r\n"
    )
}

const USER_HEADER: &[u8] = b"\r\nx-auth-user: ";

/// Sends all requests, again and again.
pub(super) struct ApiCaller {
    requests: Requests,
    next: usize,
    /// From the first response: its length, or the position of the session counted from its end. Searching each body would
    /// take CPU time from the server.
    expected_position: Option<usize>,
    expected: Expected,
}

/// What a response must contain.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Expected {
    /// The session of the token.
    OwnSession,
    /// A body of constant length.
    ConstantLength,
    /// The user of the token in a header, and no body.
    OwnUser,
    /// No body.
    NoBody,
}

/// One caller per connection, each starting at another request.
pub(super) fn api_callers(requests: &Requests, connections: usize, expected: Expected) -> Vec<ApiCaller> {
    (0..connections)
        .map(|number| {
            let next = requests.len() * number / connections;
            ApiCaller { requests: requests.clone(), next, expected_position: None, expected }
        })
        .collect()
}

impl Caller for ApiCaller {
    fn next_request(&mut self, request: &mut Vec<u8>) -> Result<(), Error> {
        request.extend_from_slice(&self.requests[self.next]);
        Ok(())
    }

    fn on_response(&mut self, response: &Response<'_>) -> Result<(), Error> {
        let number = self.next;
        self.next = (self.next + 1) % self.requests.len();
        let status = match self.expected {
            Expected::OwnSession | Expected::ConstantLength => 200,
            Expected::OwnUser | Expected::NoBody => 204,
        };
        if response.status != status {
            return Err(format!("a good token got {}", response.describe()).into());
        }
        let right = match self.expected {
            Expected::ConstantLength => {
                *self.expected_position.get_or_insert(response.body.len()) == response.body.len()
            }
            Expected::OwnSession => {
                let mut text = Uuid::encode_buffer();
                let session = session_id(number as u64).as_hyphenated().encode_lower(&mut text).as_bytes();
                self.expected_position =
                    self.expected_position.or_else(|| position_from_end(response.body, session));
                let start =
                    self.expected_position.and_then(|from_end| response.body.len().checked_sub(from_end));
                start.is_some_and(|start| response.body[start..].starts_with(session))
            }
            Expected::OwnUser => {
                let mut text = Uuid::encode_buffer();
                let user = user_id(number as u64 / SESSIONS_EACH).as_hyphenated().encode_lower(&mut text);
                let header = memchr::memmem::find(response.head, USER_HEADER);
                header.is_some_and(|at| response.head[at + USER_HEADER.len()..].starts_with(user.as_bytes()))
            }
            Expected::NoBody => response.body.is_empty(),
        };
        if right {
            Ok(())
        } else {
            Err(format!("the response is for another user or session: {}", response.describe()).into())
        }
    }
}

/// The position of `part` in `body`, counted from the end.
fn position_from_end(body: &[u8], part: &[u8]) -> Option<usize> {
    body.windows(part.len()).position(|window| window == part).map(|start| body.len() - start)
}
