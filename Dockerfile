# The image of the action: one static binary and nothing else. The runner starts it as root, as container actions must be.
# The base is named by digest for the machine, by tag for people; both architectures are behind it.
FROM docker.io/library/rust:1.95.0-alpine3.23@sha256:606fd313a0f49743ee2a7bd49a0914bab7deedb12791f3a846a34a4711db7ed2 AS build
WORKDIR /source
COPY . .
# On Alpine the musl target is the toolchain's own. A toolchain without it links glibc statically instead.
RUN set -eu; \
    target=$(uname -m)-unknown-linux-musl; \
    [ -d "$(rustc --print sysroot)/lib/rustlib/$target" ] || target=$(uname -m)-unknown-linux-gnu; \
    release/build "$target" /promote

FROM scratch
ARG VERSION=unreleased REVISION=unknown
LABEL org.opencontainers.image.title="promote-action" \
      org.opencontainers.image.description="Promotes an image through a GitOps repository and waits until exactly that commit is live and healthy" \
      org.opencontainers.image.url="https://github.com/org/promote-action" \
      org.opencontainers.image.source="https://github.com/org/promote-action" \
      org.opencontainers.image.documentation="https://github.com/org/promote-action/tree/main/docs" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version=$VERSION \
      org.opencontainers.image.revision=$REVISION
COPY --from=build /promote /promote
ENTRYPOINT ["/promote"]
