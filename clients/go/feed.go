package goptri

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/tmaxmax/go-sse"
)

const feedTask = "following the revocation feed"

var errMalformed = errors.New("an event or entry is malformed")

// followFeed adds the entries of auth-server's revocation feed to the set. It reconnects until the context ends.
func (g *Guard) followFeed(ctx context.Context) {
	const shortest, longest = 100 * time.Millisecond, 1500 * time.Millisecond
	for backoff := shortest; ctx.Err() == nil; backoff = min(2*backoff, longest) {
		c := &connection{Guard: g}
		g.report(feedTask, c.follow(ctx))
		if c.isStable {
			backoff = shortest
		}
		time.Sleep(backoff/2 + rand.N(backoff/2))
	}
}

// connection is one connection to the feed.
type connection struct {
	*Guard
	serverStart time.Time // of auth-server, by the message with the least delay so far
	beatAt      time.Time // when the last heartbeat arrived
	isCaughtUp  bool
	isStable    bool // a heartbeat followed caught-up
}

// follow reads the feed until the connection is lost.
func (c *connection) follow(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	timer := time.AfterFunc(15*time.Second, func() { cancel(errors.New("no data for too long")) })
	defer timer.Stop()
	secret := "Bearer " + *c.feedSecret.Load()
	header := http.Header{"Accept": {"text/event-stream"}, "Authorization": {secret}}
	response, err := c.get(ctx, "/revocations", header)
	if err != nil {
		return cmp.Or(context.Cause(ctx), err)
	}
	defer response.Body.Close()
	start, limit := time.Now(), time.Minute
	timer.Reset(limit)
	last := start
	for event, err := range sse.Read(response.Body, &sse.ReadConfig{MaxEventSize: 1 << 20}) {
		now := time.Now()
		if err == nil && isTooLate(start, last, now, limit) {
			err = errors.New("the machine was suspended, or its clock was set")
		}
		if err == nil {
			err = c.handle(event, now)
		}
		if err != nil {
			return cmp.Or(context.Cause(ctx), err)
		}
		last, limit = now, 15*time.Second
		timer.Reset(limit)
	}
	return errors.New("the connection was closed")
}

// isTooLate tells whether an event is too old to use: the timer stops while the machine is suspended.
func isTooLate(start, last, now time.Time, limit time.Duration) bool {
	return elapsed(last, now) > limit || elapsed(start, now) > now.Sub(start)+time.Second
}

// handle uses an event. Those of later versions are ignored.
func (c *connection) handle(event sse.Event, now time.Time) error {
	switch event.Type {
	case "revocations":
		return c.add([]byte(event.Data))
	case "keys":
		c.keysChanged.Store(true)
	case "caught-up":
		c.isCaughtUp = true
		c.keysChanged.Store(true) // a keys event may have been missed
		c.log.Info("connected to the revocation feed")
		c.report(feedTask, nil)
		return c.noteAge([]byte(event.Data), now)
	case "heartbeat":
		c.isStable = c.isCaughtUp
		return c.noteAge([]byte(event.Data), now)
	}
	return nil
}

// noteAge notes up to when all revocations are known: the age that a message states, and its delay. With a delay,
// auth-server seems to have started later. That date may grow by 1 ms per second, because the clocks drift.
func (c *connection) noteAge(data []byte, now time.Time) error {
	beat := struct {
		Age    int64 `json:"age_ms"`
		Uptime int64 `json:"uptime_ms"`
	}{-1, -1}
	if json.Unmarshal(data, &beat) != nil || min(beat.Age, beat.Uptime) < 0 {
		return errMalformed
	}
	serverStart := now.Add(-time.Duration(beat.Uptime) * time.Millisecond)
	c.serverStart = c.serverStart.Add(now.Sub(c.beatAt) / 1000)
	if c.beatAt.IsZero() || serverStart.Before(c.serverStart) {
		c.serverStart = serverStart
	}
	c.beatAt = now
	if c.isCaughtUp {
		age := time.Duration(beat.Age) * time.Millisecond
		c.revocations.knownAsOf(now, age+serverStart.Sub(c.serverStart))
	}
	return nil
}

