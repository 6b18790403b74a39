//! The operator's logo.

use super::BrandError;

/// Larger logos would be more than the rest of a page.
pub(super) const MAX_BYTES: usize = 16 * 1024;

/// The content of the logo's file, and its kind.
#[derive(Debug, Clone)]
pub(crate) struct LogoImage {
    bytes: Vec<u8>,
    extension: &'static str,
    content_type: &'static str,
}

impl LogoImage {
    /// Recognises the kind by the content, because a browser that gets `nosniff` trusts the header.
    pub(super) fn of(bytes: Vec<u8>) -> Result<Self, BrandError> {
        if bytes.len() > MAX_BYTES {
            return Err(BrandError::LogoSize);
        }
        let (extension, content_type) = match bytes.as_slice() {
            [0x89, b'P', b'N', b'G', ..] => ("png", "image/png"),
            [0xff, 0xd8, 0xff, ..] => ("jpg", "image/jpeg"),
            [b'G', b'I', b'F', b'8', ..] => ("gif", "image/gif"),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => ("webp", "image/webp"),
            text if is_svg(text) => ("svg", "image/svg+xml"),
            _ => return Err(BrandError::LogoKind),
        };
        Ok(Self { bytes, extension, content_type })
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn extension(&self) -> &'static str {
        self.extension
    }

    pub(crate) fn content_type(&self) -> &'static str {
        self.content_type
    }
}

fn is_svg(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok_and(|text| {
        let text = text.trim_start_matches('\u{feff}').trim_start();
        text.starts_with("<svg") || text.starts_with("<?xml") && text.contains("<svg")
    })
}
