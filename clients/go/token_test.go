package goptri

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

func TestAGenuineTokenIsAcceptedWithItsClaims(t *testing.T) {
	claims, err := localGuard(t).Verify(userToken("scope", "stock:read stock:write stock:read"))
	if err != nil {
		t.Fatal(err)
	}
	if claims.Subject != "user-1" || claims.SessionID != "session-1" || claims.ID != "token-1" ||
		claims.ClientID != "goptri" || claims.Email != "ann@example.com" || claims.ExpiresAt.Unix() != now+600 ||
		claims.Scope() != "stock:read stock:write" || claims.Raw["email_verified"] != true {
		t.Errorf("%+v", claims)
	}
	for scope, granted := range map[string]bool{"stock:read": true, "stock": false, "": false, "Stock:read": false} {
		if claims.HasScope(scope) != granted {
			t.Errorf("%q", scope)
		}
	}
	if !claims.HasRole("clerk") || claims.HasRole("admin") {
		t.Errorf("%v", claims.Roles)
	}
}

func TestAClientsTokenHasNoUser(t *testing.T) {
	claims, err := localGuard(t).Verify(userToken("sub", "goptri", "sid", nil))
	if err != nil {
		t.Fatal(err)
	}
	if claims.SessionID != "" || claims.Email != "" || claims.Roles != nil {
		t.Errorf("%+v", claims)
	}
}

func TestClaimsWithTheRightTypesAndValuesAreAccepted(t *testing.T) {
	for _, payload := range []string{
		changed("aud", []string{"https://other.example", audience}),
		changed("scope", ""),
		changed("roles", nil, "email", nil, "email_verified", nil),
		changed("nbf", now+30, "auth_time", now-60),
		changed("iat", now+3630, "exp", now+3700),
		changed("exp", now-29),
		changed("unknown", map[string]any{"a": []any{nil, 1.5, "\u2028"}}),
		strings.Replace(changed(), "1800000600", "1.8000006e9", 1),
		strings.Replace(changed(), "1800000600", "1800000600.9", 1),
		strings.Replace(changed("auth_time", 1234567890), "1234567890", "-0", 1),
		strings.Replace(changed(), `"sub"`, `"\u0073ub"`, 1),
		strings.Replace(changed(), "user-1", `\ud83d\ude00\\ud800`, 1),
		strings.Replace(changed(), `{`, `{"IAT":"x","Exp":null,`, 1),
		changed() + " \n",
		withMembers(64),
		strings.Replace(changed(), "{", `{"deep":`+strings.Repeat("[", 126)+strings.Repeat("]", 126)+",", 1),
	} {
		if _, err := localGuard(t).Verify(sign(accessHeader(nil), payload)); err != nil {
			t.Errorf("%v: %s", err, payload)
		}
	}
}

// withMembers returns the claims of a user with that number of members.
func withMembers(count int) string {
	payload := changed()
	for i := len(userClaims()); i < count; i++ {
		payload = strings.Replace(payload, "{", fmt.Sprintf(`{"m%d":0,`, i), 1)
	}
	return payload
}

