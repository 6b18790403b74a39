package goptri

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"github.com/tmaxmax/go-sse"
)

// fakeServer is an auth-server whose feed is a script of texts: each connection gets the next, and the last stays open.
type fakeServer struct {
	*httptest.Server
	connections atomic.Int32
	keyFetches  atomic.Int32
	redirected  atomic.Int32
	status      atomic.Int32
	accepted    atomic.Pointer[string]
	jwks        atomic.Pointer[string]

	mu      sync.Mutex
	scripts []string
	more    chan string
}

func newFakeServer(t *testing.T, scripts ...string) *fakeServer {
	t.Helper()
	f := &fakeServer{scripts: scripts, more: make(chan string)}
	f.accepted.Store(pointer("Bearer " + feedKey))
	f.jwks.Store(pointer(`{"keys":[]}`))
	mux := http.NewServeMux()
	mux.HandleFunc("GET /revocations", f.feed)
	mux.HandleFunc("GET /.well-known/jwks.json", func(w http.ResponseWriter, _ *http.Request) {
		f.keyFetches.Add(1)
		io.WriteString(w, *f.jwks.Load())
	})
	mux.HandleFunc("/elsewhere", func(http.ResponseWriter, *http.Request) { f.redirected.Add(1) })
	f.Server = httptest.NewServer(mux)
	t.Cleanup(f.CloseClientConnections)
	return f
}

