# Tagwatch's worker, which is what the image runs, and its command line:
#
#   docker build --tag tagwatch .
#   docker run ... tagwatch --serve analysis,matching
#   docker run ... --entrypoint tagwatch tagwatch subscriptions
#
# The build argument GOPROXY sets another source of Go modules.

FROM golang:1.26 AS build
ARG GOPROXY
ENV CGO_ENABLED=0
WORKDIR /src

# Modules are a layer of their own, fetched again only if go.mod changes.
COPY go.mod go.sum ./
RUN go mod download

COPY . .
ARG VERSION=devel
RUN --mount=type=cache,target=/root/.cache/go-build \
    go build -trimpath -ldflags "-s -w -X main.version=${VERSION}" -o /out/bin/tagwatch ./starter \
 && go build -trimpath -ldflags "-s -w -X main.version=${VERSION}" -o /out/bin/tagwatch-worker ./worker \
 && mkdir -m 0700 /out/data
# The SBOM of the programs, as CycloneDX. With a builder that supports attestations,
# docker buildx build --sbom=true adds one of the whole image.
RUN mkdir /out/doc && /out/bin/tagwatch-worker sbom /out/bin > /out/doc/sbom.cdx.json

FROM gcr.io/distroless/static:nonroot
COPY --from=build /out/bin/ /usr/local/bin/
COPY --from=build /out/doc/ /usr/share/doc/tagwatch/
# A new volume takes the owner of the directory that it covers.
COPY --from=build --chown=65532:65532 /out/data /var/lib/tagwatch
USER 65532:65532
ENV TAGWATCH_DATA_DIR=/var/lib/tagwatch \
    TAGWATCH_LISTEN=0.0.0.0:8234
VOLUME /var/lib/tagwatch
EXPOSE 8234
HEALTHCHECK --interval=10s --timeout=10s --start-period=60s CMD ["/usr/local/bin/tagwatch-worker", "health"]
ENTRYPOINT ["/usr/local/bin/tagwatch-worker"]
