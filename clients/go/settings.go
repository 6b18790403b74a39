package goptri

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// ErrConfiguration is wrapped by the error of [New], which names every invalid setting and contains no secret.
var ErrConfiguration = errors.New("goptri: invalid configuration")

var variables = []string{"ISSUER", "AUDIENCE", "ACCESS_TOKEN_SECRET", "ACCESS_TOKEN_SECRET_FILE", "FEED_SECRET",
	"FEED_SECRET_FILE", "AUTH_SERVER_URL", "AUTH_SERVER_CA_FILE", "CLOCK_LEEWAY", "REVOCATION_MAX_STALENESS",
	"ON_STALE", "SESSION_COOKIE_NAME", "SESSION_COOKIE_DOMAIN", "CORS_ORIGINS"}

// settings are the values of the options, by the name of their environment variable, and what they mean.
type settings struct {
	values map[string]string
	errs   []error

	issuer, audience, authServerURL string
	leeway, maxStaleness            time.Duration
	refuseStale                     bool
	cookieName                      string
	origins                         []string
	secrets                         secrets
	files                           [2]string // the contents of the files of secrets
	roots                           *x509.CertPool
	log                             *slog.Logger
	now                             func() time.Time
}

// secrets are those of the settings ACCESS_TOKEN_SECRET and FEED_SECRET.
type secrets struct{ access, feed []string }

func parseSettings(options []Option) (*settings, error) {
	s := &settings{values: map[string]string{}, log: slog.Default(), now: time.Now}
	for _, option := range options {
		option(s)
	}
	s.issuer, s.audience = s.get("ISSUER", "http://localhost:4000"), s.get("AUDIENCE", "http://localhost:3000")
	s.authServerURL = s.get("AUTH_SERVER_URL", s.issuer)
	issuer := s.baseURL("ISSUER", s.issuer, isLocal)
	if s.values["AUTH_SERVER_URL"] != "" {
		s.baseURL("AUTH_SERVER_URL", s.authServerURL, isPrivate)
	}
	if s.audience == s.issuer || strings.ContainsFunc(s.audience, isSpaceOrControl) {
		s.report("AUDIENCE", "is the same as ISSUER or has white space; give the service a name of its own")
	}
	s.leeway = s.duration("CLOCK_LEEWAY", "30s")
	if s.leeway > 5*time.Minute {
		s.report("CLOCK_LEEWAY", "is more than 5m, the most that is safe")
	}
	if s.maxStaleness = s.duration("REVOCATION_MAX_STALENESS", "60s"); s.maxStaleness <= 5*time.Second {
		s.report("REVOCATION_MAX_STALENESS", "must be longer than 5s, the time between two heartbeats of the feed")
	}
	onStale := s.get("ON_STALE", string(Allow))
	if s.refuseStale = onStale == string(Refuse); !s.refuseStale && onStale != string(Allow) {
		s.report("ON_STALE", "is %q; it is either allow or refuse", onStale)
	}
	s.files = s.fileContents() // first, so that a change between the two reads is noticed
	s.secrets = s.readSecrets()
	if s.secrets.access == nil && s.values["AUTH_SERVER_URL"] == "" {
		s.report("ACCESS_TOKEN_SECRET", "is not set, nor is AUTH_SERVER_URL, whose public keys would do as well")
	}
	s.readRoots()
	s.readCookie(issuer)
	if s.errs != nil {
		return nil, fmt.Errorf("%w:\n%w", ErrConfiguration, errors.Join(s.errs...))
	}
	return s, nil
}

func (s *settings) get(name, fallback string) string {
	if value := s.values[name]; value != "" {
		return value
	}
	return fallback
}

// report records that a setting is invalid. The problem follows its name and never contains a secret.
func (s *settings) report(name, problem string, args ...any) {
	s.errs = append(s.errs, fmt.Errorf("  "+name+" "+problem, args...))
}

// baseURL checks an absolute URL: https, or http if mayBePlain accepts its host.
func (s *settings) baseURL(name, text string, mayBePlain func(host string) bool) *url.URL {
	parsed, err := url.Parse(text)
	switch {
	case strings.Contains(text, "@"):
		s.report(name, "is a URL with a user or a password in it; leave them out") // not quoted
	case err != nil || parsed.Host == "" || parsed.Scheme != "https" && parsed.Scheme != "http":
		s.report(name, "is %q, which is not a URL such as https://login.example.com", text)
	case parsed.Scheme == "http" && !mayBePlain(parsed.Hostname()):
		s.report(name, "is %q; plain http is for localhost (AUTH_SERVER_URL: private networks) only, use https", text)
	case strings.ContainsAny(text, "?#") || strings.HasSuffix(text, "/") || strings.ContainsFunc(text, unicode.IsSpace):
		s.report(name, "is %q; it has no query, and no slash or space at its end", text)
	default:
		return parsed
	}
	return &url.URL{}
}

