package goptri

import (
	"net/http"
	"strings"
	"unicode/utf8"
)

// Middleware rejects requests without a valid access token, and unsafe ones with the user's cookie that a foreign page
// sends. Handlers get the claims from [FromContext].
func (g *Guard) Middleware(next http.Handler) http.Handler {
	return g.require(next, nil)
}

// RequireScope is [Guard.Middleware] for a route that needs a scope.
func (g *Guard) RequireScope(scope string, next http.Handler) http.Handler {
	if !isScope(scope) {
		panic("goptri: a scope is one word of printable ASCII without quotes or backslashes")
	}
	lacking := *ErrInsufficientScope
	lacking.challenge += `, scope="` + scope + `"`
	return g.require(next, func(claims *Claims) *Error {
		if claims.HasScope(scope) {
			return nil
		}
		return &lacking
	})
}

// RequireRole is [Guard.Middleware] for a route that needs a role of the user.
func (g *Guard) RequireRole(role string, next http.Handler) http.Handler {
	return g.require(next, func(claims *Claims) *Error {
		if claims.HasRole(role) {
			return nil
		}
		return ErrInsufficientScope
	})
}

func (g *Guard) require(next http.Handler, permit func(*Claims) *Error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		credential := g.credential(r)
		if credential.carrier == inCookie {
			w = &privateWriter{w}
			keepOutOfCaches(w.Header())
		}
		if credential.carrier != inHeader {
			// With a cookie, or from another page, the response may be another one.
			w.Header().Add("Vary", "Sec-Fetch-Site, Origin, Cookie")
		}
		claims, err := g.verifyCredential(r, credential)
		if err == nil && permit != nil {
			if lacking := permit(claims); lacking != nil {
				err = lacking
			}
		}
		if err != nil {
			g.log.InfoContext(r.Context(), "request rejected", "method", r.Method, "path", r.URL.Path, "reason", err)
			WriteError(w, err)
			return
		}
		next.ServeHTTP(w, r.WithContext(NewContext(r.Context(), claims)))
	})
}

// VerifyRequest returns the claims of the caller of a request, for frameworks without middleware of net/http. The
// errors are those of [Guard.Verify], and [ErrMissingToken], [ErrInvalidRequest] and [ErrCrossSite].
func (g *Guard) VerifyRequest(r *http.Request) (*Claims, error) {
	return g.verifyCredential(r, g.credential(r))
}

// credential is where a request has its access token, which is not verified.
type credential struct {
	carrier carrier
	value   string // the token, or the value of the cookie
	err     error  // it cannot be used
}

type carrier int

const (
	nowhere carrier = iota
	inHeader
	inCookie
)

// credential returns that of the Authorization header. Only a request without such a header may use the cookie.
func (g *Guard) credential(r *http.Request) credential {
	switch values := r.Header["Authorization"]; len(values) {
	case 0:
	case 1:
		scheme, token, _ := strings.Cut(values[0], " ")
		if !strings.EqualFold(scheme, "Bearer") {
			return credential{nowhere, "", ErrMissingToken}
		}
		if !utf8.ValidString(token) {
			return credential{inHeader, "", reject("it is not UTF-8")}
		}
		return credential{inHeader, strings.Trim(token, " "), nil}
	default:
		return credential{inHeader, "", ErrInvalidRequest}
	}
	switch values := cookieValues(r.Header, g.cookieName); len(values) {
	case 0:
		return credential{nowhere, "", ErrMissingToken}
	case 1:
		return credential{inCookie, values[0], nil}
	default:
		return credential{inCookie, "", reject("the request has two session cookies of one name")}
	}
}

func (g *Guard) verifyCredential(r *http.Request, credential credential) (*Claims, error) {
	if credential.err != nil {
		return nil, credential.err
	}
	if credential.carrier == inHeader {
		return g.Verify(credential.value)
	}
	// First, so that a foreign page does not learn whether the cookie is valid.
	if !mayUseCookies(r, g.origins) {
		return nil, ErrCrossSite
	}
	token, err := cookieToken(credential.value)
	if err != nil {
		return nil, err
	}
	return g.Verify(token)
}

// privateWriter keeps the response to a request with the cookie out of every cache, whatever the handler sets.
type privateWriter struct{ http.ResponseWriter }

func keepOutOfCaches(header http.Header) { header.Set("Cache-Control", "private, no-store") }

func (w *privateWriter) WriteHeader(status int) {
	keepOutOfCaches(w.Header())
	w.ResponseWriter.WriteHeader(status)
}

func (w *privateWriter) Write(data []byte) (int, error) {
	keepOutOfCaches(w.Header()) // no effect once the header is written
	return w.ResponseWriter.Write(data)
}

// Flush implements [http.Flusher], for handlers that stream.
func (w *privateWriter) Flush() {
	keepOutOfCaches(w.Header())
	http.NewResponseController(w.ResponseWriter).Flush()
}

// Unwrap is for [http.ResponseController].
func (w *privateWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
