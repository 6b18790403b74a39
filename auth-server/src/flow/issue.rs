//! Issues the pair of tokens of a session.

use std::sync::Arc;

use auth_domain::{Entropy, RefreshJti, RefreshTokens, SessionSnapshot, access_claims, random_token_id};
use chrono::TimeDelta;
use goptri::Scope;
use goptri::keys::{KeyRing, SigningError};
use goptri::token::TokenType;
use goptri_settings::{Plain, Reloadable, SecretKind};

/// The kind of an access token.
#[derive(Debug)]
pub enum AccessToken {}
impl SecretKind for AccessToken {
    const NAME: &'static str = "access token";
}

/// The kind of a refresh token.
#[derive(Debug)]
pub enum RefreshToken {}
impl SecretKind for RefreshToken {
    const NAME: &'static str = "refresh token";
}

/// The tokens of a session, and what a client may know about them.
#[derive(Debug)]
pub struct IssuedTokens {
    /// Signed for the session.
    pub access_token: Plain<AccessToken>,
    /// From issue to expiry.
    pub access_lifetime: TimeDelta,
    /// The session's current refresh token.
    pub refresh_token: Plain<RefreshToken>,
    /// The scope of the access token.
    pub scope: Scope,
    /// How long a browser keeps both, if the user asked to be remembered. `None`: until it is closed.
    pub remembered_for: Option<TimeDelta>,
}

/// Signs access tokens and refresh tokens.
#[derive(Debug, Clone)]
pub struct IssueTokens {
    pub(crate) access_keys: Reloadable<KeyRing>,
    pub(crate) refresh_tokens: RefreshTokens,
    pub(crate) issuer: String,
    pub(crate) access_lifetime: TimeDelta,
    /// How long a session may be idle. `None`: no limit.
    pub(crate) idle_lifetime: Option<TimeDelta>,
    pub(crate) entropy: Arc<dyn Entropy>,
}

impl IssueTokens {
    /// A new access token for one API only, without a refresh token.
    pub(crate) fn access_only(
        &self,
        snapshot: &SessionSnapshot,
        audience: &str,
    ) -> Result<Plain<AccessToken>, SigningError> {
        let mut snapshot = snapshot.clone();
        snapshot.session.audience = vec![audience.to_owned()];
        let token_id = random_token_id(self.entropy.as_ref());
        let claims = access_claims(&snapshot, &self.issuer, self.access_lifetime, token_id);
        Ok(Plain::new(self.access_keys.load().sign(TokenType::Access, &claims)?))
    }

    /// A new access token, and the refresh token of the session's current generation.
    pub fn run(
        &self,
        snapshot: &SessionSnapshot,
        jti: &Plain<RefreshJti>,
    ) -> Result<IssuedTokens, SigningError> {
        let token_id = random_token_id(self.entropy.as_ref());
        let claims = access_claims(snapshot, &self.issuer, self.access_lifetime, token_id);
        Ok(IssuedTokens {
            access_token: Plain::new(self.access_keys.load().sign(TokenType::Access, &claims)?),
            access_lifetime: TimeDelta::seconds(claims.exp.seconds() - claims.iat.seconds()),
            refresh_token: Plain::new(self.refresh_tokens.mint(&snapshot.session, jti)?),
            scope: claims.scope,
            remembered_for: snapshot.remembered_for(self.idle_lifetime),
        })
    }
}
