//! base64url without padding (RFC 4648 §5, RFC 7515 §2), in which each sequence of bytes has one spelling (JV-09).

use std::sync::LazyLock;

use base64::Engine;

/// Takes many characters of a long text at a time where the processor can; whether it can is found out once.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
static ENGINE: LazyLock<base64::engine::Simd> =
    LazyLock::new(|| base64::engine::Simd::url_safe(base64::engine::general_purpose::NO_PAD));

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
static ENGINE: LazyLock<base64::engine::GeneralPurpose> =
    LazyLock::new(|| base64::engine::general_purpose::URL_SAFE_NO_PAD);

/// The spelling of `bytes`.
pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    ENGINE.encode(bytes)
}

/// The bytes of which `text` is the spelling; nothing, if it is that of none: padding, other characters, or bits that are left
/// over and not zero.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    ENGINE.decode(text).ok()
}
