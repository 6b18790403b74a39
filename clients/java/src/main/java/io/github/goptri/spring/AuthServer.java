package io.github.goptri.spring;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509TrustManager;

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
        if (settings.authServerTls() != null) {
            builder.sslContext(settings.authServerTls());
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
     * @throws IllegalArgumentException with a clause that follows the name of the variable
     */
    static SSLContext trusting(String caFile) {
        try (InputStream pem = Files.newInputStream(Path.of(caFile))) {
            Collection<? extends Certificate> added = CertificateFactory.getInstance("X.509").generateCertificates(pem);
            if (added.isEmpty()) {
                throw new GeneralSecurityException("it has no certificates");
            }
            List<Certificate> roots = new ArrayList<>(added);
            roots.addAll(List.of(((X509TrustManager) trust(null).getTrustManagers()[0]).getAcceptedIssuers()));
            KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
            store.load(null, null);
            for (Certificate root : roots) {
                store.setCertificateEntry(String.valueOf(store.size()), root);
            }
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(null, trust(store).getTrustManagers(), null);
            return context;
        } catch (IOException | GeneralSecurityException error) {
            throw new IllegalArgumentException("names a file without certificates in PEM: " + error.getMessage());
        }
    }

    private static TrustManagerFactory trust(KeyStore store) throws GeneralSecurityException {
        TrustManagerFactory factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        factory.init(store);
        return factory;
    }
}
