package io.github.goptri.spring;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;

import org.springframework.security.oauth2.core.OAuth2Error;
import org.springframework.security.oauth2.core.OAuth2TokenValidator;
import org.springframework.security.oauth2.core.OAuth2TokenValidatorResult;
import org.springframework.security.oauth2.jwt.Jwt;

/** Checks issuer, audience and times as Goptri's own servers do. A token is rejected from exp plus the leeway on. */
final class AccessTokenValidator implements OAuth2TokenValidator<Jwt> {
    /** How far this clock may be behind: revocations are kept for an hour longer than tokens live. */
    private static final Duration MAX_CLOCK_ERROR = Duration.ofHours(1);

    private final GoptriSettings settings;
    private final Clock clock;

    AccessTokenValidator(GoptriSettings settings, Clock clock) {
        this.settings = settings;
        this.clock = clock;
    }

    @Override
    public OAuth2TokenValidatorResult validate(Jwt token) {
        String problem = problem(token);
        return problem == null ? OAuth2TokenValidatorResult.success()
            : OAuth2TokenValidatorResult.failure(new OAuth2Error("invalid_token", problem, null));
    }

    private String problem(Jwt token) {
        Instant now = clock.instant();
        Instant latest = now.plus(settings.clockLeeway());
        Instant notBefore = token.getClaimAsInstant("nbf");
        List<String> audience = token.getAudience();
        if (!settings.issuer().equals(token.getClaimAsString("iss"))) {
            return "its issuer (iss) is not the configured one";
        }
        if (audience == null || !audience.contains(settings.audience())) {
            return "its audience (aud) does not name this service";
        }
        if (!now.minus(settings.clockLeeway()).isBefore(token.getExpiresAt())) {
            return "it has expired";
        }
        if (notBefore != null && latest.isBefore(notBefore)) {
            return "it is not valid yet (nbf)";
        }
        if (latest.plus(MAX_CLOCK_ERROR).isBefore(token.getClaimAsInstant("iat"))) {
            return "it was issued in the future (iat)";
        }
        return null;
    }
}