func TestAnyOtherPayloadIsRejected(t *testing.T) {
	payloads := []string{
		"", "null", "[]", `"x"`, "{", " " + changed(), "\ufeff" + changed(), changed() + "x", changed() + changed(),
		strings.Replace(changed(), "{", `{"sub":"user-1",`, 1),
		strings.Replace(changed(), "{", `{"\u0073ub":"user-1",`, 1),
		strings.Replace(changed(), "{", `{"deep":[{"a":[{"b":1,"b":1}]}],`, 1),
		strings.Replace(changed(), "{", `{"x":"`+"\xff"+`",`, 1),
		strings.Replace(changed(), "{", `{"x":"\ud800",`, 1),
		strings.Replace(changed(), "{", `{"x":"\ude00\ud83d",`, 1),
		strings.Replace(changed(), "{", `{"x":"\ude00\ude00",`, 1),
		strings.Replace(changed(), "{", `{"x":1e999,`, 1),
		strings.Replace(changed(), "{", `{"x":01,`, 1),
		strings.Replace(changed(), "{", `{"x":NaN,`, 1),
		strings.Replace(changed(), "{", "{\"x\":\"\n\",", 1),
		strings.Replace(changed(), "{", `{"deep":`+strings.Repeat("[", 127)+strings.Repeat("]", 127)+",", 1),
		strings.Replace(changed(), `"exp"`, `"EXP"`, 1),
		strings.Replace(changed(), `"sid"`, `"Sid"`, 1),
		withMembers(65),
		strings.Replace(withMembers(63), "{", `{"x":{},`, 1),
		changed("exp", now-30), changed("exp", now, "iat", now+1), changed("nbf", now+31),
		changed("nbf", now+601), changed("iat", now+3631, "exp", now+4000), changed("auth_time", now),
		changed("iss", "https://auth.example/"), changed("iss", "HTTPS://auth.example"),
		changed("iss", []string{issuer}),
		changed("aud", "https://api.example/"), changed("aud", []string{}), changed("aud", []any{audience, 1}),
		changed("aud", []any{audience, nil}), changed("aud", []any{audience, ""}),
		changed("aud", map[string]any{audience: 1}),
		changed("scope", " stock:read"), changed("scope", "a  b"), changed("scope", `a"b`), changed("scope", "ä"),
		changed("scope", []string{"stock:read"}), changed("sub", "goptri"), changed("sid", nil),
		changed("roles", "clerk"), changed("roles", []any{"clerk", 1}), changed("roles", []any{" "}),
		changed("email", 1), changed("email", "a\tb"), changed("email_verified", "true"), changed("email_verified", 1),
	}
	for _, name := range []string{"iss", "aud", "sub", "jti", "client_id", "scope", "iat", "exp"} {
		payloads = append(payloads, changed(name, nil))
	}
	for _, name := range []string{"sub", "jti", "client_id", "sid", "email"} {
		for _, value := range []any{"", " ", "\u3000", "a\x00", "a\u009f", 7, true, []string{"x"}} {
			payloads = append(payloads, changed(name, value))
		}
	}
	for _, name := range []string{"iat", "exp", "nbf", "auth_time"} {
		for _, value := range []any{"1800000000", true, -1, 253402300800, 1e300, []int{now}, map[string]any{}} {
			payloads = append(payloads, changed(name, value))
		}
	}
	for name := range userClaims() {
		payloads = append(payloads, strings.Replace(changed(name, "REPLACED"), `"REPLACED"`, "null", 1))
	}
	for _, name := range []string{"nbf", "auth_time"} {
		payloads = append(payloads, strings.Replace(changed(name, "REPLACED"), `"REPLACED"`, "null", 1))
	}
	for _, payload := range payloads {
		_, err := localGuard(t).Verify(sign(accessHeader(nil), payload))
		if !errors.Is(err, ErrInvalidToken) {
			t.Errorf("%v: %q", err, payload)
		}
		if err != nil && (strings.Contains(err.Error(), "user-1") || strings.Contains(err.Error(), secret)) {
			t.Errorf("the error quotes the token: %v", err)
		}
	}
}

func TestOnlyTheHeaderOfAnAccessTokenOfAKnownKeyIsAccepted(t *testing.T) {
	for _, more := range []map[string]any{
		{}, {"typ": "AT+JWT"}, {"typ": "application/at+jwt"}, {"typ": "Application/At+Jwt"},
		{"jku": "https://evil.example"}, {"jwk": map[string]any{"kty": "oct", "k": "AA"}}, {"x5c": []string{"AA"}},
	} {
		if _, err := localGuard(t).Verify(sign(accessHeader(more), changed())); err != nil {
			t.Errorf("%v: %v", more, err)
		}
	}
	headers := []string{
		"", "{}", `"x"`, " " + accessHeader(nil), "\n" + accessHeader(nil),
		strings.Replace(accessHeader(nil), "{", `{"typ":"at+jwt",`, 1),
		strings.Replace(accessHeader(nil), `"alg"`, `"ALG"`, 1),
		strings.Replace(accessHeader(nil), "{", `{"crit":null,`, 1),
	}
	for _, more := range []map[string]any{
		{"typ": "JWT"}, {"typ": "rt+jwt"}, {"typ": nil}, {"typ": ""}, {"typ": 1}, {"typ": "text/at+jwt"},
		{"typ": "at+jwt "},
		{"crit": []string{"exp"}}, {"crit": []string{}}, {"zip": "DEF"}, {"enc": "A128GCM"}, {"kid": nil}, {"kid": 1},
		{"kid": "unknown"}, {"kid": []string{secretKid(secret)}}, {"alg": "none"}, {"alg": "hs256"},
		{"alg": nil}, {"alg": 1},
		{"alg": "HS512"}, {"alg": "EdDSA"}, {"alg": []string{"HS256"}}, {"alg": map[string]any{}},
	} {
		headers = append(headers, accessHeader(more))
	}
	for _, header := range headers {
		if _, err := localGuard(t).Verify(sign(header, changed())); !errors.Is(err, ErrInvalidToken) {
			t.Errorf("%v: %s", err, header)
		}
	}
}

