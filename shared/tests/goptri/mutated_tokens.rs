//! Every modification of a token makes it invalid.

use goptri::token::TokenType;
use test_support::forge::{OTHER_SECRET, claims, good, rejection, ring};

const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ \n{}\"\0";

/// JV-28
#[test]
fn a_token_with_any_flipped_bit_is_rejected() {
    let good = good();
    for place in 0..good.len() {
        for bit in 0..8 {
            let flipped = char::from(good.as_bytes()[place] ^ 1 << bit);
            let token = format!("{}{flipped}{}", &good[..place], &good[place + 1..]);
            assert!(rejection(&token).is_some(), "bit {bit} at {place}: {token}");
        }
    }
}

/// JV-28
#[test]
fn a_token_with_a_missing_or_repeated_character_is_rejected() {
    let good = good();
    for place in 0..good.len() {
        let (start, end) = good.split_at(place);
        assert!(rejection(&format!("{start}{}", &end[1..])).is_some(), "without the one at {place}");
        assert!(rejection(&format!("{start}{}{end}", &end[..1])).is_some(), "twice the one at {place}");
        assert!(rejection(start).is_some() && (place == 0 || rejection(end).is_some()), "cut at {place}");
    }
}

/// JV-28
#[test]
fn thousands_of_random_mutations_are_rejected() {
    let good = good().into_bytes();
    let foreign = ring(&[OTHER_SECRET]).sign(TokenType::Access, &claims()).unwrap().into_bytes();
    let mut chance = Chance(0x9e37_79b9_7f4a_7c15);
    for round in 0..2_000 {
        let mut token = good.clone();
        for _ in 0..=chance.below(4) {
            mutate(&mut token, &foreign, &mut chance);
        }
        if token != good {
            let token = String::from_utf8(token).unwrap();
            assert!(rejection(&token).is_some(), "round {round}: {token}");
        }
    }
}

fn mutate(token: &mut Vec<u8>, foreign: &[u8], chance: &mut Chance) {
    let place = chance.below(token.len() + 1);
    let end = (place + chance.below(40)).min(token.len());
    let strange = ALPHABET[chance.below(ALPHABET.len())];
    match chance.below(7) {
        0 => token.insert(place, strange),
        1 if place < token.len() => token[place] = strange,
        2 => token.truncate(place),
        3 => drop(token.drain(place..end)),
        4 => token.extend_from_within(place..end),
        5 => {
            let graft = &foreign[place.min(foreign.len())..end.min(foreign.len())];
            token.splice(place..end, graft.iter().copied());
        }
        _ => {
            let mut segments: Vec<&[u8]> = token.split(|b| *b == b'.').collect();
            let (one, other) = (chance.below(segments.len()), chance.below(segments.len()));
            segments.swap(one, other);
            *token = segments.join(&b'.');
        }
    }
}

/// The same numbers on every run (xorshift64).
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(bound).unwrap()).unwrap()
    }
}
