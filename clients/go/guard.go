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
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// Guard decides whether an access token is accepted. It is safe for concurrent use.
type Guard struct {
	verifier    *verifier
	keys        *keySource
	revocations *revocationSet // nil without a feed
	feedSecret  atomic.Pointer[string]
	cookieName  string
	origins     []string
	log         *slog.Logger
}

// New returns a guard that follows auth-server in the background until ctx ends. It does not wait for the first
// response: until keys and revocations are known, valid tokens get 503 and [Guard.Ready] returns an error.
//
// The error lists all invalid settings. It wraps [ErrConfiguration].
func New(ctx context.Context, options ...Option) (*Guard, error) {
	s, err := parseSettings(options)
	if err != nil {
		return nil, err
	}
	g := newGuard(s)
	client := newClient(s)
	go (&jwksFetcher{g.keys, client, s.authServerURL + jwksPath, s.log}).run(ctx)
	if g.revocations == nil {
		s.log.Warn("FEED_SECRET is not set: a sign-out takes effect here when the access token expires")
	} else {
		go g.newFollower(client, s.authServerURL+feedPath).run(ctx)
		go g.maintain(ctx)
	}
	if s.values["ACCESS_TOKEN_SECRET_FILE"] != "" || s.values["FEED_SECRET_FILE"] != "" {
		go s.watchSecrets(ctx, g.setSecrets)
	}
	return g, nil
}

// newGuard returns a guard that is not connected to auth-server.
func newGuard(s *settings) *Guard {
	keys := newKeySource()
	g := &Guard{verifier: newVerifier(keys, s), keys: keys, cookieName: s.cookieName, origins: s.origins, log: s.log}
	if s.secrets.feed != nil {
		g.revocations = newRevocationSet(s.maxStaleness, s.refuseStale, systemMoment)
	}
	g.setSecrets(s.secrets)
	return g
}

func (g *Guard) setSecrets(s secrets) {
	g.keys.setSecrets(s.access)
	if s.feed != nil {
		g.feedSecret.Store(&s.feed[0])
	}
}

func (g *Guard) newFollower(client *http.Client, url string) *follower {
	return &follower{g.revocations, g.keys, client, url, func() string { return *g.feedSecret.Load() }, g.log,
		defaultTimeouts}
}

// newClient returns a client that follows no redirect, because no other server may get a secret or supply keys.
func newClient(s *settings) *http.Client {
	return &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext:        (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
			TLSClientConfig:    &tls.Config{RootCAs: s.roots},
			DisableKeepAlives:  true,
			DisableCompression: true,
		},
	}
}

// maintain sweeps the set of revocations, and logs when it becomes stale and when it is fresh again.
func (g *Guard) maintain(ctx context.Context) {
	for wasStale := true; ctx.Err() == nil; sleep(ctx, time.Second) {
		g.revocations.sweep()
		isStale := g.revocations.isStale()
		switch {
		case isStale && !wasStale:
			g.log.Warn("the revocation set is stale", "refuse", g.revocations.refuse)
		case wasStale && !isStale:
			g.log.Info("the revocation set is fresh")
		}
		wasStale = isStale
	}
}

// Verify returns the claims of an access token that is genuine, valid now, for this service, and not revoked. Otherwise
// the error wraps [ErrInvalidToken], or [ErrUnavailable] if the token may be valid.
func (g *Guard) Verify(token string) (*Claims, error) {
	claims, err := g.verifier.verify(token)
	if err == nil && g.revocations != nil {
		// Last, so that a forged token costs no lookup.
		err = g.revocations.check(claims)
	}
	if err != nil {
		return nil, err
	}
	return claims, nil
}

// Ready returns an error while valid tokens may get 503. A service should then receive no requests.
func (g *Guard) Ready() error {
	if g.revocations == nil {
		return g.keys.ready(true)
	}
	if err := g.revocations.ready(); err != nil {
		return err
	}
	// With a secret, a service waits for auth-server's keys no longer than for its feed.
	return g.keys.ready(g.revocations.mayCatchUp())
}

// Format writes the name of the type, so that no verb of fmt prints a secret.
func (g *Guard) Format(state fmt.State, _ rune) { fmt.Fprint(state, "goptri.Guard") }
