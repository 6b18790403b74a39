package goptri

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/big"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const (
	jwksPath     = "/.well-known/jwks.json"
	maxJWKSBytes = 128 * 1024
	maxKeys      = 64
)

// verifyingKey is a key with its only algorithm.
type verifyingKey struct {
	method   jwt.SigningMethod
	material any
}

// keySource has the secrets of this service and the public keys that auth-server publishes, by kid.
type keySource struct {
	mu        sync.RWMutex
	local     map[string]verifyingKey
	published map[string]verifyingKey // nil until they are fetched

	changed    chan struct{} // auth-server's keys have changed, or may have
	unknownKid chan struct{} // a token named an unknown key; any client can send such tokens
}

func newKeySource() *keySource {
	return &keySource{changed: make(chan struct{}, 1), unknownKid: make(chan struct{}, 1)}
}

// find returns the key that this kid names. It never waits for the network.
func (k *keySource) find(kid string) (verifyingKey, error) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	if key, found := k.local[kid]; found {
		return key, nil
	}
	if key, found := k.published[kid]; found {
		return key, nil
	}
	notify(k.unknownKid)
	if k.published == nil || len(k.local)+len(k.published) == 0 {
		return verifyingKey{}, ErrKeysUnavailable
	}
	return verifyingKey{}, reject("no configured key has its kid; was the secret replaced?")
}

// ready returns an error until every key is known. With local secrets, the public keys are awaited only while mayWait.
func (k *keySource) ready(mayWait bool) error {
	k.mu.RLock()
	defer k.mu.RUnlock()
	if len(k.local)+len(k.published) == 0 || k.published == nil && mayWait {
		return ErrKeysUnavailable
	}
	return nil
}

func (k *keySource) setSecrets(secrets []string) {
	local := map[string]verifyingKey{}
	for _, secret := range secrets {
		digest := sha256.Sum256([]byte("goptri key id\x00" + secret))
		local[base64.RawURLEncoding.EncodeToString(digest[:12])] = verifyingKey{jwt.SigningMethodHS256, []byte(secret)}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.local = local
}

// notify leaves a mark for the reader of the channel, unless there is one.
func notify(channel chan struct{}) {
	select {
	case channel <- struct{}{}:
	default:
	}
}

// parseJWKS returns the usable keys of a set (RFC 7517), and says how many others are skipped, which a newer
// auth-server may publish.
func parseJWKS(data []byte) (keys map[string]verifyingKey, skipped int, err error) {
	set, err := parseObject(data, 64*maxKeys)
	list, isList := set["keys"].([]any)
	if err != nil || !isList || len(list) > maxKeys {
		return nil, 0, errors.New("not a set of at most 64 keys; does AUTH_SERVER_URL name auth-server itself?")
	}
	keys, kids := map[string]verifyingKey{}, map[any]bool{}
	for _, item := range list {
		jwk, isObject := item.(map[string]any)
		kid, hasKid := jwk["kid"].(string)
		if !isObject || hasKid && kids[kid] {
			return nil, 0, errors.New("a key is no object, or two have the same kid")
		}
		for _, private := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"} {
			if _, present := jwk[private]; present {
				return nil, 0, errors.New("it has private members, with which any reader can sign; replace the keys")
			}
		}
		kids[kid] = true
		if key, usable := parseJWK(jwk); usable && hasKid {
			keys[kid] = key
		} else {
			skipped++
		}
	}
	if len(keys) == 0 && skipped > 0 {
		return nil, skipped, errors.New("none of its keys can be used")
	}
	return keys, skipped, nil
}

