package io.github.goptri.spring;

import java.time.Instant;
import java.util.*;
import java.util.stream.Stream;

import org.springframework.security.authentication.UsernamePasswordAuthenticationToken;
import org.springframework.security.core.AuthenticatedPrincipal;
import org.springframework.security.core.Authentication;
import org.springframework.security.core.authority.AuthorityUtils;

/**
 * The caller of a request: the principal of its authentication. It is a user with a session or a
 * client that acts for itself, which has no roles and no email, whatever its token says.
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
public record Caller(String subject, String sessionId, String clientId, Set<String> scopes,
                     List<String> roles, String email, Instant expiresAt,
                     Map<String, Object> claims) implements AuthenticatedPrincipal {
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

    /** The authentication, with the authorities {@code SCOPE_…} and {@code ROLE_…}. */
    public Authentication authentication() {
        List<String> authorities = Stream.concat(scopes.stream().map("SCOPE_"::concat),
            roles.stream().map("ROLE_"::concat)).toList();
        return UsernamePasswordAuthenticationToken.authenticated(this, null,
            AuthorityUtils.createAuthorityList(authorities));
    }
}
