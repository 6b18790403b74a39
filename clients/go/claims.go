package goptri

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/go-json-experiment/json"
)

// Claims are those of a verified access token (RFC 9068, and sid).
type Claims struct {
	Subject   string    // the user, or the client that acts for itself
	ClientID  string    // the client that the token was issued to
	SessionID string    // the session (sid) of the user; empty if a client acts for itself
	ID        string    // of the token (jti)
	Scopes    []string  // in the order in which they were granted
	Roles     []string  // of the user; a client has none
	Email     string    // of the user, for display only: no decision may depend on it
	IssuedAt  time.Time // in whole seconds
	ExpiresAt time.Time // in whole seconds

	// Raw has all claims by name. Do not change it: goroutines may share it.
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

// claimForms has the form of each claim with a meaning. Any other value is rejected, and so is null.
var claimForms = map[string]string{
	"iss": "text", "sub": "text", "jti": "text", "client_id": "text", "sid": "text",
	"aud": "text or list", "scope": "scope",
	"email": "text", "email_verified": "bool", "roles": "list",
	"exp": "date", "iat": "date", "nbf": "date", "auth_time": "date",
}

var requiredClaims = []string{"iss", "sub", "jti", "client_id", "aud", "scope", "exp", "iat"}

// scopeForm is that of RFC 6749, section 3.3.
var scopeForm = regexp.MustCompile(`^([!#-\[\]-~]+( [!#-\[\]-~]+)*)?$`)

func hasForm(value any, form string) bool {
	switch value := value.(type) {
	case string:
		isText := strings.TrimSpace(value) != "" && !strings.ContainsFunc(value, unicode.IsControl)
		return isText && (form == "text" || form == "text or list") ||
			form == "scope" && scopeForm.MatchString(value)
	case []any:
		isOther := func(item any) bool { return !hasForm(item, "text") }
		return (form == "list" || form == "text or list") && !slices.ContainsFunc(value, isOther)
	case float64:
		return form == "date" && value >= 0 && value <= 253402300799 // the end of the year 9999
	case bool:
		return form == "bool"
	}
	return false
}

// parseClaims parses the payload of a token with a valid signature. Issuer, audience and times are not compared with
// those of this service yet.
func parseClaims(payload []byte) (*Claims, error) {
	raw, err := parseObject(payload)
	if err != nil {
		return nil, err
	}
	for name, form := range claimForms {
		value, present := raw[name]
		if !hasForm(value, form) && (present || slices.Contains(requiredClaims, name)) {
			return nil, reject("its claim " + name + " is missing or invalid")
		}
	}
	exp, iat := claim[float64](raw, "exp"), claim[float64](raw, "iat")
	if iat > exp || claim[float64](raw, "nbf") > exp || claim[float64](raw, "auth_time") > iat {
		return nil, reject("two of its times contradict each other")
	}
	c := &Claims{
		Subject: claim[string](raw, "sub"), SessionID: claim[string](raw, "sid"),
		ClientID: claim[string](raw, "client_id"), ID: claim[string](raw, "jti"),
		IssuedAt: time.Unix(int64(iat), 0), ExpiresAt: time.Unix(int64(exp), 0), Raw: raw,
	}
	for scope := range strings.FieldsSeq(claim[string](raw, "scope")) {
		if !c.HasScope(scope) {
			c.Scopes = append(c.Scopes, scope)
		}
	}
	isClient := c.Subject == c.ClientID
	if isClient == (c.SessionID != "") {
		return nil, reject("it must have either a session (sid) or its client as subject")
	}
	if !isClient {
		c.Email = claim[string](raw, "email")
		for _, role := range claim[[]any](raw, "roles") {
			c.Roles = append(c.Roles, role.(string))
		}
	}
	return c, nil
}

// claim returns a claim, or zero if it is absent.
func claim[T any](raw map[string]any, name string) T {
	value, _ := raw[name].(T)
	return value
}

// parseObject parses one JSON object with at most 64 members, where nested objects count one more, and at most 127
// levels. The library rejects duplicate members, and text that is not UTF-8.
func parseObject(data []byte) (map[string]any, error) {
	var value any
	if json.Unmarshal(data, &value) != nil || data[0] != '{' || weight(value, 126) > 1+64 {
		return nil, reject("it has JSON with a mistake, a duplicate member or too many members")
	}
	return value.(map[string]any), nil
}

// weight returns the number of members and objects in a value. One with too many levels is too heavy.
func weight(value any, levels int) (sum int) {
	if levels < 0 {
		return 1000
	}
	switch value := value.(type) {
	case map[string]any:
		sum++
		for _, member := range value {
			sum += 1 + weight(member, levels-1)
		}
	case []any:
		for _, item := range value {
			sum += weight(item, levels-1)
		}
	}
	return sum
}