func (f *fakeServer) feed(w http.ResponseWriter, r *http.Request) {
	f.connections.Add(1)
	if status := int(f.status.Load()); status != 0 {
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(status)
		return
	}
	if r.Header.Get("Accept-Encoding") != "" {
		w.WriteHeader(http.StatusNotAcceptable) // a compressed stream would be buffered
		return
	}
	if r.Header.Get("Authorization") != *f.accepted.Load() {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.WriteHeader(http.StatusOK)
	f.mu.Lock()
	script := ""
	if len(f.scripts) > 0 {
		script, f.scripts = f.scripts[0], f.scripts[1:]
	}
	last := len(f.scripts) == 0
	f.mu.Unlock()
	io.WriteString(w, script)
	w.(http.Flusher).Flush()
	for last {
		select {
		case <-r.Context().Done():
			return
		case text, open := <-f.more:
			if !open {
				return
			}
			io.WriteString(w, text)
			w.(http.Flusher).Flush()
		}
	}
}

func pointer(text string) *string { return &text }

func event(name, data string) string { return "event: " + name + "\ndata: " + data + "\n\n" }

func heartbeat(name string, age, uptime int) string {
	return event(name, fmt.Sprintf(`{"age_ms":%d,"uptime_ms":%d}`, age, uptime))
}

func entries(list ...string) string {
	return event("revocations", `{"entries":[`+strings.Join(list, ",")+`]}`)
}

func entryText(kind, subject string) string {
	return fmt.Sprintf(`{"kind":%q,"subject":%q,"revoked_at":%d,"expires_in":7500}`, kind, subject, now)
}

var caughtUp = heartbeat("heartbeat", 1, 1000) + heartbeat("caught-up", 1, 1001)

func outcome(guard *Guard, token string) error {
	_, err := guard.Verify(token)
	return err
}

func TestARevocationIsEffectiveAsSoonAsItArrives(t *testing.T) {
	server := newFakeServer(t, caughtUp)
	guard := started(t, server.URL)
	eventually(t, "ready", func() bool { return guard.Ready() == nil })
	if err := outcome(guard, userToken()); err != nil {
		t.Fatal(err)
	}
	server.more <- entries(entryText("session", "session-1"))
	sent := time.Now()
	eventually(t, "revoked", func() bool { return errors.Is(outcome(guard, userToken()), ErrRevoked) })
	if took := time.Since(sent); took > time.Second {
		t.Errorf("it took %v", took)
	}
	if err := outcome(guard, userToken("sid", "session-2")); err != nil {
		t.Error("another session", err)
	}
}

func TestTheKindOfAnEntrySaysWhatIsRevoked(t *testing.T) {
	set := newSet(time.Minute, false)
	set.knownAsOf(time.Now(), 0)
	claims := func(pairs ...any) *Claims {
		claims, err := parseClaims([]byte(changed(pairs...)))
		if err != nil {
			t.Fatal(err)
		}
		return claims
	}
	for _, key := range []revocation{{"session", "s"}, {"token", "t"}, {"client", "c"}} {
		set.add(entry{key, now, 3600})
	}
	for _, c := range []struct {
		claims  *Claims
		revoked bool
	}{
		{claims(), false}, {claims("sid", "s"), true}, {claims("sid", "S"), false}, {claims("sid", "t"), false},
		{claims("jti", "t"), true}, {claims("jti", "s"), false}, {claims("client_id", "c"), true},
		{claims("client_id", "c", "iat", now), true}, {claims("client_id", "c", "iat", now+1), false},
		{claims("sub", "c", "client_id", "c", "sid", nil), true},
	} {
		if err := set.check(c.claims); errors.Is(err, ErrRevoked) != c.revoked {
			t.Errorf("%v: %v", c.claims.Raw, err)
		}
	}
}

func newSet(maxAge time.Duration, refuse bool) *revocationSet {
	return &revocationSet{maxAge: maxAge, refuse: refuse, start: time.Now()}
}

func size(set *revocationSet) (entries int) {
	set.entries.Range(func(any, any) bool { entries++; return true })
	return entries
}

// suspended returns a moment as the clocks show it if the machine was suspended after it: only the time of day went on.
func suspended(moment time.Time, duration time.Duration) time.Time {
	type clocks struct {
		wall      uint64
		monotonic int64
		_         *time.Location
	}
	moment = moment.Add(-duration)
	(*clocks)(unsafe.Pointer(&moment)).monotonic += int64(duration)
	return moment
}

func TestAnEntryIsKeptUntilTheLaterDeadlineAndThenSwept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := newSet(time.Minute, false)
		key := revocation{"client", "goptri"}
		set.add(entry{key, now, 3600})
		set.add(entry{key, now - 100, 1})
		for _, c := range []struct {
			passed  time.Duration
			revoked bool
		}{{time.Minute, true}, {59*time.Minute - 1, true}, {1, false}} {
			time.Sleep(c.passed)
			if set.has(key, now) != c.revoked || set.has(key, now+1) {
				t.Errorf("%+v", c)
			}
			if set.sweep(); (size(set) == 1) != c.revoked || int64(size(set)) != set.count.Load() {
				t.Errorf("%+v: %d", c, size(set))
			}
		}
	})
}

func TestTheTimeOfDayRemovesNoEntry(t *testing.T) {
	set, key := newSet(time.Minute, false), revocation{"client", "goptri"}
	set.add(entry{key, now, 3600})
	for _, by := range []time.Duration{24 * time.Hour, -48 * time.Hour} {
		set.start = suspended(set.start, by)
		if set.sweep(); !set.has(key, now) {
			t.Error(by)
		}
	}
}

func TestASetThatIsFullTakesNoMoreEntries(t *testing.T) {
	set := newSet(time.Minute, false)
	set.count.Store(maxEntries - 1)
	for _, expected := range []bool{true, true, false} {
		key := revocation{"token", "1"}
		if !expected {
			key.Subject = "2"
		}
		if err := set.add(entry{key, now, 3600}); (err == nil) != expected {
			t.Error(err)
		}
	}
}

