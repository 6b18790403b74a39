package io.github.goptri.spring;

import java.time.Clock;
import java.util.Locale;

import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication;
import org.springframework.boot.autoconfigure.security.ConditionalOnDefaultWebSecurity;
import org.springframework.boot.autoconfigure.security.servlet.SecurityAutoConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.core.env.ConfigurableEnvironment;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.web.SecurityFilterChain;

/**
 * Protects all routes of a servlet application with Goptri's access tokens, unless it defines
 * filter chains of its own. Each setting is a property such as {@code goptri.issuer}, or a
 * variable such as {@code ISSUER}.
 */
@AutoConfiguration(before = SecurityAutoConfiguration.class)
@ConditionalOnWebApplication(type = ConditionalOnWebApplication.Type.SERVLET)
public class GoptriAutoConfiguration {
    /** Variables are not resolved like properties: a secret may contain {@code ${}. */
    @Bean
    Settings goptriSettings(ConfigurableEnvironment environment) {
        return Settings.read(name -> {
            String property = name.toLowerCase(Locale.ROOT).replace('_', '-');
            Object variable = environment.getSystemEnvironment().get(name);
            return environment.getProperty("goptri." + property, (String) variable);
        });
    }

    @Bean
    Goptri goptri(Settings settings, ObjectProvider<Clock> clock) {
        return new Goptri(settings, clock.getIfUnique(Clock::systemUTC));
    }

    @Bean
    GoptriSecurity goptriSecurity(Settings settings, Goptri goptri) {
        return new GoptriSecurity(settings, goptri);
    }

    @Bean
    @ConditionalOnDefaultWebSecurity
    SecurityFilterChain goptriSecurityFilterChain(HttpSecurity http, GoptriSecurity goptri)
        throws Exception {
        return goptri.protect(http)
            .authorizeHttpRequests(requests -> requests.anyRequest().authenticated()).build();
    }
}
