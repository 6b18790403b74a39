package goptri

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"time"
)

const (
	feedPath      = "/revocations"
	maxEventBytes = 1 << 20
)

// feedTimeouts are those of docs/feed.md. Tests shorten them.
type feedTimeouts struct {
	response, firstEvent, nextEvent, minBackoff, maxBackoff time.Duration
}

var defaultTimeouts = feedTimeouts{15 * time.Second, time.Minute, 15 * time.Second,
	100 * time.Millisecond, 1500 * time.Millisecond}

// follower adds the entries of auth-server's revocation feed to a set.
type follower struct {
	set      *revocationSet
	keys     *keySource
	client   *http.Client
	url      string
	secret   func() string
	log      *slog.Logger
	timeouts feedTimeouts
}

// run follows the feed until the context ends. It reconnects forever.
func (f *follower) run(ctx context.Context) {
	var logged []string
	backoff := f.timeouts.minBackoff
	for {
		connection := &connection{follower: f}
		err := connection.follow(ctx)
		if ctx.Err() != nil {
			return
		}
		if connection.caughtUp {
			logged = nil
		}
		// Each reason is logged once per outage.
		if reason := err.Error(); !slices.Contains(logged, reason) {
			logged = append(logged, reason)
			f.log.Warn("disconnected from the revocation feed; retrying", "url", f.url, "reason", reason)
		}
		if connection.stable {
			backoff = f.timeouts.minBackoff
		}
		sleep(ctx, backoff/2+rand.N(backoff/2+1))
		backoff = min(2*backoff, f.timeouts.maxBackoff)
	}
}

// connection is one connection to the feed.
type connection struct {
	*follower
	reader   *timedReader
	delays   delayEstimator
	caughtUp bool
	stable   bool // a heartbeat followed caught-up
	skipped  bool // an unreadable entry was logged
}

// follow reads the feed until the connection is lost.
func (c *connection) follow(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	silent := errors.New("no data for too long")
	timer := time.AfterFunc(c.timeouts.response, func() { cancel(silent) })
	defer timer.Stop()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url, nil)
	if err != nil {
		return err
	}
	request.Header.Set("Accept", "text/event-stream")
	request.Header.Set("Authorization", "Bearer "+c.secret())
	response, err := c.client.Do(request)
	if err != nil {
		return lost(ctx, err)
	}
	defer response.Body.Close()
	switch {
	case response.StatusCode == http.StatusUnauthorized:
		return errors.New("auth-server rejects the secret (401): the first secret in FEED_SECRET here must be one of " +
			"those in auth-server's FEED_SECRET")
	case response.StatusCode != http.StatusOK:
		return fmt.Errorf("AUTH_SERVER_URL answers %d instead of the feed", response.StatusCode)
	case !strings.HasPrefix(strings.ToLower(response.Header.Get("Content-Type")), "text/event-stream"):
		return errors.New("AUTH_SERVER_URL answers 200 without a stream of events")
	}
	start, limit, next := c.set.now(), c.timeouts.firstEvent, c.timeouts.nextEvent
	c.reader = &timedReader{response.Body, timer, c.set.now, start, start, limit, next}
	timer.Reset(limit)
	return lost(ctx, readEvents(c.reader, c.onEvent))
}

// lost returns why a connection ended: the cause of its context, or the innermost error, which has no port that
// differs each time.
func lost(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(inner) {
		err = inner
	}
	return err
}

// timedReader limits the time between two reads. After a suspension of the machine it returns an error instead of data:
// the timer did not fire meanwhile, and the data is too old to use.
type timedReader struct {
	body        io.Reader
	timer       *time.Timer
	now         func() moment
	start, last moment // of the connection, and of the last read
	limit, next time.Duration
}

func (r *timedReader) Read(buffer []byte) (int, error) {
	n, err := r.body.Read(buffer)
	now := r.now()
	wasSuspended := now.since(r.start) > now.mono-r.start.mono+time.Second
	if wasSuspended || now.since(r.last) > r.limit {
		return 0, errors.New("the machine was suspended, or its clock was set")
	}
	r.last, r.limit = now, r.next
	r.timer.Reset(r.next)
	return n, err
}

