package goptri

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/golang-jwt/jwt/v5"
)

// Claims are those of a verified access token (RFC 9068, and sid).
//
// Subject, Issuer, Audience, ExpiresAt, NotBefore, IssuedAt and ID (jti) are in the embedded RegisteredClaims.
type Claims struct {
	jwt.RegisteredClaims

	ClientID  string   // the client that the token was issued to
	SessionID string   // the session (sid) of the user; empty if a client acts for itself
	Scopes    []string // in the order in which they were granted
	Roles     []string // of the user; a client has none
	Email     string   // of the user, for display only: no decision may depend on it

	// Raw has all claims by name, as encoding/json decodes them, with json.Number for numbers. Do not change it:
	// goroutines may share it.
	Raw map[string]any
}

// HasScope tells whether the scope was granted. The comparison is exact.
func (c *Claims) HasScope(scope string) bool { return slices.Contains(c.Scopes, scope) }

// HasRole tells whether the user has the role. A client has none.
func (c *Claims) HasRole(role string) bool { return slices.Contains(c.Roles, role) }

// Scope returns the scopes, separated by single spaces.
func (c *Claims) Scope() string { return strings.Join(c.Scopes, " ") }

type contextKey struct{}

// NewContext returns a context with the claims, for tests of handlers. [Guard.Middleware] calls it for each request.
func NewContext(ctx context.Context, claims *Claims) context.Context {
	return context.WithValue(ctx, contextKey{}, claims)
}

// FromContext returns the claims of the caller. They are nil on a route without [Guard.Middleware].
func FromContext(ctx context.Context) *Claims {
	claims, _ := ctx.Value(contextKey{}).(*Claims)
	return claims
}

// maxSeconds is the last second of the year 9999.
const maxSeconds = 253402300799

// claimReader reads claims with the types that auth-server issues, and remembers the first that has another.
type claimReader struct {
	raw     map[string]any
	invalid string
}

// parseClaims parses the claims of a token with a valid signature. Issuer, audience and times are not compared yet.
func parseClaims(payload []byte) (*Claims, error) {
	raw, err := parseObject(payload, maxMembers)
	if err != nil {
		return nil, reject("its payload is " + err.Error())
	}
	r := claimReader{raw: raw}
	claims := &Claims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer: r.text("iss", true), Subject: r.text("sub", true), Audience: r.audience(), ID: r.text("jti", true),
			ExpiresAt: r.date("exp", true), IssuedAt: r.date("iat", true), NotBefore: r.date("nbf", false),
		},
		ClientID: r.text("client_id", true), SessionID: r.text("sid", false), Scopes: r.scopes(),
		Roles: r.texts("roles"), Email: r.text("email", false), Raw: raw,
	}
	authTime := r.date("auth_time", false)
	if verified, present := raw["email_verified"]; present {
		_, isBool := verified.(bool)
		r.check("email_verified", isBool)
	}
	if r.invalid != "" {
		return nil, reject("its claim " + r.invalid + " is missing or has a value that auth-server never issues")
	}
	r.check("exp", !claims.ExpiresAt.Before(claims.IssuedAt.Time))
	r.check("nbf", claims.NotBefore == nil || !claims.NotBefore.After(claims.ExpiresAt.Time))
	r.check("auth_time", authTime == nil || !authTime.After(claims.IssuedAt.Time))
	if r.invalid != "" {
		return nil, reject("its claim " + r.invalid + " contradicts another time")
	}
	_, hasSession := raw["sid"]
	isClient := claims.Subject == claims.ClientID
	if hasSession == isClient {
		return nil, reject("it must have either a session (sid) or its client as subject, and not both")
	}
	if isClient {
		claims.Roles, claims.Email = nil, ""
	}
	return claims, nil
}

func (r *claimReader) check(name string, valid bool) {
	if !valid && r.invalid == "" {
		r.invalid = name
	}
}

// text returns a text that is not blank and has no control characters.
func (r *claimReader) text(name string, required bool) string {
	value, present := r.raw[name]
	text, _ := value.(string)
	r.check(name, isClaimText(text) || !present && !required)
	return text
}

func isClaimText(text string) bool {
	return strings.TrimSpace(text) != "" && !strings.ContainsFunc(text, unicode.IsControl)
}

func (r *claimReader) texts(name string) []string {
	value, present := r.raw[name]
	list, isList := texts(value)
	isInvalid := func(text string) bool { return !isClaimText(text) }
	r.check(name, !present || isList && !slices.ContainsFunc(list, isInvalid))
	return list
}

func (r *claimReader) audience() []string {
	if _, isText := r.raw["aud"].(string); isText {
		return []string{r.text("aud", true)}
	}
	return r.texts("aud")
}

// scopes parses words of RFC 6749, section 3.3, separated by single spaces. Repeated words count once.
func (r *claimReader) scopes() []string {
	text, isText := r.raw["scope"].(string)
	r.check("scope", isText)
	scopes := []string{}
	if text == "" {
		return scopes
	}
	for word := range strings.SplitSeq(text, " ") {
		r.check("scope", isScope(word))
		if !slices.Contains(scopes, word) {
			scopes = append(scopes, word)
		}
	}
	return scopes
}

func isScope(word string) bool {
	isForbidden := func(c rune) bool { return c < 0x21 || c == '"' || c == '\\' || c > 0x7e }
	return word != "" && !strings.ContainsFunc(word, isForbidden)
}

// date returns a time in whole seconds. Only a number in range is one.
func (r *claimReader) date(name string, required bool) *jwt.NumericDate {
	value, present := r.raw[name]
	number, _ := value.(json.Number)
	seconds, err := number.Float64()
	valid := err == nil && seconds >= 0 && seconds <= maxSeconds
	r.check(name, valid || !present && !required)
	if !valid {
		return nil
	}
	return jwt.NewNumericDate(time.Unix(int64(seconds), 0))
}
