package io.github.goptri.spring;

import java.io.IOException;
import java.util.Locale;

import jakarta.servlet.http.HttpServletResponse;
import org.springframework.http.HttpHeaders;
import org.springframework.security.core.AuthenticationException;

/** The errors of requests, as api-server reports them. The name in lower case is the code. */
enum ProtocolError {
    MISSING_TOKEN(401,
        "This route needs an access token; send it as Authorization: Bearer and the token."),
    INVALID_TOKEN(401, "The token is malformed, expired, revoked or for another service."),
    INSUFFICIENT_SCOPE(403, "The access token lacks the scope or role that this route needs."),
    INVALID_REQUEST(400, "The request has more than one Authorization header; send one."),
    CROSS_SITE_REQUEST(403, "Requests with cookies that change something must come from a page of"
        + " this service or of an allowed origin."),
    TEMPORARILY_UNAVAILABLE(503, "The service is temporarily unavailable; try again after the"
        + " seconds in the Retry-After header.");

    private final int status;
    private final String description;

    ProtocolError(int status, String description) {
        this.status = status;
        this.description = description;
    }

    /** Writes the response. {@code scope} is the scope that the token lacks, or null. */
    void write(HttpServletResponse response, String scope) throws IOException {
        String code = name().toLowerCase(Locale.ROOT);
        response.setStatus(status);
        if (this == TEMPORARILY_UNAVAILABLE) {
            response.setHeader(HttpHeaders.RETRY_AFTER, "1");
        } else if (this == MISSING_TOKEN) {
            response.setHeader(HttpHeaders.WWW_AUTHENTICATE, "Bearer");
        } else if (this == INVALID_TOKEN || this == INSUFFICIENT_SCOPE) {
            response.setHeader(HttpHeaders.WWW_AUTHENTICATE, "Bearer error=\"" + code + "\""
                + (scope == null ? "" : ", scope=\"" + scope + "\""));
        }
        response.setContentType("application/json");
        response.getOutputStream().print("{\"error\":\"" + code + "\",\"error_description\":\""
            + description + "\"}");
    }

    /** Rejects a request. The reason is for the log and contains no part of the token. */
    static final class Rejection extends AuthenticationException {
        final ProtocolError error;

        Rejection(ProtocolError error, String reason) {
            super(reason);
            this.error = error;
        }
    }
}
