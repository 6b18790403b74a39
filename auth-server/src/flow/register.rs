//! Adds a user: by registration, or by the operator.

use std::net::IpAddr;
use std::sync::Arc;

use auth_domain::{
    Email, Entropy, HashingCost, NewUser, Password, PasswordRules, Role, User, UserId, random_id,
};
use auth_store::{AddUserOutcome, Store};
use goptri::clock::Clock;
use goptri_settings::Plain;

use super::record_attempt;
use crate::error::{Failure, RegisterRefused};
use crate::hashing::{HashingError, PasswordHasher};
use crate::throttle::Throttle;

/// A user to be added.
#[derive(Debug)]
pub struct Registration {
    /// As typed.
    pub email: String,
    /// Whether the address is known to be the user's.
    pub email_verified: bool,
    /// In the clear.
    pub password: Plain<Password>,
    /// The user's first roles.
    pub roles: Vec<Role>,
}

/// Adds users.
#[derive(Clone)]
pub struct Register {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) hasher: PasswordHasher,
    pub(crate) rules: PasswordRules,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
}

impl Register {
    /// For tools that add users one at a time: starts one hashing thread.
    pub async fn new(
        store: Arc<dyn Store>,
        rules: PasswordRules,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, HashingError> {
        let hasher = PasswordHasher::new(1, HashingCost::CURRENT, Arc::clone(&entropy)).await?;
        Ok(Self { store, hasher, rules, clock, entropy })
    }

    /// The user, as stored.
    pub async fn run(&self, registration: Registration) -> Result<User, Failure<RegisterRefused>> {
        let email = Email::parse(&registration.email).map_err(RegisterRefused::from)?;
        let password = self.rules.check(&registration.password, &email).map_err(RegisterRefused::from)?;
        let user = NewUser {
            id: UserId(random_id(self.entropy.as_ref(), self.clock.now())),
            email,
            email_verified: registration.email_verified,
            password_hash: self.hasher.hash(password).await?,
            roles: registration.roles,
        };
        match self.store.add_user(&user).await? {
            AddUserOutcome::Added(user) => {
                tracing::info!(user = %user.id, "user added");
                Ok(user)
            }
            AddUserOutcome::EmailTaken => Err(RegisterRefused::EmailTaken.into()),
        }
    }
}

/// Adds users who register themselves, if registration is open.
#[derive(Clone)]
pub struct SelfRegister {
    /// `None`: registration is closed.
    pub(crate) register: Option<Register>,
    pub(crate) throttle: Throttle,
}

impl SelfRegister {
    /// The user, as stored, with an unconfirmed address and no roles.
    pub async fn run(
        &self,
        email: String,
        password: Plain<Password>,
        from: IpAddr,
    ) -> Result<User, Failure<RegisterRefused>> {
        let added = self.attempt(email, password, from).await;
        if let Err(Failure::Refused(refused)) = &added {
            tracing::info!(ip = %from, reason = %refused, "registration rejected");
        }
        added
    }

    async fn attempt(
        &self,
        email: String,
        password: Plain<Password>,
        from: IpAddr,
    ) -> Result<User, Failure<RegisterRefused>> {
        let register = self.register.as_ref().ok_or(RegisterRefused::Closed)?;
        let attempt = self.throttle.count_registration(from).map_err(RegisterRefused::TooManyAttempts)?;
        let registration = Registration { email, email_verified: false, password, roles: Vec::new() };
        let register = Register { hasher: register.hasher.for_client(from), ..register.clone() };
        record_attempt(attempt, register.run(registration).await)
    }
}
