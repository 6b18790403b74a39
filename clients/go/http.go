package goptri

import (
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
)

// Middleware rejects requests without a valid access token, and unsafe ones with the user's cookie that a foreign page
// sends. Handlers get the claims from [FromContext].
func (g *Guard) Middleware(next http.Handler) http.Handler { return g.protect(next) }

// RequireScope is [Guard.Middleware] for a route that needs a scope.
func (g *Guard) RequireScope(scope string, next http.Handler) http.Handler {
	return g.protect(next, scope)
}

func (g *Guard) protect(next http.Handler, scopes ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.Header["Authorization"]) == 0 {
			// With a cookie, or from another page, the response may be another one.
			w.Header().Add("Vary", "Sec-Fetch-Site, Origin, Cookie")
			if len(r.CookiesNamed(g.cookieName)) > 0 {
				private := privateWriter{w}
				defer private.Unwrap() // for a handler that writes nothing
				w = private
			}
		}
		claims, err := g.VerifyRequest(r)
		for _, scope := range scopes {
			if err == nil && !claims.HasScope(scope) {
				err = lacking(scope)
			}
		}
		if err != nil {
			g.log.InfoContext(r.Context(), "request rejected", "path", r.URL.Path, "reason", err)
			WriteError(w, err)
			return
		}
		next.ServeHTTP(w, r.WithContext(NewContext(r.Context(), claims)))
	})
}

// privateWriter keeps a response out of every cache, whatever the handler sets.
type privateWriter struct{ http.ResponseWriter }

// Unwrap is for [http.ResponseController].
func (w privateWriter) Unwrap() http.ResponseWriter {
	w.Header().Set("Cache-Control", "private, no-store") // no effect once the header is written
	return w.ResponseWriter
}

func (w privateWriter) WriteHeader(status int) { w.Unwrap().WriteHeader(status) }

func (w privateWriter) Write(data []byte) (int, error) { return w.Unwrap().Write(data) }

// Flush implements [http.Flusher], for handlers that stream.
func (w privateWriter) Flush() { http.NewResponseController(w.Unwrap()).Flush() }

// VerifyRequest returns the claims of the caller of a request, for frameworks without middleware of net/http. The
// errors are those of [Guard.Verify], and [ErrMissingToken], [ErrInvalidRequest] and [ErrCrossSite].
func (g *Guard) VerifyRequest(r *http.Request) (*Claims, error) {
	headers, cookies := r.Header["Authorization"], r.CookiesNamed(g.cookieName)
	switch {
	case len(headers) > 1:
		return nil, ErrInvalidRequest
	case len(headers) == 1:
		scheme, token, _ := strings.Cut(headers[0], " ")
		if strings.EqualFold(scheme, "Bearer") {
			return g.Verify(strings.Trim(token, " "))
		}
		return nil, ErrMissingToken
	case len(cookies) == 0:
		return nil, ErrMissingToken
	case len(cookies) > 1:
		return nil, reject("the request has two session cookies of one name")
	case !g.maySendCookies(r): // first, so that a foreign page does not learn whether it is valid
		return nil, ErrCrossSite
	}
	// The cookie has base64 of {"jwt":"<token>"}. A token needs no escapes.
	data, err := base64.StdEncoding.Strict().DecodeString(cookies[0].Value)
	members, jsonErr := parseObject(data)
	token := claim[string](members, "jwt")
	isPlain := !cookies[0].Quoted && strings.Contains(string(data), `"`+token+`"`)
	if err != nil || jsonErr != nil || !isPlain || len(cookies[0].Value) > 4096 {
		return nil, reject("its cookie is not base64 of JSON with the member jwt, or too long")
	}
	return g.Verify(token)
}

