# Both servers, one image each:
#   docker build --target auth-server -t goptri/auth-server .
#   docker build --target api-server  -t goptri/api-server .

# The same Debian as below, so that the libc is the same; built with what a person types.
FROM rust:1.95-slim-bookworm AS build
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked -p auth-server -p api-server \
    && install -D --target-directory=/built target/release/auth-server target/release/api-server \
    # What a server may write to, owned by the user that it runs as: a volume mounted here starts with this owner.
    && install -d --owner=10001 --group=10001 /built/data

# No shell is needed to run a server, only for the health checks in docker-compose.yml, which use bash and coreutils.
FROM debian:bookworm-slim AS server
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build --chown=10001:10001 /built/data /data
WORKDIR /data
# A number, so that Kubernetes can see that it is not root.
USER 10001:10001

FROM server AS auth-server
COPY --from=build /built/auth-server /usr/local/bin/auth-server
ENV AUTH_SERVER_ADDR=0.0.0.0:4000
EXPOSE 4000
ENTRYPOINT ["auth-server"]

FROM server AS api-server
COPY --from=build /built/api-server /usr/local/bin/api-server
ENV API_SERVER_ADDR=0.0.0.0:3000
EXPOSE 3000
ENTRYPOINT ["api-server"]
