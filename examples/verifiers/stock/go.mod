module github.com/goptri/goptri/examples/verifiers/stock

go 1.25.0

require github.com/goptri/goptri-go v0.1.0

require github.com/golang-jwt/jwt/v5 v5.3.1 // indirect

replace github.com/goptri/goptri-go => ../../../clients/go
