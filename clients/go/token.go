package goptri

import (
	"context"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/golang-jwt/jwt/v5"
)

// Verify returns the claims of an access token that is genuine, valid now, for this service, and not revoked. Otherwise
// the error wraps [ErrInvalidToken], or [ErrUnavailable] if the token may be valid.
func (g *Guard) Verify(token string) (*Claims, error) {
	segments := strings.Split(token, ".")
	// The library for base64 skips line breaks.
	if len(segments) != 3 || len(token) > 8192 || strings.ContainsAny(token, "\r\n") {
		return nil, reject("it is not three segments of base64, or too long")
	}
	var decoded [3][]byte
	for i, segment := range segments {
		data, err := base64.RawURLEncoding.Strict().DecodeString(segment)
		if err != nil {
			return nil, reject("a segment is not strict base64url")
		}
		decoded[i] = data
	}
	header, err := parseObject(decoded[0])
	if err != nil {
		return nil, err
	}
	key, err := g.key(header)
	if err != nil {
		return nil, err
	}
	method, found := methods[claim[string](header, "alg")]
	if !found || method.Verify(segments[0]+"."+segments[1], decoded[2], key) != nil {
		return nil, reject("its signature does not match")
	}
	claims, err := parseClaims(decoded[1])
	if err != nil {
		return nil, err
	}
	if err := g.validator.Validate(jwt.MapClaims(claims.Raw)); err != nil {
		return nil, reject(err.Error())
	}
	// A revocation is kept for an hour longer than any token. One that was issued later could outlive it.
	if claims.IssuedAt.After(g.now().Add(g.leeway + time.Hour)) {
		return nil, reject("it was issued in the future (iat); is a clock wrong?")
	}
	if err := g.revocations.check(claims); err != nil {
		return nil, err
	}
	return claims, nil
}

// methods are the algorithms that a token may name. The type of a key permits exactly one of them.
var methods = map[string]jwt.SigningMethod{
	"HS256": jwt.SigningMethodHS256, "EdDSA": jwt.SigningMethodEdDSA,
	"ES256": jwt.SigningMethodES256, "RS256": jwt.SigningMethodRS256,
}

// keySet has keys by kid: []byte, ed25519.PublicKey, *ecdsa.PublicKey or *rsa.PublicKey.
type keySet map[string]any

// key returns the key that the header of a token names, if everything else in the header is permitted. Members with
// which a sender could choose the key (jwk, jku, x5u, x5c) are ignored.
func (g *Guard) key(header map[string]any) (any, error) {
	for _, extension := range []string{"crit", "zip", "enc"} {
		if _, present := header[extension]; present {
			return nil, reject("its header requires the extension " + extension)
		}
	}
	typ := strings.ToLower(claim[string](header, "typ"))
	if typ != "at+jwt" && typ != "application/at+jwt" {
		return nil, reject("its typ is that of another type of token")
	}
	kid := claim[string](header, "kid")
	if key, found := (*g.secretKeys.Load())[kid]; found {
		return key, nil
	}
	if g.lacksKeys() {
		g.unknownKid.Store(true)
		return nil, errNoKeys
	}
	if key, found := (*g.publicKeys.Load())[kid]; found {
		return key, nil
	}
	g.unknownKid.Store(true)
	return nil, reject("no configured key has its kid; was the secret replaced?")
}

// fetchKeys replaces the public keys. The last good ones stay in use while auth-server is unreachable.
func (g *Guard) fetchKeys(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	header := http.Header{"Cache-Control": {"no-cache"}} // a cache could return a removed key
	response, err := g.get(ctx, "/.well-known/jwks.json", header)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	keys, err := parseKeys(io.LimitReader(response.Body, 128*1024))
	if err == nil {
		g.publicKeys.Store(&keys)
	}
	return err
}

// parseKeys returns the usable keys of a set (RFC 7517). It skips others, which a newer auth-server may publish.
func parseKeys(data io.Reader) (keySet, error) {
	var set struct {
		Keys []jsontext.Value `json:"keys"`
	}
	if err := json.UnmarshalRead(data, &set); err != nil || set.Keys == nil {
		return nil, errors.New("not a set of keys; does AUTH_SERVER_URL name auth-server itself?")
	}
	keys, kids := keySet{}, map[string]bool{}
	for _, data := range set.Keys {
		var named struct {
			KID string `json:"kid"`
		}
		if json.Unmarshal(data, &named) == nil && kids[named.KID] {
			return nil, errors.New("two keys have one kid")
		}
		kids[named.KID] = named.KID != ""
		var key jose.JSONWebKey
		err := key.UnmarshalJSON(data)
		public, isRSA := key.Key.(*rsa.PublicKey)
		_, isKnown := methods[key.Algorithm]
		isUsable := isKnown && key.IsPublic() && key.KeyID != "" && key.Use != "enc"
		if err == nil && isUsable && (!isRSA || public.N.BitLen() >= 2048) {
			keys[key.KeyID] = key.Key
		}
	}
	return keys, nil
}
