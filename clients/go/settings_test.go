package goptri

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

const otherSecret = "access-0a1b2c3d4e5f60718293a4b5c6d7e8f9"

func environment(t *testing.T, pairs ...string) (*settings, error) {
	t.Helper()
	for _, name := range variables {
		t.Setenv(name, "")
	}
	for i := 0; i < len(pairs); i += 2 {
		t.Setenv(pairs[i], pairs[i+1])
	}
	return parseSettings([]Option{FromEnvironment()})
}

func TestTheDefaultsAreThoseOfApiServer(t *testing.T) {
	s, err := environment(t, "ACCESS_TOKEN_SECRET", secret+","+otherSecret)
	if err != nil {
		t.Fatal(err)
	}
	if s.issuer != "http://localhost:4000" || s.audience != "http://localhost:3000" || s.authServerURL != s.issuer ||
		s.leeway != 30*time.Second || s.maxStaleness != time.Minute || s.refuseStale || s.cookieName != "session" ||
		len(s.secrets.access) != 2 || s.secrets.feed != nil {
		t.Errorf("%+v", s)
	}
	if _, err := environment(t, "AUTH_SERVER_URL", "http://localhost:4000"); err != nil {
		t.Error("public keys need no secret", err)
	}
}

func TestEachInvalidVariableIsNamedAndNoSecretIsQuoted(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	os.WriteFile(file, []byte("short-secret\n"), 0o600)
	for _, c := range [][2]string{
		{"ISSUER", "http://auth.example"}, {"ISSUER", "https://auth.example/"}, {"ISSUER", "auth.example"},
		{"ISSUER", "https://auth.example?x"}, {"ISSUER", "https://me:hunter2@auth.example"},
		{"ISSUER", "ftp://auth.example"},
		{"AUDIENCE", "http://localhost:4000"}, {"AUDIENCE", "a b"},
		{"AUTH_SERVER_URL", "http://auth.example"}, {"AUTH_SERVER_URL", "http://8.8.8.8"},
		{"AUTH_SERVER_URL", "http://172.32.0.1"}, {"AUTH_SERVER_URL", "http://auth-server:4000/"},
		{"AUTH_SERVER_CA_FILE", "/nowhere/at/all"}, {"AUTH_SERVER_CA_FILE", "go.mod"},
		{"CLOCK_LEEWAY", "30"}, {"CLOCK_LEEWAY", "301s"}, {"CLOCK_LEEWAY", "1m30s"}, {"CLOCK_LEEWAY", "-1s"},
		{"CLOCK_LEEWAY", "999999999999d"}, {"CLOCK_LEEWAY", "1.5s"}, {"REVOCATION_MAX_STALENESS", "5s"},
		{"REVOCATION_MAX_STALENESS", "soon"}, {"ON_STALE", "panic"},
		{"ACCESS_TOKEN_SECRET", "short-secret"}, {"ACCESS_TOKEN_SECRET", secret + "," + secret},
		{"ACCESS_TOKEN_SECRET", strings.Repeat("ab", 20)}, {"ACCESS_TOKEN_SECRET", secret + " "},
		{"ACCESS_TOKEN_SECRET", secret + ","}, {"ACCESS_TOKEN_SECRET_FILE", file}, {"FEED_SECRET", secret},
		{"FEED_SECRET", "short-secret"}, {"FEED_SECRET_FILE", "/nowhere/at/all"}, {"FEED_SECRET_FILE", file},
		{"SESSION_COOKIE_NAME", "refresh"}, {"SESSION_COOKIE_NAME", "a b"}, {"SESSION_COOKIE_NAME", "__x"},
		{"SESSION_COOKIE_DOMAIN", "example.com"}, {"CORS_ORIGINS", "*"}, {"CORS_ORIGINS", "null"},
		{"CORS_ORIGINS", "https://a.example/"}, {"CORS_ORIGINS", "https://a.example,,https://b.example"},
		{"CORS_ORIGINS", "http://a.example"}, {"CORS_ORIGINS", "https://*.example"},
		{"CORS_ORIGINS", "https://a.example:443"}, {"CORS_ORIGINS", "https://me:hunter2@a.example"},
	} {
		_, err := environment(t, "ACCESS_TOKEN_SECRET", secret, c[0], c[1])
		if !errors.Is(err, ErrConfiguration) || !strings.Contains(err.Error(), strings.TrimSuffix(c[0], "_FILE")) {
			t.Errorf("%s=%s: %v", c[0], c[1], err)
			continue
		}
		for _, private := range []string{"short-secret", "hunter2", secret, "abab"} {
			if strings.Contains(err.Error(), private) {
				t.Errorf("quotes a secret: %v", err)
			}
		}
	}
	os.WriteFile(file, []byte(otherSecret), 0o600)
	_, err := environment(t, "ACCESS_TOKEN_SECRET", secret, "ACCESS_TOKEN_SECRET_FILE", file)
	if err == nil || !strings.Contains(err.Error(), "both set") {
		t.Error(err)
	}
	_, err = environment(t, "ON_STALE", "x", "CLOCK_LEEWAY", "x")
	for _, name := range []string{"ON_STALE", "CLOCK_LEEWAY", "ACCESS_TOKEN_SECRET"} {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("%s is missing: %v", name, err)
		}
	}
}