func TestAStreamThatEndsAnywhereIsReadAgain(t *testing.T) {
	whole := caughtUp + entries(entryText("session", "session-1"), entryText("token", "token-2"))
	server := newFakeServer(t, "", whole[:30], whole[:len(caughtUp)+60], whole[:len(whole)-1], caughtUp)
	guard := started(t, server.URL)
	eventually(t, "five connections", func() bool { return server.connections.Load() == 5 })
	eventually(t, "ready", func() bool { return guard.Ready() == nil })
	if n := size(guard.revocations); n != 0 {
		t.Errorf("%d entries of incomplete events", n)
	}
	server.more <- whole
	eventually(t, "two entries", func() bool { return size(guard.revocations) == 2 })
}

func TestTheSetOnlyGrowsWhenTheConnectionIsLost(t *testing.T) {
	server := newFakeServer(t, caughtUp+entries(entryText("session", "session-1")), caughtUp)
	guard := started(t, server.URL)
	eventually(t, "two connections", func() bool { return server.connections.Load() == 2 })
	if err := outcome(guard, userToken()); !errors.Is(err, ErrRevoked) {
		t.Error(err)
	}
}

func TestUnknownEventsMembersKindsAndUnreadableEntriesAreSkipped(t *testing.T) {
	server := newFakeServer(t, caughtUp+": comment\n\n"+event("planet", "x")+"id: 7\nretry: 1\n\n"+
		entries(entryText("planet", "x"), `{"kind":"session"}`, `"x"`, "null",
			`{"kind":"session","subject":7,"revoked_at":1,"expires_in":1}`,
			`{"kind":"session","subject":"a","revoked_at":-1,"expires_in":1}`,
			`{"kind":"session","subject":"","revoked_at":1,"expires_in":1}`,
			`{"kind":"session","subject":"a","revoked_at":1,"expires_in":1.5}`,
			`{"kind":"session","subject":"a","revoked_at":1,"expires_in":9223372036854775807}`,
			`{"kind":"session","subject":"session-1","revoked_at":1,"expires_in":4294967295,"new":[{}]}`)+
		strings.ReplaceAll(entries(entryText("token", "token-9")), "\n", "\r\n"))
	var log logBuffer
	guard := started(t, server.URL, WithLogger(log.logger()))
	eventually(t, "the last entry", func() bool {
		return guard.revocations.has(revocation{"token", "token-9"}, 0)
	})
	if err := outcome(guard, userToken()); !errors.Is(err, ErrRevoked) {
		t.Error(err)
	}
	if n := size(guard.revocations); n != 2 {
		t.Errorf("%d entries", n)
	}
	if server.connections.Load() != 1 {
		t.Error("the connection was closed")
	}
	if n := strings.Count(log.String(), "skipping revocation"); n != 1 {
		t.Errorf("logged %d times", n)
	}
}

func TestAMalformedOrEndlessEventClosesTheConnection(t *testing.T) {
	long := strings.Repeat("x", 1<<20+1)
	for _, bad := range []string{
		event("revocations", `{"entries":{}}`), event("revocations", "[]"), event("heartbeat", "{}"),
		event("heartbeat", `{"age_ms":-1,"uptime_ms":1}`), event("heartbeat", `{"age_ms":"1","uptime_ms":1}`),
		"data: " + long, ":" + long,
		strings.Repeat("data: "+long[:1000]+"\n", 1100),
	} {
		guard := localGuard(t, WithFeedSecret(feedKey))
		guard.client.Transport = answering(http.StatusOK, io.NopCloser(strings.NewReader(bad+"\n\n"+caughtUp)))
		c := &connection{Guard: guard}
		err := c.follow(t.Context())
		if err == nil || strings.Contains(err.Error(), "closed") || c.isCaughtUp {
			t.Errorf("%.60q: %v", bad, err)
		}
	}
}

// transport is a connection to auth-server that has no network, so that a test can control the time.
type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(request *http.Request) (*http.Response, error) { return f(request) }

func answering(status int, body io.ReadCloser) http.RoundTripper {
	return transport(func(request *http.Request) (*http.Response, error) {
		context.AfterFunc(request.Context(), func() { body.Close() })
		return &http.Response{StatusCode: status, Body: body}, nil
	})
}

