# The server, its dashboard and all its extras: `docker build -t puras .`
#
# Runs as a user of its own, and needs to write below /data and /tmp only:
#   docker run --init --read-only --tmpfs /tmp -v puras:/data -p 127.0.0.1:8787:8787 puras

FROM node:22-bookworm-slim AS dashboard
WORKDIR /build
COPY sdk/typescript sdk/typescript
RUN cd sdk/typescript && npm ci --no-audit --no-fund && npm run build
COPY dashboard dashboard
RUN cd dashboard && npm ci --no-audit --no-fund && npm run build

FROM python:3.13-slim-bookworm AS server
WORKDIR /build
RUN python3 -m venv /opt/puras
COPY requirements.lock ./
COPY pyproject.toml README.md LICENSE ./
COPY src src
COPY examples examples
COPY --from=dashboard /build/src/puras/server/static src/puras/server/static
RUN /opt/puras/bin/pip install --no-cache-dir --disable-pip-version-check \
      --constraint requirements.lock ".[server,s3,postgres,otel]"

FROM python:3.13-slim-bookworm
RUN groupadd --gid 10001 puras \
 && useradd --uid 10001 --gid puras --home-dir /data --no-create-home puras \
 && install -d -o puras -g puras -m 700 /data
COPY --from=server /opt/puras /opt/puras
ENV PATH=/opt/puras/bin:$PATH \
    PURAS_HOME=/data \
    PYTHONDONTWRITEBYTECODE=1
USER puras
WORKDIR /data
VOLUME /data
EXPOSE 8787
STOPSIGNAL SIGTERM
# In a container that only works nothing listens: switch it off there.
HEALTHCHECK --start-period=60s --interval=10s --timeout=5s \
  CMD ["python3", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8787/ready', timeout=4)"]
ENTRYPOINT ["puras"]
CMD ["serve", "--host", "0.0.0.0", "--no-login"]