func TestShortKnownTypedAndRepetitiveSecretsAreRejected(t *testing.T) {
	const good = "5f2a9c4be1d078365f2a9c4be1d07836"
	for _, c := range []struct{ secret, problem string }{
		{"secret", "is a well-known default"}, {"ASDF", "is a well-known default"},
		{strings.Repeat("changeme", 5), "is a well-known default"},
		{"your-256-bit-secret", "is a well-known default"},
		{"a-string-secret-at-least-256-bits-long", "is a well-known default"},
		{"A-String-Secret-At-Least-256-Bits-Long-2026", "is a well-known default"},
		{good[:16], "is 16 bytes long"}, {good[:31], "is 31 bytes long"}, {"€uro", "is 6 bytes long"},
		{"correct horse battery staple correct horse", "contains white space"}, {good + "\n", "contains white space"},
		{good + "\xff", "contains white space or control characters, or is not UTF-8"},
		{strings.Repeat("ab", 20), "repeats a few characters"},
		{good, ""}, {"secret-" + good, ""}, {good + "-pässword", ""},
	} {
		for _, name := range []string{"ACCESS_TOKEN_SECRET", "FEED_SECRET"} {
			_, err := environment(t, "ACCESS_TOKEN_SECRET", secret, name, c.secret)
			switch {
			case c.problem == "" && err != nil:
				t.Errorf("%s=%q: %v", name, c.secret, err)
			case c.problem != "" && (err == nil || !strings.Contains(err.Error(), name+" "+c.problem)):
				t.Errorf("%s=%q: %v, expected %q", name, c.secret, err, c.problem)
			}
		}
	}
}

func TestGoodValuesAreAccepted(t *testing.T) {
	authority := httptest.NewTLSServer(nil)
	defer authority.Close()
	file := filepath.Join(t.TempDir(), "ca.pem")
	block := pem.Block{Type: "CERTIFICATE", Bytes: authority.Certificate().Raw}
	os.WriteFile(file, pem.EncodeToMemory(&block), 0o600)
	for _, c := range [][2]string{
		{"AUTH_SERVER_URL", "http://auth-server:4000"}, {"AUTH_SERVER_URL", "http://10.1.2.3"},
		{"AUTH_SERVER_URL", "http://[fd00::1]:4000"}, {"AUTH_SERVER_URL", "http://auth.goptri.svc.cluster.local"},
		{"AUTH_SERVER_URL", "https://auth.example/auth"}, {"AUTH_SERVER_CA_FILE", file}, {"CLOCK_LEEWAY", "0"},
		{"CLOCK_LEEWAY", "5m"}, {"CLOCK_LEEWAY", "500ms"}, {"REVOCATION_MAX_STALENESS", "7d"}, {"ON_STALE", "refuse"},
		{"CORS_ORIGINS", " https://a.example, http://localhost:5173 "}, {"CORS_ORIGINS", " "}, {"AUDIENCE", "stock"},
	} {
		if _, err := environment(t, "ACCESS_TOKEN_SECRET", secret, c[0], c[1]); err != nil {
			t.Errorf("%s=%s: %v", c[0], c[1], err)
		}
	}
}

func TestTheCertificateOfAuthServerIsVerified(t *testing.T) {
	plain := newFakeServer(t, caughtUp)
	server := httptest.NewUnstartedServer(plain.Config.Handler)
	server.Config.ErrorLog = slog.NewLogLogger(quiet().Handler(), slog.LevelError)
	server.StartTLS()
	defer server.Close()
	defer server.CloseClientConnections()
	file := filepath.Join(t.TempDir(), "ca.pem")
	block := pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}
	os.WriteFile(file, pem.EncodeToMemory(&block), 0o600)
	pool := x509.NewCertPool()
	pool.AddCert(server.Certificate())

	var log logBuffer
	started(t, server.URL, WithLogger(log.logger()))
	eventually(t, "an unknown authority", func() bool { return strings.Contains(log.String(), "unknown authority") })
	if plain.connections.Load() != 0 {
		t.Error("the secret was sent to an unknown server")
	}
	for _, trusted := range []Option{WithRootCAs(pool), set("AUTH_SERVER_CA_FILE", file)} {
		guard := started(t, server.URL, trusted)
		eventually(t, "ready", func() bool { return guard.Ready() == nil })
		plain.mu.Lock()
		plain.scripts = []string{caughtUp}
		plain.mu.Unlock()
	}
}

