//! Parses a stream of server-sent events (WHATWG HTML standard, §9.2.6) in bounded memory.

/// The maximum length of a line, and of all the data of one event. An event of 500 entries has 60 kB.
pub(super) const MAX_EVENT_BYTES: usize = 1024 * 1024;

/// A line or an event is longer than [`MAX_EVENT_BYTES`].
#[derive(Debug, PartialEq, Eq)]
pub(super) struct EventTooLong;

/// An incremental parser. It holds the incomplete event at the end of the stream.
#[derive(Debug, Default)]
pub(super) struct SseParser {
    line: Vec<u8>,
    name: Vec<u8>,
    data: Vec<u8>,
    /// The last chunk ended in CR: a LF that follows belongs to the same line end.
    after_cr: bool,
    /// Whether the first line, which may begin with a byte order mark, is complete.
    after_first_line: bool,
}

/// One event: its name, which may be empty, and its data.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Event {
    pub(super) name: Vec<u8>,
    pub(super) data: Vec<u8>,
}

impl SseParser {
    /// Parses the next chunk and passes each event that it completes to `on_event`. Stops at the first error.
    pub(super) fn parse_chunk<E: From<EventTooLong>>(
        &mut self,
        mut chunk: &[u8],
        mut on_event: impl FnMut(Event) -> Result<(), E>,
    ) -> Result<(), E> {
        while let Some(first) = chunk.first() {
            if std::mem::take(&mut self.after_cr) && *first == b'\n' {
                chunk = &chunk[1..];
                continue;
            }
            let end = chunk.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
            let part = &chunk[..end.unwrap_or(chunk.len())];
            if self.line.len() + self.data.len() + part.len() > MAX_EVENT_BYTES {
                return Err(EventTooLong.into());
            }
            self.line.extend_from_slice(part);
            let Some(end) = end else { return Ok(()) };
            self.after_cr = chunk[end] == b'\r';
            chunk = &chunk[end + 1..];
            if let Some(event) = self.end_line() {
                on_event(event)?;
            }
        }
        Ok(())
    }

    fn end_line(&mut self) -> Option<Event> {
        let mut line = std::mem::take(&mut self.line);
        if !std::mem::replace(&mut self.after_first_line, true) && line.starts_with(b"\xef\xbb\xbf") {
            line.drain(..3);
        }
        if line.is_empty() {
            let (name, mut data) = (std::mem::take(&mut self.name), std::mem::take(&mut self.data));
            // An event without data is not dispatched. Otherwise the last line feed is removed.
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
            // Comments, and fields that the feed does not use.
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Pairs<'a> = &'a [(&'a str, &'a str)];

    /// Parses a stream that arrives in chunks of that length.
    fn parse(stream: &[u8], chunk: usize) -> Result<Vec<(String, String)>, EventTooLong> {
        let (mut parser, mut events) = (SseParser::default(), Vec::new());
        for chunk in stream.chunks(chunk) {
            parser.parse_chunk(chunk, |Event { name, data }| {
                events.push([name, data].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).into());
                Ok::<(), EventTooLong>(())
            })?;
        }
        Ok(events)
    }

    #[test]
    fn the_chunks_of_a_stream_do_not_change_its_events() {
        let table: [(&[u8], Pairs<'_>); 19] = [
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
            // Incomplete events are not dispatched.
            (b"event: a\ndata: 1\n", &[]),
            (b"data: 1\n\ndata: 2", &[("", "1")]),
            (b"data: \xff\xfe\n\n", &[("", "\u{fffd}\u{fffd}")]),
            (b"<!doctype html>\n<p>no feed</p>\n\n", &[]),
        ];
        for (stream, expected) in table {
            let expected: Vec<_> = expected.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
            for chunk in 1..=stream.len() {
                let shown = String::from_utf8_lossy(stream);
                assert_eq!(parse(stream, chunk).unwrap(), expected, "{shown:?} in chunks of {chunk}");
            }
        }
    }

    #[test]
    fn an_event_that_is_too_long_is_rejected_before_it_is_buffered() {
        let just_fits = [b"data:".as_slice(), &vec![b'x'; MAX_EVENT_BYTES - 6], b"\n\n"].concat();
        assert_eq!(parse(&just_fits, 4_096).unwrap().len(), 1);
        let line = vec![b'x'; MAX_EVENT_BYTES + 1];
        let comments = b": comment\n".repeat(MAX_EVENT_BYTES / 5);
        let lines = b"data: x\n".repeat(MAX_EVENT_BYTES / 2 + 1);
        assert_eq!(parse(&line, 4_096), Err(EventTooLong));
        assert_eq!(parse(&lines, 4_096), Err(EventTooLong));
        assert_eq!(parse(&comments, 4_096), Ok(Vec::new()), "comments are not buffered");
        let mut parser = SseParser::default();
        let _ = parser.parse_chunk(&line, |_| Ok::<(), EventTooLong>(()));
        assert!(parser.line.capacity() <= MAX_EVENT_BYTES);
    }
}
