package io.github.goptri.spring;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodySubscribers;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.Future;
import java.util.function.Consumer;

import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509TrustManager;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.ssl.SslBundle;
import org.springframework.boot.ssl.SslStoreBundle;
import org.springframework.boot.ssl.pem.PemSslStoreBundle;
import org.springframework.boot.ssl.pem.PemSslStoreDetails;
import org.springframework.core.NestedExceptionUtils;

/** HTTP to auth-server: without redirects or proxies, because no other server may get a secret or supply keys. */
final class AuthServer {
    private static final Logger LOG = LoggerFactory.getLogger(AuthServer.class);

    private final URI url;
    private final Executor executor;
    private final HttpClient client;
    private final Map<String, String> problems = new HashMap<>();

    /** {@code executor} runs every callback. */
    AuthServer(GoptriSettings settings, Executor executor) {
        url = URI.create(settings.authServerUrl());
        this.executor = executor;
        HttpClient.Builder builder = HttpClient.newBuilder().executor(executor).version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(Duration.ofSeconds(5)).followRedirects(HttpClient.Redirect.NEVER)
            .proxy(HttpClient.Builder.NO_PROXY);
        if (settings.caFile() != null) {
            builder.sslContext(trusting(settings.caFile()));
        }
        client = builder.build();
    }

    /**
     * Passes each part of the body of a response 200 to {@code onChunk}, and why there are no more to {@code onEnd}:
     * null at the end of the body. Cancel it to end it early, without {@code onEnd}.
     */
    Future<?> get(String path, Consumer<byte[]> onChunk, Consumer<String> onEnd, String... headers) {
        HttpRequest request = HttpRequest.newBuilder(URI.create(url + path)).timeout(Duration.ofSeconds(15))
            .headers(headers).build();
        CompletableFuture<HttpResponse<Void>> exchange = client.sendAsync(request, response ->
            response.statusCode() == 200 ? BodySubscribers.ofByteArrayConsumer(chunk -> chunk.ifPresent(onChunk))
                : BodySubscribers.discarding());
        exchange.whenCompleteAsync((response, error) -> {
            if (!exchange.isCancelled()) {
                onEnd.accept(error == null ? problem(response.statusCode())
                    : NestedExceptionUtils.getMostSpecificCause(error).toString());
            }
        }, executor);
        return exchange;
    }

    private static String problem(int status) {
        return status == 200 ? null : "it answers " + status + (status == 401 ? "; is FEED_SECRET right?" : "");
    }

    /** Logs a problem once in a row. Null means that it is over. */
    void report(String what, String why) {
        if (!Objects.equals(why, problems.put(what, why)) && why != null) {
            LOG.warn("{} {}: {}", url, what, why);
        }
    }

    /** Trusts the certificates of a PEM file, in addition to Java's. */
    private static SSLContext trusting(String caFile) {
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
