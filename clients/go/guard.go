// Package goptri protects net/http services with the access tokens of Goptri.
//
// A [Guard] verifies the token of each request in full, follows auth-server's revocation feed, so that a sign-out takes
// effect within moments, and keeps auth-server's public keys up to date. Verification never waits for the network.
//
//	guard, err := goptri.New(ctx, goptri.FromEnvironment())
//	if err != nil {
//		log.Fatal(err)
//	}
//	mux := http.NewServeMux()
//	mux.Handle("GET /invoices", guard.Middleware(http.HandlerFunc(listInvoices)))
//	mux.Handle("POST /invoices", guard.RequireScope("invoices:write", http.HandlerFunc(addInvoice)))
//
// Handlers get the caller from [FromContext].
package goptri

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Guard decides whether an access token is accepted. It is safe for concurrent use.
type Guard struct {
	values        map[string]string // of the settings, by the name of their variable
	errs          []error           // what is wrong with them
	log           *slog.Logger
	now           func() time.Time
	validator     *jwt.Validator
	client        *http.Client
	roots         *x509.CertPool // trusted for auth-server; nil for the system's
	authServerURL string
	cookieName    string
	origins       []string
	leeway        time.Duration

	secretKeys  atomic.Pointer[keySet]
	publicKeys  atomic.Pointer[keySet] // nil until they are fetched
	keysChanged atomic.Bool            // auth-server's keys have changed, or may have
	unknownKid  atomic.Bool            // a token named an unknown key; any client can send such tokens
	revocations *revocationSet
	feedSecret  atomic.Pointer[string]
	lastSecrets string   // as they were last read, valid or not
	reported    sync.Map // the last error of each task, so that it is logged once
}

// New returns a guard that follows auth-server in the background until ctx ends. It does not wait for the first
// response: until keys and revocations are known, valid tokens get 503 and [Guard.Ready] returns an error.
//
// The error names every invalid variable, and contains no secret.
func New(ctx context.Context, options ...Option) (*Guard, error) {
	g, err := newGuard(options)
	if err != nil {
		return nil, err
	}
	go g.maintain(ctx)
	if g.isSet("FEED_SECRET") {
		go g.followFeed(ctx)
	} else {
		g.log.Warn("FEED_SECRET is not set: a sign-out takes effect when the token expires")
	}
	return g, nil
}

// newGuard returns a guard that is not connected to auth-server, and what is wrong with its settings.
func newGuard(options []Option) (*Guard, error) {
	g := &Guard{values: map[string]string{}, log: slog.Default(), now: time.Now}
	for _, option := range options {
		option(g)
	}
	g.checkSettings()
	g.setCookie()
	g.authServerURL = cmp.Or(g.values["AUTH_SERVER_URL"], g.values["ISSUER"])
	transport := &http.Transport{DisableKeepAlives: true, DisableCompression: true}
	transport.TLSClientConfig = &tls.Config{RootCAs: g.rootCAs()}
	g.client = &http.Client{Transport: transport, CheckRedirect: stayThere}
	g.leeway = g.duration("CLOCK_LEEWAY")
	g.validator = jwt.NewValidator(jwt.WithIssuer(g.values["ISSUER"]),
		jwt.WithAudience(g.values["AUDIENCE"]), jwt.WithExpirationRequired(),
		jwt.WithLeeway(g.leeway), jwt.WithTimeFunc(g.now))
	maxAge := g.duration("REVOCATION_MAX_STALENESS")
	g.revocations = &revocationSet{maxAge: maxAge, start: time.Now()}
	if g.isSet("FEED_SECRET") {
		g.revocations.refuse = g.values["ON_STALE"] == "refuse"
	} else {
		g.revocations.knownAsOf(time.Now(), 0)
	}
	return g, errors.Join(append(g.errs, g.loadSecrets())...)
}

