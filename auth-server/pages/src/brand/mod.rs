//! What an operator puts on the pages: name, logo, colours and links (`BRAND_FILE`).

mod colour;
mod logo_image;

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::language::Language;
use crate::web_url::WebUrl;
use colour::Accent;
pub(crate) use logo_image::LogoImage;

/// The most characters of a name: it is in the title of each page and above each heading.
const MAX_NAME_CHARS: usize = 60;

/// The most links below a page.
const MAX_LINKS: usize = 6;

/// Name, logo, colours and links of an operator. The default is Goptri's own.
#[derive(Debug, Clone)]
pub struct Brand {
    name: String,
    logo_file: Option<PathBuf>,
    logo_shows_name: bool,
    logo: Option<LogoImage>,
    accent: Option<Accent>,
    links: Vec<Link>,
}

/// Why a brand is rejected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BrandError {
    /// The text is not TOML, or has unknown or missing keys.
    #[error("{0}")]
    Toml(String),
    /// The name is empty, too long, or has control characters.
    #[error("name must have 1 to {MAX_NAME_CHARS} characters")]
    Name,
    /// A colour is not `#rrggbb`.
    #[error("{0:?} is not a colour like #1a6b5c")]
    Colour(String),
    /// A colour cannot be read on the background.
    #[error(
        "{colour} has a contrast of {contrast} with the {background} background; links need 4.5 (WCAG 2.2 SC 1.4.3)"
    )]
    Contrast {
        /// The colour.
        colour: String,
        /// Its contrast, to one decimal place.
        contrast: String,
        /// `light` or `dark`.
        background: &'static str,
    },
    /// The address of a link is not an http or https URL.
    #[error("{0:?} is not an http or https address")]
    Link(String),
    /// There are more links than fit below a page.
    #[error("there are more than {MAX_LINKS} links")]
    TooManyLinks,
    /// The logo is not an image of a known kind.
    #[error("the logo is not SVG, PNG, JPEG, WebP or GIF")]
    LogoKind,
    /// The logo is too large.
    #[error("the logo is larger than {} KiB", logo_image::MAX_BYTES / 1024)]
    LogoSize,
}

/// A link below each page.
#[derive(Debug, Clone)]
pub(crate) struct Link {
    text: String,
    text_de: Option<String>,
    url: WebUrl,
}

impl Link {
    pub(crate) fn text(&self, language: Language) -> &str {
        match language {
            Language::English => &self.text,
            Language::German => self.text_de.as_deref().unwrap_or(&self.text),
        }
    }

    pub(crate) fn url(&self) -> &str {
        self.url.as_str()
    }
}

