//! The stylesheet, the script and the operator's logo, and their hashes.

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

use crate::brand::Brand;

const STYLESHEET: &str = include_str!("../assets/pages.css");
const SCRIPT: &str = include_str!("../assets/pages.js");

/// Goptri's icon, without a logo of the operator.
const ICON: &str = include_str!("../assets/icon.svg");

/// A file that the pages load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asset {
    /// The path, which contains a hash of the content.
    pub path: String,
    /// The value of the header `Content-Type`.
    pub content_type: &'static str,
    /// The content.
    pub bytes: Vec<u8>,
}

impl Asset {
    /// The value of the header `Content-Security-Policy` of every asset: an SVG that is opened as a document must not
    /// run its scripts. Send it with `X-Content-Type-Options: nosniff`.
    pub const CONTENT_SECURITY_POLICY: &'static str =
        "default-src 'none'; style-src 'unsafe-inline'; sandbox";
}

/// The assets of one brand. The stylesheet is not a file: each page contains it, so that the first response is enough
/// to paint the page.
#[derive(Debug)]
pub(crate) struct Assets {
    stylesheet: String,
    stylesheet_hash: String,
    script_hash: String,
    /// The script and the icon, which is the operator's logo if there is one.
    files: [Asset; 2],
    has_logo: bool,
}

impl Assets {
    pub(crate) fn of(brand: &Brand) -> Self {
        let stylesheet = minified(STYLESHEET) + &brand.colours();
        let script = named("pages", "js", "text/javascript; charset=utf-8", SCRIPT.as_bytes());
        let logo =
            brand.logo_image().map(|logo| named("logo", logo.extension(), logo.content_type(), logo.bytes()));
        let has_logo = logo.is_some();
        let icon = logo.unwrap_or_else(|| named("icon", "svg", "image/svg+xml", ICON.as_bytes()));
        Self {
            stylesheet_hash: hash_source(stylesheet.as_bytes()),
            stylesheet,
            script_hash: hash_source(SCRIPT.as_bytes()),
            files: [script, icon],
            has_logo,
        }
    }

    pub(crate) fn files(&self) -> &[Asset] {
        &self.files
    }

    pub(crate) fn stylesheet(&self) -> &str {
        &self.stylesheet
    }

    /// As CSP writes it: `sha256-…`.
    pub(crate) fn stylesheet_hash(&self) -> &str {
        &self.stylesheet_hash
    }

    pub(crate) fn script(&self) -> &str {
        &self.files[0].path
    }

    /// For CSP and for the attribute `integrity`.
    pub(crate) fn script_hash(&self) -> &str {
        &self.script_hash
    }

    /// The icon of the browser's tab.
    pub(crate) fn icon(&self) -> &str {
        &self.files[1].path
    }

    /// The operator's logo.
    pub(crate) fn logo(&self) -> Option<&str> {
        self.has_logo.then_some(self.icon())
    }
}

fn hash_source(bytes: &[u8]) -> String {
    format!("sha256-{}", BASE64_STANDARD.encode(Sha256::digest(bytes)))
}

fn named(name: &str, extension: &str, content_type: &'static str, bytes: &[u8]) -> Asset {
    let hash = BASE64_URL_SAFE_NO_PAD.encode(&Sha256::digest(bytes)[..12]);
    Asset { path: format!("/assets/{name}-{hash}.{extension}"), content_type, bytes: bytes.to_vec() }
}

/// The stylesheet without comments and the spaces that CSS does not need. Its source has no string and no selector in
/// which they have a meaning.
fn minified(css: &str) -> String {
    let mut rest = css;
    let mut output = String::with_capacity(css.len());
    while let Some((before, comment)) = rest.split_once("/*") {
        output.push_str(before);
        rest = comment.split_once("*/").map_or("", |(_, after)| after);
    }
    output.push_str(rest);
    let output: String = output.lines().map(str::trim).collect();
    [(" {", "{"), ("{ ", "{"), (" }", "}"), (": ", ":"), (", ", ","), ("; ", ";"), (" > ", ">"), (";}", "}")]
        .iter()
        .fold(output, |css, (long, short)| css.replace(long, short))
}
