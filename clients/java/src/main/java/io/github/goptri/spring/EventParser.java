package io.github.goptri.spring;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;

/** Parses a stream of server-sent events (WHATWG HTML, §9.2.6) in bounded memory. */
final class EventParser {
    /** The limit of a line, and of all the data of one event. */
    static final int MAX_EVENT_BYTES = 1024 * 1024;

    interface Listener {
        void onEvent(String name, String data) throws IOException;
    }

    private final ByteArrayOutputStream line = new ByteArrayOutputStream();
    private final StringBuilder data = new StringBuilder();
    private String name = "";
    private boolean afterCarriageReturn;
    private boolean afterFirstLine;

    /** Parses the next bytes and passes each event that they complete to {@code listener}. */
    void feed(byte[] chunk, int length, Listener listener) throws IOException {
        for (int i = 0; i < length; i++) {
            byte next = chunk[i];
            boolean secondOfLineEnd = afterCarriageReturn && next == '\n';
            afterCarriageReturn = next == '\r';
            if (secondOfLineEnd) {
                continue;
            }
            if (next == '\n' || next == '\r') {
                endLine(listener);
            } else if (line.size() + data.length() >= MAX_EVENT_BYTES) {
                throw new IOException("an event is longer than auth-server's events can be");
            } else {
                line.write(next);
            }
        }
    }

    private void endLine(Listener listener) throws IOException {
        String text = line.toString(StandardCharsets.UTF_8);
        line.reset();
        if (!afterFirstLine && text.startsWith("\ufeff")) {
            text = text.substring(1);
        }
        afterFirstLine = true;
        if (text.isEmpty()) {
            String event = name;
            String lines = data.toString();
            name = "";
            data.setLength(0);
            if (!lines.isEmpty()) {
                listener.onEvent(event, lines.substring(0, lines.length() - 1));
            }
            return;
        }
        int colon = text.indexOf(':');
        String field = colon < 0 ? text : text.substring(0, colon);
        String value = colon < 0 ? "" : text.substring(colon + 1).replaceFirst("^ ", "");
        if (field.equals("event")) {
            name = value;
        } else if (field.equals("data")) {
            data.append(value).append('\n');
        }
    }
}
