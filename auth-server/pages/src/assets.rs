//! The stylesheet, the script and the operator's logo, and their hashes.

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

use crate::brand::Brand;

const STYLESHEET: &str = include_str!("../assets/pages.css");
const SCRIPT: &str = include_str!("../assets/pages.js");

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
    /// The script, then the logo.
    files: Vec<Asset>,
}

impl Assets {
    pub(crate) fn of(brand: &Brand) -> Self {
        let stylesheet = minified(STYLESHEET) + &brand.colours();
        let script = named("pages", "js", "text/javascript; charset=utf-8", SCRIPT.as_bytes());
        let logo =
            brand.logo_image().map(|logo| named("logo", logo.extension(), logo.content_type(), logo.bytes()));
        Self {
            stylesheet_hash: hash_source(stylesheet.as_bytes()),
            stylesheet,
            script_hash: hash_source(SCRIPT.as_bytes()),
            files: [script].into_iter().chain(logo).collect(),
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

    pub(crate) fn logo(&self) -> Option<&str> {
        self.files.get(1).map(|logo| logo.path.as_str())
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
