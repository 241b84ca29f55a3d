# syntax=docker/dockerfile:1
# The gateway (and, with the command `worker`, an inference worker) as an image of one program: no shell, no package manager,
# not root. docker-compose.yml shows how to run it.

FROM rust:1.95-slim-bookworm AS build
# Rust and a C compiler build everything.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends gcc g++ libc6-dev make cmake \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
# Registry and build output are kept between builds, and are no part of any layer.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked --package novai-server --bin novai \
 && install -D target/release/novai /image/usr/local/bin/novai \
 && install -d -o 65532 -g 65532 -m 0700 /image/var/lib/novai

# glibc and certificates, nothing else.
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /image/ /
ENV NOVAI_LISTEN=0.0.0.0:8080 \
    NOVAI_DATA_DIR=/var/lib/novai
USER 65532:65532
VOLUME ["/var/lib/novai"]
EXPOSE 8080
# SIGTERM lets open streams end for [server] shutdown_timeout_ms; give the container more time than that.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=5s --start-period=30s --retries=3 \
    CMD ["/usr/local/bin/novai", "health"]
ENTRYPOINT ["/usr/local/bin/novai"]
CMD ["serve"]
