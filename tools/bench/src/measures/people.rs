//! People who sign in with a password, each on an account of their own.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use scratch_pg::Database;

use crate::Failed;
use crate::driver::{Answer, Caller, once};
use crate::servers::Server;
use crate::stage::Postgres;

const PASSWORD: &str = "correct horse battery staple";

/// Accounts that all have the one password.
#[derive(Clone)]
pub(super) struct Accounts {
    number: u64,
    waiting: Arc<Mutex<VecDeque<u64>>>,
    address: Arc<AtomicU32>,
}

impl Accounts {
    /// Registers one, and copies it in the database: hashing a password for each would take longer than the bench.
    pub(super) fn register(
        number: u64,
        auth: &Server,
        postgres: &Postgres,
        database: &Database,
    ) -> Result<Self, Failed> {
        let body = body("model@example.com");
        let request = post("/users", "203.0.113.1", &body);
        let (status, told) = once(auth.address(), &request)?;
        if status != 201 {
            return Err(format!("nobody could register: {status} {told}").into());
        }
        postgres.execute(
            database,
            &format!(
                "insert into users (id, email, email_key, email_verified, password_hash, roles, created_at)
                 select gen_random_uuid(), 'account-' || n || '@example.com', 'account-' || n || '@example.com', true,
                        password_hash, roles, created_at
                 from users, generate_series(0, {number} - 1) n where email_key = 'model@example.com'"
            ),
        );
        let waiting = Arc::new(Mutex::new((0..number).collect()));
        Ok(Self { number, waiting, address: Arc::default() })
    }

    /// So many who sign in, each on a connection.
    pub(super) fn callers(&self, connections: usize, patience: Patience) -> Vec<Signing> {
        (0..connections)
            .map(|_| Signing { accounts: self.clone(), account: None, patience, signed_in: 0, sent_away: 0 })
            .collect()
    }

    /// One that nobody is signing in on, if there are as many as who sign in.
    fn next(&self) -> u64 {
        let next = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        next.unwrap_or_else(|| u64::from(self.address.load(Ordering::Relaxed)) % self.number)
    }

    fn put(&self, account: u64) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push_back(account);
    }
}

/// Whether a server may say that it has too much to do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Patience {
    /// More sign in than can be hashed: 503 is the right answer to some.
    SomeMayBeSentAway,
    /// All are to be let in.
    None,
}

/// One who signs in, again and again, each time as somebody else.
pub(super) struct Signing {
    accounts: Accounts,
    account: Option<u64>,
    patience: Patience,
    pub(super) signed_in: usize,
    pub(super) sent_away: usize,
}

impl Caller for Signing {
    fn ask(&mut self, request: &mut Vec<u8>) -> Result<(), Failed> {
        let account = self.accounts.next();
        self.account = Some(account);
        // Each from an address of its own: what a single address may do at the same moment is bounded.
        let address = self.accounts.address.fetch_add(1, Ordering::Relaxed);
        let [_, b, c, d] = address.to_be_bytes();
        let body = body(&format!("account-{account}@example.com"));
        request.extend_from_slice(post("/login", &format!("10.{b}.{c}.{d}"), &body).as_bytes());
        Ok(())
    }

    fn take(&mut self, answer: &Answer<'_>) -> Result<(), Failed> {
        if let Some(account) = self.account.take() {
            self.accounts.put(account);
        }
        match answer.status {
            200 if answer.quoted_after(r#""access_token":""#).is_some() => self.signed_in += 1,
            503 if self.patience == Patience::SomeMayBeSentAway => self.sent_away += 1,
            _ => return Err(format!("a sign-in was answered {}", answer.describe()).into()),
        }
        Ok(())
    }
}

fn body(email: &str) -> String {
    format!(r#"{{"email":"{email}","password":"{PASSWORD}"}}"#)
}

fn post(path: &str, from: &str, body: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: bench\r\nX-Forwarded-For: {from}\r\nUser-Agent: bench\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}
