package io.github.goptri.spring;

import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.config.annotation.web.configurers.AbstractHttpConfigurer;
import org.springframework.security.config.http.SessionCreationPolicy;
import org.springframework.security.oauth2.jwt.JwtDecoder;

/**
 * Makes a filter chain accept Goptri's access tokens:
 *
 * <pre>{@code
 * @Bean
 * SecurityFilterChain api(HttpSecurity http, GoptriSecurity goptri) throws Exception {
 *     return goptri.protect(http).authorizeHttpRequests(requests -> requests
 *         .requestMatchers("/invoices").hasAuthority("SCOPE_invoices:read")
 *         .anyRequest().authenticated()).build();
 * }
 * }</pre>
 */
public final class GoptriSecurity {
    private final JwtDecoder decoder;
    private final GoptriBearerTokenResolver resolver;
    private final ErrorResponses errors = new ErrorResponses();

    GoptriSecurity(JwtDecoder decoder, GoptriBearerTokenResolver resolver) {
        this.decoder = decoder;
        this.resolver = resolver;
    }

    /**
     * Configures the chain, which becomes stateless, and returns it. It needs no CSRF tokens: unsafe requests with the
     * cookie must come from an allowed page.
     */
    public HttpSecurity protect(HttpSecurity http) throws Exception {
        return http.csrf(AbstractHttpConfigurer::disable)
            .sessionManagement(session -> session.sessionCreationPolicy(SessionCreationPolicy.STATELESS))
            .headers(headers -> headers.addHeaderWriter(resolver))
            .exceptionHandling(handling -> handling.authenticationEntryPoint(errors).accessDeniedHandler(errors))
            .oauth2ResourceServer(server -> server.bearerTokenResolver(resolver)
                .authenticationEntryPoint(errors).accessDeniedHandler(errors)
                .jwt(jwt -> jwt.decoder(decoder).jwtAuthenticationConverter(CallerAuthentication::new)));
    }
}