// readEvents calls onEvent for each server-sent event (WHATWG HTML, section 9.2). The stream must not end.
func readEvents(stream io.Reader, onEvent func(name string, data []byte) error) error {
	lines := bufio.NewScanner(stream)
	lines.Buffer(nil, maxEventBytes)
	var name string
	var data []byte
	for lines.Scan() {
		line := lines.Bytes()
		if len(line) == 0 {
			if data != nil {
				if err := onEvent(name, bytes.TrimSuffix(data, []byte("\n"))); err != nil {
					return err
				}
			}
			name, data = "", nil
			continue
		}
		field, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch string(field) {
		case "event":
			name = string(value)
		case "data":
			data = append(append(data, value...), '\n')
		}
		if len(data) > maxEventBytes {
			return bufio.ErrTooLong
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	return errors.New("the connection was closed")
}

func (c *connection) onEvent(name string, data []byte) error {
	if name != "revocations" && name != "heartbeat" && name != "caught-up" {
		if name == "keys" {
			notify(c.keys.changed)
		}
		return nil // an event of a later version
	}
	// The feed secret authenticates the sender, so the number of members needs no further limit.
	members, err := parseObject(data, maxEventBytes)
	if err != nil {
		return fmt.Errorf("the data of the event %s is malformed", name)
	}
	if name == "revocations" {
		return c.add(members)
	}
	age, hasAge := integer(members["age_ms"])
	uptime, hasUptime := integer(members["uptime_ms"])
	if !hasAge || !hasUptime {
		return fmt.Errorf("the data of the event %s is malformed", name)
	}
	now := c.reader.last
	stated := c.delays.age(now.mono-c.reader.start.mono, milliseconds(age), milliseconds(uptime))
	if name == "caught-up" {
		c.caughtUp = true
		notify(c.keys.changed) // a keys event may have been missed
		c.log.Info("connected to the revocation feed", "url", c.url, "entries", c.set.len())
	} else {
		c.stable = c.caughtUp
	}
	if c.caughtUp {
		c.set.knownAsOf(now, stated)
	}
	return nil
}

// add adds the entries of one event. An entry that cannot be read is skipped.
func (c *connection) add(members map[string]any) error {
	entries, isList := members["entries"].([]any)
	if !isList {
		return errors.New("the data of the event revocations is malformed")
	}
	for _, item := range entries {
		entry, _ := item.(map[string]any)
		kind, _ := entry["kind"].(string)
		subject, hasSubject := entry["subject"].(string)
		revokedAt, hasDate := integer(entry["revoked_at"])
		expiresIn, hasLifetime := integer(entry["expires_in"])
		isKnown := kind == "session" || kind == "token" || kind == "client"
		if !isKnown || !hasSubject || subject == "" || !hasDate || !hasLifetime || len(subject) > maxTokenBytes {
			if !c.skipped {
				c.skipped = true
				c.log.Error("skipped revocation entries that are unreadable or of an unknown kind")
			}
			continue
		}
		if err := c.set.add(revocation{kind, subject}, revokedAt, milliseconds(min(expiresIn, 1e9)*1000)); err != nil {
			return err
		}
	}
	return nil
}

// delayEstimator estimates how long a message spent in buffers, from the smallest difference so far between the clocks
// of both ends. The difference may grow by 1 ms per second, so that drift is not taken for a delay.
type delayEstimator struct {
	known     bool
	least, at time.Duration
}

// age returns the age of a message that arrives now: the one that it states and its delay.
func (d *delayEstimator) age(now, stated, uptime time.Duration) time.Duration {
	offset, expected := now-uptime, d.least+(now-d.at)/1000
	if !d.known || offset <= expected {
		d.known, d.least, d.at, expected = true, offset, now, offset
	}
	return stated + offset - expected
}

// milliseconds returns a duration that cannot overflow in sums.
func milliseconds(ms int64) time.Duration { return time.Duration(min(ms, 1e12)) * time.Millisecond }
