//! The rendered page and its content security policy.

use crate::assets::{Asset, Assets};
use crate::brand::Brand;
use crate::language::Language;
use crate::text::Texts;
use crate::web_url::{Logo, scheme_of};

/// A rendered page. Send it with `Content-Type: text/html; charset=utf-8`, `Content-Language`, `Vary: Accept-Language`,
/// `Cache-Control: no-store` and `Referrer-Policy: no-referrer`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The document.
    pub html: String,
    /// The value of the header `Content-Security-Policy`, made for this page.
    pub content_security_policy: String,
    /// The language of the document, for `Content-Language`.
    pub language: Language,
}

/// Renders the pages with the brand of an operator.
#[derive(Debug)]
pub struct Pages {
    brand: Brand,
    assets: Assets,
    path_prefix: String,
}

impl Pages {
    /// The pages with that brand.
    pub fn new(brand: Brand) -> Self {
        Self { assets: Assets::of(&brand), brand, path_prefix: String::new() }
    }

    /// The pages below a path such as `/auth`, if the issuer has one: forms and links lead there.
    #[must_use]
    pub fn below(mut self, path: &str) -> Self {
        path.trim_end_matches('/').clone_into(&mut self.path_prefix);
        self
    }

    /// The files that the pages load. Their paths contain a hash of the content, so they may be cached for ever.
    pub fn assets(&self) -> &[Asset] {
        self.assets.files()
    }

    /// Renders a template into a page.
    pub(crate) fn page(
        &self,
        language: Language,
        policy: Policy,
        render: impl FnOnce(&Frame<'_>) -> askama::Result<String>,
    ) -> Page {
        let frame = Frame {
            language,
            t: language.texts(),
            brand: &self.brand,
            assets: &self.assets,
            prefix: &self.path_prefix,
        };
        #[expect(
            clippy::expect_used,
            reason = "the templates only format text into a String, which cannot fail"
        )]
        let html = render(&frame).expect("a page renders");
        Page { html, content_security_policy: policy.header(&self.assets), language }
    }
}

/// What every template needs.
pub(crate) struct Frame<'a> {
    pub(crate) language: Language,
    pub(crate) t: &'static Texts,
    pub(crate) brand: &'a Brand,
    pub(crate) assets: &'a Assets,
    pub(crate) prefix: &'a str,
}

/// What the content security policy of a page allows besides the stylesheet and the script.
pub(crate) struct Policy {
    forms: Vec<String>,
    images: Vec<String>,
}

impl Policy {
    /// The policy of a page without forms and without an image other than the icon or the brand's logo.
    pub(crate) fn new() -> Self {
        Self { forms: Vec::new(), images: vec!["'self'".to_owned()] }
    }

    /// The page has forms, which lead to this server and from there to `destination`. The whole scheme of the
    /// destination is allowed, not only its origin, because the application may redirect further. `https:` is allowed
    /// for the same reason.
    #[must_use]
    pub(crate) fn with_forms_to(mut self, destination: Option<&str>) -> Self {
        self.forms.push("'self'".to_owned());
        let Some(destination) = destination else { return self };
        self.forms.push("https:".to_owned());
        self.forms
            .extend(scheme_of(destination).filter(|scheme| scheme != "https").map(|scheme| scheme + ":"));
        self
    }

    /// The page shows this image.
    #[must_use]
    pub(crate) fn with_image(mut self, logo: Option<&Logo>) -> Self {
        if let Some(source) = logo.map(Logo::source)
            && !self.images.iter().any(|image| image == source)
        {
            self.images.push(source.to_owned());
        }
        self
    }

    fn header(self, assets: &Assets) -> String {
        let sources = |list: &[String]| if list.is_empty() { "'none'".to_owned() } else { list.join(" ") };
        format!(
            "default-src 'none'; style-src '{}'; script-src '{}'; img-src {}; form-action {}; frame-ancestors 'none'; base-uri 'none'",
            assets.stylesheet_hash(),
            assets.script_hash(),
            sources(&self.images),
            sources(&self.forms),
        )
    }
}
