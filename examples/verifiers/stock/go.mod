module github.com/goptri/goptri/examples/verifiers/stock

go 1.26

require github.com/goptri/goptri-go v0.1.0

require (
	github.com/go-jose/go-jose/v4 v4.1.9 // indirect
	github.com/go-json-experiment/json v1.27.2 // indirect
	github.com/golang-jwt/jwt/v5 v5.3.1 // indirect
	github.com/tmaxmax/go-sse v0.12.0 // indirect
)

replace github.com/goptri/goptri-go => ../../../clients/go