// add adds the entries of one event. One that cannot be read is skipped.
func (c *connection) add(data []byte) error {
	var list struct {
		Entries []jsontext.Value `json:"entries"`
	}
	if json.Unmarshal(data, &list) != nil || list.Entries == nil {
		return errMalformed
	}
	for _, data := range list.Entries {
		var entry entry
		err := json.Unmarshal(data, &entry)
		isKnown := slices.Contains([]string{"session", "token", "client"}, entry.Kind)
		if err != nil || !isKnown || entry.Subject == "" {
			c.report("skipping revocations that are unreadable or of an unknown kind", errMalformed)
			continue
		}
		if err := c.revocations.add(entry); err != nil {
			return err
		}
	}
	return nil
}

const maxEntries = 10_000_000 // two gigabytes

// revocationSet is the set of known revocations, and its age. Entries are removed only after their deadline.
type revocationSet struct {
	maxAge  time.Duration
	refuse  bool // while the set is stale
	start   time.Time
	entries sync.Map                  // of revoked, by revocation
	count   atomic.Int64              // of entries
	known   atomic.Pointer[time.Time] // all revocations until then; nil before caught-up
}

// entry is one of the feed.
type entry struct {
	revocation
	RevokedAt uint32 `json:"revoked_at"` // Unix seconds, by the database clock
	ExpiresIn uint32 `json:"expires_in"` // seconds
}

// revocation names what was revoked: a session, a token or a client.
type revocation struct {
	Kind    string `json:"kind"`
	Subject string `json:"subject"`
}

type revoked struct {
	until time.Duration // after the start, on the monotonic clock
	at    int64         // as RevokedAt
}

// add adds an entry. A duplicate keeps the later deadline and the later date.
func (s *revocationSet) add(e entry) error {
	value, exists := s.entries.Load(e.revocation)
	if !exists && s.count.Add(1) > maxEntries {
		s.count.Add(-1)
		return errors.New("there are more than 10,000,000 revocations, the maximum kept in memory")
	}
	known, _ := value.(revoked)
	until := time.Since(s.start) + time.Duration(e.ExpiresIn)*time.Second
	latest := revoked{max(known.until, until), max(known.at, int64(e.RevokedAt))}
	s.entries.Store(e.revocation, latest)
	return nil
}

// sweep removes expired entries.
func (s *revocationSet) sweep() {
	now := time.Since(s.start)
	s.entries.Range(func(key, value any) bool {
		if value.(revoked).until <= now && s.entries.CompareAndDelete(key, value) {
			s.count.Add(-1)
		}
		return true
	})
}

// check rejects a revoked token and, while the set is not ready, every token.
func (s *revocationSet) check(claims *Claims) error {
	if s.has(revocation{"session", claims.SessionID}, 0) ||
		s.has(revocation{"token", claims.ID}, 0) ||
		s.has(revocation{"client", claims.ClientID}, claims.IssuedAt.Unix()) {
		return ErrRevoked
	}
	return s.ready()
}

func (s *revocationSet) has(key revocation, issuedAt int64) bool {
	value, _ := s.entries.Load(key)
	entry, found := value.(revoked)
	return found && issuedAt <= entry.at && time.Since(s.start) < entry.until
}

// ready returns an error while valid tokens cannot be accepted.
func (s *revocationSet) ready() error {
	known := s.known.Load()
	switch {
	case known == nil && (s.refuse || s.mayCatchUp()):
		return errNotCaughtUp
	case s.refuse && elapsed(*known, time.Now()) > s.maxAge:
		return errStale
	}
	return nil
}

// mayCatchUp tells whether the set is so new that it may still become complete in time.
func (s *revocationSet) mayCatchUp() bool {
	return time.Since(s.start) < min(s.maxAge, time.Minute)
}

// knownAsOf records that every revocation up to age before now is known.
func (s *revocationSet) knownAsOf(now time.Time, age time.Duration) {
	if known := s.known.Load(); known == nil || age < elapsed(*known, now) {
		date := now.Add(-age)
		s.known.Store(&date)
	}
}

// elapsed returns the time between two moments, also if the machine was suspended meanwhile: the monotonic clock stops
// then, and the time of day does not.
func elapsed(from, to time.Time) time.Duration {
	return max(to.Sub(from), to.Round(0).Sub(from.Round(0)))
}
