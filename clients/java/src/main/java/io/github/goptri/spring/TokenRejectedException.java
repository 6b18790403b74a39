package io.github.goptri.spring;

import org.springframework.security.oauth2.jwt.BadJwtException;

/** An access token was rejected. The message is the reason, for the log; it contains no part of the token. */
public final class TokenRejectedException extends BadJwtException {
    private final boolean unavailable;

    TokenRejectedException(String reason, boolean unavailable) {
        super(reason);
        this.unavailable = unavailable;
    }

    /** Whether the token may be valid: keys or revocations are not known yet, or not known any more. */
    public boolean isUnavailable() {
        return unavailable;
    }

    /** @throws TokenRejectedException unless the condition is met */
    static void require(boolean condition, String reason) {
        if (!condition) {
            throw new TokenRejectedException(reason, false);
        }
    }
}
