package goptri

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func cookieOf(token string) string {
	return base64.StdEncoding.EncodeToString([]byte(`{"jwt":"` + token + `"}`))
}

// whoami shows the caller, and lets caches keep the response unless the middleware forbids it.
var whoami = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "public, max-age=60")
	io.WriteString(w, FromContext(r.Context()).Subject)
})

func serve(handler http.Handler, method string, headers ...string) *httptest.ResponseRecorder {
	request := httptest.NewRequest(method, "/?access_token="+userToken(), nil)
	for i := 0; i < len(headers); i += 2 {
		request.Header.Add(headers[i], headers[i+1])
	}
	response := httptest.NewRecorder()
	handler.ServeHTTP(response, request)
	return response
}

func TestEachRejectionHasItsStatusBodyAndHeaders(t *testing.T) {
	guard := localGuard(t)
	stale := localGuard(t, WithFeedSecret(feedKey), WithOnStale(Refuse))
	stale.revocations.knownAsOf(time.Now(), time.Hour)
	fetching := localGuard(t)
	fetching.publicKeys.Store(nil)
	token, cookie := "Bearer "+userToken(), "__Host-session="+cookieOf(userToken())
	unknownKey := "Bearer " + sign(accessHeader(map[string]any{"kid": "unknown"}), changed())
	guarded, staleFeed, noKeys := guard.Middleware(whoami), stale.Middleware(whoami), fetching.Middleware(whoami)
	const auth, invalid = "Authorization", `Bearer error="invalid_token"`
	type list = []string
	for _, c := range []struct {
		handler         http.Handler
		method          string
		headers         list
		status          int
		code, challenge string
	}{
		{guarded, "GET", list{auth, token}, 200, "", ""},
		{guarded, "GET", list{auth, "bEARER   " + userToken() + "  "}, 200, "", ""},
		{guarded, "GET", nil, 401, "missing_token", "Bearer"},
		{guarded, "GET", list{auth, ""}, 401, "missing_token", "Bearer"},
		{guarded, "GET", list{auth, "Basic YTpi", "Cookie", cookie}, 401, "missing_token", "Bearer"},
		{guarded, "GET", list{auth, "Bearer", "Cookie", cookie}, 401, "invalid_token", invalid},
		{guarded, "GET", list{auth, "Bearer \xff"}, 401, "invalid_token", invalid},
		{guarded, "GET", list{auth, token + "x"}, 401, "invalid_token", invalid},
		{guarded, "GET", list{auth, token, auth, token}, 400, "invalid_request", ""},
		{guarded, "GET", list{"Cookie", cookie}, 200, "", ""},
		{guarded, "GET", list{"Cookie", cookie, "Cookie", cookie}, 401, "invalid_token", invalid},
		{guarded, "POST", list{"Cookie", cookie}, 403, "cross_site_request", ""},
		{guarded, "POST", list{"Cookie", "__Host-session=x"}, 403, "cross_site_request", ""},
		{guarded, "POST", list{"Cookie", cookie, "Sec-Fetch-Site", "same-origin"}, 200, "", ""},
		{guard.RequireScope("stock:write", whoami), "GET", list{auth, token}, 200, "", ""},
		{guard.RequireScope("stock:admin", whoami), "GET", list{auth, token}, 403, "insufficient_scope",
			`Bearer error="insufficient_scope", scope="stock:admin"`},
		{guard.RequireScope("", whoami), "GET", list{auth, token}, 403, "insufficient_scope",
			`Bearer error="insufficient_scope", scope=""`},
		{guard.RequireScope("stock:admin", whoami), "GET", nil, 401, "missing_token", "Bearer"},
		{staleFeed, "GET", list{auth, token}, 503, "temporarily_unavailable", ""},
		{staleFeed, "GET", list{auth, token + "x"}, 401, "invalid_token", invalid},
		{noKeys, "GET", list{auth, unknownKey}, 503, "temporarily_unavailable", ""},
		{noKeys, "GET", list{auth, token}, 200, "", ""},
		{guarded, "GET", list{auth, unknownKey}, 401, "invalid_token", invalid},
	} {
		response := serve(c.handler, c.method, c.headers...)
		what := fmt.Sprintf("%s %.60q", c.method, c.headers)
		if response.Code != c.status || response.Header().Get("WWW-Authenticate") != c.challenge {
			t.Errorf("%s: %d %v", what, response.Code, response.Header())
		}
		body, retryAfter := "user-1", ""
		if c.status == 503 {
			retryAfter = "1"
		}
		if c.status != 200 {
			body = `{"error":"` + c.code + `","error_description":"`
			if response.Header().Get("Content-Type") != "application/json" {
				t.Errorf("%s: %v", what, response.Header())
			}
		}
		if !strings.HasPrefix(response.Body.String(), body) || response.Header().Get("Retry-After") != retryAfter {
			t.Errorf("%s: %s %v", what, response.Body, response.Header())
		}
	}
}

