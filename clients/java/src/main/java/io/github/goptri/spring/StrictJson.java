package io.github.goptri.spring;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Base64;

import com.fasterxml.jackson.core.*;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import org.springframework.util.Assert;

import static java.nio.charset.StandardCharsets.UTF_8;

/** JSON and base64 with one meaning only: lenient parsers disagree on the others. */
final class StrictJson {
    private static final int MAX_MEMBERS = 64;
    private static final int MAX_DEPTH = 127;

    static final JsonMapper MAPPER = JsonMapper
        .builder(JsonFactory.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .streamReadConstraints(
                StreamReadConstraints.builder().maxNestingDepth(MAX_DEPTH).build())
            .build())
        .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
        .build();

    private StrictJson() {}

    /** Parses one object; fails with an IllegalArgumentException that quotes nothing of it. */
    static JsonNode object(byte[] json) {
        Assert.isTrue(json.length > 0 && json[0] == '{', "it has a part that is no JSON object");
        try {
            String text = UTF_8.newDecoder().decode(ByteBuffer.wrap(json)).toString();
            JsonNode object = MAPPER.readTree(text);
            Assert.isTrue(members(object) <= MAX_MEMBERS + 1, "it has too many members");
            // Only an escape can be half of a surrogate pair.
            Assert.isTrue(!text.contains("\\u") || UTF_8.newEncoder().canEncode(object.toString()),
                "it has text that is not Unicode");
            return object;
        } catch (IOException error) {
            throw new IllegalArgumentException("it has a part that is no strict JSON object");
        }
    }

    private static int members(JsonNode node) {
        Assert.isTrue(Double.isFinite(node.doubleValue()), "it has a number out of range");
        int count = node.isObject() ? 1 + node.size() : 0;
        for (JsonNode child : node) {
            count += members(child);
        }
        return count;
    }

    /** Decodes base64url without padding (RFC 7515 §2). */
    static byte[] base64url(String text) {
        return decode(text, Base64.getUrlDecoder(), Base64.getUrlEncoder().withoutPadding());
    }

    /** Decodes base64 with padding (RFC 4648 §4). */
    static byte[] base64(String text) {
        return decode(text, Base64.getDecoder(), Base64.getEncoder());
    }

    private static byte[] decode(String text, Base64.Decoder decoder, Base64.Encoder encoder) {
        byte[] bytes = decoder.decode(text);
        Assert.isTrue(encoder.encodeToString(bytes).equals(text), "it is not strict base64");
        return bytes;
    }
}
