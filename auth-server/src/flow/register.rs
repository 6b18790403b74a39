//! Somebody registers, or an administrator adds them.

use std::sync::Arc;

use auth_domain::{
    Email, Entropy, HashingCost, InvalidEmail, NewUser, Password, PasswordRejected, PasswordRules, Role,
    User, UserId, random_id,
};
use auth_store::{AddUserOutcome, Store};
use goptri::{Clock, ProtocolError, SystemClock};
use goptri_settings::Plain;

use super::Failure;
use crate::entropy::SystemEntropy;
use crate::hashing::PasswordHasher;

pub(super) const EMAIL_TAKEN: ProtocolError =
    ProtocolError::new(409, "email_taken", "Somebody is registered with this e-mail address already.");
const INVALID_EMAIL: ProtocolError = ProtocolError::new(422, "invalid_email", "This is no e-mail address.");

pub(super) fn invalid_email(error: InvalidEmail) -> ProtocolError {
    INVALID_EMAIL.describe(&error.to_string())
}

/// Why a password cannot be set, for whoever wants to set it.
pub(super) fn password_rejected(unfit: PasswordRejected) -> ProtocolError {
    ProtocolError::new(422, "weak_password", "This password cannot be used.").describe(&unfit.to_string())
}

/// What is known of the person.
#[derive(Debug)]
pub struct Registration {
    /// As written.
    pub email: String,
    /// Whether somebody vouches for the address.
    pub email_verified: bool,
    /// In the clear.
    pub password: Plain<Password>,
    /// What they may do.
    pub roles: Vec<Role>,
}

/// Adds people.
#[derive(Clone)]
pub struct Register {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) hasher: PasswordHasher,
    pub(crate) rules: PasswordRules,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
}

impl Register {
    /// For a tool that adds people one by one, on the system's clock.
    pub async fn one_by_one(store: Arc<dyn Store>, rules: PasswordRules) -> Result<Self, Failure> {
        let entropy = Arc::new(SystemEntropy);
        let hasher = PasswordHasher::new(1, HashingCost::CURRENT, entropy.clone()).await?;
        Ok(Self { store, hasher, rules, clock: Arc::new(SystemClock), entropy })
    }

    /// The person, as stored.
    pub async fn run(&self, registration: Registration) -> Result<User, Failure> {
        let email = Email::parse(&registration.email).map_err(invalid_email)?;
        let password = self.rules.check(&registration.password, &email).map_err(password_rejected)?;
        let user = NewUser {
            id: UserId(random_id(self.entropy.as_ref(), self.clock.now())),
            email,
            email_verified: registration.email_verified,
            password_hash: self.hasher.hash(password).await?,
            roles: registration.roles,
        };
        match self.store.add_user(&user).await? {
            AddUserOutcome::Added(user) => {
                tracing::info!(user = %user.id, "person added");
                Ok(user)
            }
            AddUserOutcome::EmailTaken => Err(EMAIL_TAKEN.into()),
        }
    }
}
