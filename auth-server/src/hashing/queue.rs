//! A bounded queue that is fair to clients: it takes one entry of each client in turn, so that a client with many
//! entries delays the others by one entry each time.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

/// Entries of clients of type `C`.
#[derive(Debug)]
pub(super) struct FairQueue<C, T> {
    /// Clients with entries, in the order of their turns.
    turns: VecDeque<C>,
    /// No client has an empty list.
    entries: HashMap<C, VecDeque<T>>,
    length: usize,
    capacity: usize,
}

impl<C: Copy + Eq + Hash, T> FairQueue<C, T> {
    /// Allocates nothing yet.
    pub(super) fn new(capacity: usize) -> Self {
        Self { turns: VecDeque::new(), entries: HashMap::new(), length: 0, capacity }
    }

    /// Adds the entry. If the queue is full, removes and returns the last entry of the client with most entries. If no
    /// client has more entries than this client would then have, returns this entry.
    pub(super) fn push(&mut self, client: C, entry: T) -> Option<T> {
        let evicted = if self.length < self.capacity {
            None
        } else {
            let own = self.entries.get(&client).map_or(0, VecDeque::len);
            match self.longest() {
                Some((longest, length)) if length > own + 1 => self.remove(longest, VecDeque::pop_back),
                _ => return Some(entry),
            }
        };
        let entries = self.entries.entry(client).or_default();
        if entries.is_empty() {
            self.turns.push_back(client);
        }
        entries.push_back(entry);
        self.length += 1;
        evicted
    }

    /// Takes the first entry of the client whose turn it is.
    pub(super) fn pop(&mut self) -> Option<T> {
        let client = self.turns.pop_front()?;
        self.turns.push_back(client);
        self.remove(client, VecDeque::pop_front)
    }

    /// How many entries wait.
    pub(super) fn len(&self) -> usize {
        self.length
    }

    fn longest(&self) -> Option<(C, usize)> {
        self.entries
            .iter()
            .map(|(client, entries)| (*client, entries.len()))
            .max_by_key(|(_, length)| *length)
    }

    fn remove(&mut self, client: C, take: impl FnOnce(&mut VecDeque<T>) -> Option<T>) -> Option<T> {
        let entries = self.entries.get_mut(&client)?;
        let entry = take(entries);
        if entries.is_empty() {
            self.entries.remove(&client);
            self.turns.retain(|other| *other != client);
        }
        self.length -= usize::from(entry.is_some());
        entry
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A queue after `pushed`, one entry per character, each named after its client and its number.
    fn queue(capacity: usize, pushed: &str) -> (FairQueue<char, String>, Vec<String>) {
        let mut queue = FairQueue::new(capacity);
        let mut counts = HashMap::<char, usize>::new();
        let mut evicted = Vec::new();
        for client in pushed.chars() {
            let count = counts.entry(client).or_default();
            *count += 1;
            evicted.extend(queue.push(client, format!("{client}{count}")));
        }
        (queue, evicted)
    }

    fn drained(mut queue: FairQueue<char, String>) -> String {
        let order: Vec<String> = std::iter::from_fn(|| queue.pop()).collect();
        assert_eq!((queue.len(), queue.entries.len(), queue.turns.len()), (0, 0, 0));
        order.join(" ")
    }

    #[test]
    fn clients_take_turns() {
        for (pushed, expected) in [
            ("", ""),
            ("aaa", "a1 a2 a3"),
            ("aaab", "a1 b1 a2 a3"),
            ("aaabbc", "a1 b1 c1 a2 b2 a3"),
            ("abcabc", "a1 b1 c1 a2 b2 c2"),
        ] {
            assert_eq!(drained(queue(9, pushed).0), expected, "{pushed}");
        }
    }

    #[test]
    fn a_client_waits_for_one_entry_of_each_other_client_at_most() {
        let (mut queue, _) = queue(1000, &"abcd".repeat(100));
        for _ in 0..7 {
            queue.pop();
        }
        queue.push('z', "z1".to_owned());
        let before = std::iter::from_fn(|| queue.pop()).position(|entry| entry == "z1");
        assert_eq!(before, Some(4));
    }

    #[test]
    fn a_full_queue_removes_from_the_client_with_most_entries() {
        for (pushed, evicted, left) in [
            // The newest entry of the longest list.
            ("aaab", "a3", "a1 b1 a2"),
            ("aaabb", "a3 b2", "a1 b1 a2"),
            ("abba", "a2", "a1 b1 b2"),
            // A client with as many entries as any other gets no room.
            ("abcabc", "a2 b2 c2", "a1 b1 c1"),
            ("abcd", "d1", "a1 b1 c1"),
            ("aaaa", "a4", "a1 a2 a3"),
        ] {
            let (queue, removed) = queue(3, pushed);
            let removed = removed.join(" ");
            assert_eq!((removed.as_str(), drained(queue).as_str()), (evicted, left), "{pushed}");
        }
    }

    #[test]
    fn a_client_without_entries_loses_its_turn_and_gets_a_new_one() {
        let (mut queue, _) = queue(9, "ab");
        assert_eq!(queue.pop().as_deref(), Some("a1"));
        queue.push('a', "a2".to_owned());
        assert_eq!(drained(queue), "b1 a2");
    }
}
