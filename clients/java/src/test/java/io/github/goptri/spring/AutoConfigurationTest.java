package io.github.goptri.spring;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.autoconfigure.security.oauth2.resource.servlet.OAuth2ResourceServerAutoConfiguration;
import org.springframework.boot.autoconfigure.security.servlet.SecurityAutoConfiguration;
import org.springframework.boot.diagnostics.FailureAnalysis;
import org.springframework.boot.diagnostics.FailureAnalyzer;
import org.springframework.boot.test.context.runner.WebApplicationContextRunner;
import org.springframework.core.io.support.SpringFactoriesLoader;
import org.springframework.core.io.support.SpringFactoriesLoader.FailureHandler;
import org.springframework.mock.web.MockFilterChain;
import org.springframework.mock.web.MockHttpServletRequest;
import org.springframework.mock.web.MockHttpServletResponse;
import org.springframework.security.core.userdetails.UserDetailsService;
import org.springframework.security.oauth2.core.OAuth2Error;
import org.springframework.security.oauth2.core.OAuth2TokenValidator;
import org.springframework.security.oauth2.core.OAuth2TokenValidatorResult;
import org.springframework.security.oauth2.jwt.Jwt;
import org.springframework.security.oauth2.jwt.JwtDecoder;
import org.springframework.security.oauth2.server.resource.web.BearerTokenResolver;

class AutoConfigurationTest {
    private final WebApplicationContextRunner runner = new WebApplicationContextRunner()
        .withConfiguration(AutoConfigurations.of(GoptriAutoConfiguration.class, SecurityAutoConfiguration.class,
            OAuth2ResourceServerAutoConfiguration.class))
        .withPropertyValues("goptri.issuer=" + Tokens.ISSUER, "goptri.audience=" + Tokens.AUDIENCE,
            "goptri.auth-server-url=http://127.0.0.1:9");

    private static MockHttpServletResponse get(org.springframework.context.ApplicationContext context, String token)
        throws Exception {
        MockHttpServletRequest request = new MockHttpServletRequest("GET", "/anything");
        MockHttpServletResponse response = new MockHttpServletResponse();
        request.addHeader("Authorization", "Bearer " + token);
        context.getBean("springSecurityFilterChain", jakarta.servlet.Filter.class)
            .doFilter(request, response, new MockFilterChain());
        return response;
    }

    @Test
    void all_routes_are_protected_by_default() {
        runner.withPropertyValues("goptri.access-token-secret=" + Tokens.SECRET).run(context -> {
            assertThat(context).hasSingleBean(JwtDecoder.class).hasSingleBean(BearerTokenResolver.class)
                .doesNotHaveBean(UserDetailsService.class);
            assertThat(get(context, Tokens.valid()).getStatus()).isEqualTo(200);
            assertThat(get(context, "a.b.c").getContentAsString()).contains("\"invalid_token\"");
        });
    }

    @Test
    void tokens_get_503_until_the_feed_has_caught_up() {
        runner.withPropertyValues("goptri.access-token-secret=" + Tokens.SECRET, "goptri.feed-secret="
            + Tokens.FEED_SECRET).run(context -> {
                MockHttpServletResponse response = get(context, Tokens.valid());
                assertThat(response.getStatus()).isEqualTo(503);
                assertThat(response.getHeader("Retry-After")).isEqualTo("1");
                assertThat(response.getHeader("WWW-Authenticate")).isNull();
                assertThat(response.getContentAsString()).startsWith("{\"error\":\"temporarily_unavailable\",");
                assertThat(get(context, "a.b.c").getStatus()).isEqualTo(401);
            });
    }

    @Test
    void an_application_can_add_validators() {
        OAuth2TokenValidator<Jwt> refuse =
            token -> OAuth2TokenValidatorResult.failure(new OAuth2Error("invalid_token", "not today", null));
        runner.withPropertyValues("goptri.access-token-secret=" + Tokens.SECRET)
            .withBean("refuse", OAuth2TokenValidator.class, () -> refuse)
            .run(context -> assertThat(get(context, Tokens.valid()).getStatus()).isEqualTo(401));
        runner.withPropertyValues("goptri.access-token-secret=" + Tokens.SECRET,
            "goptri.feed-secret=" + Tokens.FEED_SECRET).withBean("refuse", OAuth2TokenValidator.class, () -> refuse)
            .run(context -> assertThat(get(context, Tokens.valid()).getStatus()).as("no 503").isEqualTo(401));
    }

    @Test
    void invalid_settings_stop_the_application_with_one_message() {
        runner.withPropertyValues("goptri.access-token-secret=hunter2", "goptri.on-stale=panic").run(context -> {
            assertThat(context).hasFailed();
            // Some of Spring Boot's own analyzers need a bean factory.
            List<FailureAnalyzer> analyzers = SpringFactoriesLoader.forDefaultResourceLocation()
                .load(FailureAnalyzer.class, FailureHandler.handleMessage((message, failure) -> { }));
            List<String> texts = analyzers.stream().map(analyzer -> analyzer.analyze(context.getStartupFailure()))
                .filter(Objects::nonNull).map(FailureAnalysis::getDescription).toList();
            assertThat(texts).singleElement().asString().contains("ACCESS_TOKEN_SECRET must be", "ON_STALE")
                .doesNotContain("hunter2");
        });
    }

    @Test
    void a_placeholder_that_cannot_be_resolved_does_not_reveal_a_secret() {
        runner.withPropertyValues("goptri.access-token-secret=" + Tokens.SECRET, "goptri.clock-leeway=${hunter2}",
            "goptri.feed-secret=hunter2${hunter2}").run(context -> {
                StringWriter text = new StringWriter();
                context.getStartupFailure().printStackTrace(new PrintWriter(text));
                assertThat(text.toString()).contains("CLOCK_LEEWAY has a placeholder", "FEED_SECRET has a placeholder")
                    .doesNotContain("hunter2");
            });
    }

    @Test
    void the_file_of_a_secret_may_change_while_the_service_runs(@TempDir Path folder) throws Exception {
        Path file = Files.writeString(folder.resolve("secret"), Tokens.OTHER_SECRET);
        runner.withPropertyValues("goptri.access-token-secret-file=" + file).run(context -> {
            assertThat(get(context, Tokens.valid()).getStatus()).as("an unknown key").isEqualTo(503);
            Files.writeString(file, Tokens.SECRET + "," + Tokens.OTHER_SECRET + "\n");
            long start = System.nanoTime();
            while (get(context, Tokens.valid()).getStatus() != 200) {
                assertThat(System.nanoTime() - start).isLessThan(5_000_000_000L);
                Thread.sleep(10);
            }
            Files.writeString(file, "hunter2");
            Thread.sleep(1_000);
            assertThat(get(context, Tokens.valid()).getStatus()).as("an invalid file is not used").isEqualTo(200);
        });
    }
}
