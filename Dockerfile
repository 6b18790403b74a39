# Both servers, one image each:
#   docker build --target auth-server -t goptri/auth-server .
#   docker build --target api-server  -t goptri/api-server .

# The same Debian release as below, for the same libc.
FROM rust:1.95-slim-bookworm AS build
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked -p auth-server -p api-server --bins \
    && install -D --target-directory=/built target/release/auth-server target/release/api-server

# The servers need no shell; the health checks in docker-compose.yml use bash and coreutils.
FROM debian:bookworm-slim AS server
LABEL org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0"
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
# A volume mounted here starts with this owner and mode. OpenShift runs containers as a random user of group 0, so the
# group may do what the owner may.
RUN install -d --owner=10001 --group=0 --mode=0770 /data
WORKDIR /data
# Numeric, so that Kubernetes can tell that it is not root.
USER 10001:0

FROM server AS auth-server
LABEL org.opencontainers.image.title="Goptri auth-server" \
      org.opencontainers.image.description="Signs users in: access tokens, refresh tokens, revocation"
COPY --from=build /built/auth-server /usr/local/bin/auth-server
ENV AUTH_SERVER_ADDR=0.0.0.0:4000
EXPOSE 4000
ENTRYPOINT ["auth-server"]

FROM server AS api-server
LABEL org.opencontainers.image.title="Goptri api-server" \
      org.opencontainers.image.description="A sample application that verifies Goptri's access tokens"
COPY --from=build /built/api-server /usr/local/bin/api-server
ENV API_SERVER_ADDR=0.0.0.0:3000
EXPOSE 3000
ENTRYPOINT ["api-server"]
