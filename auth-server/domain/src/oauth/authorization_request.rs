//! An authorization request that was checked: every value in it is one that the client may ask for.

use chrono::TimeDelta;
use goptri::Scope;
use url::Url;

use super::authorization_parameters::{AuthorizationParameters, Unusable};
use super::{
    AuthorizationError, Client, CodeChallenge, OFFLINE_ACCESS, RegisteredScope, ResponseMode, ReturnAddress,
};

/// What a client asks for on behalf of the user of the browser.
#[derive(Debug, Clone, PartialEq)]
pub struct AuthorizationRequest {
    /// Where the response goes.
    pub to: ReturnAddress,
    /// What the response contains.
    pub response: ResponseType,
    /// What the tokens permit.
    pub scope: Scope,
    /// The API that the tokens are for.
    pub audience: String,
    /// Which pages the client wants.
    pub prompt: Prompt,
    /// How long ago the user may have signed in.
    pub max_age: Option<TimeDelta>,
}

/// The `response_type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResponseType {
    /// `code`, with the challenge to which the verifier must belong when the code is redeemed.
    Code(CodeChallenge),
    /// `token`: the implicit grant.
    Token,
}

/// The values of `prompt` (OpenID Connect Core §3.1.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a word of the parameter, and any of the last three may occur"
)]
pub struct Prompt {
    /// No page is shown.
    pub none: bool,
    /// The user signs in again.
    pub login: bool,
    /// The user is asked for consent again.
    pub consent: bool,
    /// The user chooses an account.
    pub select_account: bool,
}

impl AuthorizationRequest {
    /// Checks the parameters of a request whose return address is known. `scopes` are all registered ones;
    /// `default_audience` is the API for a request that names none.
    pub fn parse(
        parameters: &AuthorizationParameters,
        to: ReturnAddress,
        client: &Client,
        scopes: &[RegisteredScope],
        default_audience: &str,
    ) -> Result<Self, AuthorizationError> {
        if parameters.is_too_long() {
            return Err(AuthorizationError::TooLong);
        }
        match parameters.first_unusable() {
            Some((name, Unusable::Repeated)) => return Err(AuthorizationError::Repeated(name)),
            Some((name, Unusable::NotText)) => return Err(AuthorizationError::NotText(name)),
            None => {}
        }
        let get = |name| parameters.one(name).ok().flatten();
        if get("request").is_some() {
            return Err(AuthorizationError::RequestObject);
        }
        if get("request_uri").is_some() {
            return Err(AuthorizationError::NestedRequestUri);
        }
        let response = response_type(get, client)?;
        check_mode(get("response_mode"), response, &to)?;
        let prompt = Prompt::parse(get("prompt"))?;
        let max_age = get("max_age").map(max_age).transpose()?;
        let scope = scope(get("scope"), client, scopes)?;
        let choice = TargetChoice { words: words(&scope, scopes), client, default_audience };
        let audience = choice.choose(parameters.all("resource"))?.to_owned();
        Ok(Self { to, response, scope, audience, prompt, max_age })
    }
}

impl Prompt {
    fn parse(text: Option<&str>) -> Result<Self, AuthorizationError> {
        let mut prompt = Self::default();
        for word in text.into_iter().flat_map(|text| text.split(' ')).filter(|word| !word.is_empty()) {
            *match word {
                "none" => &mut prompt.none,
                "login" => &mut prompt.login,
                "consent" => &mut prompt.consent,
                "select_account" => &mut prompt.select_account,
                _ => return Err(AuthorizationError::Prompt),
            } = true;
        }
        let Self { none, login, consent, select_account } = prompt;
        if none && (login || consent || select_account) {
            return Err(AuthorizationError::Prompt);
        }
        Ok(prompt)
    }
}

fn response_type<'a>(
    get: impl Fn(&'static str) -> Option<&'a str>,
    client: &Client,
) -> Result<ResponseType, AuthorizationError> {
    match get("response_type") {
        None => Err(AuthorizationError::NoResponseType),
        Some("code") => {
            let challenge = get("code_challenge").ok_or(AuthorizationError::NoChallenge)?;
            if get("code_challenge_method") != Some("S256") {
                return Err(AuthorizationError::ChallengeMethod);
            }
            let challenge = CodeChallenge::parse(challenge).map_err(|_| AuthorizationError::Challenge)?;
            Ok(ResponseType::Code(challenge))
        }
        Some("token") if client.implicit => Ok(ResponseType::Token),
        Some("token") => Err(AuthorizationError::UnauthorizedResponseType),
        Some(_) => Err(AuthorizationError::UnsupportedResponseType),
    }
}

