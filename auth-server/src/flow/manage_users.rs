//! What the operator does to users.

use std::sync::Arc;

use auth_domain::{
    Email, Entropy, HashingCost, NewPassword, Password, PasswordRules, PasswordSetter, Role, User, UserId,
    UserIdOrEmail,
};
use auth_store::{ChangeOutcome, SetEmailOutcome, Store};
use goptri_settings::Plain;

use crate::error::{Failure, ManageUserRefused};
use crate::hashing::{HashingError, PasswordHasher};

type Managed<T> = Result<T, Failure<ManageUserRefused>>;

const UNKNOWN_USER: Failure<ManageUserRefused> = Failure::Refused(ManageUserRefused::UnknownUser);

/// Finds and changes users.
#[derive(Clone)]
pub struct ManageUsers {
    pub(crate) store: Arc<dyn Store>,
}

impl ManageUsers {
    /// The user with this e-mail address or id.
    pub async fn find(&self, name: &str) -> Managed<User> {
        self.load(&UserIdOrEmail::parse(name).ok_or(UNKNOWN_USER)?).await
    }

    async fn load(&self, name: &UserIdOrEmail) -> Managed<User> {
        self.store.find_user(name).await?.ok_or(UNKNOWN_USER)
    }

    /// Replaces the user's roles. Tokens have them from the next refresh.
    pub async fn set_roles(&self, user: UserId, roles: &[Role]) -> Managed<()> {
        changed(user, "roles set", self.store.set_roles(user, roles).await?).map(|_| ())
    }

    /// Adds or removes roles, and returns the user's roles. Tokens have them from the next refresh. Concurrent changes
    /// to other roles are kept.
    pub async fn change_roles(&self, user: &User, change: &RoleChange) -> Managed<Vec<Role>> {
        let mut roles = user.roles.clone();
        loop {
            let changed_roles = change.apply(&roles);
            if self.store.replace_roles(user.id, &roles, &changed_roles).await? != ChangeOutcome::Refused {
                tracing::info!(user = %user.id, ?change, "roles changed");
                return Ok(changed_roles);
            }
            // Another command of the operator changed them meanwhile, or the user is gone.
            roles = self.load(&UserIdOrEmail::Id(user.id)).await?.roles;
        }
    }

    /// Changes the user's address, and whether it is confirmed. Sessions go on; tokens have it from the next refresh.
    pub async fn set_email(&self, user: UserId, email: &str, verified: bool) -> Managed<User> {
        let email = Email::parse(email).map_err(|invalid| Failure::Refused(invalid.into()))?;
        match self.store.set_email(user, &email, verified).await? {
            SetEmailOutcome::Set => {}
            SetEmailOutcome::EmailTaken => return Err(Failure::Refused(ManageUserRefused::EmailTaken)),
            SetEmailOutcome::UnknownUser => return Err(UNKNOWN_USER),
        }
        tracing::info!(%user, verified, "address changed by the operator");
        self.load(&UserIdOrEmail::Id(user)).await
    }

    /// Marks the user's current address as confirmed.
    pub async fn confirm_email(&self, user: &User) -> Managed<()> {
        changed(user.id, "address confirmed", self.store.confirm_email(user.id, &user.email.key()).await?)
            .map(|_| ())
    }

    /// Blocks sign-in and ends all sessions. Returns how many there were.
    pub async fn disable(&self, user: UserId) -> Managed<u64> {
        changed(user, "user disabled", self.store.disable_user(user).await?)
    }

    /// Allows sign-in again.
    pub async fn enable(&self, user: UserId) -> Managed<()> {
        changed(user, "user enabled", self.store.enable_user(user).await?).map(|_| ())
    }

    /// Deletes the user and ends all sessions. Returns how many there were.
    pub async fn delete(&self, user: UserId) -> Managed<u64> {
        changed(user, "user deleted", self.store.delete_user(user).await?)
    }
}

/// What [`ManageUsers::change_roles`] changes.
#[derive(Debug)]
pub enum RoleChange {
    /// Adds these after the user's other roles.
    Add(Vec<Role>),
    /// Removes these.
    Remove(Vec<Role>),
}

impl RoleChange {
    fn apply(&self, roles: &[Role]) -> Vec<Role> {
        let mut roles = roles.to_vec();
        match self {
            Self::Add(added) => {
                for role in added {
                    if !roles.contains(role) {
                        roles.push(role.clone());
                    }
                }
            }
            Self::Remove(removed) => roles.retain(|role| !removed.contains(role)),
        }
        roles
    }
}

/// Sets passwords without knowing the current one.
#[derive(Clone)]
pub struct SetPassword {
    store: Arc<dyn Store>,
    hasher: PasswordHasher,
    rules: PasswordRules,
}

impl SetPassword {
    /// Starts one hashing thread.
    pub async fn new(
        store: Arc<dyn Store>,
        rules: PasswordRules,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, HashingError> {
        let hasher = PasswordHasher::new(1, HashingCost::CURRENT, entropy).await?;
        Ok(Self { store, hasher, rules })
    }

    /// Sets the password and ends all sessions of the user. Returns how many there were.
    pub async fn run(&self, user: &User, password: &Plain<Password>) -> Managed<u64> {
        let password = self.rules.check(password, &user.email);
        let password = password.map_err(|rejected| Failure::Refused(rejected.into()))?;
        let hash = self.hasher.hash(password).await?;
        let password = NewPassword { user_id: user.id, hash, setter: PasswordSetter::Operator };
        changed(user.id, "password set by the operator", self.store.set_password(&password).await?)
    }
}

fn changed(user: UserId, what: &str, outcome: ChangeOutcome) -> Managed<u64> {
    match outcome {
        ChangeOutcome::Changed { ended_sessions } => {
            tracing::info!(%user, ended_sessions, "{what}");
            Ok(ended_sessions)
        }
        ChangeOutcome::Refused => Err(UNKNOWN_USER),
    }
}
