package io.github.goptri.spring;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;

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
    private static final String BEARER = "bearer ";
    private static final int MAX_COOKIE_BYTES = 4096;
    private static final String VARY = "Sec-Fetch-Site, Origin, Cookie";
    private static final String SOURCE = GoptriBearerTokenResolver.class.getName() + ".SOURCE";

    /** Where a request has its credential. It is kept as an attribute of the request; the token is not. */
    private enum Source { HEADER, COOKIE, NONE }

    private final GoptriSettings settings;

    GoptriBearerTokenResolver(GoptriSettings settings) {
        this.settings = settings;
    }

    @Override
    public String resolve(HttpServletRequest request) {
        List<String> headers = values(request, HttpHeaders.AUTHORIZATION);
        List<String> cookies = cookies(request, headers);
        request.setAttribute(SOURCE, source(headers, cookies));
        if (headers.size() > 1) {
            throw ProtocolError.TWO_CREDENTIALS.because("the request has two Authorization headers");
        }
        if (!headers.isEmpty()) {
            return isBearer(headers) ? bearer(headers.get(0)) : null;
        }
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
        Object source = request.getAttribute(SOURCE);
        if (source == null) { // An earlier filter has rejected the request.
            List<String> headers = values(request, HttpHeaders.AUTHORIZATION);
            source = source(headers, cookies(request, headers));
        }
        if (source == Source.HEADER) {
            return;
        }
        response.addHeader(HttpHeaders.VARY, VARY);
        if (source == Source.COOKIE) {
            response.setHeader(HttpHeaders.CACHE_CONTROL, "private, no-store");
        }
    }

    private static Source source(List<String> headers, List<String> cookies) {
        if (headers.size() > 1 || isBearer(headers)) {
            return Source.HEADER;
        }
        return cookies.isEmpty() ? Source.NONE : Source.COOKIE;
    }

    private static boolean isBearer(List<String> headers) {
        String start = headers.size() == 1 ? headers.get(0) + " " : "";
        return start.regionMatches(true, 0, BEARER, 0, BEARER.length());
    }

    private static String bearer(String header) {
        String token = trim(header.substring("bearer".length()), " ");
        if (token.length() > AccessToken.MAX_BYTES) {
            throw ProtocolError.INVALID_TOKEN.because("the token is too long");
        }
        if (token.isBlank()) {
            throw ProtocolError.INVALID_TOKEN.because("the token is empty");
        }
        return token;
    }

    private static String token(String cookie) {
        try {
            String token = cookie.length() > MAX_COOKIE_BYTES ? ""
                : StrictJson.plainText(StrictJson.base64(cookie), "jwt");
            if (!token.isBlank()) {
                return token;
            }
        } catch (IllegalArgumentException malformed) {
            // As a cookie without a token.
        }
        throw ProtocolError.INVALID_TOKEN.because("its cookie is not base64 of JSON with the member jwt, or too long");
    }

    /**
     * The values of the session cookie; none beside an {@code Authorization} header. Names are compared as browsers
     * protect them: byte by byte.
     */
    private List<String> cookies(HttpServletRequest request, List<String> authorization) {
        if (!authorization.isEmpty()) {
            return List.of();
        }
        String start = settings.cookieName() + "=";
        List<String> found = new ArrayList<>();
        for (String header : values(request, HttpHeaders.COOKIE)) {
            for (String part : header.split(";")) {
                String pair = trim(part, " \t");
                if (pair.startsWith(start)) {
                    found.add(pair.substring(start.length()));
                }
            }
        }
        return found;
    }

    /** Not by a regular expression, whose time would grow with the square of the number of blanks. */
    private static String trim(String text, String blanks) {
        int from = 0;
        int to = text.length();
        while (from < to && blanks.indexOf(text.charAt(from)) >= 0) {
            from++;
        }
        while (from < to && blanks.indexOf(text.charAt(to - 1)) >= 0) {
            to--;
        }
        return text.substring(from, to);
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
