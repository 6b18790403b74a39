//! Settings of the pages that may call a server.

use goptri_settings::Settings;

use crate::origin::Origins;

/// `CORS_ORIGINS`: the origins of other pages that may call this server, separated by commas. Empty by default.
pub fn cors_origins(settings: &Settings<'_>) -> Option<Origins> {
    const NAME: &str = "CORS_ORIGINS";
    let parsed = settings.value(NAME, "", |text| Ok::<_, String>(Origins::parse(text)))?;
    parsed.map_err(|errors| errors.into_iter().for_each(|error| settings.report(NAME, error))).ok()
}