func TestAWrongSecretIsTriedAgainAndLoggedOnce(t *testing.T) {
	server := newFakeServer(t, caughtUp)
	server.accepted.Store(pointer("Bearer another"))
	var log logBuffer
	guard := started(t, server.URL, WithLogger(log.logger()))
	eventually(t, "three connections", func() bool { return server.connections.Load() == 3 })
	if err := outcome(guard, userToken()); !errors.Is(err, errNotCaughtUp) || guard.Ready() == nil {
		t.Error(err)
	}
	const advice = "check AUTH_SERVER_URL and FEED_SECRET"
	if strings.Count(log.String(), advice) != 1 || strings.Contains(log.String(), feedKey) {
		t.Error(log.String())
	}
	server.accepted.Store(pointer("Bearer " + feedKey))
	eventually(t, "ready", func() bool { return guard.Ready() == nil })
}

func TestRedirectsAndOtherResponsesAreNotFollowed(t *testing.T) {
	for _, status := range []int32{301, 307, 404, 500, 503, 204} {
		server := newFakeServer(t, caughtUp)
		server.status.Store(status)
		guard := started(t, server.URL)
		eventually(t, "two connections", func() bool { return server.connections.Load() >= 2 })
		if guard.Ready() == nil || server.redirected.Load() != 0 {
			t.Error(status)
		}
	}
}

func TestUntilTheFirstCaughtUpValidTokensGet503ForALimitedTime(t *testing.T) {
	for _, c := range []struct {
		maxAge, limit time.Duration
		onStale       OnStale
	}{{time.Minute, time.Minute, Allow}, {10 * time.Second, 10 * time.Second, Allow}, {time.Hour, time.Minute, Allow},
		{time.Minute, time.Hour, Refuse}} {
		synctest.Test(t, func(t *testing.T) {
			guard := localGuard(t, WithFeedSecret(feedKey), WithMaxStaleness(c.maxAge),
				WithOnStale(c.onStale))
			for _, step := range []time.Duration{0, c.limit - 1} {
				time.Sleep(step)
				if err := outcome(guard, userToken()); !errors.Is(err, errNotCaughtUp) || guard.Ready() == nil {
					t.Errorf("%+v: %v", c, err)
				}
				if err := outcome(guard, userToken()+"x"); !errors.Is(err, ErrInvalidToken) {
					t.Error(err)
				}
			}
			time.Sleep(1)
			isRefused := c.onStale == "refuse"
			if err := outcome(guard, userToken()); (err != nil) != isRefused || (guard.Ready() != nil) != isRefused {
				t.Errorf("%+v: %v", c, err)
			}
		})
	}
}

func TestReadinessWaitsForTheKeysNoLongerThanForTheFeedIfThereIsASecret(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		guard := localGuard(t, WithFeedSecret(feedKey))
		guard.revocations.knownAsOf(time.Now(), 0)
		guard.publicKeys.Store(nil)
		if guard.Ready() == nil {
			t.Error("the keys were not fetched")
		}
		time.Sleep(time.Minute)
		if err := guard.Ready(); err != nil {
			t.Error(err)
		}
		guard.secretKeys.Store(&keySet{})
		for range 2 {
			if err := outcome(guard, userToken()); !errors.Is(err, errNoKeys) || guard.Ready() == nil {
				t.Error("there is no key", err)
			}
			guard.publicKeys.Store(&keySet{})
		}
	})
}

