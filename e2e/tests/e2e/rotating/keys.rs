//! Secrets and key pairs as in files, and as in logs.

use std::fs;

use goptri::keys::KeyRing;
use goptri_settings::{AccessTokenSecret, Plain};

use crate::programs::{program, run};

/// A secret or a key pair.
#[derive(Debug, Clone)]
pub(super) struct Key {
    /// The contents of a file.
    pub(super) text: String,
    pub(super) ring: KeyRing,
}

impl Key {
    /// A secret that depends on `name`.
    pub(super) fn secret(name: &str) -> Self {
        let text = format!("{name}-5f2a9c4be1d078365f2a9c4be1d07836");
        let ring = KeyRing::from_secrets(&Plain::<AccessTokenSecret>::new(text.clone()), &[]).unwrap();
        Self { text, ring }
    }

    /// A new key pair from `auth-server key generate`.
    pub(super) fn pair(key_type: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("keys.pem");
        let arguments = ["key", "generate", "--type", key_type, file.to_str().unwrap()];
        let made = run(program("auth-server"), &arguments, "");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let text = fs::read_to_string(file).unwrap();
        Self { ring: KeyRing::from_pem(&text).unwrap(), text }
    }

    pub(super) fn kid(&self) -> &str {
        &self.ring.signing_key_name().kid
    }

    /// A text that must not be published: the secret, or a line of the private key.
    pub(super) fn hidden(&self) -> &str {
        self.text.lines().find(|line| !line.starts_with('-')).unwrap()
    }
}

/// The contents of a file with these keys: the first signs, all verify.
pub(super) fn file_of(keys: &[&Key]) -> String {
    let texts: Vec<&str> = keys.iter().map(|key| key.text.as_str()).collect();
    let pairs = texts[0].starts_with("-----BEGIN");
    texts.join(if pairs { "" } else { "," })
}

/// How a server logs that it verifies with exactly these keys, in this order.
pub(super) fn as_logged(keys: &[&Key]) -> String {
    let name = |key: &&Key| format!("{} ({})", key.kid(), key.ring.signing_key_name().alg);
    format!("=\"{}\"", keys.iter().map(name).collect::<Vec<_>>().join(", "))
}
