package io.github.goptri.spring;

import java.io.BufferedReader;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** A small auth-server for tests: it publishes keys, and lets the test write each stream of the feed. */
final class FakeAuthServer implements Closeable {
    /** One connection of a follower, before its response. */
    record Stream(Socket socket, Map<String, String> headers) implements Closeable {
        /** Sends the headers and these events. */
        void start(String events) throws IOException {
            send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n" + events);
        }

        void send(String text) throws IOException {
            OutputStream out = socket.getOutputStream();
            out.write(text.getBytes(StandardCharsets.UTF_8));
            out.flush();
        }

        @Override
        public void close() throws IOException {
            socket.close();
        }
    }

    static final String CAUGHT_UP = event("heartbeat", "{\"age_ms\":0,\"uptime_ms\":1000}")
        + event("caught-up", "{\"age_ms\":0,\"uptime_ms\":1000}");

    final BlockingQueue<Stream> streams = new LinkedBlockingQueue<>();
    final AtomicInteger keyFetches = new AtomicInteger();
    volatile String jwks = "{\"keys\":[]}";
    private final ServerSocket listener;

    FakeAuthServer() throws IOException {
        listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        Thread thread = new Thread(this::accept);
        thread.setDaemon(true);
        thread.start();
    }

    static String event(String name, String data) {
        return "event: " + name + "\ndata: " + data + "\n\n";
    }

    static String revoked(String kind, String subject, long revokedAt) {
        return event("revocations", "{\"entries\":[{\"kind\":\"" + kind + "\",\"subject\":\"" + subject
            + "\",\"revoked_at\":" + revokedAt + ",\"expires_in\":7500}]}");
    }

    String url() {
        return "http://127.0.0.1:" + listener.getLocalPort();
    }

    /** The next connection to the feed. */
    Stream nextStream() throws InterruptedException {
        Stream stream = streams.poll(10, TimeUnit.SECONDS);
        if (stream == null) {
            throw new AssertionError("no follower has connected");
        }
        return stream;
    }

    private void accept() {
        while (!listener.isClosed()) {
            try {
                serve(listener.accept());
            } catch (IOException error) {
                if (!listener.isClosed()) {
                    throw new UncheckedIOException(error);
                }
            }
        }
    }

    private void serve(Socket socket) throws IOException {
        BufferedReader in = new BufferedReader(new InputStreamReader(socket.getInputStream()));
        Map<String, String> headers = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
        String request = in.readLine();
        for (String line = in.readLine(); line != null && !line.isEmpty(); line = in.readLine()) {
            String[] parts = line.split(": ", 2);
            headers.put(parts[0], parts[1]);
        }
        Stream stream = new Stream(socket, headers);
        if (request != null && request.startsWith("GET /revocations ")) {
            streams.add(stream);
            return;
        }
        keyFetches.incrementAndGet();
        stream.send("HTTP/1.1 200 OK\r\nContent-Length: " + jwks.length() + "\r\nConnection: close\r\n\r\n" + jwks);
        stream.close();
    }

    @Override
    public void close() throws IOException {
        listener.close();
    }
}
