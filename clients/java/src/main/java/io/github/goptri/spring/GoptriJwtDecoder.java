package io.github.goptri.spring;

import java.util.List;

import org.springframework.security.oauth2.core.OAuth2Error;
import org.springframework.security.oauth2.core.OAuth2TokenValidator;
import org.springframework.security.oauth2.jwt.Jwt;
import org.springframework.security.oauth2.jwt.JwtDecoder;

/** Decodes access tokens of auth-server. It makes no network call. */
public final class GoptriJwtDecoder implements JwtDecoder {
    /** The code of a validator's error while it is unknown whether the token is valid: the response is a 503. */
    static final String UNAVAILABLE = "temporarily_unavailable";

    private final VerifyingKeys keys;
    private final List<OAuth2TokenValidator<Jwt>> validators;

    GoptriJwtDecoder(VerifyingKeys keys, List<OAuth2TokenValidator<Jwt>> validators) {
        this.keys = keys;
        this.validators = List.copyOf(validators);
    }

    /** @throws TokenRejectedException unless the token is genuine, valid now, for this service, and not revoked */
    @Override
    public Jwt decode(String token) {
        AccessToken parsed = AccessToken.parse(token);
        VerifyingKey key = keys.find(parsed.kid());
        if (!key.algorithm().getName().equals(parsed.algorithm())) {
            throw new TokenRejectedException("its alg is not the algorithm of the key that it names", false);
        }
        if (!key.verifies(parsed.signingInput(), parsed.signature())) {
            throw new TokenRejectedException("its signature does not match", false);
        }
        Jwt jwt = parsed.toJwt();
        for (OAuth2TokenValidator<Jwt> validator : validators) {
            for (OAuth2Error error : validator.validate(jwt).getErrors()) {
                throw new TokenRejectedException(error.getDescription(), error.getErrorCode().equals(UNAVAILABLE));
            }
        }
        return jwt;
    }
}
