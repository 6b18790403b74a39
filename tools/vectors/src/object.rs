//! A JSON object as text, so that a vector controls each byte: order, duplicates, escapes.

use std::fmt;

/// Members in order. Names and values are JSON texts, valid or not.
#[derive(Clone)]
pub(crate) struct Object(Vec<(String, String)>);

/// `text` as a JSON string.
pub(crate) fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

impl Object {
    pub(crate) fn new<const N: usize>(members: [(&str, String); N]) -> Self {
        Self(members.into_iter().map(|(name, value)| (quoted(name), value)).collect())
    }

    /// Sets a member to a JSON value.
    pub(crate) fn with(mut self, name: &str, value: impl fmt::Display) -> Self {
        let (name, value) = (quoted(name), value.to_string());
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some(member) => member.1 = value,
            None => self.0.push((name, value)),
        }
        self
    }

    /// Sets a member to a string.
    pub(crate) fn with_text(self, name: &str, value: &str) -> Self {
        self.with(name, quoted(value))
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        let before = self.0.len();
        self.0.retain(|(known, _)| *known != quoted(name));
        assert_eq!(self.0.len() + 1, before, "{name}");
        self
    }

    /// Spells the name of a member like this, a JSON string with its quotes.
    pub(crate) fn spelled(mut self, name: &str, spelling: &str) -> Self {
        let member = self.0.iter_mut().find(|(known, _)| *known == quoted(name)).expect("a member");
        spelling.clone_into(&mut member.0);
        self
    }

    /// The text with these members before the others, as they are.
    pub(crate) fn after(&self, members: &str) -> String {
        self.to_string().replacen('{', &format!("{{{members},"), 1)
    }

    /// The text with these members behind the others, as they are.
    pub(crate) fn before(&self, members: &str) -> String {
        let text = self.to_string();
        format!("{},{members}}}", &text[..text.len() - 1])
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let members: Vec<_> = self.0.iter().map(|(name, value)| format!("{name}:{value}")).collect();
        write!(f, "{{{}}}", members.join(","))
    }
}
