package goptri

import (
	"cmp"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// The forms of variables, as regular expressions.
const (
	localHost   = `(localhost|127\.0\.0\.1|\[::1\])(:\d+)?`
	privateHost = `([\w-]+|[\w.-]+\.(localhost|local|internal)|(127|10)\.[\d.]+|192\.168\.[\d.]+|` +
		`172\.(1[6-9]|2\d|3[01])\.[\d.]+|169\.254\.[\d.]+|\[(::1|f[cd][\da-f:]+|fe80:[\da-f:]+)\])(:\d+)?`
	originForm   = `(https://[\w.:\[\]-]+|http://` + localHost + `)`
	pathForm     = `(/[^\s@?#]*[^\s@?#/])?`
	privateForm  = `(` + originForm + `|http://` + privateHost + `)` + pathForm
	durationForm = `(0|\d{1,12}ms|\d{1,6}[smh]|\d{1,5}d)`
	anyForm      = `(?s).*`
)

// variables are those of api-server, with the form and the default of each.
var variables = map[string]struct{ form, fallback string }{
	"ISSUER":                   {originForm + pathForm, "http://localhost:4000"},
	"AUDIENCE":                 {`\S+`, "http://localhost:3000"},
	"AUTH_SERVER_URL":          {`(` + privateForm + `)?`, ""},
	"AUTH_SERVER_CA_FILE":      {anyForm, ""},
	"ACCESS_TOKEN_SECRET":      {anyForm, ""},
	"ACCESS_TOKEN_SECRET_FILE": {anyForm, ""},
	"FEED_SECRET":              {anyForm, ""},
	"FEED_SECRET_FILE":         {anyForm, ""},
	"CLOCK_LEEWAY":             {durationForm, "30s"},
	"REVOCATION_MAX_STALENESS": {durationForm, "60s"},
	"ON_STALE":                 {`allow|refuse`, "allow"},
	"SESSION_COOKIE_NAME":      {`[\w-]{1,64}`, "session"},
	"SESSION_COOKIE_DOMAIN":    {`([a-z\d-]+(\.[a-z\d-]+)+)?`, ""},
	"CORS_ORIGINS":             {`\s*(` + originForm + `\s*(,\s*` + originForm + `\s*)*)?`, ""},
}

// checkSettings gives each variable without a value its default, and records what is wrong with the others.
func (g *Guard) checkSettings() {
	for name, variable := range variables {
		g.values[name] = cmp.Or(g.values[name], variable.fallback)
		isValid, _ := regexp.MatchString(`^(`+variable.form+`)$`, g.values[name])
		g.require(isValid, name, "has another form than docs/configuration.md says")
	}
	leeway, maxAge := g.duration("CLOCK_LEEWAY"), g.duration("REVOCATION_MAX_STALENESS")
	g.require(leeway <= 5*time.Minute, "CLOCK_LEEWAY", "is more than 5m")
	g.require(maxAge > 5*time.Second, "REVOCATION_MAX_STALENESS", "is not more than 5s")
	g.require(g.values["AUDIENCE"] != g.values["ISSUER"], "AUDIENCE", "is the same as ISSUER")
	hasKeys := g.values["AUTH_SERVER_URL"] != "" || g.isSet("ACCESS_TOKEN_SECRET")
	g.require(hasKeys, "ACCESS_TOKEN_SECRET", "and AUTH_SERVER_URL (for public keys) are not set")
}

// require records a problem. It never contains a value, because that may be a secret.
func (g *Guard) require(isValid bool, variable, problem string) {
	if !isValid {
		g.errs = append(g.errs, errors.New(variable+" "+problem))
	}
}

func (g *Guard) isSet(name string) bool { return g.values[name]+g.values[name+"_FILE"] != "" }

// duration parses 500ms, 30s, 15m, 1h, 7d or 0.
func (g *Guard) duration(name string) time.Duration {
	text := g.values[name]
	if days, found := strings.CutSuffix(text, "d"); found {
		number, _ := strconv.Atoi(days)
		return time.Duration(number) * 24 * time.Hour
	}
	duration, _ := time.ParseDuration(text)
	return duration
}

// secrets reads the secrets of a variable, or of the file that it names.
func (g *Guard) secrets(name string) ([]string, error) {
	text, path := g.values[name], g.values[name+"_FILE"]
	switch {
	case text != "" && path != "":
		return nil, fmt.Errorf("%s and %s_FILE are both set; set only one of them", name, name)
	case path != "":
		content, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("%s_FILE cannot be read: %w", name, err)
		}
		text = strings.TrimSuffix(strings.TrimSuffix(string(content), "\n"), "\r")
	case text == "":
		return nil, nil
	}
	list := strings.Split(text, ",")
	for _, secret := range list {
		if len(secret) < 32 || strings.ContainsFunc(secret, unicode.IsSpace) {
			return nil, errors.New(name + " has a secret of less than 32 bytes or with white space")
		}
	}
	return list, nil
}

// setCookie derives the name of the session cookie, whose prefix follows from issuer and domain, and the origins whose
// pages may send unsafe requests with it.
func (g *Guard) setCookie() {
	prefix := "__Host-"
	if strings.HasPrefix(g.values["ISSUER"], "http:") {
		prefix = ""
	} else if g.values["SESSION_COOKIE_DOMAIN"] != "" {
		prefix = "__Secure-"
	}
	anyPrefix := regexp.MustCompile(`^__(Host|Secure)-`)
	g.cookieName = prefix + anyPrefix.ReplaceAllString(g.values["SESSION_COOKIE_NAME"], "")
	urls := g.values["ISSUER"] + "," + g.values["AUDIENCE"] + "," + g.values["CORS_ORIGINS"]
	g.origins = regexp.MustCompile(`https?://[^/,\s]+`).FindAllString(strings.ToLower(urls), -1)
}

// rootCAs returns the certificates of WithRootCAs, or those of the system and of AUTH_SERVER_CA_FILE.
func (g *Guard) rootCAs() *x509.CertPool {
	path := g.values["AUTH_SERVER_CA_FILE"]
	if path == "" {
		return g.roots
	}
	pool, err := x509.SystemCertPool()
	pem, _ := os.ReadFile(path)
	isValid := err == nil && pool.AppendCertsFromPEM(pem)
	g.require(isValid, "AUTH_SERVER_CA_FILE", "names no readable file of certificates in PEM")
	return pool
}
