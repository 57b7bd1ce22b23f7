FROM golang:1.26.8-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN make build
# scratch has no directories: these two are copied with their owner below.
RUN mkdir -p /empty/data /empty/tmp

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build --chown=65532:65532 /empty/ /
COPY --from=build /src/bin/luoshu /luoshu
USER 65532:65532
ENV LUOSHU_ADDR=:8080 \
    LUOSHU_DATA_DIR=/data
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=5s --start-period=15s CMD ["/luoshu", "health"]
ENTRYPOINT ["/luoshu"]
CMD ["serve"]
