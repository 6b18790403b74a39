//! The payload of an access token in the one form that auth-server writes, read without a parser and without copying.
//!
//! Members in the order of [`AccessClaims`], each once or not at all, no spaces, no escapes, nothing but printable ASCII. Whatever differs
//! in the least is left to the parser, which alone decides whether it is a payload; what is read here, it would read the same
//! way. Nearly all tokens that a service sees have this form, and a parser takes a third of the time to verify one.

use crate::claims_interner::{Alike, Common};
use crate::{AccessClaims, InvalidScope, NumericDate, ascii};

/// What the members say, as slices of the payload.
#[derive(Debug, Clone, Copy)]
pub(crate) struct UsualPayload<'a> {
    pub(crate) iss: &'a str,
    sub: &'a str,
    pub(crate) aud: Texts<'a>,
    exp: NumericDate,
    iat: NumericDate,
    nbf: Option<NumericDate>,
    jti: &'a str,
    pub(crate) client_id: &'a str,
    pub(crate) scope: &'a str,
    sid: Option<&'a str>,
    email: Option<&'a str>,
    email_verified: Option<bool>,
    roles: Option<Texts<'a>>,
    auth_time: Option<NumericDate>,
}

impl<'a> UsualPayload<'a> {
    /// What it says, if it is in this form.
    pub(crate) fn read(json: &'a [u8]) -> Result<Self, OtherForm> {
        if !ascii::all(json, |byte| matches!(byte, b' '..=b'[' | b']'..=b'~')) {
            return Err(OtherForm);
        }
        let mut rest = Rest(std::str::from_utf8(json).map_err(|_| OtherForm)?);
        let payload = Self {
            iss: rest.member(r#"{"iss":"#, Rest::text)?,
            sub: rest.member(r#","sub":"#, Rest::text)?,
            aud: rest.member(r#","aud":"#, Rest::one_or_several)?,
            exp: rest.member(r#","exp":"#, Rest::date)?,
            iat: rest.member(r#","iat":"#, Rest::date)?,
            nbf: rest.optional(r#","nbf":"#, Rest::date)?,
            jti: rest.member(r#","jti":"#, Rest::text)?,
            client_id: rest.member(r#","client_id":"#, Rest::text)?,
            scope: rest.member(r#","scope":"#, Rest::text)?,
            sid: rest.optional(r#","sid":"#, Rest::text)?,
            email: rest.optional(r#","email":"#, Rest::text)?,
            email_verified: rest.optional(r#","email_verified":"#, Rest::truth)?,
            roles: rest.optional(r#","roles":"#, Rest::texts)?,
            auth_time: rest.optional(r#","auth_time":"#, Rest::date)?,
        };
        if rest.0 == "}" { Ok(payload) } else { Err(OtherForm) }
    }

    /// The same as claims, which share what they have alike with those that were made before.
    ///
    /// # Errors
    /// When its scope has what no scope may have.
    pub(crate) fn claims(&self, alike: &Alike) -> Result<AccessClaims, InvalidScope> {
        let Common { iss, aud, client_id, scope } = alike.common(self)?;
        Ok(AccessClaims {
            iss,
            sub: self.sub.to_owned(),
            aud,
            exp: self.exp,
            iat: self.iat,
            nbf: self.nbf,
            jti: self.jti.to_owned(),
            client_id,
            scope,
            sid: self.sid.map(str::to_owned),
            email: self.email.map(str::to_owned),
            email_verified: self.email_verified,
            roles: self.roles.iter().flat_map(Texts::iter).map(str::to_owned).collect(),
            auth_time: self.auth_time,
        })
    }
}

/// One text or more, each in quotes, with commas in between; none has a quote in it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Texts<'a>(&'a str);

impl<'a> Texts<'a> {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        // Every other piece is what stands between two texts.
        self.0.split('"').skip(1).step_by(2)
    }
}

/// It is not in this form; that says nothing about it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OtherForm;

/// What has not been read yet: printable ASCII without a backslash, so that the next quote ends a text.
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    /// Whether that was next.
    fn skip(&mut self, next: &str) -> bool {
        let rest = self.0.strip_prefix(next);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    fn expect(&mut self, next: &str) -> Result<(), OtherForm> {
        if self.skip(next) { Ok(()) } else { Err(OtherForm) }
    }

    fn member<T>(
        &mut self,
        name: &str,
        value: impl Fn(&mut Self) -> Result<T, OtherForm>,
    ) -> Result<T, OtherForm> {
        self.expect(name)?;
        value(self)
    }

    fn optional<T>(
        &mut self,
        name: &str,
        value: impl Fn(&mut Self) -> Result<T, OtherForm>,
    ) -> Result<Option<T>, OtherForm> {
        if self.skip(name) { value(self).map(Some) } else { Ok(None) }
    }

    fn text(&mut self) -> Result<&'a str, OtherForm> {
        self.expect("\"")?;
        let (text, rest) = self.0.split_once('"').ok_or(OtherForm)?;
        self.0 = rest;
        Ok(text)
    }

    fn texts(&mut self) -> Result<Texts<'a>, OtherForm> {
        self.expect("[")?;
        let list = self.0;
        self.text()?;
        while self.skip(",") {
            self.text()?;
        }
        let texts = Texts(&list[..list.len() - self.0.len()]);
        self.expect("]")?;
        Ok(texts)
    }

    fn one_or_several(&mut self) -> Result<Texts<'a>, OtherForm> {
        let one = self.0;
        if one.starts_with('[') {
            return self.texts();
        }
        self.text()?;
        Ok(Texts(&one[..one.len() - self.0.len()]))
    }

    /// Digits alone; a fraction or an exponent is left over.
    fn date(&mut self) -> Result<NumericDate, OtherForm> {
        let digits = self.0.bytes().take_while(u8::is_ascii_digit).count();
        let (number, rest) = self.0.split_at(digits);
        self.0 = rest;
        let seconds = if number.starts_with('0') { None } else { number.parse().ok() };
        seconds.and_then(NumericDate::from_seconds).ok_or(OtherForm)
    }

    fn truth(&mut self) -> Result<bool, OtherForm> {
        let truth = self.skip("true");
        if truth || self.skip("false") { Ok(truth) } else { Err(OtherForm) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::strict_json;
    use crate::{Audience, Scope};

    fn claims() -> AccessClaims {
        let date = |seconds| NumericDate::from_seconds(seconds).unwrap();
        AccessClaims {
            iss: "http://localhost:4000".into(),
            sub: "0193b3a4-0000-7000-9000-000000000001".into(),
            aud: Audience(["a".into(), "b, [c]".into()].into()),
            exp: date(1_764_130_000),
            iat: date(1_764_120_000),
            nbf: Some(date(1)),
            jti: "5eed".into(),
            client_id: "goptri".into(),
            scope: Scope::parse("photos:read photos:write").unwrap(),
            sid: Some("0193b3a4-0000-7000-8000-000000000002".into()),
            email: Some("gopher@example.com".into()),
            email_verified: Some(false),
            roles: vec!["admin".into(), String::new()],
            auth_time: Some(date(253_402_300_799)),
        }
    }

    fn read(json: &[u8]) -> Option<AccessClaims> {
        UsualPayload::read(json).ok()?.claims(&Alike::default()).ok()
    }

    fn parsed(json: &[u8]) -> Option<AccessClaims> {
        strict_json::from_slice(json).ok()
    }

    #[test]
    fn what_auth_server_writes_is_read() {
        let without = AccessClaims {
            aud: Audience(["one".into()].into()),
            nbf: None,
            scope: Scope::default(),
            sid: None,
            email: None,
            email_verified: None,
            roles: Vec::new(),
            auth_time: None,
            ..claims()
        };
        let verified = AccessClaims { email_verified: Some(true), ..claims() };
        for claims in [claims(), without, verified] {
            let json = serde_json::to_vec(&claims).unwrap();
            assert_eq!(read(&json), Some(claims));
        }
    }

    #[test]
    fn whatever_is_changed_it_is_read_as_the_parser_does_or_left_to_it() {
        let (mut same, mut left) = (0, 0);
        let json = serde_json::to_string(&claims()).unwrap();
        let mut compare = |json: Vec<u8>| match read(&json) {
            None => left += 1,
            claims => {
                same += 1;
                assert_eq!(claims, parsed(&json), "{}", String::from_utf8_lossy(&json));
            }
        };
        for (at, _) in json.char_indices() {
            let (before, after) = json.as_bytes().split_at(at);
            for byte in *b"a0-.+eE\"\\,:[]{} nt\n\0\x7f\x80\xc3" {
                compare([before, &[byte], after].concat());
                compare([before, &[byte], &after[1..]].concat());
            }
            for length in 1..after.len() {
                compare([before, &after[length..]].concat());
                compare([before, &after[..length], after].concat());
            }
        }
        assert!(same > 10_000 && left > 100_000, "{same} read, {left} left");
    }

    #[test]
    fn another_form_is_left_to_the_parser() {
        let json = serde_json::to_string(&claims()).unwrap();
        let table = [
            (r#""exp":1764130000"#, r#""exp":1764130000.5"#),
            (r#""exp":1764130000"#, r#""exp":1764130e3"#),
            (r#""nbf":1"#, r#""nbf":0"#),
            (r#""email_verified":false"#, r#""email_verified": false"#),
            (r#""sid":"#, r#""s\u0069d":"#),
            ("gopher@", "g\u{f6}pher@"),
            (r#""jti":"5eed","client_id":"goptri""#, r#""client_id":"goptri","jti":"5eed""#),
            (r#"{"iss""#, r#"{"more":{},"iss""#),
            (r#","auth_time""#, r#","more":[],"auth_time""#),
            (r#","auth_time""#, r#","iss":"x","auth_time""#),
            (r#"["admin",""]"#, "[]"),
        ];
        for (usual, other) in table {
            let other = json.replace(usual, other);
            assert!(other != json && read(other.as_bytes()).is_none(), "{other}");
        }
        for no_payload in ["", "{", "{}", "[]", "null"] {
            assert!(read(no_payload.as_bytes()).is_none());
        }
    }
}