func TestResponsesThatDependOnTheCookieAreNotCached(t *testing.T) {
	guard := localGuard(t).Middleware(whoami)
	vary := "Sec-Fetch-Site, Origin, Cookie"
	for _, c := range []struct {
		headers     []string
		cache, vary string
	}{
		{[]string{"Authorization", "Bearer " + userToken()}, "public, max-age=60", ""},
		{[]string{"Cookie", "__Host-session=" + cookieOf(userToken())}, "private, no-store", vary},
		{[]string{"Cookie", "__Host-session=x"}, "private, no-store", vary},
		{[]string{"Cookie", "__Host-session=x; __Host-session=x"}, "private, no-store", vary},
		{[]string{"Authorization", "Basic x", "Cookie", "__Host-session=x"}, "", ""},
		{nil, "", vary},
	} {
		header := serve(guard, "GET", c.headers...).Header()
		if header.Get("Cache-Control") != c.cache || header.Get("Vary") != c.vary {
			t.Errorf("%.40q: %v", c.headers, header)
		}
	}
}

func TestAHandlerCannotLetCachesKeepTheResponseToARequestWithTheCookie(t *testing.T) {
	for name, respond := range map[string]func(http.ResponseWriter){
		"nothing":     func(http.ResponseWriter) {},
		"WriteHeader": func(w http.ResponseWriter) { w.WriteHeader(http.StatusNoContent) },
		"Copy":        func(w http.ResponseWriter) { io.Copy(w, strings.NewReader("x")) },
		"Flush":       func(w http.ResponseWriter) { w.(http.Flusher).Flush() },
		"controller": func(w http.ResponseWriter) {
			if err := http.NewResponseController(w).Flush(); err != nil {
				t.Error(err)
			}
		},
	} {
		handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Cache-Control", "public")
			respond(w)
		})
		response := serve(localGuard(t).Middleware(handler), "GET", "Cookie", "__Host-session="+cookieOf(userToken()))
		mustFlush := name == "Flush" || name == "controller"
		if response.Flushed != mustFlush || response.Result().Header.Get("Cache-Control") != "private, no-store" {
			t.Error(name, response.Result().Header)
		}
	}
}

func TestAMegabyteOfSpacesCostsNoTime(t *testing.T) {
	spaces := "x" + strings.Repeat(" ", 1_000_000) + "x"
	guard, cookie := localGuard(t).Middleware(whoami), "__Host-session="+cookieOf(userToken())
	for _, c := range []struct {
		headers []string
		status  int
	}{
		{[]string{"Authorization", "Bearer " + spaces}, 401},
		{[]string{"Authorization", "Bearer" + spaces[1:len(spaces)-1] + userToken() + spaces[1:len(spaces)-1]}, 200},
		{[]string{"Authorization", spaces}, 401},
		{[]string{"Cookie", "__Host-session=" + spaces}, 401},
		{[]string{"Cookie", "a=b;" + spaces + ";" + spaces[1:len(spaces)-1] + cookie + spaces[1:len(spaces)-1]}, 200},
		{[]string{"Cookie", strings.Repeat(" ;", 500_000) + cookie}, 401}, // net/http limits the number of cookies
	} {
		began := time.Now()
		if response := serve(guard, "GET", c.headers...); response.Code != c.status {
			t.Errorf("%.40q: %d", c.headers, response.Code)
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("%.40q took %v", c.headers, took)
		}
	}
}

