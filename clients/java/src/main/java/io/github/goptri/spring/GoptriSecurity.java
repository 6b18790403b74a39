package io.github.goptri.spring;

import java.io.IOException;
import java.util.*;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

import jakarta.servlet.http.Cookie;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.http.HttpHeaders;
import org.springframework.security.access.AccessDeniedException;
import org.springframework.security.authentication.AuthenticationManager;
import org.springframework.security.authorization.AuthorizationDeniedException;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.config.annotation.web.configurers.AbstractHttpConfigurer;
import org.springframework.security.config.http.SessionCreationPolicy;
import org.springframework.security.core.Authentication;
import org.springframework.security.core.AuthenticationException;
import org.springframework.security.web.authentication.AnonymousAuthenticationFilter;
import org.springframework.security.web.authentication.AuthenticationFilter;

import io.github.goptri.spring.ProtocolError.Rejection;

import static java.nio.charset.StandardCharsets.UTF_8;

/**
 * Makes a filter chain accept Goptri's access tokens:
 *
 * <pre>{@code
 * @Bean
 * SecurityFilterChain api(HttpSecurity http, GoptriSecurity goptri) throws Exception {
 *     return goptri.protect(http).authorizeHttpRequests(requests -> requests
 *         .requestMatchers("/invoices").hasAuthority("SCOPE_invoices:read")
 *         .anyRequest().authenticated()).build();
 * }
 * }</pre>
 */
public final class GoptriSecurity {
    private static final Logger LOG = LoggerFactory.getLogger(GoptriSecurity.class);
    private static final Pattern SCOPE = Pattern.compile("SCOPE_([^'\\s,\\]]+)");
    private static final int MAX_COOKIE_LENGTH = 4096;

    private final Settings settings;
    private final Goptri goptri;

    GoptriSecurity(Settings settings, Goptri goptri) {
        this.settings = settings;
        this.goptri = goptri;
    }

    /**
     * Configures the chain, which becomes stateless, and returns it. It needs no CSRF tokens:
     * unsafe requests with the cookie must come from an allowed page.
     */
    public HttpSecurity protect(HttpSecurity http) throws Exception {
        AuthenticationManager verified = authentication -> authentication;
        AuthenticationFilter filter = new AuthenticationFilter(verified, this::authenticate);
        filter.setSuccessHandler((request, response, authentication) -> {});
        filter.setFailureHandler(GoptriSecurity::reject);
        return http.csrf(AbstractHttpConfigurer::disable)
            .sessionManagement(
                session -> session.sessionCreationPolicy(SessionCreationPolicy.STATELESS))
            .headers(headers -> headers.addHeaderWriter(this::writeHeaders))
            .exceptionHandling(errors -> errors.authenticationEntryPoint(GoptriSecurity::reject)
                .accessDeniedHandler(GoptriSecurity::deny))
            .addFilterBefore(filter, AnonymousAuthenticationFilter.class);
    }

    /** Returns null for a request without a credential; cookies beside a header are ignored. */
    private Authentication authenticate(HttpServletRequest request) {
        List<String> headers = Collections.list(request.getHeaders(HttpHeaders.AUTHORIZATION));
        if (headers.size() > 1) {
            throw new Rejection(ProtocolError.INVALID_REQUEST, "it has two Authorization headers");
        }
        String token = headers.isEmpty() ? cookieToken(request) : bearerToken(headers.get(0));
        return token == null ? null : goptri.verify(token).authentication();
    }

    private static String bearerToken(String header) {
        String[] parts = (header + " ").split(" ", 2);
        return parts[0].equalsIgnoreCase("Bearer") ? parts[1].strip() : null;
    }

    private String cookieToken(HttpServletRequest request) {
        List<String> values = cookies(request);
        if (values.isEmpty()) {
            return null;
        }
        if (values.size() > 1) {
            throw new Rejection(ProtocolError.INVALID_TOKEN, "it has two session cookies");
        }
        // First, so that a foreign page does not learn whether the cookie is valid.
        if (!mayUseCookies(request)) {
            throw new Rejection(ProtocolError.CROSS_SITE_REQUEST, "it comes from another site");
        }
        try {
            byte[] json = StrictJson.base64(values.get(0));
            String token = StrictJson.object(json).path("jwt").asText();
            boolean hasEscapes = !new String(json, UTF_8).contains('"' + token + '"');
            return hasEscapes || values.get(0).length() > MAX_COOKIE_LENGTH ? "" : token;
        } catch (IllegalArgumentException malformed) {
            throw new Rejection(ProtocolError.INVALID_TOKEN, "its cookie is malformed");
        }
    }

    private List<String> cookies(HttpServletRequest request) {
        return Stream.ofNullable(request.getCookies()).flatMap(Stream::of)
            .filter(cookie -> cookie.getName().equals(settings.cookieName()))
            .map(Cookie::getValue).toList();
    }

    private boolean mayUseCookies(HttpServletRequest request) {
        String site = String.join(",", Collections.list(request.getHeaders("Sec-Fetch-Site")));
        String origin = String.join(",", Collections.list(request.getHeaders(HttpHeaders.ORIGIN)));
        return Set.of("GET", "HEAD", "OPTIONS").contains(request.getMethod())
            || Set.of("same-origin", "none").contains(site) || settings.origins().contains(origin);
    }

    /** Keeps the response to a request with the cookie out of every cache. */
    private void writeHeaders(HttpServletRequest request, HttpServletResponse response) {
        if (request.getHeader(HttpHeaders.AUTHORIZATION) == null) {
            response.addHeader(HttpHeaders.VARY, "Sec-Fetch-Site, Origin, Cookie");
            if (!cookies(request).isEmpty()) {
                response.setHeader(HttpHeaders.CACHE_CONTROL, "private, no-store");
            }
        }
    }

    private static void reject(HttpServletRequest request, HttpServletResponse response,
                               AuthenticationException error) throws IOException {
        ProtocolError answer = ProtocolError.MISSING_TOKEN;
        if (error instanceof Rejection rejection) {
            answer = rejection.error;
            LOG.info("access token rejected: {}", error.getMessage());
        }
        answer.write(response, null);
    }

    private static void deny(HttpServletRequest request, HttpServletResponse response,
                             AccessDeniedException error) throws IOException {
        String needed = error instanceof AuthorizationDeniedException denied
            ? String.valueOf(denied.getAuthorizationResult()) : "";
        Matcher scope = SCOPE.matcher(needed);
        ProtocolError.INSUFFICIENT_SCOPE.write(response, scope.find() ? scope.group(1) : null);
    }
}