func TestASetThatIsTooOldIsToleratedOrNot(t *testing.T) {
	check := func(t *testing.T, refuse bool, advance func(set *revocationSet, by time.Duration)) {
		guard := localGuard(t)
		guard.revocations = newSet(time.Minute, refuse)
		guard.revocations.add(entry{revocation{"session", "session-2"}, now, 3600})
		guard.revocations.knownAsOf(time.Now(), time.Second)
		advance(guard.revocations, 58*time.Second)
		if outcome(guard, userToken()) != nil || guard.Ready() != nil {
			t.Error("not stale yet")
		}
		advance(guard.revocations, time.Second+1)
		err := outcome(guard, userToken())
		if errors.Is(err, errStale) != refuse || (guard.Ready() == nil) == refuse {
			t.Errorf("%v: %v", refuse, err)
		}
		if err := outcome(guard, userToken("sid", "session-2")); !errors.Is(err, ErrRevoked) {
			t.Error(err)
		}
	}
	for _, refuse := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			check(t, refuse, func(_ *revocationSet, by time.Duration) { time.Sleep(by) })
		})
		check(t, refuse, func(set *revocationSet, by time.Duration) {
			known := suspended(*set.known.Load(), by)
			set.known.Store(&known)
		})
	}
}

func TestAnUnreachableServerIsTriedAgain(t *testing.T) {
	server := newFakeServer(t, caughtUp)
	url := server.URL
	server.Close()
	guard := started(t, url)
	time.Sleep(200 * time.Millisecond)
	if err := outcome(guard, userToken()); !errors.Is(err, errNotCaughtUp) {
		t.Error(err)
	}
	listener, err := net.Listen("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	go http.Serve(listener, server.Config.Handler)
	defer listener.Close()
	eventually(t, "ready", func() bool { return guard.Ready() == nil })
}

func TestEachPartOfAConnectionHasItsTimeLimit(t *testing.T) {
	for _, c := range []struct {
		pauses   []time.Duration // before each text
		isClosed bool            // by the timer
		took     time.Duration
	}{
		{[]time.Duration{59 * time.Second, 14 * time.Second, 14 * time.Second}, false, 87 * time.Second},
		{[]time.Duration{61 * time.Second}, true, time.Minute},
		{[]time.Duration{1, 16 * time.Second}, true, 15*time.Second + 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			guard := localGuard(t, WithFeedSecret(feedKey))
			reader, writer := io.Pipe()
			guard.client.Transport = answering(http.StatusOK, reader)
			go func() {
				for _, pause := range c.pauses {
					time.Sleep(pause)
					io.WriteString(writer, caughtUp)
				}
				writer.Close()
			}()
			began := time.Now()
			err := (&connection{Guard: guard}).follow(t.Context())
			isClosed := strings.Contains(fmt.Sprint(err), "no data for too long")
			if took := time.Since(began); isClosed != c.isClosed || took != c.took {
				t.Errorf("%+v: %v %v", c, took, err)
			}
			time.Sleep(time.Minute) // for the writer
		})
	}
}

func TestAServerThatDoesNotRespondIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		guard := localGuard(t, WithFeedSecret(feedKey))
		guard.client.Transport = transport(func(request *http.Request) (*http.Response, error) {
			<-request.Context().Done()
			return nil, request.Context().Err()
		})
		began := time.Now()
		err := (&connection{Guard: guard}).follow(t.Context())
		if !strings.Contains(fmt.Sprint(err), "no data") || time.Since(began) != 15*time.Second {
			t.Error(time.Since(began), err)
		}
	})
}

func TestThePausesBetweenConnectionsGrowUntilOneIsStable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		guard := localGuard(t, WithFeedSecret(feedKey))
		ctx, cancel := context.WithCancel(t.Context())
		var pauses []time.Duration
		last := time.Now()
		guard.client.Transport = transport(func(*http.Request) (*http.Response, error) {
			pauses = append(pauses, time.Since(last))
			last = time.Now()
			text := caughtUp
			if len(pauses) == 7 {
				text += heartbeat("heartbeat", 1, 1002)
			}
			if len(pauses) == 9 {
				cancel()
			}
			return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader(text))}, nil
		})
		guard.followFeed(ctx) // returns
		for i, most := range []time.Duration{0, 100, 200, 400, 800, 1500, 1500, 100, 200} {
			if most *= time.Millisecond; pauses[i] < most/2 || pauses[i] > most {
				t.Errorf("pause %d: %v, at most %v", i, pauses[i], most)
			}
		}
	})
}