fn check_mode(
    asked: Option<&str>,
    response: ResponseType,
    to: &ReturnAddress,
) -> Result<(), AuthorizationError> {
    let Some(asked) = asked else { return Ok(()) };
    match (ResponseMode::parse(asked), response) {
        (None, _) | (Some(ResponseMode::Query), ResponseType::Token) => Err(AuthorizationError::ResponseMode),
        (Some(ResponseMode::FormPost), _) if !to.redirect_uri.is_web() => {
            Err(AuthorizationError::ResponseMode)
        }
        (Some(_), _) => Ok(()),
    }
}

fn max_age(text: &str) -> Result<TimeDelta, AuthorizationError> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(AuthorizationError::MaxAge);
    }
    // A number that is too large for the type means a time longer than any session.
    Ok(text.parse().ok().and_then(TimeDelta::try_seconds).unwrap_or(TimeDelta::MAX))
}

/// The scope that the request asks for: by default everything that the client may ask for, except `offline_access`.
fn scope(
    asked: Option<&str>,
    client: &Client,
    scopes: &[RegisteredScope],
) -> Result<Scope, AuthorizationError> {
    let is_registered = |word: &str| scopes.iter().any(|scope| scope.name == word);
    let Some(asked) = asked else { return Ok(client.scope.filter(is_registered)) };
    let scope = Scope::parse(asked).map_err(|_| AuthorizationError::Scope)?;
    let is_allowed =
        |word: &str| client.scope.contains(word) && (word == OFFLINE_ACCESS || is_registered(word));
    if scope.words().all(is_allowed) { Ok(scope) } else { Err(AuthorizationError::Scope) }
}

fn words<'a>(scope: &Scope, scopes: &'a [RegisteredScope]) -> Vec<&'a RegisteredScope> {
    scopes.iter().filter(|registered| scope.contains(&registered.name)).collect()
}

/// What decides which API a token is for.
struct TargetChoice<'a> {
    /// The words of the request, except `offline_access`.
    words: Vec<&'a RegisteredScope>,
    client: &'a Client,
    default_audience: &'a str,
}

impl<'a> TargetChoice<'a> {
    /// The API that the request names in `resource`, or else the one to which its scope belongs, or else the default
    /// one. A word that is registered without an API may be used with every API that the request names.
    fn choose<'r>(&self, resources: impl Iterator<Item = &'r str>) -> Result<&'a str, AuthorizationError> {
        let mut named: Option<&str> = None;
        for resource in resources {
            if named.is_some_and(|named| named != resource) {
                return Err(AuthorizationError::SeveralTargets);
            }
            named = Some(resource);
        }
        let Some(named) = named else {
            let mut owners = self.words.iter().map(|word| self.owner(word));
            let target = owners.next().unwrap_or(self.default_audience);
            let is_only_one = owners.all(|owner| owner == target);
            return if is_only_one { Ok(target) } else { Err(AuthorizationError::SeveralTargets) };
        };
        let target = self.permitted(named)?;
        let mut others = self.words.iter().filter_map(|word| word.resource.as_deref());
        if others.all(|owner| owner == target) {
            Ok(target)
        } else {
            Err(AuthorizationError::ScopeOfAnotherApi)
        }
    }

    fn owner(&self, word: &'a RegisteredScope) -> &'a str {
        word.resource.as_deref().unwrap_or(self.default_audience)
    }

    fn permitted(&self, resource: &str) -> Result<&'a str, AuthorizationError> {
        if Url::parse(resource).is_ok_and(|url| url.fragment().is_some()) {
            return Err(AuthorizationError::Target);
        }
        let of_client = self.client.resources.iter().map(String::as_str);
        let of_scope = self.words.iter().filter_map(|word| word.resource.as_deref());
        let mut permitted = of_client.chain(of_scope).chain([self.default_audience]);
        permitted.find(|known| *known == resource).ok_or(AuthorizationError::Target)
    }
}
