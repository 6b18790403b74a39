package goptri

import (
	"crypto/x509"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"
)

// Option configures a [Guard]. A later option replaces an earlier one of the same meaning.
type Option func(*settings)

// FromEnvironment reads the environment variables of api-server: ISSUER, AUDIENCE, ACCESS_TOKEN_SECRET, FEED_SECRET,
// AUTH_SERVER_URL, AUTH_SERVER_CA_FILE, CLOCK_LEEWAY, REVOCATION_MAX_STALENESS, ON_STALE, SESSION_COOKIE_NAME,
// SESSION_COOKIE_DOMAIN and CORS_ORIGINS. ACCESS_TOKEN_SECRET_FILE and FEED_SECRET_FILE may name files instead, which
// are read again when they change.
func FromEnvironment() Option {
	return func(s *settings) {
		for _, name := range variables {
			if value := os.Getenv(name); value != "" {
				s.values[name] = value
			}
		}
	}
}

// WithIssuer sets the issuer of the tokens, exactly as in their iss (default: http://localhost:4000).
func WithIssuer(url string) Option { return set("ISSUER", url) }

// WithAudience sets the name of this service, exactly as in the aud of the tokens (default: http://localhost:3000).
func WithAudience(name string) Option { return set("AUDIENCE", name) }

// WithSecrets sets the secrets that verify access tokens (ACCESS_TOKEN_SECRET). Without one, the public keys of
// auth-server verify them.
func WithSecrets(secrets ...string) Option {
	return set("ACCESS_TOKEN_SECRET", strings.Join(secrets, ","))
}

// WithFeedSecret sets the secret of the revocation feed (FEED_SECRET). Without it, a sign-out takes effect when the
// access token expires.
func WithFeedSecret(secret string) Option { return set("FEED_SECRET", secret) }

// WithAuthServerURL sets where the feed and the public keys are (default: the issuer).
func WithAuthServerURL(url string) Option { return set("AUTH_SERVER_URL", url) }

// WithClockLeeway sets how far the clocks of issuer and service may differ, at most 5 minutes (default: 30 s).
func WithClockLeeway(leeway time.Duration) Option {
	return set("CLOCK_LEEWAY", millisecondsText(leeway))
}

// WithMaxStaleness sets the age from which the feed counts as stale, more than 5 s (default: 60 s).
func WithMaxStaleness(age time.Duration) Option {
	return set("REVOCATION_MAX_STALENESS", millisecondsText(age))
}

// OnStale is what happens while the feed is stale.
type OnStale string

const (
	Allow  OnStale = "allow"  // tokens are accepted until they expire
	Refuse OnStale = "refuse" // every valid token gets 503
)

// WithOnStale sets what happens while the feed is stale (default: [Allow]).
func WithOnStale(reaction OnStale) Option { return set("ON_STALE", string(reaction)) }

// WithSessionCookieName sets the name of the cookie that may carry the token, with or without its prefix (default:
// __Host-session).
func WithSessionCookieName(name string) Option { return set("SESSION_COOKIE_NAME", name) }

// WithSessionCookieDomain sets the domain of that cookie. The prefix of its name is then __Secure-.
func WithSessionCookieDomain(domain string) Option { return set("SESSION_COOKIE_DOMAIN", domain) }

// WithCORSOrigins sets the origins, besides issuer and audience, whose pages may send unsafe requests with the cookie.
func WithCORSOrigins(origins ...string) Option {
	return set("CORS_ORIGINS", strings.Join(origins, ","))
}

// WithRootCAs sets the certificate authorities that are trusted for auth-server, instead of the system's.
func WithRootCAs(roots *x509.CertPool) Option {
	return func(s *settings) {
		s.roots = roots
		delete(s.values, "AUTH_SERVER_CA_FILE")
	}
}

// WithLogger sets the logger (default: slog.Default). It gets the reason of each rejection, and never a token or a
// secret.
func WithLogger(log *slog.Logger) Option { return func(s *settings) { s.log = log } }

// WithClock sets the clock that decides whether a token has expired, for tests.
func WithClock(now func() time.Time) Option { return func(s *settings) { s.now = now } }

func set(name, value string) Option {
	return func(s *settings) {
		s.values[name] = value
		delete(s.values, name+"_FILE")
	}
}

func millisecondsText(duration time.Duration) string {
	return fmt.Sprintf("%dms", duration.Milliseconds())
}