// maySendCookies tells whether a request with cookies does not come from a foreign page. A browser attaches cookies to
// requests of such pages, too.
func (g *Guard) maySendCookies(r *http.Request) bool {
	site := strings.Join(r.Header["Sec-Fetch-Site"], ",")
	origin := strings.Join(r.Header["Origin"], ",")
	// A foreign page can also open a WebSocket with a GET, and read its messages.
	isWebSocket := r.Header.Get("Sec-WebSocket-Version") != ""
	return !isWebSocket && slices.Contains([]string{"GET", "HEAD", "OPTIONS"}, r.Method) ||
		site == "same-origin" || site == "none" || slices.Contains(g.origins, origin)
}

// Error is what a client sees if its request is rejected. Use errors.Is to tell one from another, and errors.As for its
// status and code.
type Error struct {
	Status      int    `json:"-"`                 // the HTTP status
	Code        string `json:"error"`             // for programs
	Description string `json:"error_description"` // one sentence for developers
	header      http.Header
}

// Error returns the code.
func (e *Error) Error() string { return e.Code }

// The errors of [Guard.Verify] and [Guard.VerifyRequest], which wrap them with the reason for the log.
var (
	// ErrMissingToken: the request has no access token.
	ErrMissingToken = &Error{401, "missing_token",
		"This route needs an access token; send it as Authorization: Bearer and the token.",
		challenge("Bearer")}
	// ErrInvalidToken: the token is invalid. Clients get the same response for every reason.
	ErrInvalidToken = &Error{401, "invalid_token",
		"The token is malformed, expired, revoked or for another service.",
		challenge(`Bearer error="invalid_token"`)}
	// ErrInsufficientScope: the token is valid, but lacks the scope that the route needs.
	ErrInsufficientScope = &Error{403, "insufficient_scope",
		"The access token lacks the scope or role that this route needs.",
		challenge(`Bearer error="insufficient_scope"`)}
	// ErrInvalidRequest: the request has two Authorization headers.
	ErrInvalidRequest = &Error{400, "invalid_request",
		"The request has more than one Authorization header; send one.", nil}
	// ErrCrossSite: a page of another origin sends an unsafe request with the user's cookie.
	ErrCrossSite = &Error{403, "cross_site_request", "Requests with cookies that change " +
		"something must come from a page of this service or of an allowed origin.", nil}
	// ErrUnavailable: the token may be valid, but keys or revocations are missing.
	ErrUnavailable = &Error{503, "temporarily_unavailable", "The service is temporarily " +
		"unavailable; try again after the seconds in the Retry-After header.",
		http.Header{"Retry-After": {"1"}}}
	// ErrRevoked wraps ErrInvalidToken: the session, the token or the client was revoked.
	ErrRevoked = reject("its session, the token itself or its client was revoked")

	errNoKeys      = unavailable("there are no keys, or those of auth-server were not fetched")
	errNotCaughtUp = unavailable("not all of the revocation feed was read since the start")
	errStale       = unavailable("the revocation feed is stale, and ON_STALE is refuse")
)

func challenge(value string) http.Header { return http.Header{"Www-Authenticate": {value}} }

// lacking returns ErrInsufficientScope with the scope in its challenge.
func lacking(scope string) error {
	lacking := *ErrInsufficientScope
	lacking.header = challenge(`Bearer error="insufficient_scope", scope="` + scope + `"`)
	return &lacking
}

// reject returns ErrInvalidToken with a reason, which contains no part of the token.
func reject(reason string) error { return fmt.Errorf("%w: %s", ErrInvalidToken, reason) }

// unavailable returns ErrUnavailable with a reason.
func unavailable(reason string) error { return fmt.Errorf("%w: %s", ErrUnavailable, reason) }

// WriteError writes the response to a request that is rejected with err, for users of [Guard.VerifyRequest]. An error
// of another package gets 503.
func WriteError(w http.ResponseWriter, err error) {
	rejection := ErrUnavailable
	errors.As(err, &rejection)
	maps.Copy(w.Header(), rejection.header)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(rejection.Status)
	json.MarshalWrite(w, rejection) // fails only if the client is gone
}
