package io.github.goptri.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SettingsTest {
    private static String errors(String... variables) {
        try {
            Tokens.settings(variables);
            return "";
        } catch (IllegalStateException invalid) {
            return invalid.getMessage();
        }
    }

    @Test
    void the_defaults_are_those_of_api_server() {
        GoptriSettings settings = GoptriSettings.read(Map.of("ACCESS_TOKEN_SECRET", Tokens.SECRET)::get);
        assertThat(settings.issuer()).isEqualTo("http://localhost:4000");
        assertThat(settings.audience()).isEqualTo("http://localhost:3000");
        assertThat(settings.authServerUrl()).isEqualTo("http://localhost:4000");
        assertThat(settings.clockLeeway()).isEqualTo(Duration.ofSeconds(30));
        assertThat(settings.maxStaleness()).isEqualTo(Duration.ofSeconds(60));
        assertThat(settings.refuseWhenStale()).isFalse();
        assertThat(settings.cookieName()).isEqualTo("session");
        assertThat(settings.origins()).containsExactlyInAnyOrder("http://localhost:4000", "http://localhost:3000");
        assertThat(settings.feedSecrets()).isEmpty();
        assertThat(settings.toString()).doesNotContain(Tokens.SECRET);
    }

    @Test
    void all_errors_are_reported_together_without_secrets() {
        assertThatThrownBy(() -> GoptriSettings.read(Map.of("ISSUER", "http://login.example.com", "CLOCK_LEEWAY", "6m",
            "ACCESS_TOKEN_SECRET", "hunter2", "ON_STALE", "panic")::get))
            .hasMessageContainingAll("\n  ISSUER must be an https URL", "\n  CLOCK_LEEWAY must be",
                "\n  ACCESS_TOKEN_SECRET must be secrets of at least 32 bytes", "\n  ON_STALE must be allow or")
            .satisfies(error -> assertThat(error.getMessage().lines()).hasSize(5))
            .satisfies(error -> assertThat(error.getMessage()).doesNotContain("hunter2"));
    }

    @Test
    void each_setting_is_checked() {
        String[][] table = {
            {"ISSUER", "https://auth.example/"}, {"ISSUER", "auth.example"}, {"ISSUER", "https://me:pw@auth.example"},
            {"ISSUER", "https://auth.example?x=1"}, {"ISSUER", "http://auth-server"}, {"ISSUER", "https://a|b"},
            {"AUDIENCE", Tokens.ISSUER},
            {"AUDIENCE", "a b"}, {"CLOCK_LEEWAY", "30"}, {"CLOCK_LEEWAY", "6m"}, {"REVOCATION_MAX_STALENESS", "5s"},
            {"AUTH_SERVER_URL", "http://login.example.com"}, {"AUTH_SERVER_URL", "http://8.8.8.8"},
            {"AUTH_SERVER_URL", "http://134744072"}, {"AUTH_SERVER_URL", "http://172.32.0.1"},
            {"AUTH_SERVER_URL", "ftp://auth-server"}, {"ACCESS_TOKEN_SECRET", Tokens.SECRET + ","},
            {"ACCESS_TOKEN_SECRET", "correct horse battery staple correct"}, {"FEED_SECRET", Tokens.SECRET},
            {"FEED_SECRET", Tokens.FEED_SECRET + "\u2014"},
            {"FEED_SECRET_FILE", "/nowhere/at/all"}, {"ACCESS_TOKEN_SECRET_FILE", "/nowhere"},
            {"AUTH_SERVER_CA_FILE", "/nowhere"}, {"AUTH_SERVER_CA_FILE", "pom.xml"}, {"ON_STALE", "panic"},
            {"SESSION_COOKIE_NAME", "a b"}, {"SESSION_COOKIE_NAME", "refresh"}, {"SESSION_COOKIE_DOMAIN", "com"},
            {"CORS_ORIGINS", "https://a.example/"}, {"CORS_ORIGINS", "http://a.example"}, {"CORS_ORIGINS", "null"},
        };
        for (String[] row : table) {
            assertThat(errors(row[0], row[1])).as(row[0]).contains("\n  " + row[0] + " must ")
                .doesNotContain("hunter2", row[0].endsWith("SECRET") ? row[1] : "hunter2");
        }
        for (String url : new String[] {"http://localhost:4000", "http://auth-server:4000", "http://10.1.2.3:4000",
            "http://[::1]:4000", "http://[fd00::1]:4000", "http://auth.goptri.svc.cluster.local:4000",
            "https://login.example.com/auth"}) {
            assertThat(errors("AUTH_SERVER_URL", url)).as(url).isEmpty();
        }
    }

    @Test
    void a_feed_secret_that_cannot_be_sent_is_refused_with_the_reason(@TempDir Path folder) throws IOException {
        String secret = Tokens.FEED_SECRET + "\u00e9";
        Path file = Files.writeString(folder.resolve("secret"), secret);
        assertThat(errors("FEED_SECRET", secret))
            .contains("\n  FEED_SECRET must be ASCII, because Java's HTTP client cannot send other characters")
            .doesNotContain(secret);
        assertThat(errors("FEED_SECRET_FILE", file.toString())).contains("\n  FEED_SECRET must be ASCII, because")
            .doesNotContain(secret);
        assertThat(errors("ACCESS_TOKEN_SECRET", secret)).isEmpty();
    }

    @Test
    void without_a_secret_the_published_keys_are_needed() {
        Map<String, String> variables = new HashMap<>();
        assertThatThrownBy(() -> GoptriSettings.read(variables::get)).hasMessageContaining("must be set");
        variables.put("AUTH_SERVER_URL", "http://localhost:4000");
        assertThat(GoptriSettings.read(variables::get).accessSecrets()).isEmpty();
    }

    @Test
    void the_prefix_of_the_cookie_follows_from_the_issuer_and_the_domain() {
        assertThat(Tokens.settings().cookieName()).isEqualTo("__Host-session");
        assertThat(Tokens.settings("ISSUER", "https://login.example.com", "SESSION_COOKIE_DOMAIN", "example.com",
            "SESSION_COOKIE_NAME", "app").cookieName()).isEqualTo("__Secure-app");
        assertThat(Tokens.settings("ISSUER", "http://localhost:4000").cookieName()).isEqualTo("session");
    }

    @Test
    void the_origins_are_those_that_browsers_send() {
        assertThat(Tokens.settings("ISSUER", "https://Login.example/auth", "AUDIENCE", "photos", "CORS_ORIGINS",
            "https://a.example , http://localhost:8080").origins())
            .containsExactlyInAnyOrder("https://login.example", "https://a.example", "http://localhost:8080");
    }

    @Test
    void a_secret_may_be_in_a_file(@TempDir Path folder) throws IOException {
        Path file = Files.writeString(folder.resolve("secret"), Tokens.FEED_SECRET + "\r\n");
        assertThat(Tokens.settings("FEED_SECRET_FILE", file.toString()).feedSecrets())
            .containsExactly(Tokens.FEED_SECRET);
        assertThat(errors("FEED_SECRET_FILE", file.toString(), "FEED_SECRET", Tokens.FEED_SECRET))
            .contains("FEED_SECRET must be empty, because FEED_SECRET_FILE is set");
        Files.writeString(file, "hunter2");
        assertThat(errors("FEED_SECRET_FILE", file.toString())).contains("FEED_SECRET_FILE must be secrets")
            .doesNotContain("hunter2");
    }
}
