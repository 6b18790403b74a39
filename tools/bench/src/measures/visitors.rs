//! Clients that use a protected route, each request with another token.

use uuid::Uuid;

use crate::Failed;
use crate::driver::{Answer, Caller};
use crate::tokens::{Requests, session_id};

/// The requests for `GET /me` with each of these tokens.
pub(super) fn requests(tokens: &[String]) -> Requests {
    tokens.iter().map(|token| request(token).into_bytes()).collect()
}

/// One request for `GET /me`.
pub(super) fn request(token: &str) -> String {
    format!("GET /me HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n\r\n")
}

/// One who goes through all of them, again and again.
pub(super) struct Visitor {
    requests: Requests,
    next: usize,
    /// Of the first answer: its length, or how far from its end the session stands. Looking for it in each would count as the
    /// server's time.
    learnt: Option<usize>,
    expected: Expected,
}

/// What an answer has to be like.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Expected {
    /// About the one whose token it is: another one than the one before.
    TheirOwn,
    /// Always the same.
    Anything,
}

/// So many of them, who begin in different places.
pub(super) fn visitors(requests: &Requests, connections: usize, expected: Expected) -> Vec<Visitor> {
    (0..connections)
        .map(|number| {
            let next = requests.len() * number / connections;
            Visitor { requests: requests.clone(), next, learnt: None, expected }
        })
        .collect()
}

impl Caller for Visitor {
    fn ask(&mut self, request: &mut Vec<u8>) -> Result<(), Failed> {
        request.extend_from_slice(&self.requests[self.next]);
        Ok(())
    }

    fn take(&mut self, answer: &Answer<'_>) -> Result<(), Failed> {
        let number = self.next;
        self.next = (self.next + 1) % self.requests.len();
        if answer.status != 200 {
            return Err(format!("a good token was answered {}", answer.describe()).into());
        }
        let right = match self.expected {
            Expected::Anything => *self.learnt.get_or_insert(answer.body.len()) == answer.body.len(),
            Expected::TheirOwn => {
                let mut text = Uuid::encode_buffer();
                let session = session_id(number as u64).as_hyphenated().encode_lower(&mut text).as_bytes();
                self.learnt = self.learnt.or_else(|| from_its_end(answer.body, session));
                let start = self.learnt.and_then(|from_end| answer.body.len().checked_sub(from_end));
                start.is_some_and(|start| answer.body[start..].starts_with(session))
            }
        };
        if right { Ok(()) } else { Err(format!("somebody else was answered: {}", answer.describe()).into()) }
    }
}

/// How many bytes before the end of `body` this `part` of it begins.
fn from_its_end(body: &[u8], part: &[u8]) -> Option<usize> {
    body.windows(part.len()).position(|window| window == part).map(|start| body.len() - start)
}
