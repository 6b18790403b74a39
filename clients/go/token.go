package goptri

import (
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const (
	maxTokenBytes = 8 * 1024
	// maxClockError is how far a service's clock may be behind. Revocations are kept for this long after the expiry of
	// a token. One that was issued later could outlive its own revocation.
	maxClockError = time.Hour
)

// verifier verifies the signature and all claims of a token. It uses golang-jwt for the signature and the registered
// claims, and checks before and after what that library permits and Goptri never issues.
type verifier struct {
	keys      *keySource
	validator *jwt.Validator
	leeway    time.Duration
	now       func() time.Time
}

func newVerifier(keys *keySource, s *settings) *verifier {
	validator := jwt.NewValidator(jwt.WithIssuer(s.issuer), jwt.WithAudience(s.audience), jwt.WithLeeway(s.leeway),
		jwt.WithTimeFunc(s.now), jwt.WithExpirationRequired())
	return &verifier{keys, validator, s.leeway, s.now}
}

// verify returns the claims of a token that is genuine and valid now. Revocations are not checked.
func (v *verifier) verify(token string) (*Claims, error) {
	if len(token) > maxTokenBytes {
		return nil, reject("it is longer than 8192 bytes")
	}
	segments := strings.Split(token, ".")
	if len(segments) != 3 {
		return nil, reject("it is not three segments, joined by dots")
	}
	var decoded [3][]byte
	for i, segment := range segments {
		var err error
		if decoded[i], err = decodeBase64(base64.RawURLEncoding, segment); err != nil {
			return nil, reject("a segment is not strict base64url")
		}
	}
	key, err := v.key(decoded[0])
	if err != nil {
		return nil, err
	}
	signingInput := token[:len(segments[0])+1+len(segments[1])]
	if err := key.method.Verify(signingInput, decoded[2], key.material); err != nil {
		return nil, reject("its signature does not match")
	}
	claims, err := parseClaims(decoded[1])
	if err != nil {
		return nil, err
	}
	if err := v.validator.Validate(claims); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalidToken, err)
	}
	if claims.IssuedAt.Time.After(v.now().Add(v.leeway + maxClockError)) {
		return nil, reject("it was issued in the future (iat); do the clocks of auth-server and of this service agree?")
	}
	return claims, nil
}

// key returns the key that the header names, if everything else in the header is permitted. Members with which a
// sender could choose the key (jwk, jku, x5u, x5c) are ignored.
func (v *verifier) key(header []byte) (verifyingKey, error) {
	members, err := parseObject(header, maxMembers)
	if err != nil {
		return verifyingKey{}, reject("its header is " + err.Error())
	}
	for _, extension := range []string{"crit", "zip", "enc"} {
		if _, present := members[extension]; present {
			return verifyingKey{}, reject("its header requires an extension (" + extension + ")")
		}
	}
	typ, _ := members["typ"].(string)
	if !strings.EqualFold(typ, "at+jwt") && !strings.EqualFold(typ, "application/at+jwt") {
		return verifyingKey{}, reject("its typ is missing or that of another type of token")
	}
	kid, named := members["kid"].(string)
	if !named {
		return verifyingKey{}, reject("its header names no key (kid)")
	}
	key, err := v.keys.find(kid)
	if err != nil {
		return verifyingKey{}, err
	}
	// A key has one algorithm. The alg of a token is compared with it and selects nothing.
	if members["alg"] != key.method.Alg() {
		return verifyingKey{}, reject("its alg is not the algorithm of the key that it names")
	}
	return key, nil
}

// decodeBase64 decodes without the line breaks and left-over bits that encoding/base64 permits.
func decodeBase64(encoding *base64.Encoding, text string) ([]byte, error) {
	if at := strings.IndexAny(text, "\r\n"); at >= 0 {
		return nil, base64.CorruptInputError(at)
	}
	return encoding.Strict().DecodeString(text)
}
