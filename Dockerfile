# Keyward in a small image. The database is another container's: see docker-compose.yml.

FROM rust:1.95-slim-bookworm AS build
WORKDIR /src
COPY . .
# the caches stay out of the image; what they hold must be copied within the same step
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked --bin keyward \
    && install -D target/release/keyward /out/keyward

FROM debian:bookworm-slim
# certificates: for a database or an identity provider reached over TLS
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 keyward \
    && useradd --uid 10001 --gid keyward --no-create-home --home-dir /data --shell /usr/sbin/nologin keyward \
    && install -d -o keyward -g keyward -m 0700 /data
COPY --from=build /out/keyward /usr/local/bin/keyward
USER 10001:10001
# the key-encryption key and the signing keys, never in the database or its backup; and files to download
VOLUME /data
ENV KEYWARD_DATA_DIR=/data \
    KEYWARD_LISTEN=0.0.0.0:8080 \
    KEYWARD_RESPONDER_LISTEN=0.0.0.0:1688
EXPOSE 8080 1688
# asks http://127.0.0.1:8080/healthz
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 CMD ["keyward", "healthcheck"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["keyward"]
CMD ["serve"]