// stayThere does not follow a redirect, because no other server may get a secret or supply keys.
func stayThere(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// Ready returns an error while valid tokens may get 503. A service should then receive no requests.
func (g *Guard) Ready() error {
	// With a secret, a service waits for auth-server's keys no longer than for its feed.
	mayWait := len(*g.secretKeys.Load()) == 0 || g.revocations.mayCatchUp()
	if g.lacksKeys() && mayWait {
		return errNoKeys
	}
	return g.revocations.ready()
}

// lacksKeys tells whether the public keys were not fetched yet, or there is no key at all.
func (g *Guard) lacksKeys() bool {
	public := g.publicKeys.Load()
	return public == nil || len(*public)+len(*g.secretKeys.Load()) == 0
}

// maintain reads the files of secrets again, removes expired revocations, and fetches the public keys: every five
// minutes, at most ten seconds after the last time for an unknown kid, and several times after a change, because
// auth-servers that share one address may get new keys later.
func (g *Guard) maintain(ctx context.Context) {
	const tick, interval = 200 * time.Millisecond, 5 * time.Minute
	pause, next, last := tick, time.Time{}, time.Time{}
	for ; ctx.Err() == nil; time.Sleep(tick) {
		g.report("the new secrets cannot be used; the previous ones stay in use", g.loadSecrets())
		if g.keysChanged.Swap(false) {
			pause, next = tick, time.Time{}
		}
		isWanted := g.unknownKid.Load() && time.Since(last) > 10*time.Second
		if time.Now().Before(next) && !isWanted {
			continue
		}
		g.unknownKid.Store(false)
		g.revocations.sweep()
		err := g.fetchKeys(ctx)
		g.report("the public keys cannot be fetched; the last ones stay in use", err)
		if err != nil {
			pause = time.Second
		}
		last = time.Now()
		next, pause = last.Add(pause), min(2*pause, interval)
	}
}

// loadSecrets reads the secrets, which may be in files. It changes nothing unless all are valid, and the same as when
// they were last read: a file may be half-written.
func (g *Guard) loadSecrets() error {
	access, accessErr := g.secrets("ACCESS_TOKEN_SECRET")
	feed, feedErr := g.secrets("FEED_SECRET")
	err := errors.Join(accessErr, feedErr)
	if slices.ContainsFunc(feed, func(secret string) bool { return slices.Contains(access, secret) }) {
		err = errors.New("FEED_SECRET is identical to ACCESS_TOKEN_SECRET")
	}
	last := g.lastSecrets
	g.lastSecrets = fmt.Sprint(access, feed, err)
	if last != "" && last != g.lastSecrets {
		return nil
	}
	if err != nil {
		return err
	}
	keys := keySet{}
	for _, secret := range access {
		digest := sha256.Sum256([]byte("goptri key id\x00" + secret))
		keys[base64.RawURLEncoding.EncodeToString(digest[:12])] = []byte(secret)
	}
	g.secretKeys.Store(&keys)
	if feed != nil {
		g.feedSecret.Store(&feed[0])
	}
	return nil
}

// get requests a path of auth-server.
func (g *Guard) get(ctx context.Context, path string, header http.Header) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, g.authServerURL+path, nil)
	if err != nil {
		return nil, err
	}
	request.Header = header
	response, err := g.client.Do(request)
	if err == nil && response.StatusCode != http.StatusOK {
		response.Body.Close()
		err = errors.New(response.Status + "; check AUTH_SERVER_URL and FEED_SECRET")
	}
	return response, err
}

// report logs an error of a task in the background, unless it was the last one of this task.
func (g *Guard) report(task string, err error) {
	text := fmt.Sprint(err)
	if last, _ := g.reported.Swap(task, text); err != nil && last != text {
		g.log.Warn(task, "reason", text)
	}
}

// Format writes the name of the type, so that no verb of fmt prints a secret.
func (g *Guard) Format(state fmt.State, _ rune) { fmt.Fprint(state, "goptri.Guard") }
