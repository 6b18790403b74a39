//! Settings of cookies and of the pages that may use them.

use goptri_settings::Settings;

use super::tokens::{AUDIENCE, ISSUER};
use crate::cookie::SessionCookie;
use crate::origin::Origins;

/// `CORS_ORIGINS`: the origins of other pages that may call this server, separated by commas. Empty by default.
pub fn cors_origins(settings: &Settings<'_>) -> Option<Origins> {
    const NAME: &str = "CORS_ORIGINS";
    let parsed = settings.value(NAME, "", |text| Ok::<_, String>(Origins::parse(text)))?;
    parsed.map_err(|errors| errors.into_iter().for_each(|error| settings.report(NAME, error))).ok()
}

/// `SESSION_COOKIE_NAME` and `SESSION_COOKIE_DOMAIN`. Pages of `ISSUER`, `AUDIENCE` and `CORS_ORIGINS` may use the
/// cookie; invalid values of these three are reported by the functions that read them, not here.
pub fn session_cookie(settings: &Settings<'_>) -> Option<SessionCookie> {
    let issuer = settings.get("ISSUER").unwrap_or(ISSUER);
    let cookie = SessionCookie::new(issuer, settings.get("AUDIENCE").unwrap_or(AUDIENCE));
    let origins = Origins::parse(settings.get("CORS_ORIGINS").unwrap_or_default()).unwrap_or_default();
    let cookie = cookie.with_allowed_origins(&origins);
    let domain =
        settings.optional("SESSION_COOKIE_DOMAIN", |domain| cookie.clone().with_domain(domain, issuer));
    let cookie = domain.ok()?.unwrap_or(cookie);
    settings.value("SESSION_COOKIE_NAME", "session", |name| cookie.with_name(name))
}