func TestATokenHasOnlyOneEncoding(t *testing.T) {
	token := userToken()
	last := token[len(token)-1:]
	for _, other := range []string{
		"", ".", "..", "...", token + ".", "." + token, token + "=", token + "\n", " " + token, token[:len(token)-1],
		strings.Replace(token, ".", "..", 1), strings.Replace(token, ".", "\n.", 1), token + "." + encode("{}"),
		token[:strings.LastIndex(token, ".")+1], token[:len(token)-1] + string(last[0]+1),
		strings.Replace(token, ".", "=.", 1), token + "\x00", "Bearer " + token,
		sign(accessHeader(nil), changed("x", strings.Repeat("x", 8192))),
	} {
		if _, err := localGuard(t).Verify(other); !errors.Is(err, ErrInvalidToken) {
			t.Errorf("%v: %q", err, other)
		}
	}
}

func TestATokenHasAtMost8192Bytes(t *testing.T) {
	ofLength := func(length int) string {
		for header := range 4 {
			for payload := range length {
				more := map[string]any{"x": strings.Repeat("x", header)}
				token := sign(accessHeader(more), changed("x", strings.Repeat("x", payload)))
				if len(token) == length {
					return token
				}
				if len(token) > length {
					break
				}
			}
		}
		panic("no such token")
	}
	if _, err := localGuard(t).Verify(ofLength(8192)); err != nil {
		t.Error(err)
	}
	if _, err := localGuard(t).Verify(ofLength(8193)); !errors.Is(err, ErrInvalidToken) {
		t.Error(err)
	}
}

func TestTheReasonOfARejectionIsFoundWithErrorsIs(t *testing.T) {
	if _, err := localGuard(t).Verify(userToken("exp", now-30)); !errors.Is(err, ErrInvalidToken) {
		t.Error(err)
	}
	var rejection *Error
	if !errors.As(ErrRevoked, &rejection) || rejection.Status != 401 || !errors.Is(errStale, ErrUnavailable) {
		t.Error(rejection)
	}
}

// pair is a key pair with its JWK.
type pair struct {
	method  jwt.SigningMethod
	private any
	jwk     map[string]any
}

func pairs(t *testing.T) []pair {
	t.Helper()
	b64 := base64.RawURLEncoding.EncodeToString
	edPublic, edPrivate, _ := ed25519.GenerateKey(rand.Reader)
	ec, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	point, _ := ec.PublicKey.Bytes()
	rs, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return []pair{
		{jwt.SigningMethodEdDSA, edPrivate, map[string]any{"alg": "EdDSA", "kty": "OKP", "crv": "Ed25519",
			"x": b64(edPublic)}},
		{jwt.SigningMethodES256, ec, map[string]any{"alg": "ES256", "kty": "EC", "crv": "P-256", "x": b64(point[1:33]),
			"y": b64(point[33:])}},
		{jwt.SigningMethodRS256, rs, map[string]any{"alg": "RS256", "kty": "RSA", "n": b64(rs.N.Bytes()), "e": "AQAB"}},
	}
}

// publish replaces the public keys of a guard by one.
func publish(t *testing.T, guard *Guard, jwk map[string]any) {
	t.Helper()
	keys, err := parseKeys(strings.NewReader(toJSON(map[string]any{"keys": []any{jwk}})))
	if err != nil || len(keys) != 1 {
		t.Fatal(jwk, err)
	}
	guard.publicKeys.Store(&keys)
}

func (p pair) sign(t *testing.T, header, payload string) (signed string, signature []byte) {
	t.Helper()
	signed = encode(header) + "." + encode(payload)
	signature, err := p.method.Sign(signed, p.private)
	if err != nil {
		t.Fatal(err)
	}
	return signed, signature
}

