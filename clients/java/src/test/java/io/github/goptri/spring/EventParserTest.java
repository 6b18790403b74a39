package io.github.goptri.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

import org.junit.jupiter.api.Test;

class EventParserTest {
    private static List<String> parse(String stream, int chunk) throws IOException {
        EventParser parser = new EventParser();
        List<String> events = new ArrayList<>();
        byte[] bytes = stream.getBytes(StandardCharsets.UTF_8);
        for (int from = 0; from < bytes.length; from += chunk) {
            byte[] part = Arrays.copyOfRange(bytes, from, Math.min(from + chunk, bytes.length));
            parser.feed(part, part.length, (name, data) -> events.add(name + "=" + data));
        }
        return events;
    }

    @Test
    void the_chunks_of_a_stream_do_not_change_its_events() throws IOException {
        String[][] table = {
            {"event: a\ndata: 1\n\n", "a=1"}, {"event: a\r\ndata: 1\r\n\r\n", "a=1"}, {"event: a\rdata: 1\r\r", "a=1"},
            {"event: a\rdata: 1\n\r\n", "a=1"}, {"\ufeffevent:a\ndata:1\n\n", "a=1"},
            {"data: 1\ndata: 2\nevent: a\n\n", "a=1\n2"}, {"data:  1 \n\n", "= 1 "}, {"data\n\n", "="},
            {"event: a\n\ndata: 1\n\n", "=1"}, {": a comment\n\n:\n\ndata: 1\n\n", "=1"},
            {"id: 7\nretry: 1\nDATA: 2\ndatum: 3\n data: 4\ndata: 1\n\n", "=1"},
            {"event: a\ndata: 1\n"}, {"data: 1\n\ndata: 2", "=1"},
        };
        for (String[] row : table) {
            for (int chunk = 1; chunk <= row[0].length(); chunk++) {
                assertThat(parse(row[0], chunk)).containsExactly(Arrays.copyOfRange(row, 1, row.length));
            }
        }
    }

    @Test
    void an_event_that_is_too_long_is_rejected() throws IOException {
        assertThat(parse("data:" + "x".repeat(EventParser.MAX_EVENT_BYTES - 6) + "\n\n", 4_096)).hasSize(1);
        assertThatThrownBy(() -> parse("x".repeat(EventParser.MAX_EVENT_BYTES + 1), 4_096))
            .isInstanceOf(IOException.class);
        assertThatThrownBy(() -> parse("data: x\n".repeat(EventParser.MAX_EVENT_BYTES / 2 + 1), 4_096))
            .isInstanceOf(IOException.class);
        assertThat(parse(": comment\n".repeat(200_000), 4_096)).isEmpty();
    }
}
