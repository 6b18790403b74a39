package io.github.goptri.spring;

import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

import org.springframework.security.core.GrantedAuthority;
import org.springframework.security.core.authority.AuthorityUtils;
import org.springframework.security.oauth2.jwt.Jwt;
import org.springframework.security.oauth2.server.resource.authentication.AbstractOAuth2TokenAuthenticationToken;

/** An accepted access token. Its authorities are {@code SCOPE_} and each scope, and {@code ROLE_} and each role. */
public final class CallerAuthentication extends AbstractOAuth2TokenAuthenticationToken<Jwt> {
    /** Accepts {@code token} as verified. */
    public CallerAuthentication(Jwt token) {
        this(token, Caller.of(token));
    }

    private CallerAuthentication(Jwt token, Caller caller) {
        super(token, caller, token, authorities(caller));
        setAuthenticated(true);
    }

    private static List<GrantedAuthority> authorities(Caller caller) {
        return AuthorityUtils.createAuthorityList(Stream.concat(caller.scopes().stream().map("SCOPE_"::concat),
            caller.roles().stream().map("ROLE_"::concat)).toList());
    }

    @Override
    public Map<String, Object> getTokenAttributes() {
        return getToken().getClaims();
    }
}
