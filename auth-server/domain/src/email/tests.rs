//! Which texts are one address, and which are none.

use chrono::DateTime;
use uuid::Uuid;

use super::*;
use crate::UserId;

fn parsed(text: &str) -> Option<String> {
    Email::parse(text).ok().map(|email| email.as_str().to_owned())
}

fn key(text: &str) -> EmailKey {
    Email::parse(text).unwrap_or_else(|_| panic!("{text:?}")).key()
}

/// Its decomposed form has 375 bytes, and is not an address until it is normalised.
#[test]
fn the_length_that_counts_is_that_of_the_normalised_address() {
    let decomposed = format!("{0}@{0}.{0}.{0}.{0}.{0}", "e\u{301}".repeat(20));
    assert_eq!(parsed(&decomposed), Some(decomposed.nfc().collect()));
    assert_eq!(parsed(&format!("{decomposed}.{decomposed}")), None);
}

#[test]
fn an_address_has_a_local_part_and_a_domain_and_no_character_that_breaks_a_line() {
    let long = format!("{}@example.com", "a".repeat(65));
    let longer = format!("a@{}.com", "a".repeat(250));
    let label = format!("a@{}.com", "a".repeat(64));
    let huge = format!("{}@example.com", "e\u{301}".repeat(100_000));
    for text in [
        "ann@example.com",
        "ann+photos@mail.example.co.uk",
        "o'neil@example.com",
        "col·legi@example.com",
        "dev@localhost",
        "jürgen@example.de",
        "用户@例子.广告",
        "ann@r3---sn-4g5e6nsz.example.com",
        "ann@under_score.example",
    ] {
        assert_eq!(parsed(text).as_deref(), Some(text));
    }
    for text in [
        "",
        " ",
        "ann",
        "@",
        "ann@",
        "@example.com",
        "a b@example.com",
        "ann @example.com",
        "ann@ example.com",
        "ann@example.com\r\nBcc: eve@example.com",
        "ann@example..com",
        "ann@.com",
        "ann@example.com.",
        "ann@-example.com",
        "ann@example-.com",
        "a@b@example.com",
        "ann\0@example.com",
        "<ann@example.com>",
        "ann@example.com,eve@example.com",
        "ann@exam\u{2028}ple.com",
        "ann@exa/mple.com",
        "ann@xn--.com",
        "ann@xn--a.com",
        "ann@xn--example-.com",
        &long,
        &longer,
        &label,
        &huge,
    ] {
        assert_eq!(Email::parse(text), Err(InvalidEmail), "{:?}", text.chars().take(60).collect::<String>());
    }
}

#[test]
fn white_space_around_an_address_is_trimmed() {
    for space in [" ", "\t", "\r\n", "\u{a0}", "\u{2003}", "\u{3000}", "\u{2028}", "\u{85}"] {
        for text in [format!("{space}joe@foo.com"), format!("joe@foo.com{space}{space}")] {
            assert_eq!(parsed(&text).as_deref(), Some("joe@foo.com"), "{text:?}");
        }
    }
}

#[test]
fn spellings_of_one_address_have_one_key() {
    for (one, other) in [
        ("Ann@Example.COM", "ann@example.com"),
        ("JÜRGEN@example.de", "jürgen@example.de"),
        ("j\u{fc}rgen@example.com", "ju\u{308}rgen@example.com"),
        ("J\u{dc}RGEN@example.com", "ju\u{308}rgen@example.com"),
        ("jo@b\u{fc}cher.example", "jo@xn--bcher-kva.example"),
        ("jo@bu\u{308}cher.example", "JO@XN--BCHER-KVA.EXAMPLE"),
        ("jo@BÜCHER.example", "jo@bücher.example"),
        ("jo@ｅｘａｍｐｌｅ.com", "jo@example.com"),
        ("jo@mail.bücher.example", "jo@mail.xn--bcher-kva.example"),
        ("\u{212a}elvin@example.com", "kelvin@example.com"),
        ("\u{1100}\u{1161}@example.com", "\u{ac00}@example.com"),
        ("ΟΔΟΣ@example.com", "οδος@example.com"),
        ("İ@example.com", "i\u{307}@example.com"),
        ("  joe@foo.com\n", "joe@foo.com"),
    ] {
        assert_eq!(key(one), key(other), "{one:?} {other:?}");
    }
    for (one, other) in [
        ("ann@example.com", "an.n@example.com"),
        ("ann@example.com", "ann+1@example.com"),
        ("jo@bücher.example", "jo@bucher.example"),
        ("jo@faß.example", "jo@fass.example"),
        ("straße@example.com", "strasse@example.com"),
        ("ｊｏ@example.com", "jo@example.com"),
    ] {
        assert_ne!(key(one), key(other), "{one:?} {other:?}");
    }
}

#[test]
fn an_address_keeps_the_capitals_of_its_first_part_and_shows_its_domain_in_unicode() {
    for (text, shown) in [
        (" Ann.Lee@Example.COM", "Ann.Lee@example.com"),
        ("Ju\u{308}rgen@example.com", "J\u{fc}rgen@example.com"),
        ("jo@XN--BCHER-KVA.example", "jo@bücher.example"),
    ] {
        assert_eq!(parsed(text).as_deref(), Some(shown));
        let email = Email::parse(shown).unwrap();
        assert_eq!((parsed(shown).as_deref(), email.key()), (Some(shown), key(text)), "stable");
    }
}

