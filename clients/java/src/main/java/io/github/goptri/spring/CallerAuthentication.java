package io.github.goptri.spring;

import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

import org.springframework.security.core.GrantedAuthority;
import org.springframework.security.core.authority.SimpleGrantedAuthority;
import org.springframework.security.oauth2.jwt.Jwt;
import org.springframework.security.oauth2.server.resource.authentication.AbstractOAuth2TokenAuthenticationToken;

/** An accepted access token. Its authorities are {@code SCOPE_} and each scope, and {@code ROLE_} and each role. */
public final class CallerAuthentication extends AbstractOAuth2TokenAuthenticationToken<Jwt> {
    private static final long serialVersionUID = 1L;

    /** Accepts {@code token} as verified. */
    public CallerAuthentication(Jwt token) {
        this(token, Caller.of(token));
    }

    private CallerAuthentication(Jwt token, Caller caller) {
        super(token, caller, token, authorities(caller));
        setAuthenticated(true);
    }

    private static List<GrantedAuthority> authorities(Caller caller) {
        Stream<String> scopes = caller.scopes().stream().map(scope -> "SCOPE_" + scope);
        Stream<String> roles = caller.roles().stream().map(role -> "ROLE_" + role);
        return Stream.concat(scopes, roles).map(name -> (GrantedAuthority) new SimpleGrantedAuthority(name)).toList();
    }

    @Override
    public Map<String, Object> getTokenAttributes() {
        return getToken().getClaims();
    }
}
