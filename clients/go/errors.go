package goptri

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
)

// Error is what a client sees if its request is rejected. Use errors.Is to tell one from another, and errors.As for its
// status and code.
type Error struct {
	Status      int    // the HTTP status
	Code        string // for programs
	Description string // one sentence for developers
	challenge   string // the WWW-Authenticate header
}

// Error returns the code.
func (e *Error) Error() string { return e.Code }

// Is tells whether target has the same code.
func (e *Error) Is(target error) bool {
	other, isError := target.(*Error)
	return isError && other.Code == e.Code
}

// The errors of [Guard.Verify] and [Guard.VerifyRequest], which wrap them with the reason for the log.
var (
	// ErrMissingToken: the request has no access token.
	ErrMissingToken = &Error{http.StatusUnauthorized, "missing_token",
		"This route needs an access token; send it as Authorization: Bearer and the token.", "Bearer"}
	// ErrInvalidToken: the token is invalid. Clients get the same response for every reason.
	ErrInvalidToken = &Error{http.StatusUnauthorized, "invalid_token",
		"The token is malformed, expired, revoked or for another service.", `Bearer error="invalid_token"`}
	// ErrInsufficientScope: the token is valid, but lacks the scope or role that the route needs.
	ErrInsufficientScope = &Error{http.StatusForbidden, "insufficient_scope",
		"The access token lacks the scope or role that this route needs.", `Bearer error="insufficient_scope"`}
	// ErrInvalidRequest: the request has two Authorization headers.
	ErrInvalidRequest = &Error{http.StatusBadRequest, "invalid_request",
		"The request has more than one Authorization header; send one.", ""}
	// ErrCrossSite: a page of another origin sends an unsafe request with the user's cookie.
	ErrCrossSite = &Error{http.StatusForbidden, "cross_site_request",
		"Requests with cookies that change something must come from a page of this service or of an allowed origin.",
		""}
	// ErrUnavailable: the token may be valid, but keys or revocations are missing.
	ErrUnavailable = &Error{http.StatusServiceUnavailable, "temporarily_unavailable",
		"The service is temporarily unavailable; try again after the seconds in the Retry-After header.", ""}
)

// The reasons for rejections that depend on auth-server, for errors.Is.
var (
	// ErrRevoked: the session, the token or the client was revoked. It wraps [ErrInvalidToken].
	ErrRevoked = reject("its session, the token itself or its client was revoked")
	// ErrNotCaughtUp: not all revocations are known since the start. It wraps [ErrUnavailable].
	ErrNotCaughtUp = fmt.Errorf("%w: not all of the revocation feed was read since the start", ErrUnavailable)
	// ErrStale: the revocation feed is stale, and ON_STALE is refuse. It wraps [ErrUnavailable].
	ErrStale = fmt.Errorf("%w: the revocation feed is stale, and ON_STALE is refuse", ErrUnavailable)
	// ErrKeysUnavailable: the public keys of auth-server were not fetched yet, or there are none. It wraps
	// [ErrUnavailable].
	ErrKeysUnavailable = fmt.Errorf("%w: the public keys of auth-server were not fetched yet, or there are none",
		ErrUnavailable)
)

// reject returns ErrInvalidToken with a reason, which contains no part of the token.
func reject(reason string) error { return fmt.Errorf("%w: %s", ErrInvalidToken, reason) }

// WriteError writes the response to a request that is rejected with err, for users of [Guard.VerifyRequest]. An error
// of another package gets 503.
func WriteError(w http.ResponseWriter, err error) {
	rejection := ErrUnavailable
	errors.As(err, &rejection)
	if rejection.challenge != "" {
		w.Header().Set("WWW-Authenticate", rejection.challenge)
	}
	if rejection.Status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(rejection.Status)
	body, _ := json.Marshal(map[string]string{"error": rejection.Code, "error_description": rejection.Description})
	w.Write(body)
}
