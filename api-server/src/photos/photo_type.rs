//! The types of photos, detected from their first bytes. The client's `Content-Type` is ignored.

use serde::Serialize;

/// A supported image type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum PhotoType {
    /// Portable Network Graphics.
    #[serde(rename = "image/png")]
    Png,
    /// JPEG.
    #[serde(rename = "image/jpeg")]
    Jpeg,
    /// WebP.
    #[serde(rename = "image/webp")]
    WebP,
}

impl PhotoType {
    /// How many bytes [`detect`](Self::detect) needs.
    pub const HEAD: usize = 16;

    /// The type of a file that begins with `head`: PNG's signature and the name of its first chunk (PNG §5.2), JPEG's
    /// first marker, or WebP's container and the name of its first chunk (RFC 9649 §2.4).
    pub fn detect(head: &[u8]) -> Option<Self> {
        match head {
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', 0, 0, 0, 13, b'I', b'H', b'D', b'R', ..] => {
                Some(Self::Png)
            }
            [0xff, 0xd8, 0xff, ..] => Some(Self::Jpeg),
            [
                b'R',
                b'I',
                b'F',
                b'F',
                _,
                _,
                _,
                _,
                b'W',
                b'E',
                b'B',
                b'P',
                b'V',
                b'P',
                b'8',
                b' ' | b'L' | b'X',
                ..,
            ] => Some(Self::WebP),
            _ => None,
        }
    }

    /// The media type.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::WebP => "image/webp",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_type_is_detected_from_the_first_bytes() {
        let table: [(&[u8], Option<PhotoType>); 12] = [
            (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", Some(PhotoType::Png)),
            (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01", Some(PhotoType::Png)),
            (b"\x89PNG\n\x1a\n\0\0\0\rIHDR\0", None),
            (b"\x89PNG\r\n\x1a\n", None),
            (b"\xff\xd8\xff\xe0\0\x10JFIF", Some(PhotoType::Jpeg)),
            (b"\xff\xd8", None),
            (b"RIFF\x1a\0\0\0WEBPVP8L", Some(PhotoType::WebP)),
            (b"RIFF\x1a\0\0\0WEBPXMP ", None),
            (b"RIFF\x1a\0\0\0WAVEfmt ", None),
            (b"GIF89a\x01\0\x01\0\0\0\0;<s", None),
            (b"<svg xmlns='http", None),
            (b"", None),
        ];
        for (head, expected) in table {
            assert_eq!(PhotoType::detect(head), expected, "{head:?}");
        }
    }

    #[test]
    fn json_has_the_media_type_of_the_header() {
        for photo_type in [PhotoType::Png, PhotoType::Jpeg, PhotoType::WebP] {
            assert_eq!(serde_json::json!(photo_type), photo_type.media_type());
        }
    }
}