#[test]
fn invisible_characters_and_false_separators_are_rejected() {
    let invisible = "\u{ad}\u{34f}\u{61c}\u{115f}\u{1160}\u{17b4}\u{180b}\u{180e}\u{180f}\u{200b}\u{200c}\u{200d}\
                     \u{200e}\u{200f}\u{202a}\u{202e}\u{2060}\u{2061}\u{2064}\u{2065}\u{2066}\u{2069}\u{206f}\u{2800}\
                     \u{3164}\u{fe00}\u{fe0f}\u{feff}\u{ffa0}\u{fff9}\u{fffc}\u{fffd}\u{e000}\u{1d159}\u{1d173}\
                     \u{e0001}\u{e0041}\u{e007f}\u{e0100}\u{e01ef}\u{f0000}\u{10ffff}\u{378}\u{80}\u{9f}";
    let separators = "\u{3002}\u{ff0e}\u{ff61}\u{2024}\u{2025}\u{2026}\u{fe52}\u{6d4}\u{701}\u{a4f8}\u{2488}\u{ff20}\
                      \u{fe6b}\u{ff0c}\u{ff1b}\u{37e}\u{fe64}\u{ff1c}\u{ff02}\u{ff3c}\u{fe50}\u{fe54}";
    let spaces = "\u{a0}\u{1680}\u{2000}\u{2003}\u{202f}\u{205f}\u{3000}\u{2028}\u{2029}\u{85}";
    for c in [invisible, separators, spaces].concat().chars() {
        for text in [format!("a{c}b@example.com"), format!("ab@exa{c}mple.com"), format!("ab@example{c}com")]
        {
            assert_eq!(Email::parse(&text), Err(InvalidEmail), "U+{:04X} {text:?}", u32::from(c));
        }
    }
    for text in
        ["jo\u{ff20}example.com", "jo@example\u{3002}com", "jo@example\u{2024}com", "\u{e0041}@example.com"]
    {
        assert_eq!(Email::parse(text), Err(InvalidEmail), "{text:?}");
    }
    // U+2800 in the ASCII form, which UTS #46 accepts.
    let blank = idna::punycode::encode_str("a\u{2800}b").unwrap();
    assert_eq!(Email::parse(&format!("jo@xn--{blank}.example")), Err(InvalidEmail));
}

#[test]
fn a_stored_address_of_earlier_rules_has_its_present_key_and_is_never_rewritten() {
    for (text, key) in [
        ("Jo@xn--bcher-kva.example", "jo@bücher.example"),
        ("Ju\u{308}rgen@Example.com", "j\u{fc}rgen@example.com"),
        ("a\u{3164}@Example.com", "a\u{3164}@example.com"),
        ("ann@[127.0.0.1]", "ann@[127.0.0.1]"),
    ] {
        let email = Email::stored(text).unwrap();
        assert_eq!((email.as_str(), email.key().as_str()), (text, key));
    }
    assert_eq!(Email::stored("ann"), Err(InvalidEmail));
    assert_eq!(Email::stored("ann@example.com\n"), Err(InvalidEmail));
}

#[test]
fn a_part_of_an_address_is_searched_as_it_is_in_a_key() {
    for (text, part) in [
        ("ANN", "ann"),
        (" ann@ ", "ann@"),
        ("@Example", "@example"),
        ("Ju\u{308}r", "j\u{fc}r"),
        ("Jo@XN--bcher-kva.example", "jo@bücher.example"),
        ("xn--bcher-kva", "bücher"),
        ("xn--a", "xn--a"),
        ("100%", "100%"),
    ] {
        assert_eq!(EmailKey::part(text), part);
        let again = EmailKey::part(&EmailKey::part(text));
        assert_eq!(again, part, "stable");
    }
}

#[test]
fn of_two_users_with_one_key_the_older_gets_it_and_the_id_decides_between_equal_times() {
    let user = |id: u128, created_at: i64| StoredEmail {
        user_id: UserId(Uuid::from_u128(id)),
        email: Email::parse("ann@example.com").unwrap(),
        key: EmailKey::stored("ann@example.com".to_owned()),
        created_at: DateTime::from_timestamp(created_at, 0).unwrap(),
    };
    for ((older_id, older_at), (newer_id, newer_at)) in [((2, 10), (1, 11)), ((1, 10), (2, 10))] {
        let (older, newer) = (user(older_id, older_at), user(newer_id, newer_at));
        assert!(older.is_older_than(&newer) && !newer.is_older_than(&older), "{older:?} {newer:?}");
    }
}

/// Earlier rules accepted these addresses.
#[test]
fn a_stored_address_may_have_another_key_now_or_be_rejected() {
    for (address, key, other, accepted) in [
        ("ann@example.com", "ann@example.com", None, true),
        ("ann@example.com", "Ann@example.com", Some("ann@example.com"), true),
        ("a b@example.com", "a b@example.com", None, false),
    ] {
        let stored = StoredEmail {
            user_id: UserId(Uuid::nil()),
            email: Email::stored(address).unwrap(),
            key: EmailKey::stored(key.to_owned()),
            created_at: DateTime::UNIX_EPOCH,
        };
        let found = (stored.changed_key(), stored.is_accepted());
        assert_eq!(found, (other.map(|text| EmailKey::stored(text.to_owned())), accepted), "{address}");
    }
}
