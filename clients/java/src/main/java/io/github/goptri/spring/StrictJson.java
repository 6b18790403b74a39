package io.github.goptri.spring;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Map;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;

/**
 * JSON and base64 with one meaning only. Parsers disagree on which of two equal members counts, and lenient base64
 * gives one token many texts.
 */
final class StrictJson {
    /** The most members in a header or in claims; each nested object counts as one more. */
    static final int MAX_MEMBERS = 64;

    static final JsonMapper MAPPER = JsonMapper
        .builder(JsonFactory.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .streamReadConstraints(
                StreamReadConstraints.builder().maxNestingDepth(127).maxNumberLength(8 * 1024).build())
            .build())
        .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
        .build();

    private static final TypeReference<Map<String, Object>> MEMBERS = new TypeReference<>() {};

    private StrictJson() {}

    /**
     * Parses one JSON object in UTF-8.
     *
     * @throws IllegalArgumentException for any other text; the message quotes nothing of it
     */
    static JsonNode object(byte[] json, int maxMembers) {
        if (json.length == 0 || json[0] != '{') {
            throw new IllegalArgumentException("is not a JSON object");
        }
        try {
            String text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(json)).toString();
            JsonNode object = MAPPER.readTree(text);
            if (countMembers(object) > maxMembers + 1) {
                throw new IllegalArgumentException("has more than " + maxMembers + " members");
            }
            return object;
        } catch (CharacterCodingException | JsonProcessingException error) {
            throw new IllegalArgumentException("is not a JSON object without duplicate members");
        }
    }

    /**
     * The text of a member of an object. Escapes would give one text many forms.
     *
     * @throws IllegalArgumentException if there is no such object, or its member is no text or has escapes
     */
    static String plainText(byte[] json, String name) {
        String value = object(json, MAX_MEMBERS).path(name).textValue();
        String text = new String(json, StandardCharsets.UTF_8);
        try (JsonParser parser = MAPPER.createParser(text)) {
            parser.nextToken();
            while (value != null && parser.nextToken() == JsonToken.FIELD_NAME) {
                boolean isMember = name.equals(parser.currentName());
                parser.nextToken();
                int start = (int) parser.currentTokenLocation().getCharOffset();
                if (isMember && text.startsWith('"' + value + '"', start)) {
                    return value;
                }
                parser.skipChildren();
            }
        } catch (IOException error) {
            // As a member that is no text.
        }
        throw new IllegalArgumentException("has no member " + name + " that is text without escapes");
    }

    /** The members of an object as Java values, in their order. */
    static Map<String, Object> map(JsonNode object) {
        try {
            return MAPPER.treeToValue(object, MEMBERS);
        } catch (JsonProcessingException error) {
            throw new IllegalArgumentException("is not a JSON object");
        }
    }

    /** Counts members and objects, and rejects numbers and texts that are none: 1e999 and half a surrogate pair. */
    private static int countMembers(JsonNode node) {
        boolean infinite = node.isNumber() && Double.isInfinite(node.doubleValue());
        if (infinite || node.isTextual() && !isUnicode(node.textValue())) {
            throw new IllegalArgumentException("has a number or a text out of range");
        }
        int count = node.isObject() ? 1 + node.size() : 0;
        for (var names = node.fieldNames(); names.hasNext();) {
            if (!isUnicode(names.next())) {
                throw new IllegalArgumentException("has a name that is not Unicode");
            }
        }
        for (JsonNode child : node) {
            count += countMembers(child);
        }
        return count;
    }

    private static boolean isUnicode(String text) {
        return StandardCharsets.UTF_8.newEncoder().canEncode(text);
    }

    /** Decodes base64url without padding (RFC 7515 §2). Other encodings of the same bytes fail, too. */
    static byte[] base64url(String text) {
        return canonical(text, Base64.getUrlDecoder(), Base64.getUrlEncoder().withoutPadding());
    }

    /** Decodes base64 with padding (RFC 4648 §4), as strictly. */
    static byte[] base64(String text) {
        return canonical(text, Base64.getDecoder(), Base64.getEncoder());
    }

    private static byte[] canonical(String text, Base64.Decoder decoder, Base64.Encoder encoder) {
        byte[] bytes = decoder.decode(text);
        if (!encoder.encodeToString(bytes).equals(text)) {
            throw new IllegalArgumentException("is not strict base64");
        }
        return bytes;
    }
}