/// The file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BrandFile {
    name: String,
    logo: Option<PathBuf>,
    #[serde(default)]
    logo_shows_name: bool,
    accent: Option<AccentTable>,
    #[serde(default)]
    links: Vec<LinkTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AccentTable {
    light: String,
    dark: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LinkTable {
    text: String,
    text_de: Option<String>,
    url: String,
}

impl Brand {
    /// Parses a brand file:
    ///
    /// ```
    /// # auth_pages::Brand::parse(r##"
    /// name = "Acme"                 # up to 60 characters
    /// logo = "logo.svg"             # optional: SVG, PNG, JPEG, WebP or GIF, up to 16 KiB
    /// logo_shows_name = false       # true: the logo is a word mark, so the name is not repeated beside it
    ///
    /// [accent]                      # optional: buttons and links
    /// light = "#1f4fa3"
    /// dark = "#9dbcff"              # optional: otherwise a lighter shade of `light`
    ///
    /// [[links]]                     # optional: below each page
    /// text = "Privacy"
    /// text_de = "Datenschutz"       # optional
    /// url = "https://acme.example/privacy"
    /// # "##).unwrap();
    /// ```
    pub fn parse(toml: &str) -> Result<Self, BrandError> {
        let file: BrandFile = toml::from_str(toml).map_err(|error| BrandError::Toml(error.to_string()))?;
        let name = file.name.trim();
        let is_name =
            (1..=MAX_NAME_CHARS).contains(&name.chars().count()) && !name.contains(char::is_control);
        if !is_name {
            return Err(BrandError::Name);
        }
        if file.links.len() > MAX_LINKS {
            return Err(BrandError::TooManyLinks);
        }
        Ok(Self {
            name: name.to_owned(),
            logo_file: file.logo,
            logo_shows_name: file.logo_shows_name,
            logo: None,
            accent: file
                .accent
                .map(|table| Accent::parse(&table.light, table.dark.as_deref()))
                .transpose()?,
            links: file.links.into_iter().map(Link::try_from).collect::<Result<_, _>>()?,
        })
    }

    /// The file of the logo, relative to the brand file. The caller reads it and calls [`with_logo`](Self::with_logo).
    pub fn logo_file(&self) -> Option<&Path> {
        self.logo_file.as_deref()
    }

    /// The brand with the content of its logo's file.
    pub fn with_logo(self, bytes: Vec<u8>) -> Result<Self, BrandError> {
        Ok(Self { logo: Some(LogoImage::of(bytes)?), ..self })
    }

    /// The name of the operator or the service.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn logo_image(&self) -> Option<&LogoImage> {
        self.logo.as_ref()
    }

    pub(crate) fn logo_shows_name(&self) -> bool {
        self.logo_shows_name && self.logo.is_some()
    }

    pub(crate) fn links(&self) -> &[Link] {
        &self.links
    }

    /// The colours as CSS, after the stylesheet.
    pub(crate) fn colours(&self) -> String {
        self.accent.map(Accent::css).unwrap_or_default()
    }
}

impl Default for Brand {
    fn default() -> Self {
        Self {
            name: "Goptri".to_owned(),
            logo_file: None,
            logo_shows_name: false,
            logo: None,
            accent: None,
            links: Vec::new(),
        }
    }
}

impl TryFrom<LinkTable> for Link {
    type Error = BrandError;

    fn try_from(table: LinkTable) -> Result<Self, BrandError> {
        let url = WebUrl::parse(&table.url).ok_or(BrandError::Link(table.url))?;
        Ok(Self { text: table.text, text_de: table.text_de, url })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_brand_file_is_rejected_with_the_reason() {
        for (toml, reason) in [
            ("name = 3", "invalid type: integer"),
            ("nam = 'x'", "unknown field `nam`"),
            ("name = ' '", "name must have 1 to 60 characters"),
            ("name = 'a'\naccent = { light = 'red' }", "\"red\" is not a colour like #1a6b5c"),
            (
                "name = 'a'\naccent = { light = '#ffdd00' }",
                "#ffdd00 has a contrast of 1.3 with the light background",
            ),
            (
                "name = 'a'\naccent = { light = '#1a6b5c', dark = '#1a6b5c' }",
                "#1a6b5c has a contrast of 2.6 with the dark background",
            ),
            (
                "name = 'a'\nlinks = [{ text = 'x', url = 'javascript:alert(1)' }]",
                "is not an http or https address",
            ),
        ] {
            let error = Brand::parse(toml).unwrap_err().to_string();
            assert!(error.contains(reason), "{toml}: {error}");
        }
    }

    #[test]
    fn a_logo_is_known_by_its_content() {
        let brand = Brand::parse("name = 'Acme'\nlogo = 'logo.png'").unwrap();
        assert_eq!(brand.logo_file(), Some(Path::new("logo.png")));
        assert_eq!(brand.clone().with_logo(b"<html>".to_vec()).unwrap_err(), BrandError::LogoKind);
        assert_eq!(brand.clone().with_logo(vec![0; 17 * 1024]).unwrap_err(), BrandError::LogoSize);
        assert!(brand.with_logo(b"\x89PNG\r\n\x1a\n".to_vec()).is_ok());
    }
}
