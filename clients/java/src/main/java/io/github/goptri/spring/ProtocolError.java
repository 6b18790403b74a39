package io.github.goptri.spring;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.http.HttpHeaders;
import org.springframework.security.access.AccessDeniedException;
import org.springframework.security.authorization.AuthorizationDeniedException;
import org.springframework.security.core.AuthenticationException;
import org.springframework.security.oauth2.core.OAuth2AuthenticationException;
import org.springframework.security.oauth2.core.OAuth2Error;
import org.springframework.security.oauth2.jwt.JwtValidationException;
import org.springframework.security.web.AuthenticationEntryPoint;
import org.springframework.security.web.access.AccessDeniedHandler;

/** The errors that a client sees (RFC 6750 §3.1). The reason of a rejection is only in the log. */
enum ProtocolError {
    MISSING_TOKEN(401, "Bearer", "This route needs an access token; send it as Authorization: Bearer and the token."),
    INVALID_TOKEN(401, "Bearer error=\"invalid_token\"",
        "The token is malformed, expired, revoked or for another service."),
    INSUFFICIENT_SCOPE(403, "Bearer error=\"insufficient_scope\"",
        "The access token lacks the scope or role that this route needs."),
    INVALID_REQUEST(400, null, "The request has more than one Authorization header; send one."),
    CROSS_SITE_REQUEST(403, null, "Requests with cookies that change something must come from a page of this service "
        + "or of an allowed origin."),
    TEMPORARILY_UNAVAILABLE(503, null,
        "The service is temporarily unavailable; try again after the seconds in the Retry-After header.");

    private static final Logger LOG = LoggerFactory.getLogger(ProtocolError.class);
    private static final Pattern SCOPE = Pattern.compile("SCOPE_([\\w:./+*-]+)");

    private final int status;
    private final String challenge;
    private final String description;

    ProtocolError(int status, String challenge, String description) {
        this.status = status;
        this.challenge = challenge;
        this.description = description;
    }

    private String code() {
        return name().toLowerCase(Locale.ROOT);
    }

    private boolean hasCodeOf(OAuth2Error error) {
        return error.getErrorCode().equals(code());
    }

    /** The error with which a validator rejects a token. */
    OAuth2Error with(String reason) {
        return new OAuth2Error(code(), reason, null);
    }

    /** The exception with which a filter rejects a request; its message is the reason for the log. */
    OAuth2AuthenticationException because(String reason) {
        return new OAuth2AuthenticationException(with(reason), reason);
    }

    private void write(HttpServletResponse response, String parameters) throws IOException {
        response.setStatus(status);
        if (challenge != null) {
            response.setHeader(HttpHeaders.WWW_AUTHENTICATE, challenge + parameters);
        }
        if (this == TEMPORARILY_UNAVAILABLE) {
            response.setHeader(HttpHeaders.RETRY_AFTER, "1");
        }
        response.setContentType("application/json");
        String body = "{\"error\":\"" + code() + "\",\"error_description\":\"" + description + "\"}";
        response.getOutputStream().write(body.getBytes(StandardCharsets.US_ASCII));
    }

    /** Answers requests without a valid token, and those of valid tokens that lack a scope or role. */
    static final class Responder implements AuthenticationEntryPoint, AccessDeniedHandler {
        @Override
        public void commence(HttpServletRequest request, HttpServletResponse response, AuthenticationException error)
            throws IOException {
            if (!(error instanceof OAuth2AuthenticationException rejected)) {
                MISSING_TOKEN.write(response, "");
                return;
            }
            LOG.info("access token rejected: {}", error.getMessage());
            boolean isUnavailable = error.getCause() instanceof JwtValidationException invalid
                && invalid.getErrors().stream().allMatch(TEMPORARILY_UNAVAILABLE::hasCodeOf);
            ProtocolError answer = isUnavailable ? TEMPORARILY_UNAVAILABLE : Arrays.stream(values())
                .filter(each -> each.hasCodeOf(rejected.getError())).findFirst().orElse(INVALID_TOKEN);
            answer.write(response, "");
        }

        /** Names the scope that is needed, if the denied rule names one. */
        @Override
        public void handle(HttpServletRequest request, HttpServletResponse response, AccessDeniedException error)
            throws IOException {
            Matcher scope = SCOPE.matcher(
                error instanceof AuthorizationDeniedException denied ? denied.getAuthorizationResult().toString() : "");
            INSUFFICIENT_SCOPE.write(response, scope.find() ? ", scope=\"" + scope.group(1) + "\"" : "");
        }
    }
}