func TestPublishedKeysVerifyWithTheirOnlyAlgorithm(t *testing.T) {
	b64 := base64.RawURLEncoding.EncodeToString
	all := pairs(t)
	for i, pair := range all {
		pair.jwk["kid"] = "one"
		guard := localGuard(t)
		publish(t, guard, pair.jwk)
		header := accessHeader(map[string]any{"kid": "one", "alg": pair.method.Alg()})
		signed, signature := pair.sign(t, header, changed())
		if _, err := guard.Verify(signed + "." + b64(signature)); err != nil {
			t.Errorf("%s: %v", pair.method.Alg(), err)
		}
		signature[10] ^= 1
		if _, err := guard.Verify(signed + "." + b64(signature)); !errors.Is(err, ErrInvalidToken) {
			t.Errorf("%s: a changed signature: %v", pair.method.Alg(), err)
		}
		// The public key is no HMAC secret, and no other algorithm is tried.
		for _, alg := range []string{"HS256", "none", all[(i+1)%3].method.Alg()} {
			other := sign(accessHeader(map[string]any{"kid": "one", "alg": alg}), changed())
			if _, err := guard.Verify(other); !errors.Is(err, ErrInvalidToken) {
				t.Errorf("%s as %s: %v", pair.method.Alg(), alg, err)
			}
		}
	}
}

func TestBothFormsOfARevokedES256TokenAreRejected(t *testing.T) {
	pair := pairs(t)[1]
	pair.jwk["kid"] = "one"
	signed, signature := pair.sign(t, accessHeader(map[string]any{"kid": "one", "alg": "ES256"}), changed())
	s := new(big.Int).Sub(elliptic.P256().Params().N, new(big.Int).SetBytes(signature[32:]))
	twin := append(append([]byte{}, signature[:32]...), s.FillBytes(make([]byte, 32))...)
	guard := localGuard(t, WithFeedSecret(feedKey))
	publish(t, guard, pair.jwk)
	guard.revocations.knownAsOf(time.Now(), 0)
	for _, revoked := range []bool{false, true} {
		for _, form := range [][]byte{signature, twin} {
			_, err := guard.Verify(signed + "." + base64.RawURLEncoding.EncodeToString(form))
			if errors.Is(err, ErrRevoked) != revoked || (err != nil) != revoked {
				t.Errorf("%v: %v", revoked, err)
			}
		}
		guard.revocations.add(entry{revocation{"token", "token-1"}, now, 7500})
	}
}

func TestUnusableKeysAreSkippedAndBrokenSetsRejected(t *testing.T) {
	b64 := base64.RawURLEncoding.EncodeToString
	odd := func(bits uint) []byte { return new(big.Int).SetBit(big.NewInt(1), int(bits)-1, 1).Bytes() }
	good := pairs(t)
	for _, pair := range good {
		pair.jwk["kid"] = "good"
		for name, values := range map[string][]any{
			"kty": {"oct", "", nil, 1}, "crv": {"P-384", "X25519", 1}, "x": {"", "AA", 1, nil},
			"n": {"", 1, b64(odd(1024)), b64(odd(2047))}, "e": {"", 1}, "use": {"enc", 1},
			"alg": {"none", "PS256", 1, nil}, "kid": {nil, "", 1}, "d": {"AA", "x"},
		} {
			_, has := pair.jwk[name]
			if !has && name != "use" && name != "d" {
				continue
			}
			for _, value := range values {
				bad := maps.Clone(pair.jwk)
				bad["kid"] = "bad"
				if bad[name] = value; value == nil {
					delete(bad, name)
				}
				keys, err := parseKeys(strings.NewReader(toJSON(map[string]any{"keys": []any{bad, pair.jwk}})))
				if err != nil || len(keys) != 1 || keys["good"] == nil {
					t.Errorf("%v: %v %v", bad, keys, err)
				}
			}
		}
	}
	for _, set := range []string{
		"", "[]", "<html>", "{}", `{"keys":null}`, `{"keys":{}}`, `{"keys":[],"keys":[]}`,
		`{"keys":[` + strings.Replace(toJSON(good[0].jwk), "{", `{"kid":"x",`, 1) + `]}`,
		toJSON(map[string]any{"keys": []any{good[0].jwk, good[1].jwk}}), // both have one kid
		toJSON(map[string]any{"keys": []any{good[0].jwk, map[string]any{"kty": "later", "kid": "good"}}}),
	} {
		if _, err := parseKeys(strings.NewReader(set)); err == nil {
			t.Error(set)
		}
	}
	secret := `{"keys":[{"kty":"oct","kid":"x","alg":"HS256","k":"` + b64([]byte(secret)) + `"}]}`
	for _, set := range []string{`{"keys":[]}`, secret} {
		if keys, err := parseKeys(strings.NewReader(set)); err != nil || len(keys) != 0 {
			t.Error("an empty set revokes all keys on purpose, and a secret is never used", keys, err)
		}
	}
}
