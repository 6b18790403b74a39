package goptri_test

import (
	"context"
	"fmt"
	"log"
	"net/http"

	"github.com/goptri/goptri-go"
)

func Example() {
	guard, err := goptri.New(context.Background(), goptri.FromEnvironment())
	if err != nil {
		log.Fatal(err)
	}
	list := func(w http.ResponseWriter, r *http.Request) {
		claims := goptri.FromContext(r.Context())
		fmt.Fprintln(w, "The invoices of", claims.Subject)
	}
	http.Handle("GET /invoices", guard.RequireScope("invoices:read", http.HandlerFunc(list)))
	log.Fatal(http.ListenAndServe("127.0.0.1:8080", nil))
}
