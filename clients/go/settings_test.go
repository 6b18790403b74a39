package goptri

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
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

func environment(t *testing.T, pairs ...string) (*Guard, error) {
	t.Helper()
	for name := range variables {
		t.Setenv(name, "")
	}
	for i := 0; i < len(pairs); i += 2 {
		t.Setenv(pairs[i], pairs[i+1])
	}
	return newGuard([]Option{FromEnvironment()})
}

func TestTheDefaultsAreThoseOfApiServer(t *testing.T) {
	s, err := environment(t, "ACCESS_TOKEN_SECRET", secret+","+otherSecret)
	if err != nil {
		t.Fatal(err)
	}
	if s.values["ISSUER"] != "http://localhost:4000" || s.values["AUDIENCE"] != "http://localhost:3000" ||
		s.authServerURL != "http://localhost:4000" || s.leeway != 30*time.Second || s.cookieName != "session" ||
		s.revocations.maxAge != time.Minute || s.revocations.refuse || len(*s.secretKeys.Load()) != 2 ||
		s.feedSecret.Load() != nil {
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
		{"ISSUER", "ftp://auth.example"}, {"ISSUER", "http://auth-server:4000"}, {"ISSUER", "http://10.1.2.3"},
		{"ISSUER", "http://auth.internal"}, {"ISSUER", "http://localhost.example"}, {"ISSUER", "http://127.0.0.2"},
		{"AUDIENCE", "http://localhost:4000"}, {"AUDIENCE", "a b"},
		{"AUTH_SERVER_URL", "http://auth.example"}, {"AUTH_SERVER_URL", "http://8.8.8.8"},
		{"AUTH_SERVER_URL", "http://172.32.0.1"}, {"AUTH_SERVER_URL", "http://auth-server:4000/"},
		{"AUTH_SERVER_CA_FILE", "/nowhere/at/all"}, {"AUTH_SERVER_CA_FILE", "go.mod"},
		{"CLOCK_LEEWAY", "30"}, {"CLOCK_LEEWAY", "301s"}, {"CLOCK_LEEWAY", "1m30s"}, {"CLOCK_LEEWAY", "-1s"},
		{"CLOCK_LEEWAY", "999999999999d"}, {"CLOCK_LEEWAY", "1.5s"}, {"REVOCATION_MAX_STALENESS", "5s"},
		{"REVOCATION_MAX_STALENESS", "soon"}, {"REVOCATION_MAX_STALENESS", "500000d"},
		{"ON_STALE", "panic"},
		{"ACCESS_TOKEN_SECRET", "short-secret"}, {"ACCESS_TOKEN_SECRET", secret[:31]},
		{"ACCESS_TOKEN_SECRET", secret + " "}, {"ACCESS_TOKEN_SECRET", secret + "\n"},
		{"ACCESS_TOKEN_SECRET", secret + ","}, {"ACCESS_TOKEN_SECRET_FILE", file},
		{"FEED_SECRET", secret}, {"FEED_SECRET", feedKey + "," + secret}, {"FEED_SECRET", "short-secret"},
		{"FEED_SECRET_FILE", "/nowhere/at/all"}, {"FEED_SECRET_FILE", file},
		{"SESSION_COOKIE_NAME", "a b"}, {"SESSION_COOKIE_DOMAIN", "com"}, {"CORS_ORIGINS", "*"}, {"CORS_ORIGINS", "null"},
		{"CORS_ORIGINS", "https://a.example/"}, {"CORS_ORIGINS", "https://a.example,,https://b.example"},
		{"CORS_ORIGINS", "http://a.example"}, {"CORS_ORIGINS", "http://app.local"},
		{"CORS_ORIGINS", "https://*.example"},
		{"CORS_ORIGINS", "https://me:hunter2@a.example"},
	} {
		_, err := environment(t, "ACCESS_TOKEN_SECRET", secret, c[0], c[1])
		if err == nil || !strings.Contains(err.Error(), strings.TrimSuffix(c[0], "_FILE")) {
			t.Errorf("%s=%s: %v", c[0], c[1], err)
			continue
		}
		for _, private := range []string{"short-secret", "hunter2", secret[:31], feedKey} {
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

func TestGoodValuesAreAccepted(t *testing.T) {
	authority := httptest.NewTLSServer(nil)
	defer authority.Close()
	file := filepath.Join(t.TempDir(), "ca.pem")
	block := pem.Block{Type: "CERTIFICATE", Bytes: authority.Certificate().Raw}
	os.WriteFile(file, pem.EncodeToMemory(&block), 0o600)
	for _, c := range [][2]string{
		{"ISSUER", "http://localhost"}, {"ISSUER", "http://127.0.0.1:4001"}, {"ISSUER", "http://[::1]:4000/auth"},
		{"ISSUER", "https://auth.example/auth"},
		{"AUTH_SERVER_URL", "http://auth-server:4000"}, {"AUTH_SERVER_URL", "http://10.1.2.3"},
		{"AUTH_SERVER_URL", "http://[fd00::1]:4000"}, {"AUTH_SERVER_URL", "http://auth.goptri.svc.cluster.local"},
		{"AUTH_SERVER_URL", "https://auth.example/auth"}, {"AUTH_SERVER_CA_FILE", file}, {"CLOCK_LEEWAY", "0"},
		{"CLOCK_LEEWAY", "5m"}, {"CLOCK_LEEWAY", "500ms"}, {"REVOCATION_MAX_STALENESS", "99999d"},
		{"REVOCATION_MAX_STALENESS", "7d"}, {"ON_STALE", "refuse"},
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
	var log logBuffer
	started(t, server.URL, WithLogger(log.logger()))
	eventually(t, "an unknown authority", func() bool { return strings.Contains(log.String(), "unknown authority") })
	if plain.connections.Load() != 0 {
		t.Error("the secret was sent to an unknown server")
	}
	pool := x509.NewCertPool()
	pool.AddCert(server.Certificate())
	for _, trusted := range []Option{WithRootCAs(pool), with("AUTH_SERVER_CA_FILE", file)} {
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
		{"https://login.example.com", "example.com", "", "__Secure-session"},
		{"https://login.example.com", "example.com", "__Host-app", "__Secure-app"},
		{"https://login.example.com", "com", "", ""},
		{"https://login.example.com", ".example.com", "", ""},
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

func TestTheLaterOfAnOptionAndTheEnvironmentIsUsed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	os.WriteFile(file, []byte(otherSecret), 0o600)
	t.Setenv("ACCESS_TOKEN_SECRET_FILE", file)
	t.Setenv("CLOCK_LEEWAY", "nonsense")
	options := []Option{WithAudience("stock"), FromEnvironment(), WithClockLeeway(90 * time.Second)}
	guard, err := newGuard(append(options, WithSecrets(secret)))
	if err != nil || guard.leeway != 90*time.Second || guard.values["AUDIENCE"] != "stock" ||
		(*guard.secretKeys.Load())[secretKid(secret)] == nil {
		t.Error(err)
	}
	guard, err = newGuard(append([]Option{WithSecrets(secret)}, options...))
	if err != nil || (*guard.secretKeys.Load())[secretKid(otherSecret)] == nil || len(*guard.secretKeys.Load()) != 1 {
		t.Error("the file of the environment replaces the secret of an earlier option", err)
	}
}

func TestEachOptionSetsItsVariable(t *testing.T) {
	guard, err := environment(t, "AUTH_SERVER_URL", "http://localhost:9")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		option Option
		value  string
	}{
		"ISSUER":                   {WithIssuer("https://a.example"), "https://a.example"},
		"AUDIENCE":                 {WithAudience("stock"), "stock"},
		"ACCESS_TOKEN_SECRET":      {WithSecrets(secret, otherSecret), secret + "," + otherSecret},
		"FEED_SECRET":              {WithFeedSecret(feedKey), feedKey},
		"AUTH_SERVER_URL":          {WithAuthServerURL("http://auth:4000"), "http://auth:4000"},
		"CLOCK_LEEWAY":             {WithClockLeeway(90 * time.Second), "90000ms"},
		"REVOCATION_MAX_STALENESS": {WithMaxStaleness(100 * 24 * time.Hour), "8640000000ms"},
		"ON_STALE":                 {WithOnStale(Refuse), "refuse"},
		"SESSION_COOKIE_NAME":      {WithSessionCookieName("app"), "app"},
		"SESSION_COOKIE_DOMAIN":    {WithSessionCookieDomain("a.example"), "a.example"},
		"CORS_ORIGINS":             {WithCORSOrigins("https://b.example", issuer), "https://b.example," + issuer},
	} {
		if c.option(guard); guard.values[name] != c.value {
			t.Errorf("%s=%s", name, guard.values[name])
		}
	}
	if guard.checkSettings(); guard.errs != nil || guard.duration("REVOCATION_MAX_STALENESS") != 2400*time.Hour {
		t.Error(guard.errs)
	}
	if _, err := newGuard([]Option{WithSecrets(secret), WithClockLeeway(-time.Second)}); err == nil {
		t.Error("a leeway below zero")
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
		guard, err := newGuard(append(c.options, WithSecrets(secret)))
		if err != nil {
			t.Fatal(err)
		}
		used := guard.client.Transport.(*http.Transport).TLSClientConfig.RootCAs
		if (used == pool) != c.isPool || used == nil {
			t.Errorf("pool: %v", !c.isPool)
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
	for name := range variables {
		t.Setenv(name, "")
	}
	t.Setenv("ACCESS_TOKEN_SECRET_FILE", file)
	var log logBuffer
	guard, err := New(t.Context(), FromEnvironment(), WithIssuer(issuer), WithAudience(audience),
		WithClock(at(now)), WithAuthServerURL(server.URL), WithLogger(log.logger()))
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
	eventually(t, "the error is logged", func() bool { return strings.Contains(log.String(), "less than 32") })
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

func TestAFileThatIsBeingWrittenIsNotUsedYet(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	write := func(text string) { os.WriteFile(file, []byte(text), 0o600) }
	write(otherSecret)
	guard, err := environment(t, "ACCESS_TOKEN_SECRET_FILE", file)
	if err != nil {
		t.Fatal(err)
	}
	for i, step := range []struct{ content, used string }{
		{secret[:20], otherSecret}, {secret[:35], otherSecret}, {secret, otherSecret}, {secret, secret},
		{otherSecret, secret}, {secret, secret}, {otherSecret, secret}, {"", secret}, {otherSecret, secret},
		{otherSecret, otherSecret},
	} {
		write(step.content)
		err := guard.loadSecrets()
		if keys := *guard.secretKeys.Load(); err != nil || len(keys) != 1 || keys[secretKid(step.used)] == nil {
			t.Errorf("read %d: %v", i, err)
		}
	}
	for _, change := range []func(){func() { write("") }, func() { os.Remove(file) }} {
		change()
		for i, isError := range []bool{false, true, true} {
			if err := guard.loadSecrets(); (err != nil) != isError {
				t.Errorf("read %d: %v", i, err)
			}
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
