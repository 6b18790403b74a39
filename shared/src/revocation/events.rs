//! Takes a stream of server-sent events apart (the WHATWG HTML standard, §9.2.6), within bounds, whatever it is fed.

/// A line, or the lines of one event, may not be longer: an event of 500 entries has 60 kB.
pub(super) const MAX_EVENT_BYTES: usize = 1024 * 1024;

/// A line or an event is longer than [`MAX_EVENT_BYTES`].
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooLong;

/// What has arrived of the event that is not complete yet. What never becomes complete is never told.
#[derive(Debug, Default)]
pub(super) struct Events {
    line: Vec<u8>,
    name: Vec<u8>,
    data: Vec<u8>,
    /// The line feed of a CR LF may be in the next piece.
    after_return: bool,
    begun: bool,
}

/// One event: its name, which may be empty, and its data.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Event {
    pub(super) name: Vec<u8>,
    pub(super) data: Vec<u8>,
}

impl Events {
    /// Takes the next piece of the stream, and hands each event that it completes to `told`, which may end it.
    pub(super) fn take<E: From<TooLong>>(
        &mut self,
        mut piece: &[u8],
        mut told: impl FnMut(Event) -> Result<(), E>,
    ) -> Result<(), E> {
        while let Some(first) = piece.first() {
            if std::mem::take(&mut self.after_return) && *first == b'\n' {
                piece = &piece[1..];
                continue;
            }
            let end = piece.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
            let part = &piece[..end.unwrap_or(piece.len())];
            if self.line.len() + self.data.len() + part.len() > MAX_EVENT_BYTES {
                return Err(TooLong.into());
            }
            self.line.extend_from_slice(part);
            let Some(end) = end else { return Ok(()) };
            self.after_return = piece[end] == b'\r';
            piece = &piece[end + 1..];
            if let Some(event) = self.end_of_line() {
                told(event)?;
            }
        }
        Ok(())
    }

    fn end_of_line(&mut self) -> Option<Event> {
        let mut line = std::mem::take(&mut self.line);
        if !std::mem::replace(&mut self.begun, true) && line.starts_with(b"\xef\xbb\xbf") {
            line.drain(..3);
        }
        if line.is_empty() {
            let (name, mut data) = (std::mem::take(&mut self.name), std::mem::take(&mut self.data));
            // An event without data is none.
            return data.pop().map(|_| Event { name, data });
        }
        let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
        let value = line.get(colon + 1..).unwrap_or_default();
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match &line[..colon] {
            b"event" => self.name = value.to_vec(),
            b"data" => {
                self.data.extend_from_slice(value);
                self.data.push(b'\n');
            }
            // Comments, and fields that mean nothing here.
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Told<'a> = &'a [(&'a str, &'a str)];

    /// The events of a stream that arrives in pieces of that length.
    fn events(stream: &[u8], piece: usize) -> Result<Vec<(String, String)>, TooLong> {
        let (mut events, mut told) = (Events::default(), Vec::new());
        for piece in stream.chunks(piece) {
            events.take(piece, |Event { name, data }| {
                told.push([name, data].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).into());
                Ok::<(), TooLong>(())
            })?;
        }
        Ok(told)
    }

    #[test]
    fn events_are_told_however_the_stream_is_cut() {
        let table: [(&[u8], Told<'_>); 19] = [
            (b"event: a\ndata: 1\n\n", &[("a", "1")]),
            (b"event: a\r\ndata: 1\r\n\r\n", &[("a", "1")]),
            (b"event: a\rdata: 1\r\r", &[("a", "1")]),
            (b"event: a\rdata: 1\n\r\n", &[("a", "1")]),
            (b"\xef\xbb\xbfevent:a\ndata:1\n\n", &[("a", "1")]),
            (b"data: 1\ndata: 2\nevent: a\n\n", &[("a", "1\n2")]),
            (b"data:  1 \n\n", &[("", " 1 ")]),
            (b"data\n\n", &[("", "")]),
            (b"data:\n\n", &[("", "")]),
            (b"event: a\n\ndata: 1\n\n", &[("", "1")]),
            (b"event: a\nevent: b\ndata: 1\n\n", &[("b", "1")]),
            (b": a comment\n\n:\n\ndata: 1\n\n", &[("", "1")]),
            (b"id: 7\nretry: 1\nDATA: 2\ndatum: 3\n data: 4\ndata: 1\n\n", &[("", "1")]),
            (b"data: 1\n\ndata: 2\n\nevent: b\ndata: {}\n\n", &[("", "1"), ("", "2"), ("b", "{}")]),
            (b"\n\n\n\r\r\r\n\r\n", &[]),
            // What is not complete is not told.
            (b"event: a\ndata: 1\n", &[]),
            (b"data: 1\n\ndata: 2", &[("", "1")]),
            (b"data: \xff\xfe\n\n", &[("", "\u{fffd}\u{fffd}")]),
            (b"<!doctype html>\n<p>no feed</p>\n\n", &[]),
        ];
        for (stream, expected) in table {
            let expected: Vec<_> = expected.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
            for piece in 1..=stream.len() {
                let shown = String::from_utf8_lossy(stream);
                assert_eq!(events(stream, piece).unwrap(), expected, "{shown:?} in pieces of {piece}");
            }
        }
    }

    #[test]
    fn what_is_too_long_is_refused_before_it_is_kept() {
        let just_fits = [b"data:".as_slice(), &vec![b'x'; MAX_EVENT_BYTES - 6], b"\n\n"].concat();
        assert_eq!(events(&just_fits, 4_096).unwrap().len(), 1);
        let line = vec![b'x'; MAX_EVENT_BYTES + 1];
        let comments = b": comment\n".repeat(MAX_EVENT_BYTES / 5);
        let lines = b"data: x\n".repeat(MAX_EVENT_BYTES / 2 + 1);
        assert_eq!(events(&line, 4_096), Err(TooLong));
        assert_eq!(events(&lines, 4_096), Err(TooLong));
        assert_eq!(events(&comments, 4_096), Ok(Vec::new()), "nothing is kept of a comment");
        let mut kept = Events::default();
        let _ = kept.take(&line, |_| Ok::<(), TooLong>(()));
        assert!(kept.line.capacity() <= MAX_EVENT_BYTES);
    }
}
