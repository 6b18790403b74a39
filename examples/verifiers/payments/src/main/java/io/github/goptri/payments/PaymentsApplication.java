package io.github.goptri.payments;

import java.util.Map;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.web.context.WebServerInitializedEvent;
import org.springframework.context.annotation.Bean;
import org.springframework.context.event.EventListener;
import org.springframework.core.annotation.Order;
import org.springframework.core.env.Environment;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.web.SecurityFilterChain;

import io.github.goptri.spring.GoptriSecurity;

/** A service whose routes need an access token of Goptri, except two that are open. */
@SpringBootApplication
public class PaymentsApplication {
    private static final Logger LOG = LoggerFactory.getLogger(PaymentsApplication.class);
    private static final String DEFAULT_ADDRESS = "127.0.0.1:5012";

    public static void main(String[] arguments) {
        String address = System.getenv().getOrDefault("ADDR", DEFAULT_ADDRESS);
        int colon = address.lastIndexOf(':');
        if (colon < 1) {
            throw new IllegalArgumentException("ADDR is an IP address and a port, such as " + DEFAULT_ADDRESS);
        }
        SpringApplication application = new SpringApplication(PaymentsApplication.class);
        String host = address.substring(0, colon).replaceAll("[\\[\\]]", "");
        application.setDefaultProperties(Map.of("server.address", host, "server.port", address.substring(colon + 1)));
        application.run(arguments);
    }

    @Bean
    @Order(1)
    SecurityFilterChain open(HttpSecurity http) throws Exception {
        return http.securityMatcher("/unguarded", "/readyz")
            .authorizeHttpRequests(requests -> requests.anyRequest().permitAll()).build();
    }

    @Bean
    @Order(2)
    SecurityFilterChain guarded(HttpSecurity http, GoptriSecurity goptri) throws Exception {
        return goptri.protect(http).authorizeHttpRequests(requests -> requests.anyRequest().authenticated()).build();
    }

    @EventListener
    void listening(WebServerInitializedEvent event) {
        Environment environment = event.getApplicationContext().getEnvironment();
        LOG.info("listening on {}:{}", environment.getProperty("server.address"), event.getWebServer().getPort());
    }
}
