// Command stock is a small service that is protected by Goptri.
//
// GET /stock needs an access token, GET /unguarded does not. Start it with ./run.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/goptri/goptri-go"
)

func main() {
	slog.SetDefault(slog.New(slog.NewTextHandler(os.Stderr, nil)))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run serves until ctx ends, and then lets requests finish for two seconds.
func run(ctx context.Context) error {
	// Fetches the public keys of auth-server and follows its revocation feed, until the last request is finished.
	following, unfollow := context.WithCancel(context.Background())
	defer unfollow()
	guard, err := goptri.New(following, goptri.FromEnvironment())
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", cmp.Or(os.Getenv("ADDR"), "127.0.0.1:5015"))
	if err != nil {
		return err
	}
	slog.Info("listening on http://" + listener.Addr().String())
	server := &http.Server{Handler: routes(guard), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	deadline, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if err := server.Shutdown(deadline); err != nil {
		return server.Close()
	}
	return nil
}

func routes(guard *goptri.Guard) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /stock", guard.Middleware(http.HandlerFunc(listStock)))
	mux.HandleFunc("GET /unguarded", listUnguarded)
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if err := guard.Ready(); err != nil {
			writeJSON(w, http.StatusServiceUnavailable, map[string]string{"status": err.Error()})
			return
		}
		writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
	})
	return mux
}

type item struct {
	SKU      string `json:"sku"`
	Name     string `json:"name"`
	Quantity int    `json:"quantity"`
}

var items = []item{{"A-100", "Screws M4", 1200}, {"A-200", "Hinges", 80}, {"B-310", "Door handles", 17}}

// caller is the user or client, as its access token describes it.
type caller struct {
	Subject   string   `json:"sub"`
	Email     string   `json:"email,omitempty"`
	Roles     []string `json:"roles"`
	Scope     string   `json:"scope"`
	SessionID string   `json:"sid,omitempty"`
	ExpiresAt int64    `json:"exp"`
}

type stock struct {
	Stock  []item  `json:"stock"`
	Caller *caller `json:"caller,omitempty"`
}

func listStock(w http.ResponseWriter, r *http.Request) {
	claims := goptri.FromContext(r.Context())
	writeJSON(w, http.StatusOK, stock{items, &caller{
		Subject: claims.Subject, Email: claims.Email, Roles: append([]string{}, claims.Roles...), Scope: claims.Scope(),
		SessionID: claims.SessionID, ExpiresAt: claims.ExpiresAt.Unix(),
	}})
}

func listUnguarded(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, stock{Stock: items})
}

func writeJSON(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(value); err != nil {
		slog.Warn("the response cannot be written", "reason", err)
	}
}