// parseJWK returns a key of the algorithms EdDSA (Ed25519), ES256 or RS256.
func parseJWK(jwk map[string]any) (verifyingKey, bool) {
	number := func(name string) []byte {
		text, _ := jwk[name].(string)
		bytes, err := decodeBase64(base64.RawURLEncoding, text)
		if err != nil {
			return nil
		}
		return bytes
	}
	var key verifyingKey
	switch kty, crv := jwk["kty"], jwk["crv"]; {
	case kty == "OKP" && crv == "Ed25519" && len(number("x")) == ed25519.PublicKeySize:
		key = verifyingKey{jwt.SigningMethodEdDSA, ed25519.PublicKey(number("x"))}
	case kty == "EC" && crv == "P-256" && len(number("x")) == 32 && len(number("y")) == 32:
		point := slices.Concat([]byte{4}, number("x"), number("y"))
		public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
		if err != nil {
			return key, false
		}
		key = verifyingKey{jwt.SigningMethodES256, public}
	case kty == "RSA" && crv == nil:
		public := &rsa.PublicKey{N: new(big.Int).SetBytes(number("n"))}
		exponent := new(big.Int).SetBytes(number("e"))
		bits := public.N.BitLen()
		// crypto/rsa supports exponents of at most 31 bits.
		isUsable := bits >= 2048 && bits <= 8192 && public.N.Bit(0) == 1 &&
			exponent.BitLen() >= 17 && exponent.BitLen() <= 31 && exponent.Bit(0) == 1
		if !isUsable {
			return key, false
		}
		public.E = int(exponent.Int64())
		key = verifyingKey{jwt.SigningMethodRS256, public}
	default:
		return key, false
	}
	operations, _ := texts(jwk["key_ops"])
	isForVerifying := (jwk["use"] == nil || jwk["use"] == "sig") &&
		(jwk["key_ops"] == nil || slices.Contains(operations, "verify"))
	return key, isForVerifying && (jwk["alg"] == nil || jwk["alg"] == key.method.Alg())
}

// jwksFetcher keeps the published keys up to date. The last good set stays in use while auth-server is unreachable.
type jwksFetcher struct {
	keys   *keySource
	client *http.Client
	url    string
	log    *slog.Logger
}

// run fetches the keys every five minutes, after a failure, after a reported change, and for an unknown kid.
func (f *jwksFetcher) run(ctx context.Context) {
	const interval, firstRetry = 5 * time.Minute, 200 * time.Millisecond
	afterSuccess, afterFailure := interval, firstRetry
	for failing := false; ; {
		began, pause := time.Now(), afterSuccess
		if err := f.fetch(ctx); ctx.Err() != nil {
			return
		} else if err == nil {
			afterSuccess, afterFailure, failing = min(2*afterSuccess, interval), firstRetry, false
		} else {
			if !failing {
				f.log.Warn("the public keys of auth-server cannot be fetched; the last ones stay in use", "reason", err)
			}
			pause, afterFailure, failing = afterFailure, min(2*afterFailure, 10*time.Second), true
		}
		if f.wait(ctx, began, pause) {
			// Several auth-servers may share one address and get new keys at different times. The one that responds may
			// not have them yet.
			afterSuccess = firstRetry
		}
	}
}

// wait waits for the next reason to fetch the keys, and tells whether it is a reported change.
func (f *jwksFetcher) wait(ctx context.Context, began time.Time, pause time.Duration) bool {
	timer, unknownKid := time.NewTimer(pause), f.keys.unknownKid
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case <-timer.C:
			return false
		case <-f.keys.changed:
			sleep(ctx, time.Until(began.Add(100*time.Millisecond)))
			return true
		case <-unknownKid:
			unknownKid = nil
			timer.Reset(time.Until(began.Add(min(pause, 10*time.Second))))
		}
	}
}

func (f *jwksFetcher) fetch(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, f.url, nil)
	if err != nil {
		return err
	}
	request.Header.Set("Accept", "application/jwk-set+json, application/json")
	request.Header.Set("Cache-Control", "no-cache") // a cache could return a removed key
	response, err := f.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("status %s instead of keys; does AUTH_SERVER_URL name auth-server itself?", response.Status)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxJWKSBytes+1))
	if err != nil {
		return err
	}
	if len(body) > maxJWKSBytes {
		return errors.New("the set of keys is too long")
	}
	keys, skipped, err := parseJWKS(body)
	if err != nil {
		return err
	}
	f.keys.mu.Lock()
	isNew := f.keys.published == nil || !maps.EqualFunc(f.keys.published, keys, isSameMethod)
	f.keys.published = keys
	f.keys.mu.Unlock()
	if isNew {
		f.log.Info("fetched the public keys of auth-server", "keys", len(keys), "skipped", skipped)
	}
	return nil
}

func isSameMethod(one, other verifyingKey) bool { return one.method == other.method }

// sleep waits for the duration, or until the context ends.
func sleep(ctx context.Context, duration time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(duration):
	}
}