func TestOnlyAStrictCookieIsAccepted(t *testing.T) {
	guard, token := localGuard(t), userToken()
	good := cookieOf(token)
	b64 := func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }
	accept := []string{
		"__Host-session=" + good, "a=b; __Host-session=" + good + ";c=d", " \t__Host-session=" + good + " \t",
		"__host-session=x; session=x; __Host-session2=x; x__Host-session=x; __Host-session=" + good,
		"__Host-session=" + b64(`{"views":1,"jwt":"`+token+`"}`),
	}
	for _, cookie := range accept {
		if response := serve(guard.Middleware(whoami), "GET", "Cookie", cookie); response.Code != 200 {
			t.Errorf("%d %.60q", response.Code, cookie)
		}
	}
	for _, value := range []string{
		"", token, `"` + good + `"`, strings.TrimRight(b64(`{"jwt":"`+token+`" }`), "="), good + "=", good + good,
		strings.ReplaceAll(good, "J", "%4A"), b64("null"), b64(`["` + token + `"]`), b64(`{"JWT":"` + token + `"}`),
		b64(`{"jwt":"` + token + `","jwt":"` + token + `"}`), b64(`{"jwt":"` + token + `"} x`), b64(`{"jwt":null}`),
		b64(`{"jwt":["` + token + `"]}`), b64(" " + `{"jwt":"` + token + `"}`),
		b64("{\"x\":\"\xff\",\"jwt\":\"" + token + `"}`),
		b64(`{"jwt":"` + strings.Replace(token, ".", `\u002e`, 1) + `"}`),
		b64(`{"x":"` + strings.Repeat("x", 3000) + `","jwt":"` + token + `"}`),
	} {
		response := serve(guard.Middleware(whoami), "GET", "Cookie", "__Host-session="+value)
		if response.Code != 401 || !strings.Contains(response.Body.String(), "invalid_token") {
			t.Errorf("%d %.80q", response.Code, value)
		}
	}
	for _, cookie := range []string{"session=" + good, "\u00a0__Host-session=" + good} {
		response := serve(guard.Middleware(whoami), "GET", "Cookie", cookie)
		if !strings.Contains(response.Body.String(), "missing_token") {
			t.Errorf("%s %.60q", response.Body, cookie)
		}
	}
}

func TestAnUnsafeRequestWithTheCookieMustNotComeFromAForeignPage(t *testing.T) {
	guard := localGuard(t, WithCORSOrigins("https://app.example", "http://localhost:5173"))
	for _, c := range []struct {
		site, origin string
		allowed      bool
	}{
		{"same-origin", "", true}, {"same-origin", "https://evil.example", true}, {"none", "null", true},
		{"same-site", "", false}, {"cross-site", "null", false}, {"Same-Origin", "", false}, {"", "", false},
		{"cross-site", issuer, true}, {"", audience, true}, {"", "https://app.example", true},
		{"", "http://localhost:5173", true}, {"", "https://app.example/", false}, {"", "https://APP.example", false},
		{"", "https://app.example:443", false}, {"", "http://app.example", false},
		{"", "https://app.example.evil", false},
	} {
		headers := []string{"Cookie", "__Host-session=" + cookieOf(userToken())}
		if c.site != "" {
			headers = append(headers, "Sec-Fetch-Site", c.site)
		}
		if c.origin != "" {
			headers = append(headers, "Origin", c.origin)
		}
		for _, method := range []string{"POST", "PUT", "PATCH", "DELETE", "PROPFIND", "get"} {
			code := serve(guard.Middleware(whoami), method, headers...).Code
			if c.allowed != (code == 200) || !c.allowed != (code == 403) {
				t.Errorf("%s %+v: %d", method, c, code)
			}
		}
		for _, method := range []string{"GET", "HEAD", "OPTIONS"} {
			if code := serve(guard.Middleware(whoami), method, headers...).Code; code != 200 {
				t.Errorf("%s %+v: %d", method, c, code)
			}
		}
	}
	cookie := "__Host-session=" + cookieOf(userToken())
	for origin, expected := range map[string]int{issuer: 200, "https://evil.example": 403} {
		websocket := []string{"Cookie", cookie, "Sec-WebSocket-Version", "13", "Origin", origin}
		if code := serve(guard.Middleware(whoami), "GET", websocket...).Code; code != expected {
			t.Errorf("%s: %d", origin, code)
		}
	}
	twice := []string{"Cookie", cookie, "Sec-Fetch-Site", "none", "Sec-Fetch-Site", "none"}
	if code := serve(guard.Middleware(whoami), "POST", twice...).Code; code != 403 {
		t.Error(code)
	}
}

func TestARouteWithoutTheMiddlewareHasNoCaller(t *testing.T) {
	if claims := FromContext(t.Context()); claims != nil {
		t.Error(claims)
	}
	if FromContext(NewContext(t.Context(), &Claims{ClientID: "x"})).ClientID != "x" {
		t.Error("NewContext")
	}
}

func TestVerifyRequestReturnsTheErrorOfTheMiddleware(t *testing.T) {
	request := httptest.NewRequest("GET", "/", nil)
	if _, err := localGuard(t).VerifyRequest(request); !errors.Is(err, ErrMissingToken) {
		t.Error(err)
	}
	request.Header["Authorization"] = []string{"", ""}
	if _, err := localGuard(t).VerifyRequest(request); !errors.Is(err, ErrInvalidRequest) {
		t.Error(err)
	}
}
