package io.github.goptri.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SettingsTest {
    private static String errors(String... variables) {
        try {
            Tokens.settings(variables);
            return "";
        } catch (GoptriSettings.InvalidException invalid) {
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
        assertThat(settings.feedSecret().secrets()).isEmpty();
        assertThat(settings.toString()).doesNotContain(Tokens.SECRET);
    }

    @Test
    void all_errors_are_reported_together_without_secrets() {
        assertThatThrownBy(() -> GoptriSettings.read(Map.of("ISSUER", "http://login.example.com", "CLOCK_LEEWAY", "6m",
            "ACCESS_TOKEN_SECRET", "hunter2", "ON_STALE", "panic")::get))
            .hasMessageContainingAll("\n  ISSUER is plain http", "\n  CLOCK_LEEWAY is more than 5m",
                "\n  ACCESS_TOKEN_SECRET is 7 bytes long", "\n  ON_STALE is either")
            .satisfies(error -> assertThat(error.getMessage().lines()).hasSize(5))
            .satisfies(error -> assertThat(error.getMessage()).doesNotContain("hunter2"));
    }

    @Test
    void each_setting_is_checked() {
        String[][] table = {
            {"ISSUER", "https://auth.example/", "ISSUER has a slash"}, {"ISSUER", "auth.example", "ISSUER is not"},
            {"ISSUER", "https://me:pw@auth.example", "ISSUER is a URL with a user"},
            {"ISSUER", "https://auth.example?x=1", "ISSUER has a query"}, {"AUDIENCE", Tokens.ISSUER, "same as ISSUER"},
            {"AUDIENCE", "a b", "AUDIENCE is one name"}, {"CLOCK_LEEWAY", "30", "CLOCK_LEEWAY is no duration"},
            {"REVOCATION_MAX_STALENESS", "5s", "REVOCATION_MAX_STALENESS must be longer"},
            {"AUTH_SERVER_URL", "http://login.example.com", "AUTH_SERVER_URL is plain http"},
            {"AUTH_SERVER_URL", "http://8.8.8.8", "AUTH_SERVER_URL is plain http"},
            {"AUTH_SERVER_URL", "http://172.32.0.1", "AUTH_SERVER_URL is plain http"},
            {"AUTH_SERVER_URL", "ftp://auth-server", "AUTH_SERVER_URL is not an absolute https URL"},
            {"ACCESS_TOKEN_SECRET", Tokens.SECRET + "," + Tokens.SECRET, "ACCESS_TOKEN_SECRET has the same"},
            {"ACCESS_TOKEN_SECRET", Tokens.SECRET + ",", "ACCESS_TOKEN_SECRET is 0 bytes"},
            {"ACCESS_TOKEN_SECRET", "changeme".repeat(5), "ACCESS_TOKEN_SECRET is a well-known default"},
            {"ACCESS_TOKEN_SECRET", "ab".repeat(20), "ACCESS_TOKEN_SECRET repeats"},
            {"ACCESS_TOKEN_SECRET", "correct horse battery staple correct", "ACCESS_TOKEN_SECRET contains white space"},
            {"FEED_SECRET", Tokens.SECRET, "FEED_SECRET is identical to ACCESS_TOKEN_SECRET"},
            {"FEED_SECRET_FILE", "/nowhere/at/all", "FEED_SECRET_FILE names the file"},
            {"ACCESS_TOKEN_SECRET_FILE", "/nowhere", "ACCESS_TOKEN_SECRET_FILE and ACCESS_TOKEN_SECRET are both set"},
            {"AUTH_SERVER_CA_FILE", "/nowhere", "AUTH_SERVER_CA_FILE names a file without certificates"},
            {"AUTH_SERVER_CA_FILE", "pom.xml", "AUTH_SERVER_CA_FILE names a file without certificates"},
            {"SESSION_COOKIE_NAME", "a b", "SESSION_COOKIE_NAME is no name"},
            {"SESSION_COOKIE_NAME", "refresh", "SESSION_COOKIE_NAME is no name"},
            {"SESSION_COOKIE_NAME", "__Secure-x", "SESSION_COOKIE_NAME needs the prefix __Host-"},
            {"SESSION_COOKIE_DOMAIN", "example.org", "SESSION_COOKIE_DOMAIN does not contain the host"},
            {"SESSION_COOKIE_DOMAIN", "com", "SESSION_COOKIE_DOMAIN is no domain"},
            {"CORS_ORIGINS", "https://a.example/", "CORS_ORIGINS contains an origin"},
            {"CORS_ORIGINS", "http://a.example", "CORS_ORIGINS contains a plain http origin"},
            {"CORS_ORIGINS", "null", "CORS_ORIGINS contains an origin"},
        };
        for (String[] row : table) {
            assertThat(errors(row[0], row[1])).as(row[0]).contains(row[row.length - 1])
                .satisfies(error -> assertThat(error.lines()).hasSize(2));
        }
        for (String url : new String[] {"http://localhost:4000", "http://auth-server:4000", "http://10.1.2.3:4000",
            "http://[::1]:4000", "http://[fd00::1]:4000", "http://auth.goptri.svc.cluster.local:4000",
            "https://login.example.com/auth"}) {
            assertThat(errors("AUTH_SERVER_URL", url)).as(url).isEmpty();
        }
    }

    @Test
    void without_a_secret_the_published_keys_are_needed() {
        Map<String, String> variables = new HashMap<>();
        assertThatThrownBy(() -> GoptriSettings.read(variables::get)).hasMessageContaining("nor is AUTH_SERVER_URL");
        variables.put("AUTH_SERVER_URL", "http://localhost:4000");
        assertThat(GoptriSettings.read(variables::get).accessSecret().secrets()).isEmpty();
    }

    @Test
    void the_prefix_of_the_cookie_follows_from_the_issuer_and_the_domain() {
        assertThat(Tokens.settings().cookieName()).isEqualTo("__Host-session");
        assertThat(Tokens.settings("ISSUER", "https://login.example.com", "SESSION_COOKIE_DOMAIN", "example.com",
            "SESSION_COOKIE_NAME", "app").cookieName()).isEqualTo("__Secure-app");
        assertThat(Tokens.settings("ISSUER", "http://localhost:4000").cookieName()).isEqualTo("session");
    }

    @Test
    void a_secret_file_is_read_again_when_it_changes(@TempDir Path folder) throws IOException {
        Path file = Files.writeString(folder.resolve("secret"), Tokens.SECRET + "\r\n");
        SecretText secret = new SecretText("FEED_SECRET", null, file.toString());
        assertThat(secret.secrets()).containsExactly(Tokens.SECRET);
        List<String> problems = new ArrayList<>();
        assertThat(secret.reload(problems::add)).isFalse();
        Files.writeString(file, Tokens.OTHER_SECRET + "," + Tokens.SECRET + "\n");
        assertThat(secret.reload(problems::add)).as("the first read of a change").isFalse();
        assertThat(secret.reload(problems::add)).isTrue();
        assertThat(secret.reload(problems::add)).isFalse();
        assertThat(secret.secrets()).containsExactly(Tokens.OTHER_SECRET, Tokens.SECRET);
        Files.writeString(file, "hunter2");
        for (int i = 0; i < 5; i++) {
            assertThat(secret.reload(problems::add)).isFalse();
        }
        assertThat(problems).as("logged once")
            .containsExactly("FEED_SECRET_FILE is 7 bytes long; it needs at least 32");
        assertThat(secret.secrets()).containsExactly(Tokens.OTHER_SECRET, Tokens.SECRET);
        Files.delete(file);
        secret.reload(problems::add);
        assertThat(secret.reload(problems::add)).isFalse();
        assertThat(problems).hasSize(2).last().asString().contains("cannot be read");
        assertThat(secret.toString()).isEqualTo("<secret>");
    }
}
