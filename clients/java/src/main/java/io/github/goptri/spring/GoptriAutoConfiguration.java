package io.github.goptri.spring;

import java.nio.file.Path;
import java.time.Clock;
import java.util.Locale;
import java.util.function.UnaryOperator;

import io.github.goptri.spring.GoptriSettings.InvalidSettingsException;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication;
import org.springframework.boot.autoconfigure.security.ConditionalOnDefaultWebSecurity;
import org.springframework.boot.autoconfigure.security.oauth2.resource.servlet.OAuth2ResourceServerAutoConfiguration;
import org.springframework.boot.autoconfigure.security.servlet.UserDetailsServiceAutoConfiguration;
import org.springframework.boot.diagnostics.AbstractFailureAnalyzer;
import org.springframework.boot.diagnostics.FailureAnalysis;
import org.springframework.context.annotation.Bean;
import org.springframework.core.env.ConfigurableEnvironment;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.oauth2.core.OAuth2TokenValidator;
import org.springframework.security.oauth2.jwt.Jwt;
import org.springframework.security.oauth2.jwt.JwtDecoder;
import org.springframework.security.web.SecurityFilterChain;

/**
 * Protects all routes of a servlet application with Goptri's access tokens, unless it defines filter chains of its own.
 * Each setting is a property such as {@code goptri.issuer}, or a variable such as {@code ISSUER}.
 */
@AutoConfiguration(before = {OAuth2ResourceServerAutoConfiguration.class, UserDetailsServiceAutoConfiguration.class})
@ConditionalOnWebApplication(type = ConditionalOnWebApplication.Type.SERVLET)
public class GoptriAutoConfiguration {
    /** Variables are not resolved like properties: a secret may contain a placeholder's characters. */
    static UnaryOperator<String> lookup(ConfigurableEnvironment environment) {
        return name -> {
            try {
                String property = environment.getProperty("goptri." + name.toLowerCase(Locale.ROOT).replace('_', '-'));
                return property != null ? property : (String) environment.getSystemEnvironment().get(name);
            } catch (IllegalArgumentException quotesTheValue) {
                throw new IllegalArgumentException("has a placeholder that names no property");
            }
        };
    }

    @Bean
    Goptri goptri(ConfigurableEnvironment environment, ObjectProvider<Clock> clock) {
        return new Goptri(() -> GoptriSettings.read(lookup(environment)), clock.getIfUnique(Clock::systemUTC),
            Goptri.elapsedMillis(Path.of("/proc/uptime")));
    }

    @Bean
    @ConditionalOnMissingBean(JwtDecoder.class)
    JwtDecoder goptriJwtDecoder(Goptri goptri, ObjectProvider<OAuth2TokenValidator<Jwt>> additional) {
        return goptri.decoder(additional.orderedStream().toList());
    }

    @Bean
    GoptriBearerTokenResolver goptriBearerTokenResolver(Goptri goptri) {
        return new GoptriBearerTokenResolver(goptri.settings());
    }

    @Bean
    GoptriSecurity goptriSecurity(JwtDecoder decoder, GoptriBearerTokenResolver resolver) {
        return new GoptriSecurity(decoder, resolver);
    }

    @Bean
    @ConditionalOnDefaultWebSecurity
    SecurityFilterChain goptriSecurityFilterChain(HttpSecurity http, GoptriSecurity goptri) throws Exception {
        return goptri.protect(http).authorizeHttpRequests(requests -> requests.anyRequest().authenticated()).build();
    }

    /** Reports invalid settings at start without a stack trace. */
    static final class InvalidSettingsAnalyzer extends AbstractFailureAnalyzer<InvalidSettingsException> {
        @Override
        protected FailureAnalysis analyze(Throwable failure, InvalidSettingsException cause) {
            return new FailureAnalysis(cause.getMessage(), "Correct these variables, or the properties of their names "
                + "such as goptri.issuer.", cause);
        }
    }
}
