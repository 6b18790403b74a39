package io.github.goptri.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

import javax.net.ssl.SSLContext;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SettingsTest {
    private static String errors(String... variables) {
        try {
            Tokens.settings(variables);
            return "";
        } catch (IllegalArgumentException invalid) {
            return invalid.getMessage();
        }
    }

    @Test
    void the_defaults_are_those_of_api_server() {
        Settings settings = Settings.read(Map.of("ACCESS_TOKEN_SECRET", Tokens.SECRET)::get);
        assertThat(settings.issuer()).isEqualTo("http://localhost:4000");
        assertThat(settings.audience()).isEqualTo("http://localhost:3000");
        assertThat(settings.authServerUrl()).isEqualTo("http://localhost:4000");
        assertThat(settings.clockLeeway()).isEqualTo(Duration.ofSeconds(30));
        assertThat(settings.maxStaleness()).isEqualTo(Duration.ofSeconds(60));
        assertThat(settings.refuseWhenStale()).isFalse();
        assertThat(settings.cookieName()).isEqualTo("session");
        assertThat(settings.origins()).containsExactlyInAnyOrder("http://localhost:4000", "http://localhost:3000");
        assertThat(settings.feedSecrets().get()).isEmpty();
        assertThat(settings.toString()).doesNotContain(Tokens.SECRET);
    }

    @Test
    void all_errors_are_reported_together_without_secrets() {
        assertThatThrownBy(() -> Settings.read(Map.of("ISSUER", "http://login.example.com", "CLOCK_LEEWAY", "6m",
            "ACCESS_TOKEN_SECRET", "hunter2", "ON_STALE", "panic")::get))
            .hasMessageContainingAll("\n  ISSUER: it must be an https URL", "\n  CLOCK_LEEWAY: it must be at most 5m",
                "\n  ACCESS_TOKEN_SECRET: a secret has 7 bytes", "\n  ON_STALE: it must match allow|refuse")
            .satisfies(error -> assertThat(error.getMessage().lines()).hasSize(5))
            .satisfies(error -> assertThat(error.getMessage()).doesNotContain("hunter2"));
    }

    @Test
    void each_setting_is_checked() {
        String[][] table = {
            {"ISSUER", "https://auth.example/", "ISSUER: it must be a URL"},
            {"ISSUER", "auth.example", "ISSUER: it must be a URL"},
            {"ISSUER", "https://me:pw@auth.example", "ISSUER: it must be a URL without a user"},
            {"ISSUER", "https://auth.example?x=1", "ISSUER: it must be a URL without a user, a query"},
            {"AUDIENCE", "a b", "AUDIENCE: it must"}, {"CLOCK_LEEWAY", "30", "CLOCK_LEEWAY: it must be a duration"},
            {"REVOCATION_MAX_STALENESS", "5s", "REVOCATION_MAX_STALENESS: it must be longer than 5s"},
            {"AUTH_SERVER_URL", "http://login.example.com", "AUTH_SERVER_URL: it must be an https URL"},
            {"AUTH_SERVER_URL", "http://8.8.8.8", "AUTH_SERVER_URL: it must be an https URL"},
            {"AUTH_SERVER_URL", "http://134744072", "AUTH_SERVER_URL: it must be a"},
            {"AUTH_SERVER_URL", "http://10.example.com", "AUTH_SERVER_URL: it must be an https URL"},
            {"AUTH_SERVER_URL", "http://172.32.0.1", "AUTH_SERVER_URL: it must be an https URL"},
            {"AUTH_SERVER_URL", "ftp://auth-server", "AUTH_SERVER_URL: it must be an https URL"},
            {"ACCESS_TOKEN_SECRET", Tokens.SECRET + ",", "ACCESS_TOKEN_SECRET: a secret has 0 bytes"},
            {"ACCESS_TOKEN_SECRET", "correct horse battery staple correct", "ACCESS_TOKEN_SECRET: a secret has white"},
            {"FEED_SECRET", "feed-5f2a9c4be1d078365f2a9c4be1d0783\u2014", "FEED_SECRET: a secret has white space or"},
            {"FEED_SECRET_FILE", "/nowhere/at/all", "FEED_SECRET: the file /nowhere/at/all cannot be read"},
            {"ACCESS_TOKEN_SECRET_FILE", "/nowhere", "ACCESS_TOKEN_SECRET: it is set beside ACCESS_TOKEN_SECRET_FILE"},
            {"AUTH_SERVER_CA_FILE", "/nowhere", "AUTH_SERVER_CA_FILE: the file /nowhere has no certificates"},
            {"AUTH_SERVER_CA_FILE", "pom.xml", "AUTH_SERVER_CA_FILE: the file pom.xml has no certificates"},
            {"SESSION_COOKIE_NAME", "a b", "SESSION_COOKIE_NAME: it must"},
            {"CORS_ORIGINS", "https://a.example/", "CORS_ORIGINS: it must be a URL without"},
            {"CORS_ORIGINS", "https://a.example/b", "CORS_ORIGINS: an origin has no path"},
            {"CORS_ORIGINS", "http://a.example", "CORS_ORIGINS: it must be an https URL"},
            {"CORS_ORIGINS", "null", "CORS_ORIGINS: it must be a URL"},
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
    void the_prefix_of_the_cookie_follows_from_the_issuer_and_the_domain() {
        assertThat(Tokens.settings().cookieName()).isEqualTo("__Host-session");
        assertThat(Tokens.settings("ISSUER", "https://login.example.com", "SESSION_COOKIE_DOMAIN", "example.com",
            "SESSION_COOKIE_NAME", "app").cookieName()).isEqualTo("__Secure-app");
        assertThat(Tokens.settings("ISSUER", "http://localhost:4000").cookieName()).isEqualTo("session");
    }

    @Test
    void a_secret_file_is_read_again_when_it_changes(@TempDir Path folder) throws IOException {
        Path file = Files.writeString(folder.resolve("secret"), Tokens.SECRET + "\r\n");
        Supplier<List<String>> secrets = Tokens.settings("FEED_SECRET_FILE", file.toString()).feedSecrets();
        assertThat(secrets.get()).containsExactly(Tokens.SECRET);
        Files.writeString(file, Tokens.OTHER_SECRET + "," + Tokens.SECRET + "\n");
        assertThat(secrets.get()).containsExactly(Tokens.OTHER_SECRET, Tokens.SECRET);
        for (String unusable : List.of("hunter2", "")) {
            Files.writeString(file, unusable);
            assertThatThrownBy(secrets::get).isInstanceOf(IllegalArgumentException.class)
                .hasMessageNotContaining("hunter2");
        }
        Files.delete(file);
        assertThatThrownBy(secrets::get).hasMessageContaining("cannot be read");
    }

    @Test
    void a_file_of_certificates_is_trusted(@TempDir Path folder) throws Exception {
        Path file = Files.writeString(folder.resolve("ca.pem"), """
            -----BEGIN CERTIFICATE-----
            MIIBdTCCARugAwIBAgIUfKKvfN+T5hJbXcvFOrbvkwhwLdUwCgYIKoZIzj0EAwIw
            DzENMAsGA1UEAwwEdGVzdDAgFw0yNjEyMDEwMDM3NDZaGA8yMTI2MTEwNzAwMzc0
            NlowDzENMAsGA1UEAwwEdGVzdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABEZj
            4uLqTZgwx2DW8IkyPoaSAhnhEa7wjO+L/R/ajHV7DzF/LJFXuAj5MVnuf158wCId
            8KRuu/6DCRUyVg7HItujUzBRMB0GA1UdDgQWBBSPLOEz+WVzUSHKxpeAkz5BDGEg
            dTAfBgNVHSMEGDAWgBSPLOEz+WVzUSHKxpeAkz5BDGEgdTAPBgNVHRMBAf8EBTAD
            AQH/MAoGCCqGSM49BAMCA0gAMEUCIBOGr/+101NiLjwJ/pUuPI1T94xZJaJPHOh5
            bnB+/G6VAiEAjl4/H+v+lFh6CkqigQvE4dLiQMV31kfWOdssiC1+AI0=
            -----END CERTIFICATE-----
            """);
        assertThat(Tokens.settings("AUTH_SERVER_CA_FILE", file.toString()).authServerTls())
            .isNotSameAs(SSLContext.getDefault());
        assertThat(Tokens.settings().authServerTls()).isSameAs(SSLContext.getDefault());
    }
}
