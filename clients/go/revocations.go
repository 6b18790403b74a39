package goptri

import (
	"errors"
	"sync"
	"time"
)

const (
	maxEntries = 10_000_000 // more than a gigabyte
	// sweepStep limits the entries that one sweep visits, because verification waits meanwhile. A map is visited from a
	// random entry on, so repeated sweeps visit all.
	sweepStep = 10_000
)

// revocation names what was revoked: a session, a token or a client.
type revocation struct{ kind, subject string }

type revoked struct {
	until time.Duration // on the monotonic clock
	at    int64         // Unix seconds, by the database clock
}

// revocationSet is the set of known revocations, and its age. Entries are removed only after their deadline.
type revocationSet struct {
	maxAge time.Duration
	refuse bool // while the set is stale
	now    func() moment
	start  moment

	mu      sync.RWMutex
	entries map[revocation]revoked
	known   bool          // whether the set was complete at least once
	arrival moment        // of the newest statement about the age
	age     time.Duration // at arrival
}

func newRevocationSet(maxAge time.Duration, refuse bool, now func() moment) *revocationSet {
	return &revocationSet{maxAge: maxAge, refuse: refuse, now: now, start: now(), entries: map[revocation]revoked{}}
}

// add adds an entry. A duplicate keeps the later deadline and the later date.
func (s *revocationSet) add(key revocation, at int64, expiresIn time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	known, exists := s.entries[key]
	if !exists && len(s.entries) >= maxEntries {
		return errors.New("there are more than 10,000,000 revocations, the maximum kept in memory")
	}
	s.entries[key] = revoked{max(known.until, s.now().mono+expiresIn), max(known.at, at)}
	return nil
}

// check rejects a revoked token and, while the set is not ready, every token.
func (s *revocationSet) check(claims *Claims) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.has(revocation{"session", claims.SessionID}, 0) || s.has(revocation{"token", claims.ID}, 0) ||
		s.has(revocation{"client", claims.ClientID}, claims.IssuedAt.Unix()) {
		return ErrRevoked
	}
	return s.readyLocked()
}

func (s *revocationSet) has(key revocation, issuedAt int64) bool {
	entry, found := s.entries[key]
	return found && issuedAt <= entry.at && s.now().mono < entry.until
}

// knownAsOf records that every revocation up to age before now is known.
func (s *revocationSet) knownAsOf(now moment, age time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.known || age < s.age+now.since(s.arrival) {
		s.known, s.arrival, s.age = true, now, age
	}
}

// ready returns an error while valid tokens cannot be accepted.
func (s *revocationSet) ready() error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.readyLocked()
}

func (s *revocationSet) readyLocked() error {
	switch {
	case !s.known && (s.refuse || s.mayCatchUp()):
		return ErrNotCaughtUp
	case s.refuse && s.isStaleLocked():
		return ErrStale
	}
	return nil
}

// mayCatchUp tells whether the set is so new that it may still become complete in time.
func (s *revocationSet) mayCatchUp() bool {
	return s.now().mono-s.start.mono < min(s.maxAge, time.Minute)
}

func (s *revocationSet) isStale() bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.isStaleLocked()
}

func (s *revocationSet) isStaleLocked() bool {
	return !s.known || s.age+s.now().since(s.arrival) > s.maxAge
}

func (s *revocationSet) len() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(s.entries)
}

// sweep removes expired entries.
func (s *revocationSet) sweep() {
	s.mu.Lock()
	defer s.mu.Unlock()
	visited, now := 0, s.now().mono
	for key, entry := range s.entries {
		if now >= entry.until {
			delete(s.entries, key)
		}
		if visited++; visited == sweepStep {
			return
		}
	}
}

// moment is a time on two clocks: the monotonic clock, which stops while the machine is suspended, and the time of day,
// which can be set.
type moment struct{ mono, wall time.Duration }

var processStart = time.Now()

func systemMoment() moment {
	now := time.Now()
	return moment{now.Sub(processStart), time.Duration(now.UnixNano())}
}

// since returns the time between then and m, also if the machine was suspended between.
func (m moment) since(then moment) time.Duration { return max(m.mono-then.mono, m.wall-then.wall) }
