package io.github.goptri.spring;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.regex.Pattern;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import org.springframework.http.HttpHeaders;
import org.springframework.security.oauth2.core.OAuth2AuthenticationException;
import org.springframework.security.oauth2.jwt.BadJwtException;
import org.springframework.security.oauth2.server.resource.InvalidBearerTokenException;
import org.springframework.security.oauth2.server.resource.web.BearerTokenResolver;
import org.springframework.security.web.header.HeaderWriter;

/**
 * Finds the access token of a request: in its only {@code Authorization} header or, without one, in the session cookie.
 * A page of a foreign site cannot use the cookie for requests that change something.
 */
record GoptriBearerTokenResolver(GoptriSettings settings) implements BearerTokenResolver, HeaderWriter {
    private static final Pattern BEARER = Pattern.compile("bearer(?: |$)", Pattern.CASE_INSENSITIVE);
    private static final int MAX_COOKIE_LENGTH = 4096;

    @Override
    public String resolve(HttpServletRequest request) {
        List<String> headers = values(request, HttpHeaders.AUTHORIZATION);
        if (headers.size() > 1) {
            throw new OAuth2AuthenticationException(ErrorResponses.INVALID_REQUEST,
                "the request has two Authorization headers");
        }
        if (!headers.isEmpty()) {
            return BEARER.matcher(headers.get(0)).lookingAt() ? bearer(headers.get(0)) : null;
        }
        List<String> cookies = cookies(request);
        if (cookies.size() > 1) {
            throw new InvalidBearerTokenException("the request has two session cookies of one name");
        }
        // First, so that a foreign page does not learn whether the cookie is valid.
        if (!cookies.isEmpty() && !mayUseCookies(request)) {
            throw new OAuth2AuthenticationException(ErrorResponses.CROSS_SITE_REQUEST,
                "an unsafe request with a cookie came from a foreign page");
        }
        return cookies.isEmpty() ? null : token(cookies.get(0));
    }

    /** Keeps the response to a request with the cookie out of every cache; others may differ with a cookie. */
    @Override
    public void writeHeaders(HttpServletRequest request, HttpServletResponse response) {
        if (values(request, HttpHeaders.AUTHORIZATION).isEmpty()) {
            response.addHeader(HttpHeaders.VARY, "Sec-Fetch-Site, Origin, Cookie");
            if (!cookies(request).isEmpty()) {
                response.setHeader(HttpHeaders.CACHE_CONTROL, "private, no-store");
            }
        }
    }

    private static String bearer(String header) {
        String token = header.substring("bearer".length()).strip();
        if (token.isEmpty()) {
            throw new InvalidBearerTokenException("the token is empty");
        }
        return token;
    }

    /** The cookie is base64 of {@code {"jwt": token}}. The token has no escapes, which would give it many cookies. */
    private static String token(String cookie) {
        try {
            byte[] json = StrictJson.base64(cookie.length() > MAX_COOKIE_LENGTH ? "" : cookie);
            if (StrictJson.object(json).get("jwt") instanceof String token && !token.isBlank()
                && new String(json, StandardCharsets.UTF_8).contains('"' + token + '"')) {
                return token;
            }
        } catch (BadJwtException malformed) {
            // As a cookie without a token.
        }
        throw new InvalidBearerTokenException("its cookie is not base64 of JSON with the member jwt, or too long");
    }

    /** The values of the session cookie. Browsers protect names byte by byte, and trim only spaces and tabs. */
    private List<String> cookies(HttpServletRequest request) {
        String start = settings.cookieName() + "=";
        return values(request, HttpHeaders.COOKIE).stream().flatMap(header -> Arrays.stream(header.split(";")))
            .map(pair -> pair.replaceFirst("^[ \t]+", "")).filter(pair -> pair.startsWith(start))
            .map(pair -> pair.substring(start.length()).stripTrailing()).toList();
    }

    private boolean mayUseCookies(HttpServletRequest request) {
        // A page can read the WebSocket that it opens with GET, whatever its origin.
        boolean isSafe = List.of("GET", "HEAD", "OPTIONS").contains(request.getMethod())
            && request.getHeader("Sec-WebSocket-Version") == null;
        return isSafe || isOneOf(List.of("same-origin", "none"), values(request, "Sec-Fetch-Site"))
            || isOneOf(settings.origins(), values(request, HttpHeaders.ORIGIN));
    }

    /** Several values, and none, are not allowed. */
    private static boolean isOneOf(List<String> allowed, List<String> values) {
        return values.size() == 1 && allowed.contains(values.get(0));
    }

    private static List<String> values(HttpServletRequest request, String name) {
        return Collections.list(request.getHeaders(name));
    }
}
