//! The types of pictures, told by their first bytes; what the sender calls them is not believed.

use serde::Serialize;

/// A type of picture that is kept.
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
    /// How many of a file's first bytes tell its type.
    pub const HEAD: usize = 16;

    /// The type of what begins with these bytes: PNG's signature and its first chunk's name (PNG §5.2), JPEG's first
    /// marker, or WebP's container and its first chunk's name (RFC 9649 §2.4).
    pub fn of(head: &[u8]) -> Option<Self> {
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

    /// Its media type.
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
    fn the_first_bytes_tell_the_type() {
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
            assert_eq!(PhotoType::of(head), expected, "{head:?}");
        }
    }

    #[test]
    fn json_and_the_header_name_a_type_alike() {
        for photo_type in [PhotoType::Png, PhotoType::Jpeg, PhotoType::WebP] {
            assert_eq!(serde_json::json!(photo_type), photo_type.media_type());
        }
    }
}
