//! Users who sign in with a password.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use scratch_pg::Database;

use crate::Error;
use crate::driver::{Caller, Response, once};
use crate::seed::Postgres;
use crate::servers::Server;

const PASSWORD: &str = "correct horse battery staple";

/// Users who all have the same password.
#[derive(Clone)]
pub(super) struct Users {
    number: u64,
    free: Arc<Mutex<VecDeque<u64>>>,
    address: Arc<AtomicU32>,
}

impl Users {
    /// Registers one user and copies it in SQL: hashing a password for each would take too long.
    pub(super) fn register(
        number: u64,
        auth: &Server,
        postgres: &Postgres,
        database: &Database,
    ) -> Result<Self, Error> {
        let body = body("model@example.com");
        let request = post("/users", "203.0.113.1", &body);
        let (status, body) = once(auth.address(), &request)?;
        if status != 201 {
            return Err(format!("registering got {status} {body}").into());
        }
        postgres.execute(
            database,
            &format!(
                "insert into users (id, email, email_key, email_verified, password_hash, roles, created_at)
                 select gen_random_uuid(), 'password-user-' || n || '@example.com', 'password-user-' || n || '@example.com', true,
                        password_hash, roles, created_at
                 from users, generate_series(0, {number} - 1) n where email_key = 'model@example.com';
                 insert into emails (email_key, user_id) select email_key, id from users on conflict do nothing"
            ),
        );
        let free = Arc::new(Mutex::new((0..number).collect()));
        Ok(Self { number, free, address: Arc::default() })
    }

    /// One caller per connection.
    pub(super) fn callers(&self, connections: usize, overload: Overload) -> Vec<SigningIn> {
        (0..connections)
            .map(|_| SigningIn { users: self.clone(), user: None, overload, signed_in: 0, rejected: 0 })
            .collect()
    }

    /// A user that no other caller uses at the moment, if there are enough.
    fn next(&self) -> u64 {
        let next = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        next.unwrap_or_else(|| u64::from(self.address.load(Ordering::Relaxed)) % self.number)
    }

    fn put(&self, user: u64) {
        self.free.lock().unwrap_or_else(PoisonError::into_inner).push_back(user);
    }
}

/// Whether the server may reject sign-ins with 503.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Overload {
    /// There are more sign-ins than it can hash.
    Allowed,
    Forbidden,
}

/// Signs in again and again, each time as another user.
pub(super) struct SigningIn {
    users: Users,
    user: Option<u64>,
    overload: Overload,
    pub(super) signed_in: usize,
    pub(super) rejected: usize,
}

impl Caller for SigningIn {
    fn next_request(&mut self, request: &mut Vec<u8>) -> Result<(), Error> {
        let user = self.users.next();
        self.user = Some(user);
        // Each from its own address, because concurrent sign-ins of one address are limited.
        let address = self.users.address.fetch_add(1, Ordering::Relaxed);
        let [_, b, c, d] = address.to_be_bytes();
        let body = body(&format!("password-user-{user}@example.com"));
        request.extend_from_slice(post("/login", &format!("10.{b}.{c}.{d}"), &body).as_bytes());
        Ok(())
    }

    fn on_response(&mut self, response: &Response<'_>) -> Result<(), Error> {
        if let Some(user) = self.user.take() {
            self.users.put(user);
        }
        match response.status {
            200 if response.quoted_after(r#""access_token":""#).is_some() => self.signed_in += 1,
            503 if self.overload == Overload::Allowed => self.rejected += 1,
            _ => return Err(format!("a sign-in got {}", response.describe()).into()),
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