func TestDataAfterASuspensionIsNotUsed(t *testing.T) {
	start := time.Now()
	for _, c := range []struct {
		passed, suspended time.Duration
		isTooLate         bool
	}{
		{time.Minute, 0, false}, {time.Minute + 1, 0, true}, {0, time.Second, false}, {0, time.Second + 1, true},
		{time.Second, time.Minute, true},
	} {
		began := suspended(start, c.suspended)
		if got := isTooLate(began, began, start.Add(c.passed), time.Minute); got != c.isTooLate {
			t.Errorf("%+v: %v", c, got)
		}
	}
	if !isTooLate(start, start.Add(time.Minute), start.Add(76*time.Second), 15*time.Second) {
		t.Error("the limit is that of the last event")
	}
}

func TestTheAgeIsThatOfTheNewestStatementPlusTheTimeSince(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := newSet(time.Minute, true)
		for _, c := range []struct{ passed, stated, age time.Duration }{
			{0, 10 * time.Second, 10 * time.Second}, {time.Second, time.Hour, 11 * time.Second},
			{time.Second, time.Second, time.Second},
		} {
			time.Sleep(c.passed)
			set.knownAsOf(time.Now(), c.stated)
			if age := elapsed(*set.known.Load(), time.Now()); age != c.age {
				t.Errorf("%+v: %v", c, age)
			}
		}
	})
}

func TestTimeInABufferCountsAsAge(t *testing.T) {
	guard := localGuard(t, WithFeedSecret(feedKey))
	c := &connection{Guard: guard, isCaughtUp: true}
	start := time.Now()
	for _, step := range []struct{ arrival, stated, uptime, age int }{
		{10_000, 0, 500_000, 0}, {15_040, 0, 505_000, 35}, {19_990, 0, 510_000, 0}, {38_990, 0, 515_000, 13_981},
		{38_990, 0, 520_000, 8_981}, {38_990, 0, 525_000, 3_981}, {39_990, 0, 530_000, 0}, {44_990, 700, 535_000, 700},
	} {
		guard.revocations.known.Store(nil)
		now := start.Add(time.Duration(step.arrival) * time.Millisecond)
		beat := fmt.Sprintf(`{"age_ms":%d,"uptime_ms":%d}`, step.stated, step.uptime)
		if err := c.noteAge([]byte(beat), now); err != nil {
			t.Fatal(err)
		}
		age := now.Sub(*guard.revocations.known.Load()).Round(time.Millisecond)
		if age != time.Duration(step.age)*time.Millisecond {
			t.Errorf("%v: %v", step, age)
		}
	}
}

func TestTheKeysAreFetchedAgainWhenTheyChange(t *testing.T) {
	server := newFakeServer(t, caughtUp)
	guard := started(t, server.URL)
	eventually(t, "ready", func() bool { return guard.Ready() == nil })
	pair := pairs(t)[0]
	pair.jwk["kid"] = "new"
	signed, signature := pair.sign(t, accessHeader(map[string]any{"kid": "new", "alg": "EdDSA"}), changed())
	token := signed + "." + encode(string(signature))
	if err := outcome(guard, token); !errors.Is(err, ErrInvalidToken) {
		t.Error(err)
	}
	server.jwks.Store(pointer(toJSON(map[string]any{"keys": []any{pair.jwk}})))
	server.more <- event("keys", "{}")
	eventually(t, "the new key", func() bool { return outcome(guard, token) == nil })
	fetches := server.keyFetches.Load()
	eventually(t, "two more fetches", func() bool { return server.keyFetches.Load() >= fetches+2 })
	server.jwks.Store(pointer("<html>"))
	fetches = server.keyFetches.Load()
	server.more <- event("keys", "{}")
	eventually(t, "a fetch", func() bool { return server.keyFetches.Load() > fetches })
	if err := outcome(guard, token); err != nil {
		t.Error("the last good keys stay in use", err)
	}
	server.jwks.Store(pointer(`{"keys":[]}`))
	eventually(t, "a key that is not published is not trusted", func() bool { return outcome(guard, token) != nil })
}

