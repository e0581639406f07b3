# The image of the action: one static binary and nothing else. The runner starts it as root, as container actions must be.
FROM docker.io/library/rust:1.95-alpine AS build
WORKDIR /source
COPY . .
# On Alpine the musl target is the toolchain's own. A toolchain without it links glibc statically instead.
RUN set -eu; \
    arch=$(uname -m); target=$arch-unknown-linux-musl; \
    if [ ! -d "$(rustc --print sysroot)/lib/rustlib/$target" ]; then \
      target=$arch-unknown-linux-gnu; export RUSTFLAGS="-C target-feature=+crt-static"; \
    fi; \
    cargo build --release --locked --bin promote --target "$target"; \
    cp "target/$target/release/promote" /promote

FROM scratch
LABEL org.opencontainers.image.title="promote-action" \
      org.opencontainers.image.description="Promotes an image through a GitOps repository and waits until exactly that commit is live and healthy" \
      org.opencontainers.image.source="https://github.com/org/promote-action" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /promote /promote
ENTRYPOINT ["/promote"]
