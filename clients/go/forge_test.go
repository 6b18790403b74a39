package goptri

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const (
	issuer   = "https://auth.example"
	audience = "https://api.example"
	secret   = "access-5f2a9c4be1d078365f2a9c4be1d07836"
	feedKey  = "feed-8e71d2c5f0a9364b8e71d2c5f0a9364b"
	now      = 1800000000
)

func secretKid(secret string) string {
	digest := sha256.Sum256([]byte("goptri key id\x00" + secret))
	return base64.RawURLEncoding.EncodeToString(digest[:12])
}

func userClaims() map[string]any {
	return map[string]any{
		"iss": issuer, "aud": audience, "sub": "user-1", "sid": "session-1", "jti": "token-1", "client_id": "goptri",
		"scope": "stock:read stock:write", "iat": now - 60, "exp": now + 600, "roles": []string{"clerk"},
		"email": "ann@example.com", "email_verified": true,
	}
}

// changed returns the claims of a user with other values. A nil value removes the claim.
func changed(pairs ...any) string {
	claims := userClaims()
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] == nil {
			delete(claims, pairs[i].(string))
		} else {
			claims[pairs[i].(string)] = pairs[i+1]
		}
	}
	return toJSON(claims)
}

func toJSON(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func accessHeader(more map[string]any) string {
	header := map[string]any{"typ": "at+jwt", "alg": "HS256", "kid": secretKid(secret)}
	maps.Copy(header, more)
	return toJSON(header)
}

func encode(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// sign returns a token of any header and payload, valid or not, with a valid signature.
func sign(header, payload string) string {
	signed := encode(header) + "." + encode(payload)
	signature, err := jwt.SigningMethodHS256.Sign(signed, []byte(secret))
	if err != nil {
		panic(err)
	}
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature)
}

func userToken(pairs ...any) string { return sign(accessHeader(nil), changed(pairs...)) }

func at(seconds int64) func() time.Time { return func() time.Time { return time.Unix(seconds, 0) } }

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

func basics() []Option {
	return []Option{WithIssuer(issuer), WithAudience(audience), WithSecrets(secret),
		WithClock(at(now)), WithLogger(quiet())}
}

// localGuard returns a guard that is not connected to auth-server.
func localGuard(t *testing.T, options ...Option) *Guard {
	t.Helper()
	options = append(basics(), options...)
	guard, err := newGuard(options)
	if err != nil {
		t.Fatal(err)
	}
	guard.publicKeys.Store(&keySet{})
	return guard
}

// started returns a guard that is connected to the auth-server at url until the test ends.
func started(t *testing.T, url string, options ...Option) *Guard {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	options = append([]Option{WithAuthServerURL(url), WithFeedSecret(feedKey)}, options...)
	guard, err := New(ctx, append(basics(), options...)...)
	if err != nil {
		t.Fatal(err)
	}
	return guard
}

// eventually waits until the condition holds.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if condition() {
			return
		}
	}
	t.Fatalf("not within 10 s: %s", what)
}
