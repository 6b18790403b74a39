package goptri

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"reflect"
	"testing"
	"time"
)

// TestTheVectorsOfAllLanguages verifies the tokens of clients/vectors.json, as the header of a request.
func TestTheVectorsOfAllLanguages(t *testing.T) {
	type claims struct {
		Sub   string   `json:"sub"`
		Email string   `json:"email"`
		Roles []string `json:"roles"`
		Scope string   `json:"scope"`
		Sid   string   `json:"sid"`
		Exp   int64    `json:"exp"`
	}
	var file struct {
		Issuer      string          `json:"issuer"`
		Audience    string          `json:"audience"`
		Leeway      time.Duration   `json:"leeway"`
		Secrets     []string        `json:"secrets"`
		JWKS        json.RawMessage `json:"jwks"`
		Revocations []entry         `json:"revocations"`
		Vectors     []struct {
			Name    string  `json:"name"`
			Now     int64   `json:"now"`
			Token   string  `json:"token"`
			Verdict string  `json:"verdict"`
			Reason  string  `json:"reason"`
			Claims  *claims `json:"claims"`
		} `json:"vectors"`
	}
	text, err := os.ReadFile("../vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &file); err != nil || len(file.Vectors) < 120 {
		t.Fatal(err, len(file.Vectors))
	}
	var clock int64
	guard := localGuard(t, WithIssuer(file.Issuer), WithAudience(file.Audience),
		WithSecrets(file.Secrets...),
		WithClockLeeway(file.Leeway*time.Second), WithFeedSecret(feedKey),
		WithClock(func() time.Time { return time.Unix(clock, 0) }))
	keys, err := parseKeys(bytes.NewReader(file.JWKS))
	if err != nil || len(keys) != 3 {
		t.Fatal(err, len(keys))
	}
	guard.publicKeys.Store(&keys)
	guard.revocations.knownAsOf(time.Now(), 0)
	for _, entry := range file.Revocations {
		guard.revocations.add(entry)
	}
	for _, vector := range file.Vectors {
		clock = vector.Now
		got, err := guard.VerifyRequest(&http.Request{Header: http.Header{"Authorization": {"Bearer " + vector.Token}}})
		if vector.Verdict == "rejected" {
			if !errors.Is(err, ErrInvalidToken) || errors.Is(err, ErrRevoked) != (vector.Reason == "revoked") {
				t.Errorf("%s: %v, not %s", vector.Name, err, vector.Reason)
			}
			continue
		}
		if vector.Verdict != "accepted" || err != nil {
			t.Errorf("%s: %v", vector.Name, err)
			continue
		}
		seen := claims{got.Subject, got.Email, append([]string{}, got.Roles...), got.Scope(), got.SessionID,
			got.ExpiresAt.Unix()}
		if !reflect.DeepEqual(&seen, vector.Claims) {
			t.Errorf("%s: %+v, not %+v", vector.Name, seen, vector.Claims)
		}
	}
}
