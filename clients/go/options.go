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
type Option func(*Guard)

// FromEnvironment reads the environment variables of api-server: ISSUER, AUDIENCE, ACCESS_TOKEN_SECRET, FEED_SECRET,
// AUTH_SERVER_URL, AUTH_SERVER_CA_FILE, CLOCK_LEEWAY, REVOCATION_MAX_STALENESS, ON_STALE, SESSION_COOKIE_NAME,
// SESSION_COOKIE_DOMAIN and CORS_ORIGINS. ACCESS_TOKEN_SECRET_FILE and FEED_SECRET_FILE may name files instead, which
// are read again when they change.
func FromEnvironment() Option {
	return func(g *Guard) {
		for name := range variables {
			value, file := os.Getenv(name), os.Getenv(name+"_FILE")
			if value != "" || file != "" {
				g.values[name], g.values[name+"_FILE"] = value, file
			}
		}
	}
}

// WithIssuer sets the issuer of the tokens, exactly as in their iss (default: http://localhost:4000).
func WithIssuer(url string) Option { return with("ISSUER", url) }

// WithAudience sets the name of this service, exactly as in the aud of the tokens (default: http://localhost:3000).
func WithAudience(name string) Option { return with("AUDIENCE", name) }

// WithSecrets sets the secrets that verify access tokens (ACCESS_TOKEN_SECRET). Without one, the public keys of
// auth-server verify them.
func WithSecrets(secrets ...string) Option {
	return with("ACCESS_TOKEN_SECRET", strings.Join(secrets, ","))
}

// WithFeedSecret sets the secret of the revocation feed (FEED_SECRET). Without it, a sign-out takes effect when the
// access token expires.
func WithFeedSecret(secret string) Option { return with("FEED_SECRET", secret) }

// WithAuthServerURL sets where the feed and the public keys are (default: the issuer).
func WithAuthServerURL(url string) Option { return with("AUTH_SERVER_URL", url) }

// WithClockLeeway sets how far the clocks of issuer and service may differ, at most 5 minutes (default: 30 s).
func WithClockLeeway(leeway time.Duration) Option {
	return with("CLOCK_LEEWAY", inMilliseconds(leeway))
}

// WithMaxStaleness sets the age from which the feed counts as stale, more than 5 s (default: 60 s).
func WithMaxStaleness(age time.Duration) Option {
	return with("REVOCATION_MAX_STALENESS", inMilliseconds(age))
}

// OnStale is what happens while the feed is stale.
type OnStale string

const (
	Allow  OnStale = "allow"  // tokens are accepted until they expire
	Refuse OnStale = "refuse" // every valid token gets 503
)

// WithOnStale sets what happens while the feed is stale (default: [Allow]).
func WithOnStale(reaction OnStale) Option { return with("ON_STALE", string(reaction)) }

// WithSessionCookieName sets the name of the cookie that may carry the token, with or without its prefix (default:
// __Host-session).
func WithSessionCookieName(name string) Option { return with("SESSION_COOKIE_NAME", name) }

// WithSessionCookieDomain sets the domain of that cookie. The prefix of its name is then __Secure-.
func WithSessionCookieDomain(domain string) Option { return with("SESSION_COOKIE_DOMAIN", domain) }

// WithCORSOrigins sets the origins, besides issuer and audience, whose pages may send unsafe requests with the cookie.
func WithCORSOrigins(origins ...string) Option {
	return with("CORS_ORIGINS", strings.Join(origins, ","))
}

// WithRootCAs sets the certificate authorities that are trusted for auth-server, instead of the system's.
func WithRootCAs(roots *x509.CertPool) Option {
	return func(g *Guard) { g.roots, g.values["AUTH_SERVER_CA_FILE"] = roots, "" }
}

// WithLogger sets the logger (default: slog.Default). It gets the reason of each rejection, and never a token or a
// secret.
func WithLogger(log *slog.Logger) Option { return func(g *Guard) { g.log = log } }

// WithClock sets the clock that decides whether a token has expired, for tests.
func WithClock(now func() time.Time) Option { return func(g *Guard) { g.now = now } }

func with(variable, value string) Option {
	return func(g *Guard) { g.values[variable], g.values[variable+"_FILE"] = value, "" }
}

func inMilliseconds(duration time.Duration) string {
	return fmt.Sprintf("%dms", duration.Milliseconds())
}
