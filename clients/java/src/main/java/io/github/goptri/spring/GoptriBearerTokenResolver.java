package io.github.goptri.spring;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;

import com.fasterxml.jackson.databind.JsonNode;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import org.springframework.http.HttpHeaders;
import org.springframework.security.oauth2.server.resource.web.BearerTokenResolver;
import org.springframework.security.web.header.HeaderWriter;

/**
 * Finds the access token of a request: in its only {@code Authorization} header or, without one, in the session cookie.
 * A page of a foreign site cannot use the cookie for requests that change something.
 */
final class GoptriBearerTokenResolver implements BearerTokenResolver, HeaderWriter {
    private static final Pattern BEARER = Pattern.compile("(?is)bearer( .*)?");
    private static final int MAX_COOKIE_BYTES = 4096;
    private static final String VARY = "Sec-Fetch-Site, Origin, Cookie";

    private final GoptriSettings settings;

    GoptriBearerTokenResolver(GoptriSettings settings) {
        this.settings = settings;
    }

    @Override
    public String resolve(HttpServletRequest request) {
        List<String> headers = values(request, HttpHeaders.AUTHORIZATION);
        if (headers.size() > 1) {
            throw ProtocolError.TWO_CREDENTIALS.because("the request has two Authorization headers");
        }
        if (!headers.isEmpty()) {
            return isBearer(headers) ? bearer(headers.get(0)) : null;
        }
        List<String> cookies = cookies(request);
        if (cookies.size() > 1) {
            throw ProtocolError.INVALID_TOKEN.because("the request has two session cookies of one name");
        }
        if (cookies.isEmpty()) {
            return null;
        }
        // First, so that a foreign page does not learn whether the cookie is valid.
        if (!mayUseCookies(request)) {
            throw ProtocolError.CROSS_SITE.because("an unsafe request with a cookie came from a foreign page");
        }
        return token(cookies.get(0));
    }

    /** Keeps the response to a request with the cookie out of every cache; others may differ with a cookie. */
    @Override
    public void writeHeaders(HttpServletRequest request, HttpServletResponse response) {
        List<String> headers = values(request, HttpHeaders.AUTHORIZATION);
        if (headers.size() > 1 || isBearer(headers)) {
            return;
        }
        response.addHeader(HttpHeaders.VARY, VARY);
        if (headers.isEmpty() && !cookies(request).isEmpty()) {
            response.setHeader(HttpHeaders.CACHE_CONTROL, "private, no-store");
        }
    }

    private static boolean isBearer(List<String> headers) {
        return headers.size() == 1 && BEARER.matcher(headers.get(0)).matches();
    }

    private static String bearer(String header) {
        String token = header.substring("bearer".length()).replaceAll("^ +| +$", "");
        if (token.isBlank()) {
            throw ProtocolError.INVALID_TOKEN.because("the token is empty");
        }
        return token;
    }

    private static String token(String cookie) {
        try {
            JsonNode jwt = cookie.length() > MAX_COOKIE_BYTES ? null
                : StrictJson.object(StrictJson.base64(cookie), StrictJson.MAX_MEMBERS).get("jwt");
            if (jwt != null && jwt.isTextual() && !jwt.textValue().isBlank()) {
                return jwt.textValue();
            }
        } catch (IllegalArgumentException malformed) {
            // As a cookie without a token.
        }
        throw ProtocolError.INVALID_TOKEN.because("its cookie is not base64 of JSON with the member jwt, or too long");
    }

    /** The values of the session cookie. Names are compared as browsers protect them: byte by byte. */
    private List<String> cookies(HttpServletRequest request) {
        String start = settings.cookieName() + "=";
        List<String> found = new ArrayList<>();
        for (String header : values(request, HttpHeaders.COOKIE)) {
            for (String part : header.split(";")) {
                String pair = part.replaceAll("^[ \t]+|[ \t]+$", "");
                if (pair.startsWith(start)) {
                    found.add(pair.substring(start.length()));
                }
            }
        }
        return found;
    }

    private boolean mayUseCookies(HttpServletRequest request) {
        String site = single(request, "Sec-Fetch-Site");
        String origin = single(request, HttpHeaders.ORIGIN);
        return Set.of("GET", "HEAD", "OPTIONS").contains(request.getMethod())
            || site.equals("same-origin") || site.equals("none") || settings.origins().contains(origin);
    }

    /** The value of a header; empty if the request has none or several. */
    private static String single(HttpServletRequest request, String name) {
        List<String> values = values(request, name);
        return values.size() == 1 ? values.get(0) : "";
    }

    private static List<String> values(HttpServletRequest request, String name) {
        return Collections.list(request.getHeaders(name));
    }
}
