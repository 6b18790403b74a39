package io.github.goptri.spring;

import java.time.Instant;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

import org.springframework.security.core.AuthenticatedPrincipal;
import org.springframework.security.oauth2.jwt.Jwt;
import org.springframework.util.StringUtils;

/**
 * The caller of a request: the principal of its authentication. It is a user with a session or a client that acts for
 * itself, which has no roles and no email, whatever its token says.
 *
 * @param subject the id of the user or client
 * @param sessionId the user's session; null if the caller is a client
 * @param clientId the client that the token was issued to
 * @param scopes what the token permits, in the order in which it was granted
 * @param roles the user's roles; empty if the caller is a client
 * @param email for display only; null if the token has none, or if the caller is a client
 * @param expiresAt when the token expires
 * @param claims all claims of the token
 */
public record Caller(String subject, String sessionId, String clientId, Set<String> scopes, List<String> roles,
                     String email, Instant expiresAt, Map<String, Object> claims) implements AuthenticatedPrincipal {

    static Caller of(Jwt token) {
        String[] scopes = StringUtils.tokenizeToStringArray(token.getClaimAsString("scope"), " ");
        boolean isUser = token.hasClaim("sid");
        List<String> roles = isUser && token.hasClaim("roles") ? token.getClaimAsStringList("roles") : List.of();
        return new Caller(token.getSubject(), token.getClaimAsString("sid"), token.getClaimAsString("client_id"),
            Collections.unmodifiableSet(new LinkedHashSet<>(List.of(scopes))), List.copyOf(roles),
            isUser ? token.getClaimAsString("email") : null, token.getExpiresAt(), token.getClaims());
    }

    /** Whether the token has this scope. */
    public boolean hasScope(String scope) {
        return scopes.contains(scope);
    }

    /** Whether the user has this role. */
    public boolean hasRole(String role) {
        return roles.contains(role);
    }

    @Override
    public String getName() {
        return subject;
    }

    @Override
    public String toString() {
        return "Caller[" + subject + "]";
    }
}
