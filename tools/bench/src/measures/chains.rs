//! Callers that refresh, each with the refresh token of the previous response.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use super::spread::spread;
use crate::Error;
use crate::driver::{Caller, Response};
use crate::tokens::{refresh_token, refresh_tokens};

/// The newest refresh token of each session. A caller takes the first and appends its successor.
#[derive(Clone)]
pub(super) struct Chains(Arc<Mutex<VecDeque<String>>>);

impl Chains {
    /// Of every `stride`th session, at `generation`, in an order that spreads over the table.
    pub(super) fn new(number: u64, stride: u64, generation: u32) -> Result<Self, Error> {
        let tokens = refresh_tokens()?;
        let minted = spread(number)
            .map(|chain| refresh_token(&tokens, chain * stride, generation))
            .collect::<Result<_, _>>()?;
        Ok(Self(Arc::new(Mutex::new(minted))))
    }

    /// One caller per connection.
    pub(super) fn callers(&self, connections: usize) -> Vec<Refreshing> {
        (0..connections)
            .map(|_| Refreshing { chains: self.clone(), presented: String::new(), refreshed: 0 })
            .collect()
    }

    fn next(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }

    fn put(&self, token: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push_back(token);
    }
}

pub(super) struct Refreshing {
    chains: Chains,
    presented: String,
    /// The number of successors received.
    pub(super) refreshed: i64,
}

impl Caller for Refreshing {
    fn next_request(&mut self, request: &mut Vec<u8>) -> Result<(), Error> {
        self.presented = self.chains.next().ok_or("there are fewer sessions than connections")?;
        let length = self.presented.len() + r#"{"refresh_token":""}"#.len();
        request.extend_from_slice(
            b"POST /token HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: ",
        );
        request.extend_from_slice(length.to_string().as_bytes());
        request.extend_from_slice(b"\r\n\r\n{\"refresh_token\":\"");
        request.extend_from_slice(self.presented.as_bytes());
        request.extend_from_slice(b"\"}");
        Ok(())
    }

    fn on_response(&mut self, response: &Response<'_>) -> Result<(), Error> {
        match response.quoted_after(r#""refresh_token":""#) {
            Some(successor) if response.status == 200 && successor != self.presented => {
                self.refreshed += 1;
                self.chains.put(successor.to_owned());
                Ok(())
            }
            _ => Err(format!("a refresh got {}", response.describe()).into()),
        }
    }
}

/// The number of successors that all callers received.
pub(super) fn refreshed(callers: &[Refreshing]) -> i64 {
    callers.iter().map(|caller| caller.refreshed).sum()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_session_has_one_chain() {
        for number in [1, 2, 300, 1_000] {
            let chains = Chains::new(number, 20, 0).unwrap();
            let tokens: HashSet<String> = chains.0.lock().unwrap().iter().cloned().collect();
            assert_eq!(tokens.len() as u64, number);
        }
    }
}
