//! Cookies in the headers of a request.

/// A request has two cookies of one name. One of them may be planted by another host of the domain, and which one comes
/// first is not defined (CK-11).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TwoCookies;

/// The value of the cookie `name` in the values of all `Cookie` headers, which are one list (RFC 9113 §8.2.3).
///
/// Names are compared byte by byte, and only spaces and tabs around a cookie are removed, because browsers protect the
/// prefixes `__Host-` and `__Secure-` only in exactly this form.
///
/// # Errors
/// If there are two, even if they are equal.
pub fn find_cookie<'a>(
    headers: impl IntoIterator<Item = &'a [u8]>,
    name: &str,
) -> Result<Option<&'a [u8]>, TwoCookies> {
    let mut found = None;
    for header in headers {
        let mut rest = header;
        while !rest.is_empty() {
            let end = memchr::memchr(b';', rest).unwrap_or(rest.len());
            let (pair, after) = rest.split_at(end);
            rest = after.get(1..).unwrap_or_default();
            let value = trimmed(pair).strip_prefix(name.as_bytes()).and_then(|rest| rest.strip_prefix(b"="));
            if value.is_some() && std::mem::replace(&mut found, value).is_some() {
                return Err(TwoCookies);
            }
        }
    }
    Ok(found)
}

fn trimmed(mut pair: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = pair {
        pair = rest;
    }
    pair
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &str = "__Host-session";

    fn find(headers: &[&str]) -> Result<Option<String>, TwoCookies> {
        let found = find_cookie(headers.iter().map(|header| header.as_bytes()), NAME)?;
        Ok(found.map(|value| String::from_utf8_lossy(value).into_owned()))
    }

    #[test]
    fn the_cookie_of_exactly_this_name_is_found() {
        for (headers, expected) in [
            (&["__Host-session=x"] as &[&str], Some("x")),
            (&["a=b; __Host-session=x; c=d"], Some("x")),
            (&["a=b;__Host-session=x;c=d"], Some("x")),
            (&["a=b", "c=d; __Host-session=x"], Some("x")),
            (&[" \t__Host-session=x \t"], Some("x")),
            (&["__Host-session=x="], Some("x=")),
            (&["__Host-session="], Some("")),
            (&["__Host-session=\"x\""], Some("\"x\"")),
            (&[], None),
            (&[""], None),
            (&[";;;=;"], None),
            (&["__Host-session"], None),
            (&["=__Host-session=x"], None),
            (&["a=__Host-session=x"], None),
            (&["__host-session=x; __HOST-SESSION=x"], None),
            (&["__Host-session2=x; session=x; x__Host-session=x"], None),
            (&["__Host-session =x"], None),
            // Spaces that browsers do not remove from a name are no spaces here (prefix bypass).
            (&["\u{2000}__Host-session=x"], None),
            (&["\u{a0}__Host-session=x"], None),
            (&["\u{b}__Host-session=x"], None),
            (&["$Version=1, __Host-session=x"], None),
        ] {
            assert_eq!(find(headers), Ok(expected.map(str::to_owned)), "{headers:?}");
        }
        assert_eq!(find_cookie([b"\xff\xfe; __Host-session=x".as_slice()], NAME), Ok(Some(b"x".as_slice())));
    }

    /// CK-11
    #[test]
    fn two_cookies_of_one_name_are_rejected_even_if_they_are_equal() {
        for headers in [
            &["__Host-session=x; __Host-session=y"] as &[&str],
            &["__Host-session=x; __Host-session=x"],
            &["__Host-session=x; a=b", "__Host-session=y"],
            &["__Host-session=; __Host-session=y"],
        ] {
            assert_eq!(find(headers), Err(TwoCookies), "{headers:?}");
        }
    }
}
