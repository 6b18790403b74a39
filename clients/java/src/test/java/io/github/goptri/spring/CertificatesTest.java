package io.github.goptri.spring;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.time.Clock;
import java.util.Base64;
import java.util.concurrent.TimeUnit;

import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;

import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class CertificatesTest {
    private static final char[] PASSWORD = "changeit".toCharArray();

    @Test
    void the_certificates_of_a_file_are_trusted(@TempDir Path folder) throws Exception {
        KeyStore keys = generate(folder.resolve("keys"));
        String pem = "-----BEGIN CERTIFICATE-----\n" + Base64.getMimeEncoder().encodeToString(
            keys.getCertificate("it").getEncoded()) + "\n-----END CERTIFICATE-----\n";
        Path file = Files.writeString(folder.resolve("ca.pem"), pem);
        HttpsServer server = serve(keys);
        String url = "https://127.0.0.1:" + server.getAddress().getPort();
        try (Goptri trusting = goptri("AUTH_SERVER_URL", url, "AUTH_SERVER_CA_FILE", file.toString());
             Goptri other = goptri("AUTH_SERVER_URL", url)) {
            while (!trusting.isReady()) {
                Thread.sleep(2); // the time-out of the class ends it
            }
            assertThat(other.isReady()).isFalse();
        } finally {
            server.stop(0);
        }
    }

    private static Goptri goptri(String... variables) {
        return new Goptri(() -> Tokens.settings(variables), Clock.systemUTC(),
            () -> System.nanoTime() / 1_000_000);
    }

    private static KeyStore generate(Path file) throws Exception {
        Process keytool = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
            "-genkeypair", "-alias", "it", "-keyalg", "EC", "-dname", "CN=test", "-ext", "san=ip:127.0.0.1",
            "-storetype", "PKCS12", "-storepass", "changeit", "-keystore", file.toString()).start();
        assertThat(keytool.waitFor(30, TimeUnit.SECONDS)).isTrue();
        return KeyStore.getInstance(file.toFile(), PASSWORD);
    }

    private static HttpsServer serve(KeyStore keys) throws Exception {
        KeyManagerFactory managers = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        managers.init(keys, PASSWORD);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(managers.getKeyManagers(), null, null);
        HttpsServer server = HttpsServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setHttpsConfigurator(new HttpsConfigurator(context));
        server.createContext("/.well-known/jwks.json", exchange -> {
            byte[] body = "{\"keys\":[]}".getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(200, body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        server.start();
        return server;
    }
}
