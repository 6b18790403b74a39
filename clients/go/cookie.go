package goptri

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

const maxCookieBytes = 4096

var cookieNameForm = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
var domainForm = regexp.MustCompile(`^([a-z0-9-]+\.)+[a-z0-9-]*[a-z][a-z0-9-]*$`)

// readCookie derives the name of the session cookie and the origins whose pages may use it. The prefix of the name
// follows from the issuer and the domain.
func (s *settings) readCookie(issuer *url.URL) {
	prefix, domain := "__Host-", s.values["SESSION_COOKIE_DOMAIN"]
	if domain != "" {
		prefix = "__Secure-"
		host := issuer.Hostname()
		if !domainForm.MatchString(domain) || host != domain && !strings.HasSuffix(host, "."+domain) {
			s.report("SESSION_COOKIE_DOMAIN", "is %q; it is a domain such as example.com, with the https ISSUER in it",
				domain)
		}
	}
	if issuer.Scheme == "http" {
		prefix = ""
	}
	text := s.get("SESSION_COOKIE_NAME", "session")
	base, isHost := strings.CutPrefix(text, "__Host-")
	if !isHost {
		base = strings.TrimPrefix(text, "__Secure-")
	}
	hasOtherPrefix := base != text && prefix != "" && text != prefix+base
	if !cookieNameForm.MatchString(base) || strings.HasPrefix(base, "__") || base == "refresh" || hasOtherPrefix {
		s.report("SESSION_COOKIE_NAME", "is %q; it has letters, digits, - and _, and the prefix %q or none",
			text, prefix)
	}
	s.cookieName = prefix + base
	for _, text := range []string{s.issuer, s.audience} {
		if origin := originOf(text); origin != "" {
			s.origins = append(s.origins, origin)
		}
	}
	if strings.TrimSpace(s.values["CORS_ORIGINS"]) == "" {
		return
	}
	for text := range strings.SplitSeq(s.values["CORS_ORIGINS"], ",") {
		text = strings.TrimSpace(text)
		parsed, err := url.Parse(text)
		isForbidden := func(c rune) bool { return c == '*' || c > '~' }
		if err != nil || text == "" || originOf(text) != text || strings.ContainsFunc(text, isForbidden) ||
			parsed.Scheme == "http" && !isLocal(parsed.Hostname()) {
			s.report("CORS_ORIGINS", "has an element that is no origin as browsers send it (https://app.example.com)")
			continue
		}
		s.origins = append(s.origins, text)
	}
}

// originOf returns the origin of an http or https URL as browsers send it, or "" for another text.
func originOf(text string) string {
	parsed, err := url.Parse(text)
	if err != nil || parsed.Host == "" || parsed.User != nil || parsed.Scheme != "https" && parsed.Scheme != "http" {
		return ""
	}
	host := strings.ToLower(parsed.Host)
	defaultPort := map[string]string{"https": ":443", "http": ":80"}[parsed.Scheme]
	return parsed.Scheme + "://" + strings.TrimSuffix(host, defaultPort)
}

// cookieValues returns the values of all cookies of this name. Only spaces and tabs around a cookie are removed:
// net/http is more lenient, and browsers protect a prefixed name in exactly this form.
func cookieValues(header http.Header, name string) []string {
	var values []string
	for _, line := range header["Cookie"] {
		for pair := range strings.SplitSeq(line, ";") {
			if value, found := strings.CutPrefix(strings.Trim(pair, " \t"), name+"="); found {
				values = append(values, value)
			}
		}
	}
	return values
}

// cookieToken returns the token in the value of a cookie: base64 of {"jwt":"<token>"}.
func cookieToken(value string) (string, error) {
	malformed := reject("its cookie is not base64 of JSON with the member jwt, or too long")
	if len(value) > maxCookieBytes {
		return "", malformed
	}
	data, err := decodeBase64(base64.StdEncoding, value)
	if err != nil {
		return "", malformed
	}
	members, err := parseObject(data, maxMembers)
	token, isText := members["jwt"].(string)
	// A token needs no escapes.
	if err != nil || !isText || !strings.Contains(string(data), `"`+token+`"`) {
		return "", malformed
	}
	return token, nil
}

// mayUseCookies tells whether a request with cookies does not come from a foreign page. A browser attaches cookies to
// requests of such pages, too.
func mayUseCookies(r *http.Request, origins []string) bool {
	single := func(name string) string {
		if values := r.Header[name]; len(values) == 1 {
			return values[0]
		}
		return "" // absent, or twice
	}
	isSafe := r.Method == http.MethodGet || r.Method == http.MethodHead || r.Method == http.MethodOptions
	site := single("Sec-Fetch-Site")
	return isSafe || site == "same-origin" || site == "none" || slices.Contains(origins, single("Origin"))
}
