package goptri

import (
	"bufio"
	"context"
	"encoding/json"
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
	"time"
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

func entry(kind, subject string) string {
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
	server.more <- entries(entry("session", "session-1"))
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
	set := newRevocationSet(time.Minute, false, systemMoment)
	set.knownAsOf(systemMoment(), 0)
	claims := func(pairs ...any) *Claims { return must(parseClaims([]byte(changed(pairs...)))) }
	for _, key := range []revocation{{"session", "s"}, {"token", "t"}, {"client", "c"}} {
		set.add(key, now, time.Hour)
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

func must(claims *Claims, err error) *Claims {
	if err != nil {
		panic(err)
	}
	return claims
}

func TestAnEntryIsKeptUntilTheLaterDeadlineAndThenSwept(t *testing.T) {
	var clock fakeClock
	set := newRevocationSet(time.Minute, false, clock.now)
	key := revocation{"client", "goptri"}
	set.add(key, now, time.Hour)
	set.add(key, now-100, time.Millisecond)
	for _, c := range []struct {
		mono, wall time.Duration // that pass
		revoked    bool
	}{
		{time.Minute, time.Minute, true},
		{0, 24 * time.Hour, true}, // the time of day was set
		{59*time.Minute - 1, 0, true},
		{1, 0, false},
	} {
		clock.advance(c.mono, c.wall)
		if set.has(key, now) != c.revoked || set.has(key, now+1) {
			t.Errorf("%+v", c)
		}
		if set.sweep(); (set.len() == 1) != c.revoked {
			t.Errorf("%+v: %d", c, set.len())
		}
	}
}

func TestAStreamThatEndsAnywhereIsReadAgain(t *testing.T) {
	whole := caughtUp + entries(entry("session", "session-1"), entry("token", "token-2"))
	server := newFakeServer(t, "", whole[:30], whole[:len(caughtUp)+60], whole[:len(whole)-1], caughtUp)
	guard := started(t, server.URL)
	eventually(t, "five connections", func() bool { return server.connections.Load() == 5 })
	eventually(t, "ready", func() bool { return guard.Ready() == nil })
	if n := guard.revocations.len(); n != 0 {
		t.Errorf("%d entries of incomplete events", n)
	}
	server.more <- whole
	eventually(t, "two entries", func() bool { return guard.revocations.len() == 2 })
}

func TestTheSetOnlyGrowsWhenTheConnectionIsLost(t *testing.T) {
	server := newFakeServer(t, caughtUp+entries(entry("session", "session-1")), caughtUp)
	guard := started(t, server.URL)
	eventually(t, "two connections", func() bool { return server.connections.Load() == 2 })
	if err := outcome(guard, userToken()); !errors.Is(err, ErrRevoked) {
		t.Error(err)
	}
}

func TestUnknownEventsMembersKindsAndUnreadableEntriesAreSkipped(t *testing.T) {
	server := newFakeServer(t, caughtUp+": comment\n\n"+event("planet", "x")+"id: 7\nretry: 1\n\n"+
		entries(entry("planet", "x"), `{"kind":"session"}`, `"x"`, "null",
			`{"kind":"session","subject":7,"revoked_at":1,"expires_in":1}`,
			`{"kind":"session","subject":"a","revoked_at":-1,"expires_in":1}`,
			`{"kind":"session","subject":"","revoked_at":1,"expires_in":1}`,
			`{"kind":"session","subject":"a","revoked_at":1,"expires_in":1.5}`,
			entry("session", strings.Repeat("x", 8193)),
			`{"kind":"session","subject":"session-1","revoked_at":1,"expires_in":9223372036854775807,"new":[{}]}`)+
		strings.ReplaceAll(entries(entry("token", "token-9")), "\n", "\r\n"))
	var log logBuffer
	guard := started(t, server.URL, WithLogger(log.logger()))
	eventually(t, "the last entry", func() bool {
		guard.revocations.mu.RLock()
		defer guard.revocations.mu.RUnlock()
		return guard.revocations.has(revocation{"token", "token-9"}, 0)
	})
	if err := outcome(guard, userToken()); !errors.Is(err, ErrRevoked) {
		t.Error(err)
	}
	if n := guard.revocations.len(); n != 2 {
		t.Errorf("%d entries", n)
	}
	if server.connections.Load() != 1 {
		t.Error("the connection was closed")
	}
	if n := strings.Count(log.String(), "skipped revocation"); n != 1 {
		t.Errorf("logged %d times", n)
	}
}

func TestAMalformedOrEndlessEventClosesTheConnection(t *testing.T) {
	long := strings.Repeat("x", maxEventBytes+1)
	for _, bad := range []string{
		event("revocations", `{"entries":{}}`), event("revocations", "[]"), event("heartbeat", "{}"),
		event("heartbeat", `{"age_ms":-1,"uptime_ms":1}`), event("heartbeat", `{"age_ms":"1","uptime_ms":1}`),
		event("caught-up", `{"age_ms":1}`), "data: " + long, ":" + long,
		strings.Repeat("data: "+long[:1000]+"\n", 1100),
	} {
		guard := localGuard(t, WithFeedSecret(feedKey))
		c := connection{follower: guard.newFollower(nil, ""), reader: &timedReader{}}
		err := readEvents(strings.NewReader(bad+"\n\n"+caughtUp), c.onEvent)
		if err == nil || strings.Contains(err.Error(), "closed") || c.caughtUp {
			t.Errorf("%.60q: %v", bad, err)
		}
	}
}

func TestAWrongSecretIsTriedAgainAndLoggedOnce(t *testing.T) {
	server := newFakeServer(t, caughtUp)
	server.accepted.Store(pointer("Bearer another"))
	var log logBuffer
	guard := started(t, server.URL, WithLogger(log.logger()))
	eventually(t, "three connections", func() bool { return server.connections.Load() == 3 })
	if err := outcome(guard, userToken()); !errors.Is(err, ErrNotCaughtUp) || guard.Ready() == nil {
		t.Error(err)
	}
	if strings.Count(log.String(), "rejects the secret") != 1 || strings.Contains(log.String(), feedKey) {
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

// fakeClock is a clock that a test sets.
type fakeClock struct{ mono, wall atomic.Int64 }

func (c *fakeClock) now() moment {
	return moment{time.Duration(c.mono.Load()), time.Duration(c.wall.Load())}
}

func (c *fakeClock) advance(mono, wall time.Duration) {
	c.mono.Add(int64(mono))
	c.wall.Add(int64(wall))
}

func TestUntilTheFirstCaughtUpValidTokensGet503ForALimitedTime(t *testing.T) {
	for _, c := range []struct {
		maxAge, limit time.Duration
		refuse        bool
	}{{time.Minute, time.Minute, false}, {10 * time.Second, 10 * time.Second, false}, {time.Hour, time.Minute, false},
		{time.Minute, time.Hour, true}} {
		var clock fakeClock
		guard := localGuard(t)
		guard.revocations = newRevocationSet(c.maxAge, c.refuse, clock.now)
		for _, step := range []time.Duration{0, c.limit - 1} {
			clock.advance(step, step)
			if err := outcome(guard, userToken()); !errors.Is(err, ErrNotCaughtUp) || guard.Ready() == nil {
				t.Errorf("%+v: %v", c, err)
			}
			if err := outcome(guard, userToken()+"x"); !errors.Is(err, ErrInvalidToken) {
				t.Error(err)
			}
		}
		clock.advance(1, 1)
		if err := outcome(guard, userToken()); (err == nil) == c.refuse || (guard.Ready() == nil) == c.refuse {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

func TestReadinessWaitsForTheKeysNoLongerThanForTheFeedIfThereIsASecret(t *testing.T) {
	var clock fakeClock
	guard := localGuard(t, WithFeedSecret(feedKey))
	guard.revocations = newRevocationSet(time.Minute, false, clock.now)
	guard.revocations.knownAsOf(clock.now(), 0)
	guard.keys.published = nil
	if guard.Ready() == nil {
		t.Error("the keys were not fetched")
	}
	clock.advance(time.Minute, 0)
	if err := guard.Ready(); err != nil {
		t.Error(err)
	}
	guard.keys.local = nil
	if guard.Ready() == nil {
		t.Error("there is no key")
	}
}

func TestASetThatIsTooOldIsToleratedOrNot(t *testing.T) {
	for _, suspended := range []bool{false, true} {
		for _, refuse := range []bool{false, true} {
			var clock fakeClock
			guard := localGuard(t)
			guard.revocations = newRevocationSet(time.Minute, refuse, clock.now)
			guard.revocations.add(revocation{"session", "session-2"}, now, time.Hour)
			guard.revocations.knownAsOf(clock.now(), time.Second)
			advance := func(by time.Duration) {
				if suspended {
					clock.advance(0, by)
				} else {
					clock.advance(by, 0)
				}
			}
			if advance(59 * time.Second); outcome(guard, userToken()) != nil || guard.revocations.isStale() {
				t.Error("not stale yet")
			}
			advance(1)
			err := outcome(guard, userToken())
			if errors.Is(err, ErrStale) != refuse || (guard.Ready() == nil) == refuse || !guard.revocations.isStale() {
				t.Errorf("%v %v: %v", suspended, refuse, err)
			}
			if err := outcome(guard, userToken("sid", "session-2")); !errors.Is(err, ErrRevoked) {
				t.Error(err)
			}
		}
	}
}

func TestAnUnreachableServerIsTriedAgain(t *testing.T) {
	server := newFakeServer(t, caughtUp)
	url := server.URL
	server.Close()
	guard := started(t, url)
	time.Sleep(200 * time.Millisecond)
	if err := outcome(guard, userToken()); !errors.Is(err, ErrNotCaughtUp) {
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
	t.Parallel()
	server := newFakeServer(t)
	guard := localGuard(t, WithFeedSecret(feedKey))
	follower := guard.newFollower(server.Client(), server.URL+feedPath)
	follower.timeouts = feedTimeouts{400 * time.Millisecond, 1200 * time.Millisecond, 800 * time.Millisecond, 1, 2}
	began := time.Now()
	go func() {
		time.Sleep(700 * time.Millisecond) // more than for the response
		for range 3 {
			server.more <- caughtUp
			time.Sleep(500 * time.Millisecond)
		}
	}()
	err := (&connection{follower: follower}).follow(t.Context())
	if took := time.Since(began); took < 2400*time.Millisecond || took > 10*time.Second {
		t.Error(took, err)
	}
}

func TestASilentConnectionIsClosed(t *testing.T) {
	server := newFakeServer(t, heartbeat("heartbeat", 1, 1000), caughtUp)
	guard := localGuard(t, WithFeedSecret(feedKey))
	follower := guard.newFollower(server.Client(), server.URL+feedPath)
	follower.timeouts = feedTimeouts{time.Second, 100 * time.Millisecond, 100 * time.Millisecond, 1, 2}
	server.scripts = []string{caughtUp}
	began := time.Now()
	err := (&connection{follower: follower}).follow(t.Context())
	if err == nil || !strings.Contains(err.Error(), "no data") || time.Since(began) > 5*time.Second {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() { time.Sleep(20 * time.Millisecond); cancel() }()
	follower.run(ctx) // returns
}

func TestDataAfterASuspensionIsNotUsed(t *testing.T) {
	for _, c := range []struct {
		mono, wall time.Duration
		used       bool
	}{
		{time.Minute, time.Minute, true}, {time.Minute, 0, true}, {time.Minute, time.Minute + time.Second, false},
		{time.Second, 2 * time.Second, true}, {0, time.Second + 1, false}, {time.Minute + 1, 0, false},
	} {
		var clock fakeClock
		start, stream, timer := clock.now(), strings.NewReader(caughtUp), time.NewTimer(time.Hour)
		reader := &timedReader{stream, timer, clock.now, start, start, time.Minute, 15 * time.Second}
		clock.advance(c.mono, c.wall)
		if n, err := reader.Read(make([]byte, 10)); (n == 10) != c.used || (err == nil) != c.used {
			t.Errorf("%+v: %d %v", c, n, err)
		}
		clock.advance(15*time.Second+1, 15*time.Second+1)
		if n, err := reader.Read(make([]byte, 10)); n != 0 || err == nil {
			t.Errorf("the limit is shorter after the first read: %d %v", n, err)
		}
	}
}

func TestTheAgeIsThatOfTheNewestStatementPlusTheTimeSince(t *testing.T) {
	var clock fakeClock
	set := newRevocationSet(time.Minute, true, clock.now)
	for _, c := range []struct{ passed, stated, age time.Duration }{
		{0, 10 * time.Second, 10 * time.Second}, {time.Second, time.Hour, 11 * time.Second},
		{time.Second, time.Second, time.Second},
	} {
		clock.advance(c.passed, c.passed)
		set.knownAsOf(clock.now(), c.stated)
		if age := set.age + clock.now().since(set.arrival); age != c.age {
			t.Errorf("%+v: %v", c, age)
		}
	}
}

func TestTimeInABufferCountsAsAge(t *testing.T) {
	ms := func(n int) time.Duration { return time.Duration(n) * time.Millisecond }
	var delays delayEstimator
	for _, c := range [][3]int{
		// arrival, uptime, age
		{10_000, 500_000, 0}, {15_040, 505_000, 35}, {19_990, 510_000, 0}, {38_990, 515_000, 13_981},
		{38_990, 520_000, 8_981}, {38_990, 525_000, 3_981}, {39_990, 530_000, 0},
	} {
		if age := delays.age(ms(c[0]), 0, ms(c[1])).Round(time.Millisecond); age != ms(c[2]) {
			t.Errorf("%v: %v", c, age)
		}
	}
	if age := delays.age(ms(44_990), ms(700), ms(535_000)); age != ms(700) {
		t.Error(age)
	}
	if age := new(delayEstimator).age(ms(10_000), 0, ms(500)); age != 0 {
		t.Error("the first message counts as not delayed", age)
	}
	for _, extreme := range []json.Number{"9223372036854775807", "0", "1"} {
		n, _ := integer(extreme)
		if age := delays.age(time.Hour, milliseconds(n), milliseconds(n)); age < milliseconds(n) {
			t.Error(extreme, age)
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

func TestEventsAreThoseOfTheStandard(t *testing.T) {
	var got []string
	record := func(name string, data []byte) error { got = append(got, name+"="+string(data)); return nil }
	stream := "data: 1\ndata: 2\nevent: a\n\ndata:  x \n\nevent: b\n\n:c\n\ndata\n\n" +
		"DATA: 1\ndatum: 2\n\nevent: d\r\ndata: 3\r\n\r\ndata: 4"
	if err := readEvents(bufio.NewReaderSize(strings.NewReader(stream), 16), record); err == nil {
		t.Error("a stream must not end")
	}
	if text := strings.Join(got, "|"); text != "a=1\n2|= x |=|d=3" {
		t.Errorf("%q", text)
	}
}

func TestAnUnknownKidIsLookedUpAgain(t *testing.T) {
	server := newFakeServer(t)
	keys := newKeySource()
	keys.setSecrets([]string{secret})
	fetcher := &jwksFetcher{keys, server.Client(), server.URL + jwksPath, quiet()}
	if err := fetcher.fetch(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := keys.find("unknown"); !errors.Is(err, ErrInvalidToken) {
		t.Error(err)
	}
	long := time.Now().Add(-11 * time.Second)
	began := time.Now()
	if fetcher.wait(t.Context(), long, time.Hour) || time.Since(began) > 5*time.Second {
		t.Error("the keys are fetched because of the unknown kid, not of a reported change")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	keys.find("unknown")
	if fetcher.wait(ctx, time.Now(), time.Hour); ctx.Err() == nil {
		t.Error("any client can send an unknown kid: the next fetch is 10 s after the last")
	}
	notify(keys.changed)
	keys.find("unknown")
	if !fetcher.wait(t.Context(), time.Now(), time.Hour) {
		t.Error("a reported change is fetched at once")
	}
}

func TestOnlyAResponseWith200AndASetIsUsed(t *testing.T) {
	keys := newKeySource()
	respond := func(status int, body string) error {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(status)
			io.WriteString(w, body)
		}))
		defer server.Close()
		return (&jwksFetcher{keys, newClient(&settings{}), server.URL, quiet()}).fetch(t.Context())
	}
	for _, status := range []int{201, 301, 307, 404, 500, 503} {
		if err := respond(status, `{"keys":[]}`); err == nil {
			t.Error(status)
		}
	}
	padding := strings.Repeat(" ", maxJWKSBytes-len(`{"keys":[]}`))
	if err := respond(200, `{"keys":[]}`+padding+" "); err == nil || keys.published != nil {
		t.Error("it is too long")
	}
	if err := respond(200, `{"keys":[]}`+padding); err != nil || keys.published == nil {
		t.Error(err)
	}
}

func TestEachOutageIsLoggedOnce(t *testing.T) {
	server := newFakeServer(t, caughtUp, "", "", caughtUp, caughtUp)
	var log logBuffer
	started(t, server.URL, WithLogger(log.logger()))
	eventually(t, "five connections", func() bool { return server.connections.Load() == 5 })
	eventually(t, "caught up", func() bool { return strings.Count(log.String(), "msg=\"connected to") == 3 })
	if n := strings.Count(log.String(), "disconnected"); n != 2 {
		t.Errorf("%d outages: %s", n, log.String())
	}
}

func TestWhatEachEventMeans(t *testing.T) {
	guard := localGuard(t, WithFeedSecret(feedKey))
	c := connection{follower: guard.newFollower(nil, ""), reader: &timedReader{}}
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
		if err := c.onEvent(step.name, []byte(step.data)); err != nil {
			t.Error(err)
		}
		if refetch := len(guard.keys.changed) == 1; guard.revocations.known != step.known || c.stable != step.stable ||
			refetch != step.refetch {
			t.Errorf("%+v: %v %v %v", step, guard.revocations.known, c.stable, refetch)
		}
		if len(guard.keys.changed) == 1 {
			<-guard.keys.changed
		}
	}
}