func TestOnlyAResponseWith200AndASetIsUsed(t *testing.T) {
	guard := localGuard(t)
	guard.publicKeys.Store(nil)
	respond := func(status int, body string) error {
		guard.client.Transport = transport(func(request *http.Request) (*http.Response, error) {
			if request.Header.Get("Authorization") != "" {
				t.Error("the keys are public")
			}
			header := http.Header{"Location": {"/elsewhere"}}
			return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body))}, nil
		})
		return guard.fetchKeys(t.Context())
	}
	for _, status := range []int{201, 301, 307, 404, 500, 503} {
		if err := respond(status, `{"keys":[]}`); err == nil {
			t.Error(status)
		}
	}
	padding := strings.Repeat(" ", 128*1024-len(`{"keys":[]}`))
	if err := respond(200, `{"keys":`+padding+" []}"); err == nil || guard.publicKeys.Load() != nil {
		t.Error("it is too long")
	}
	if err := respond(200, `{"keys":`+padding+`[]}`); err != nil || guard.publicKeys.Load() == nil {
		t.Error(err)
	}
}

func TestTheKeysAreFetchedAtOnceThenSeveralTimesThenEveryFiveMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		guard := localGuard(t)
		ctx, cancel := context.WithCancel(t.Context())
		const tick = 200 * time.Millisecond
		var status atomic.Int32
		fetches := make(chan time.Time, 1000)
		guard.client.Transport = transport(func(*http.Request) (*http.Response, error) {
			fetches <- time.Now()
			body := io.NopCloser(strings.NewReader(`{"keys":[]}`))
			return &http.Response{StatusCode: int(status.Load()), Body: body}, nil
		})
		// after waits, compares the first fetches meanwhile with those expected, and returns how many there were.
		after := func(during time.Duration, expected ...time.Duration) (count int) {
			t.Helper()
			began := time.Now()
			time.Sleep(during)
			for ; len(fetches) > 0; count++ {
				at := (<-fetches).Sub(began)
				if count < len(expected) && (at < expected[count] || at > expected[count]+tick) {
					t.Errorf("fetch %d after %v, not %v", count, at, expected[count])
				}
			}
			return count
		}
		status.Store(http.StatusOK)
		go guard.maintain(ctx)
		if count := after(2*time.Second, 0, 1*tick, 3*tick, 7*tick); count != 4 {
			t.Error(count)
		}
		after(time.Hour)
		guard.revocations.add(entry{revocation{"token", "token-9"}, now, 60})
		if count := after(time.Hour); count != 12 {
			t.Errorf("%d, not every five minutes", count)
		}
		if size(guard.revocations) != 0 {
			t.Error("the entry has expired")
		}
		guard.keysChanged.Store(true)
		if count := after(2*time.Second, 0, 1*tick, 3*tick, 7*tick); count != 4 {
			t.Error(count)
		}
		status.Store(http.StatusServiceUnavailable)
		after(time.Hour)
		if count := after(10 * time.Second); count < 9 || count > 10 {
			t.Errorf("%d, not each second", count)
		}
		cancel()
		time.Sleep(time.Second)
	})
}

