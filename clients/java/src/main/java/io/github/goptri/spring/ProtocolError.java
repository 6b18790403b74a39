package io.github.goptri.spring;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.http.HttpHeaders;
import org.springframework.security.access.AccessDeniedException;
import org.springframework.security.authorization.AuthorityAuthorizationDecision;
import org.springframework.security.authorization.AuthorizationDeniedException;
import org.springframework.security.authorization.AuthorizationResult;
import org.springframework.security.authorization.ExpressionAuthorizationDecision;
import org.springframework.security.core.AuthenticationException;
import org.springframework.security.core.GrantedAuthority;
import org.springframework.security.oauth2.core.OAuth2AuthenticationException;
import org.springframework.security.oauth2.core.OAuth2Error;
import org.springframework.security.web.AuthenticationEntryPoint;
import org.springframework.security.web.access.AccessDeniedHandler;

/** The errors that a client sees (RFC 6750 §3.1). The reason of a rejection is only in the log. */
enum ProtocolError {
    MISSING_TOKEN(401, "missing_token",
        "This route needs an access token; send it as Authorization: Bearer and the token."),
    INVALID_TOKEN(401, "invalid_token", "The token is malformed, expired, revoked or for another service."),
    INSUFFICIENT_SCOPE(403, "insufficient_scope", "The access token lacks the scope or role that this route needs."),
    TWO_CREDENTIALS(400, "invalid_request", "The request has more than one Authorization header; send one."),
    CROSS_SITE(403, "cross_site_request", "Requests with cookies that change something must come from a page of this "
        + "service or of an allowed origin."),
    UNAVAILABLE(503, "temporarily_unavailable",
        "The service is temporarily unavailable; try again after the seconds in the Retry-After header.");

    private static final Logger LOG = LoggerFactory.getLogger(ProtocolError.class);
    private static final Pattern SCOPE = Pattern.compile("SCOPE_([!#-&(-\\[\\]-~]+)");

    private final int status;
    private final String code;
    private final String description;

    ProtocolError(int status, String code, String description) {
        this.status = status;
        this.code = code;
        this.description = description;
    }

    /** The exception with which a filter rejects a request; its message is the reason for the log. */
    OAuth2AuthenticationException because(String reason) {
        return new OAuth2AuthenticationException(new OAuth2Error(name(), reason, null), reason);
    }

    private void write(HttpServletResponse response, String scope) throws IOException {
        response.setStatus(status);
        switch (this) {
            case MISSING_TOKEN -> response.setHeader(HttpHeaders.WWW_AUTHENTICATE, "Bearer");
            case INVALID_TOKEN, INSUFFICIENT_SCOPE -> response.setHeader(HttpHeaders.WWW_AUTHENTICATE,
                "Bearer error=\"" + code + "\"" + (scope == null ? "" : ", scope=\"" + scope + "\""));
            case UNAVAILABLE -> response.setHeader(HttpHeaders.RETRY_AFTER, "1");
            default -> { }
        }
        response.setContentType("application/json");
        String body = "{\"error\":\"" + code + "\",\"error_description\":\"" + description + "\"}";
        response.getOutputStream().write(body.getBytes(StandardCharsets.US_ASCII));
    }

    /** Answers requests without a valid token, and those of valid tokens that lack a scope or role. */
    static final class Responder implements AuthenticationEntryPoint, AccessDeniedHandler {
        @Override
        public void commence(HttpServletRequest request, HttpServletResponse response, AuthenticationException error)
            throws IOException {
            ProtocolError answer = MISSING_TOKEN;
            if (error.getCause() instanceof TokenRejectedException rejected) {
                answer = rejected.isUnavailable() ? UNAVAILABLE : INVALID_TOKEN;
            } else if (error instanceof OAuth2AuthenticationException refused) {
                String name = refused.getError().getErrorCode();
                answer = List.of(values()).stream().filter(value -> value.name().equals(name)).findFirst()
                    .orElse(INVALID_TOKEN);
            }
            if (answer != MISSING_TOKEN) {
                LOG.info("access token rejected: {}", error.getMessage());
            }
            answer.write(response, null);
        }

        @Override
        public void handle(HttpServletRequest request, HttpServletResponse response, AccessDeniedException error)
            throws IOException {
            INSUFFICIENT_SCOPE.write(response, neededScope(error));
        }

        private static String neededScope(AccessDeniedException error) {
            AuthorizationResult result =
                error instanceof AuthorizationDeniedException denied ? denied.getAuthorizationResult() : null;
            String needed = "";
            if (result instanceof AuthorityAuthorizationDecision decision) {
                needed = decision.getAuthorities().stream().map(GrantedAuthority::getAuthority)
                    .collect(Collectors.joining("'"));
            } else if (result instanceof ExpressionAuthorizationDecision decision) {
                needed = decision.getExpression().getExpressionString();
            }
            Matcher scope = SCOPE.matcher(needed);
            return scope.find() ? scope.group(1) : null;
        }
    }
}
