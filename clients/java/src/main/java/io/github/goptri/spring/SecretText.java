package io.github.goptri.spring;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.function.Consumer;

/**
 * Secrets of one variable, from {@code NAME} or the file that {@code NAME_FILE} names, which may change at any time. No
 * message contains a secret.
 */
final class SecretText {
    private static final int MIN_BYTES = 32;
    private static final int MIN_DISTINCT = 8;
    private static final List<String> KNOWN = List.of("secret", "asdf", "changeme", "change-me", "change_me",
        "password", "test", "default", "example", "0123456789", "1234567890", "your-256-bit-secret",
        "a-string-secret-at-least-256-bits-long", "your_secret_key", "supersecret");

    private final String name;
    private final String text;
    private final Path file;
    private volatile List<String> secrets = List.of();
    private String lastRead;
    private String applied;
    private String lastProblem = "";

    /** @throws IllegalArgumentException with a sentence that names the variable */
    SecretText(String name, String text, String file) {
        this.name = file == null ? name : name + "_FILE";
        require(text == null || file == null, "and " + name + " are both set; set only one of them");
        this.text = text;
        this.file = file == null ? null : Path.of(file);
        this.lastRead = read();
        this.applied = lastRead;
        this.secrets = parse(lastRead);
    }

    /** The secrets; empty if the variable is not set. */
    List<String> secrets() {
        return secrets;
    }

    /**
     * Reads the file again, and returns whether the secrets have changed. A change counts once it was read twice, so
     * that a partial write is ignored. If it cannot be used, {@code onProblem} gets the reason once.
     */
    boolean reload(Consumer<String> onProblem) {
        try {
            String now = read();
            boolean changed = file != null && now.equals(lastRead) && !now.equals(applied);
            lastRead = now;
            if (changed) {
                applied = now;
                secrets = parse(now);
                lastProblem = "";
            }
            return changed;
        } catch (IllegalArgumentException problem) {
            if (!problem.getMessage().equals(lastProblem)) {
                onProblem.accept(problem.getMessage());
            }
            lastProblem = problem.getMessage();
            return false;
        }
    }

    private String read() {
        if (file == null) {
            return text;
        }
        try {
            String content = Files.readString(file, StandardCharsets.UTF_8);
            require(!content.startsWith("\ufeff"), "names a file that begins with a byte order mark");
            require(!content.isBlank(), "names a file that is empty");
            return content.replaceFirst("\r?\n$", "");
        } catch (IOException error) {
            throw new IllegalArgumentException(name + " names the file " + file + ", which cannot be read as UTF-8");
        }
    }

    private List<String> parse(String text) {
        if (text == null) {
            return List.of();
        }
        List<String> secrets = List.of(text.split(",", -1));
        secrets.forEach(this::check);
        require(new HashSet<>(secrets).size() == secrets.size(), "has the same secret twice");
        return secrets;
    }

    private void check(String secret) {
        String lower = secret.toLowerCase();
        byte[] bytes = secret.getBytes(StandardCharsets.UTF_8);
        require(KNOWN.stream().noneMatch(known -> lower.contains(known)
            && lower.replace(known, "").length() * 4 <= lower.length()), "is a well-known default");
        require(bytes.length >= MIN_BYTES, "is " + bytes.length + " bytes long; it needs at least " + MIN_BYTES);
        require(secret.codePoints().noneMatch(c -> Character.isWhitespace(c) || Character.isISOControl(c)),
            "contains white space or control characters");
        require(new String(bytes, StandardCharsets.ISO_8859_1).chars().distinct().count() >= MIN_DISTINCT,
            "repeats a few characters");
    }

    private void require(boolean condition, String problem) {
        if (!condition) {
            throw new IllegalArgumentException(name + " " + problem);
        }
    }

    /** Does not show the secrets. */
    @Override
    public String toString() {
        return "<secret>";
    }
}
