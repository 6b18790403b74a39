package io.github.goptri.spring;

import static io.github.goptri.spring.GoptriJwtDecoder.require;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Map;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import org.springframework.security.oauth2.jwt.BadJwtException;

/**
 * JSON and base64 with one meaning only, so that no other parser reads a token differently. Everything else is a
 * {@link BadJwtException}.
 */
final class StrictJson {
    static final JsonMapper MAPPER = JsonMapper
        .builder(JsonFactory.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .streamReadConstraints(
                StreamReadConstraints.builder().maxNestingDepth(127).maxNumberLength(8 * 1024).build())
            .build())
        .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
        .build();

    /** Of all objects together; an object in another one counts too. */
    private static final int MAX_MEMBERS = 64;

    private StrictJson() {}

    /** Parses one JSON object in UTF-8, with at most 64 members. */
    static Map<String, Object> object(byte[] json) {
        try {
            String text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(json)).toString();
            require(text.startsWith("{"), "it is not a JSON object");
            checkTokens(text);
            return MAPPER.readValue(text, new TypeReference<>() {});
        } catch (IOException error) {
            throw new BadJwtException("it is not JSON in UTF-8 without duplicate members");
        }
    }

    /** Also rejects numbers and texts that are none: 1e999 and half a surrogate pair. */
    private static void checkTokens(String text) throws IOException {
        int members = -1; // the outermost object does not count
        try (JsonParser parser = MAPPER.createParser(text)) {
            for (JsonToken token = parser.nextToken(); token != null; token = parser.nextToken()) {
                members += token == JsonToken.START_OBJECT || token == JsonToken.FIELD_NAME ? 1 : 0;
                require(token.isNumeric() ? Double.isFinite(parser.getDoubleValue())
                    : StandardCharsets.UTF_8.newEncoder().canEncode(parser.getText()), "it has an invalid value");
            }
        }
        require(members <= MAX_MEMBERS, "it has too many members");
    }

    /** Decodes base64url without padding (RFC 7515 §2). Other encodings of the same bytes are rejected, too. */
    static byte[] base64url(String text) {
        return decode(text, Base64.getUrlDecoder(), Base64.getUrlEncoder().withoutPadding());
    }

    /** Decodes base64 with padding (RFC 4648 §4), as strictly. */
    static byte[] base64(String text) {
        return decode(text, Base64.getDecoder(), Base64.getEncoder());
    }

    private static byte[] decode(String text, Base64.Decoder decoder, Base64.Encoder encoder) {
        try {
            byte[] bytes = decoder.decode(text);
            require(encoder.encodeToString(bytes).equals(text), "it is not strict base64");
            return bytes;
        } catch (IllegalArgumentException error) {
            throw new BadJwtException("it is not strict base64");
        }
    }
}
