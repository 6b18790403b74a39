//! Which browser and system a `User-Agent` names.

use crate::text::DeviceTexts;

/// The browsers, by a mark in the header. The first that matches counts: Edge and Opera also name Chrome, and Chrome
/// also names Safari.
const PROGRAMS: [(&str, &str); 14] = [
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Vivaldi/", "Vivaldi"),
    ("YaBrowser/", "Yandex"),
    ("DuckDuckGo/", "DuckDuckGo"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chromium/", "Chromium"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
    ("python", "Python"),
];

/// The systems, likewise: an iPad says that it is "like Mac OS X", and Android that it is Linux.
const SYSTEMS: [(&str, &str); 10] = [
    ("Windows", "Windows"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Macintosh", "Mac"),
    ("Mac OS X", "Mac"),
    ("Linux", "Linux"),
    // What applications send that do not name themselves.
    ("okhttp/", "Android"),
    ("CFNetwork/", "Apple"),
];

/// The kind of a device, for its icon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Computer,
    Phone,
    Unknown,
}

/// "Firefox on Linux". Never text of the header itself, which the client chooses. Browsers no longer change the parts
/// of the header that this reads, so two short tables last longer than a crate with a list of every device.
pub(crate) fn describe(texts: &DeviceTexts, user_agent: Option<&str>) -> String {
    let user_agent = user_agent.unwrap_or_default();
    match (named(&PROGRAMS, user_agent), named(&SYSTEMS, user_agent)) {
        (Some(program), Some(system)) => (texts.program_on_system)(program, system),
        (Some(name), None) | (None, Some(name)) => name.to_owned(),
        (None, None) => texts.unknown.to_owned(),
    }
}

/// The kind of device that the header names.
pub(crate) fn kind(user_agent: Option<&str>) -> Kind {
    match named(&SYSTEMS, user_agent.unwrap_or_default()) {
        Some("iPhone" | "iPad" | "Android" | "Apple") => Kind::Phone,
        Some(_) => Kind::Computer,
        None => Kind::Unknown,
    }
}

fn named(names: &[(&str, &'static str)], user_agent: &str) -> Option<&'static str> {
    names.iter().find(|(mark, _)| user_agent.contains(mark)).map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Language;

    #[test]
    fn a_device_is_described_as_its_user_would() {
        let webkit = "AppleWebKit/537.36 (KHTML, like Gecko)";
        for (user_agent, expected) in [
            ("Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0".to_owned(), "Firefox on Linux"),
            (format!("Mozilla/5.0 (Windows NT 10.0; Win64; x64) {webkit} Chrome/141.0.0.0 Safari/537.36"), "Chrome on Windows"),
            (
                format!("Mozilla/5.0 (Windows NT 10.0; Win64; x64) {webkit} Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0"),
                "Edge on Windows",
            ),
            (format!("Mozilla/5.0 (Linux; Android 10; K) {webkit} Chrome/141.0.0.0 Mobile Safari/537.36"), "Chrome on Android"),
            (
                format!("Mozilla/5.0 (Linux; Android 10; K) {webkit} SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36"),
                "Samsung Internet on Android",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 \
                 Mobile/15E148 Safari/604.1"
                    .to_owned(),
                "Safari on iPhone",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Safari/605.1.15"
                    .to_owned(),
                "Safari on Mac",
            ),
            (format!("Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {webkit} Chrome/141.0.0.0 Safari/537.36"), "Chrome on ChromeOS"),
            ("curl/8.5.0".to_owned(), "curl"),
            ("okhttp/4.12.0".to_owned(), "Android"),
            ("<b>\"x".to_owned(), "Unknown device"),
            (String::new(), "Unknown device"),
        ] {
            assert_eq!(describe(&Language::English.texts().device, Some(&user_agent)), expected, "{user_agent}");
        }
    }
}