func TestThePrefixOfTheCookieFollowsFromIssuerAndDomain(t *testing.T) {
	for _, c := range []struct{ issuer, domain, name, expected string }{
		{"https://login.example.com", "", "", "__Host-session"},
		{"https://login.example.com", "", "app", "__Host-app"},
		{"https://login.example.com", "", "__Host-app", "__Host-app"},
		{"https://login.example.com", "", "__Secure-app", ""},
		{"https://login.example.com", "example.com", "", "__Secure-session"},
		{"https://login.example.com", "example.com", "__Host-app", ""},
		{"https://login.example.com", "ample.com", "", ""},
		{"https://login.example.com", "com", "", ""},
		{"https://login.example.com", ".example.com", "", ""},
		{"https://login.example.com", "www.login.example.com", "", ""},
		{"http://localhost:4000", "", "", "session"},
		{"http://localhost:4000", "", "__Host-app", "app"},
		{"http://localhost:4000", "localhost", "", ""},
	} {
		s, err := environment(t, "ACCESS_TOKEN_SECRET", secret, "ISSUER", c.issuer, "SESSION_COOKIE_DOMAIN", c.domain,
			"SESSION_COOKIE_NAME", c.name)
		if (err != nil) != (c.expected == "") || err == nil && s.cookieName != c.expected {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

func TestAnOptionReplacesTheEnvironment(t *testing.T) {
	t.Setenv("ACCESS_TOKEN_SECRET_FILE", "/nowhere/at/all")
	t.Setenv("CLOCK_LEEWAY", "nonsense")
	s, err := parseSettings([]Option{WithAudience("stock"), FromEnvironment(), WithSecrets(secret),
		WithClockLeeway(90 * time.Second)})
	if err != nil || s.leeway != 90*time.Second || s.audience != "stock" || s.secrets.access[0] != secret {
		t.Error(err)
	}
}

func TestTheLaterOfRootCAsAndTheirVariableIsUsed(t *testing.T) {
	authority := httptest.NewTLSServer(nil)
	defer authority.Close()
	file := filepath.Join(t.TempDir(), "ca.pem")
	block := pem.Block{Type: "CERTIFICATE", Bytes: authority.Certificate().Raw}
	os.WriteFile(file, pem.EncodeToMemory(&block), 0o600)
	t.Setenv("AUTH_SERVER_CA_FILE", file)
	pool := x509.NewCertPool()
	for _, c := range []struct {
		options []Option
		isPool  bool
	}{
		{[]Option{FromEnvironment(), WithRootCAs(pool)}, true},
		{[]Option{WithRootCAs(pool), FromEnvironment()}, false},
	} {
		s, err := parseSettings(append(c.options, WithSecrets(secret)))
		if err != nil || (s.roots == pool) != c.isPool {
			t.Errorf("pool: %v, error: %v", !c.isPool, err)
		}
	}
}

// logBuffer is a log that a test can read while it is written.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logBuffer) Write(line []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(line)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func (b *logBuffer) logger() *slog.Logger { return slog.New(slog.NewTextHandler(b, nil)) }

func TestAFileOfSecretsIsReadAgainWhenItChanges(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	write := func(text string) {
		// As Kubernetes does it: a new file under the old name.
		os.WriteFile(file+".new", []byte(text), 0o600)
		os.Rename(file+".new", file)
	}
	write(otherSecret + "\r\n")
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	for _, name := range variables {
		t.Setenv(name, "")
	}
	t.Setenv("ACCESS_TOKEN_SECRET_FILE", file)
	var log logBuffer
	guard, err := New(t.Context(), FromEnvironment(), WithIssuer(issuer), WithAudience(audience), WithClock(at(now)),
		WithAuthServerURL(server.URL), WithLogger(log.logger()))
	if err != nil {
		t.Fatal(err)
	}
	accepts := func() bool { _, err := guard.Verify(userToken()); return err == nil }
	if accepts() {
		t.Fatal("the token has another secret")
	}
	write(secret + "," + otherSecret + "\n")
	eventually(t, "the new secret verifies", accepts)
	write("too-short-to-be-used\n")
	eventually(t, "the error is logged", func() bool { return strings.Contains(log.String(), "needs at least 32") })
	if !accepts() {
		t.Error("the previous secret stays in use")
	}
	write(otherSecret)
	eventually(t, "the old secret is gone", func() bool { return !accepts() })
	for _, private := range []string{secret, otherSecret, "too-short-to-be-used"} {
		if strings.Contains(log.String(), private) {
			t.Error("a secret is in the log")
		}
	}
}

func TestNoVerbPrintsASecret(t *testing.T) {
	guard := localGuard(t, WithFeedSecret(feedKey))
	claims, _ := guard.Verify(userToken())
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d", "%x"} {
		for _, value := range []any{guard, struct{ G *Guard }{guard}, claims} {
			text := fmt.Sprintf(verb, value)
			if strings.Contains(text, secret) || strings.Contains(text, feedKey) ||
				strings.Contains(text, fmt.Sprintf("%x", secret)) {
				t.Errorf("%s: %s", verb, text)
			}
		}
	}
}
