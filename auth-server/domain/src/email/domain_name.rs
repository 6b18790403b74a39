//! Domain names by IDNA (UTS #46), so that a name in Unicode and its ASCII form (`xn--…`) are one.

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};

use super::characters;

/// The ASCII characters that browsers reject in the host of a URL.
const DENIED: AsciiDenyList = AsciiDenyList::URL;

/// A label of a real name has hyphens anywhere but at its ends.
const HYPHENS: Hyphens = Hyphens::CheckFirstLast;

/// The name in Unicode and in lower case. `None`: it is not a domain name.
pub(super) fn normalised(name: &str) -> Option<String> {
    let ascii = Uts46::new().to_ascii(name.as_bytes(), DENIED, HYPHENS, DnsLength::Verify).ok()?;
    let (unicode, valid) = Uts46::new().to_unicode(ascii.as_bytes(), DENIED, HYPHENS);
    // UTS #46 allows symbols, which the ASCII form would hide.
    (valid.is_ok() && !unicode.contains(characters::is_rejected)).then(|| unicode.into_owned())
}

/// Whether a label is in its ASCII form.
pub(super) fn is_encoded(name: &str) -> bool {
    name.to_ascii_lowercase().split('.').any(|label| label.starts_with("xn--"))
}
