package io.github.goptri.spring;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509TrustManager;

import org.springframework.boot.ssl.SslBundle;
import org.springframework.boot.ssl.SslStoreBundle;
import org.springframework.boot.ssl.pem.PemSslStoreBundle;
import org.springframework.boot.ssl.pem.PemSslStoreDetails;

/** HTTP to auth-server: without redirects or proxies, because no other server may get a secret or supply keys. */
final class AuthServer implements AutoCloseable {
    private final String url;
    private final HttpClient client;
    private final ScheduledThreadPoolExecutor timer;
    private final Set<InputStream> open = ConcurrentHashMap.newKeySet();

    AuthServer(GoptriSettings settings, ScheduledThreadPoolExecutor timer) {
        this.url = settings.authServerUrl();
        this.timer = timer;
        HttpClient.Builder builder = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(Duration.ofSeconds(5)).followRedirects(HttpClient.Redirect.NEVER)
            .proxy(HttpClient.Builder.NO_PROXY);
        if (settings.caFile() != null) {
            builder.sslContext(trusting(settings.caFile()));
        }
        client = builder.build();
    }

    String urlOf(String path) {
        return url + path;
    }

    HttpRequest.Builder request(String path, Duration timeout) {
        return HttpRequest.newBuilder(URI.create(urlOf(path))).timeout(timeout);
    }

    /** Whether nothing more is to be fetched. */
    boolean isClosed() {
        return timer.isShutdown();
    }

    /** Sends the request. The body must be closed. */
    HttpResponse<InputStream> send(HttpRequest request) throws IOException, InterruptedException {
        return client.send(request, headers -> HttpResponse.BodySubscribers.mapping(
            HttpResponse.BodySubscribers.ofInputStream(), Body::new));
    }

    /** Closes {@code body} after a while, which wakes its reader: Java's own timeout ends with the response headers. */
    Future<?> closeAfter(long millis, InputStream body) {
        return timer.schedule(() -> close(body), millis, TimeUnit.MILLISECONDS);
    }

    /** Stops the timer and wakes the readers of bodies, which ignore interrupts. */
    @Override
    public void close() {
        timer.shutdownNow();
        open.forEach(AuthServer::close);
    }

    private static void close(InputStream body) {
        try {
            body.close();
        } catch (IOException error) {
            // It is closed all the same.
        }
    }

    /** A body that is known until it is closed. */
    private final class Body extends FilterInputStream {
        Body(InputStream body) {
            super(body);
            open.add(this);
        }

        @Override
        public void close() throws IOException {
            open.remove(this);
            super.close();
        }
    }

    /**
     * Trusts the certificates of a PEM file, in addition to Java's.
     *
     * @throws IllegalStateException if the file has no certificates
     */
    static SSLContext trusting(String caFile) {
        try {
            KeyStore store = new PemSslStoreBundle(null, PemSslStoreDetails.forCertificate("file:" + caFile))
                .getTrustStore();
            TrustManagerFactory java = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
            java.init((KeyStore) null);
            for (X509Certificate root : ((X509TrustManager) java.getTrustManagers()[0]).getAcceptedIssuers()) {
                store.setCertificateEntry("java-" + store.size(), root);
            }
            return SslBundle.of(SslStoreBundle.of(null, null, store)).createSslContext();
        } catch (GeneralSecurityException error) {
            throw new IllegalStateException("AUTH_SERVER_CA_FILE cannot be used", error);
        }
    }
}
