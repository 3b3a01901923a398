# The supervisor: what a Swarm service or a compose file runs on every node. `docker build .` needs
# nothing but this file; `make images` puts the binary built on the host in place of the first stage.
FROM golang:1.26 AS build
ARG VERSION=dev
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY internal internal
COPY supervisor supervisor
RUN CGO_ENABLED=0 go build -trimpath -buildvcs=false \
    -ldflags "-s -w -X rqdswarm/internal/buildinfo.Version=${VERSION}" -o /out/supervisor ./supervisor

FROM scratch
COPY --from=build /out/supervisor /supervisor
# The role is how supervisors find each other: the newest on an engine owns RQD.
LABEL org.rqdswarm.role=supervisor \
      org.opencontainers.image.title=supervisor \
      org.opencontainers.image.description="Runs OpenCue's RQD as a sibling container from a Swarm service"
STOPSIGNAL SIGTERM
# Sticky: once RQD was ready, only RQD_READY_TIMEOUT without it is unhealthy. A render host is always busy: with a load of
# fifty the start of a probe has been seen to take more than 3 s, and that is no reason to stop RQD.
HEALTHCHECK --interval=3s --timeout=15s --start-period=60s --retries=3 CMD ["/supervisor", "health"]
ENTRYPOINT ["/supervisor"]
