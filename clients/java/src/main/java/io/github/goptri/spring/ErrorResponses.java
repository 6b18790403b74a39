package io.github.goptri.spring;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.security.access.AccessDeniedException;
import org.springframework.security.authorization.AuthorizationDeniedException;
import org.springframework.security.core.AuthenticationException;
import org.springframework.security.oauth2.core.OAuth2AuthenticationException;
import org.springframework.security.oauth2.core.OAuth2ErrorCodes;
import org.springframework.security.oauth2.jwt.JwtValidationException;
import org.springframework.security.oauth2.server.resource.BearerTokenError;
import org.springframework.security.web.AuthenticationEntryPoint;
import org.springframework.security.web.access.AccessDeniedHandler;

/**
 * Answers rejected requests as api-server does (RFC 6750 §3.1). The client sees one of these errors; the reason of a
 * rejection is only in the log.
 */
final class ErrorResponses implements AuthenticationEntryPoint, AccessDeniedHandler {
    static final BearerTokenError INVALID_REQUEST = error(HttpStatus.BAD_REQUEST, OAuth2ErrorCodes.INVALID_REQUEST,
        "The request has more than one Authorization header; send one.");
    static final BearerTokenError CROSS_SITE_REQUEST = error(HttpStatus.FORBIDDEN, "cross_site_request",
        "Requests with cookies that change something must come from a page of this service or of an allowed origin.");
    private static final BearerTokenError MISSING_TOKEN = error(HttpStatus.UNAUTHORIZED, "missing_token",
        "This route needs an access token; send it as Authorization: Bearer and the token.");
    private static final BearerTokenError INVALID_TOKEN = error(HttpStatus.UNAUTHORIZED, OAuth2ErrorCodes.INVALID_TOKEN,
        "The token is malformed, expired, revoked or for another service.");
    private static final BearerTokenError INSUFFICIENT_SCOPE = error(HttpStatus.FORBIDDEN,
        OAuth2ErrorCodes.INSUFFICIENT_SCOPE, "The access token lacks the scope or role that this route needs.");
    private static final BearerTokenError TEMPORARILY_UNAVAILABLE = error(HttpStatus.SERVICE_UNAVAILABLE,
        OAuth2ErrorCodes.TEMPORARILY_UNAVAILABLE,
        "The service is temporarily unavailable; try again after the seconds in the Retry-After header.");

    private static final Logger LOG = LoggerFactory.getLogger(ErrorResponses.class);
    private static final Pattern SCOPE = Pattern.compile("SCOPE_([\\w:./+*-]+)");

    /** Answers requests without a valid token. */
    @Override
    public void commence(HttpServletRequest request, HttpServletResponse response, AuthenticationException error)
        throws IOException {
        if (!(error instanceof OAuth2AuthenticationException rejected)) {
            response.setHeader(HttpHeaders.WWW_AUTHENTICATE, "Bearer");
            write(response, MISSING_TOKEN);
            return;
        }
        LOG.info("access token rejected: {}", error.getMessage());
        if (isUnavailable(error.getCause())) {
            response.setHeader(HttpHeaders.RETRY_AFTER, "1");
            write(response, TEMPORARILY_UNAVAILABLE);
        } else if (rejected.getError() == INVALID_REQUEST || rejected.getError() == CROSS_SITE_REQUEST) {
            write(response, (BearerTokenError) rejected.getError());
        } else {
            response.setHeader(HttpHeaders.WWW_AUTHENTICATE, "Bearer error=\"invalid_token\"");
            write(response, INVALID_TOKEN);
        }
    }

    /** Answers requests whose token lacks a scope or role. Names the scope, if the denied rule names one. */
    @Override
    public void handle(HttpServletRequest request, HttpServletResponse response, AccessDeniedException error)
        throws IOException {
        Matcher scope = SCOPE.matcher(
            error instanceof AuthorizationDeniedException denied ? denied.getAuthorizationResult().toString() : "");
        response.setHeader(HttpHeaders.WWW_AUTHENTICATE, "Bearer error=\"insufficient_scope\""
            + (scope.find() ? ", scope=\"" + scope.group(1) + "\"" : ""));
        write(response, INSUFFICIENT_SCOPE);
    }

    /** Whether the decoder has no other objection to the token. */
    private static boolean isUnavailable(Throwable rejection) {
        return rejection instanceof JwtValidationException invalid && invalid.getErrors().stream()
            .allMatch(error -> error.getErrorCode().equals(OAuth2ErrorCodes.TEMPORARILY_UNAVAILABLE));
    }

    private static void write(HttpServletResponse response, BearerTokenError error) throws IOException {
        response.setStatus(error.getHttpStatus().value());
        response.setContentType("application/json");
        String body = "{\"error\":\"" + error.getErrorCode() + "\",\"error_description\":\"" + error.getDescription()
            + "\"}";
        response.getOutputStream().write(body.getBytes(StandardCharsets.US_ASCII));
    }

    private static BearerTokenError error(HttpStatus status, String code, String description) {
        return new BearerTokenError(code, status, description, null);
    }
}
