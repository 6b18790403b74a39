package io.github.goptri.payments;

import java.util.List;
import java.util.Map;

import com.fasterxml.jackson.annotation.JsonInclude;
import org.springframework.http.ResponseEntity;
import org.springframework.security.core.annotation.AuthenticationPrincipal;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

import io.github.goptri.spring.Caller;
import io.github.goptri.spring.Goptri;

@RestController
class PaymentsController {
    private static final List<Payment> SAMPLES = List.of(
        new Payment("pay-1001", "12.50", "EUR", "settled"),
        new Payment("pay-1002", "199.00", "EUR", "pending"),
        new Payment("pay-1003", "7.80", "USD", "refunded"));

    private final Goptri goptri;

    PaymentsController(Goptri goptri) {
        this.goptri = goptri;
    }

    record Payment(String id, String amount, String currency, String status) {}

    @JsonInclude(JsonInclude.Include.NON_NULL)
    record Payments(List<Payment> payments, Claims caller) {}

    /** The claims of the caller, as {@code GET /me} of api-server returns them. */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    record Claims(String sub, String email, List<String> roles, String scope, String sid, long exp) {
        static Claims of(Caller caller) {
            return new Claims(caller.subject(), caller.email(), caller.roles(), String.join(" ", caller.scopes()),
                caller.sessionId(), caller.expiresAt().getEpochSecond());
        }
    }

    @GetMapping("/payments")
    Payments payments(@AuthenticationPrincipal Caller caller) {
        return new Payments(SAMPLES, Claims.of(caller));
    }

    @GetMapping("/unguarded")
    Payments unguarded() {
        return new Payments(SAMPLES, null);
    }

    @GetMapping("/readyz")
    ResponseEntity<Map<String, String>> ready() {
        return goptri.isReady() ? ResponseEntity.ok(Map.of("status", "ok"))
            : ResponseEntity.status(503).body(Map.of("status", "unavailable"));
    }
}