func isLocal(host string) bool { return host == "localhost" || host == "127.0.0.1" || host == "::1" }

// isPrivate tells whether the host is an address of a private network, or a name that resolves only in one.
func isPrivate(host string) bool {
	if address, err := netip.ParseAddr(host); err == nil {
		return address.IsLoopback() || address.IsPrivate() || address.IsLinkLocalUnicast()
	}
	return !strings.Contains(host, ".") || strings.HasSuffix(host, ".localhost") ||
		strings.HasSuffix(host, ".local") || strings.HasSuffix(host, ".internal")
}

var durationForm = regexp.MustCompile(`^(\d{1,12})(ms|s|m|h|d)$`)

// duration parses 500ms, 30s, 15m, 1h, 7d or 0.
func (s *settings) duration(name, fallback string) time.Duration {
	const century = 100 * 365 * 24 * time.Hour
	text := s.get(name, fallback)
	if parts := durationForm.FindStringSubmatch(text); parts != nil {
		number, _ := strconv.ParseInt(parts[1], 10, 64)
		unit := map[string]time.Duration{"ms": time.Millisecond, "s": time.Second, "m": time.Minute, "h": time.Hour,
			"d": 24 * time.Hour}[parts[2]]
		if number <= int64(century/unit) {
			return time.Duration(number) * unit
		}
	}
	if text != "0" {
		s.report(name, "is %q; a duration is written like 30s, 15m, 1h or 7d", text)
		return time.Minute
	}
	return 0
}

// readSecrets reads the secrets from the settings or from the files that they name.
func (s *settings) readSecrets() secrets {
	read := secrets{s.secretList("ACCESS_TOKEN_SECRET"), s.secretList("FEED_SECRET")}
	if slices.ContainsFunc(read.feed, func(secret string) bool { return slices.Contains(read.access, secret) }) {
		s.report("FEED_SECRET", "is identical to ACCESS_TOKEN_SECRET")
	}
	return read
}

func (s *settings) secretList(name string) []string {
	text, path := s.values[name], s.values[name+"_FILE"]
	switch {
	case text != "" && path != "":
		s.report(name, "and %s_FILE are both set; set only one of them", name)
		return nil
	case path != "":
		var err error
		if text, err = readSecretFile(path); err != nil {
			s.report(name+"_FILE", "names the file %q, which cannot be used: %w", path, err)
			return nil
		}
	case text == "":
		return nil
	}
	list := strings.Split(text, ",")
	for i, secret := range list {
		if problem := weakness(secret); problem != "" {
			s.report(name, problem+". `auth-server secrets` prints good ones")
		} else if slices.Contains(list[:i], secret) {
			s.report(name, "has the same secret twice")
		}
	}
	return list
}

func isSpaceOrControl(c rune) bool {
	return unicode.IsSpace(c) || unicode.IsControl(c) || c == '\ufeff'
}

// readSecretFile returns the text of a file without its last line ending.
func readSecretFile(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxEventBytes))
	if line, found := bytes.CutSuffix(text, []byte("\n")); found {
		text = bytes.TrimSuffix(line, []byte("\r"))
	}
	if err == nil && len(text) == 0 {
		err = errors.New("it is empty")
	}
	return string(text), err
}

// watchSecrets calls apply with the secrets of the files whenever they have changed. It accepts a change after two
// equal reads, so that a partial write is ignored. Invalid contents are logged, and the previous secrets stay in use.
func (s *settings) watchSecrets(ctx context.Context, apply func(secrets)) {
	inUse := s.files
	for previous := inUse; ctx.Err() == nil; sleep(ctx, 500*time.Millisecond) {
		contents := s.fileContents()
		if contents != inUse && contents == previous {
			inUse = contents
			reread := &settings{values: s.values}
			if secrets := reread.readSecrets(); reread.errs == nil {
				s.log.Info("the secrets of the files have changed")
				apply(secrets)
			} else {
				s.log.Error("the new content of a file cannot be used; the previous content stays in use",
					"reason", errors.Join(reread.errs...))
			}
		}
		previous = contents
	}
}

func (s *settings) fileContents() (contents [2]string) {
	for i, name := range []string{"ACCESS_TOKEN_SECRET_FILE", "FEED_SECRET_FILE"} {
		if path := s.values[name]; path != "" {
			contents[i], _ = readSecretFile(path)
		}
	}
	return contents
}

func (s *settings) readRoots() {
	path := s.values["AUTH_SERVER_CA_FILE"]
	if path == "" {
		return
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if pem, err := os.ReadFile(path); err != nil || !roots.AppendCertsFromPEM(pem) {
		s.report("AUTH_SERVER_CA_FILE", "names the file %q, which has no certificates in PEM", path)
	}
	s.roots = roots
}
