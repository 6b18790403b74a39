//! Secrets and key pairs as they stand in files, and what the logs call them.

use std::fs;

use goptri::keys::KeyRing;
use goptri_settings::{AccessTokenSecret, Plain};

use crate::programs::{program, run};

/// One secret, or one key pair.
#[derive(Debug, Clone)]
pub(super) struct Key {
    /// As it stands in a file.
    pub(super) text: String,
    pub(super) ring: KeyRing,
}

impl Key {
    /// A secret; another name makes another one.
    pub(super) fn secret(name: &str) -> Self {
        let text = format!("{name}-5f2a9c4be1d078365f2a9c4be1d07836");
        let ring = KeyRing::from_secrets(&Plain::<AccessTokenSecret>::new(text.clone()), &[]).unwrap();
        Self { text, ring }
    }

    /// A new key pair, made as an operator makes one.
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

    /// What nobody may find in a log, an answer, or anywhere else: the secret, or the middle of the key.
    pub(super) fn hidden(&self) -> &str {
        self.text.lines().find(|line| !line.starts_with('-')).unwrap()
    }
}

/// What a file with these holds: the first signs, all verify.
pub(super) fn file_of(keys: &[&Key]) -> String {
    let texts: Vec<&str> = keys.iter().map(|key| key.text.as_str()).collect();
    let pairs = texts[0].starts_with("-----BEGIN");
    texts.join(if pairs { "" } else { "," })
}

/// How a log line of any server shows that it verifies with these, in this order, and with no others.
pub(super) fn as_logged(keys: &[&Key]) -> String {
    let name = |key: &&Key| format!("{} ({})", key.kid(), key.ring.signing_key_name().alg);
    format!("=\"{}\"", keys.iter().map(name).collect::<Vec<_>>().join(", "))
}