func TestAnUnknownKidIsLookedUpAgainTenSecondsAfterTheLastFetch(t *testing.T) {
	check := func(t *testing.T, expected error, options ...Option) {
		guard := localGuard(t, options...)
		ctx, cancel := context.WithCancel(t.Context())
		var fetches atomic.Int32
		guard.client.Transport = transport(func(*http.Request) (*http.Response, error) {
			fetches.Add(1)
			time.Sleep(5 * time.Second) // no request waits for that
			return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader(`{"keys":[]}`))}, nil
		})
		unknown := sign(accessHeader(map[string]any{"kid": "unknown"}), changed())
		// during sends such tokens, and returns how many fetches began meanwhile.
		during := func(passed time.Duration) int32 {
			began := fetches.Load()
			for range passed / time.Second {
				sent := time.Now()
				if err := outcome(guard, unknown); !errors.Is(err, expected) || time.Since(sent) != 0 {
					t.Error(err)
				}
				time.Sleep(time.Second)
			}
			return fetches.Load() - began
		}
		go guard.maintain(ctx)
		time.Sleep(time.Hour)
		if count := during(time.Second); count != 1 {
			t.Errorf("%d fetches at once", count)
		}
		if count := during(13 * time.Second); count != 0 {
			t.Errorf("%d: any client can send an unknown kid", count)
		}
		if count := during(100 * 16 * time.Second); count < 95 || count > 110 {
			t.Errorf("%d fetches", count)
		}
		time.Sleep(20 * time.Second)
		last := fetches.Load()
		if time.Sleep(time.Minute); fetches.Load() != last {
			t.Error("no token named an unknown key since the last fetch")
		}
		cancel()
		time.Sleep(10 * time.Second)
	}
	synctest.Test(t, func(t *testing.T) { check(t, ErrInvalidToken) })
	synctest.Test(t, func(t *testing.T) { check(t, errNoKeys, WithSecrets(), WithAuthServerURL(issuer)) })
}

func TestAKnownKidIsNotLookedUp(t *testing.T) {
	guard, pair := localGuard(t), pairs(t)[0]
	pair.jwk["kid"] = "one"
	publish(t, guard, pair.jwk)
	signed, signature := pair.sign(t, accessHeader(map[string]any{"kid": "one", "alg": "EdDSA"}), changed())
	for _, token := range []string{userToken(), signed + "." + encode(string(signature)), signed + ".AAAA"} {
		if outcome(guard, token); guard.unknownKid.Load() {
			t.Error(token)
		}
	}
}

func TestEachOutageIsLoggedOnce(t *testing.T) {
	server := newFakeServer(t, caughtUp, "", "", caughtUp, caughtUp)
	var log logBuffer
	started(t, server.URL, WithLogger(log.logger()))
	eventually(t, "five connections", func() bool { return server.connections.Load() == 5 })
	eventually(t, "caught up", func() bool { return strings.Count(log.String(), "msg=\"connected to") == 3 })
	if n := strings.Count(log.String(), "level=WARN msg=\"following the revocation feed"); n != 2 {
		t.Errorf("%d outages: %s", n, log.String())
	}
}

func TestWhatEachEventMeans(t *testing.T) {
	guard := localGuard(t, WithFeedSecret(feedKey))
	c := &connection{Guard: guard}
	beat := `{"age_ms":5,"uptime_ms":1000}`
	for _, step := range []struct {
		name, data             string
		known, stable, refetch bool
	}{
		{"heartbeat", beat, false, false, false},
		{"keys", "{}", false, false, true},
		{"revocations", `{"entries":[]}`, false, false, false},
		{"caught-up", beat, true, false, true},
		{"planet", beat, true, false, false},
		{"heartbeat", beat, true, true, false},
	} {
		if err := c.handle(sse.Event{Type: step.name, Data: step.data}, time.Now()); err != nil {
			t.Error(err)
		}
		known := guard.revocations.known.Load() != nil
		if refetch := guard.keysChanged.Swap(false); known != step.known || c.isStable != step.stable ||
			refetch != step.refetch {
			t.Errorf("%+v: %v %v %v", step, known, c.isStable, refetch)
		}
	}
}
