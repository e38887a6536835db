"""A canary in every place where a secret lies, wide traffic, and then a look everywhere else.

One real server on PostgreSQL and S3. What is searched: every answer, every event and span, the
server's output and log, every text in the database, every file of the data folder and the bucket,
and what `puras admin doctor` says.
"""

from __future__ import annotations

import base64
import http.cookiejar
import io
import json
import re
import secrets
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit, urlunsplit

import httpx2
import pytest

from puras.server.keys import tokens

from ..postgres import PostgresServer
from ..server import s3
from ..system.conftest import Served, serving

pytestmark = pytest.mark.slow

FUNCTION = """
description: Says what it should not
entrypoint: main.py:main
input_schema: {type: object, properties: {how: {type: string}}}
output_schema: {type: object, properties: {file: {type: file}}}
secrets: [SKILL_SECRET]
"""
CODE = """
import os, sys
import puras
from puras import drive, media

def main(how="well"):
    secret = puras.secret("SKILL_SECRET")
    print("stdout", secret, dict(os.environ))
    print("stderr", secret, file=sys.stderr)
    puras.log(f"log {secret}")
    puras.progress(0.5, f"progress {secret}")
    puras.step(f"step {secret}")
    if how == "raise":
        raise ValueError(f"raised with {secret}")
    if how == "tell":
        raise puras.UserError(f"told {secret}")
    if how == "die":
        os.write(2, secret.encode())
        os._exit(3)
    if how == "provider":
        media.generate_image(secret, model="openai/gpt-image-1-mini")
    return {"file": drive.write("a.txt", b"a file")}
"""
AGENT = """
description: Asks a model that gives away what it is sent
entrypoint: SKILL.md
model: test/echo
input_schema: {type: object}
output_schema: {type: object, properties: {text: {type: string}}}
"""


@dataclass
class Canaries:
    """Secrets by the place where they lie; each of them may be in no other."""

    secret: dict[str, str] = field(default_factory=dict)

    def lay(self, place: str, value: str | None = None) -> str:
        self.secret[place] = value or f"canary{secrets.token_hex(16)}"
        return self.secret[place]

    def found_in(self, text: str) -> set[str]:
        return {place for place, value in self.secret.items() if value in text}


@contextmanager
def echoing() -> Iterator[str]:
    """A provider that answers every request with an error that quotes its headers."""

    class Echo(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("content-length") or 0))
            said = json.dumps({"error": {"message": f"wrong key: {self.headers}", "code": 1}})
            self.send_response(401)
            self.send_header("content-length", str(len(said)))
            self.end_headers()
            self.wfile.write(said.encode())

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()
    server.server_close()
    thread.join()


def bundle() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("talk/skill.yaml", FUNCTION)
        archive.writestr("talk/main.py", CODE)
        archive.writestr("ask/skill.yaml", AGENT)
        archive.writestr("ask/SKILL.md", "Say anything.")
    return packed.getvalue()


class Traffic:
    """A client that keeps the text and the headers of all answers."""

    def __init__(self, served: Served, key: str) -> None:
        self.base = served.base
        self.client = httpx2.Client(
            base_url=served.base, headers={"Authorization": f"Bearer {key}"}, timeout=90
        )
        self.heard: list[str] = []

    def ask(self, method: str, path: str, **content: Any) -> httpx2.Response:
        answer = self.client.request(method, path, **content)
        self.heard.append(f"{answer.headers}{answer.text}")
        return answer

    def unheard(self, method: str, path: str, **content: Any) -> httpx2.Response:
        """Ask for what is a secret itself, and is shown this once."""
        return self.client.request(method, path, **content)


@contextmanager
def a_server(
    home: Path, database: str, s3_address: str, canaries: Canaries, provider: str
) -> Iterator[tuple[Served, str, dict[str, str]]]:
    canaries.lay("secrets key", base64.b64encode(secrets.token_bytes(32)).decode())
    key = tokens.mint("secret").text
    canaries.lay("bootstrap key", key.partition(".")[2])
    models = home / "models.yaml"
    home.mkdir(parents=True)
    told = {"provider": "openai-compatible", "model": "echo", "base_url": provider}
    more = {"key_env": "ECHO_KEY", "input_usd_per_mtok": 1, "output_usd_per_mtok": 1}
    models.write_text(json.dumps({"test/echo": told | more}))
    environment = {
        "PURAS_BOOTSTRAP_KEY": key,
        "PURAS_SECRETS_KEY": canaries.secret["secrets key"],
        "PURAS_DATABASE_URL": with_password(database, canaries.lay("database password")),
        "PURAS_STORAGE_URL": f"s3://{new_bucket(s3_address)}/x",
        "AWS_ENDPOINT_URL": s3_address,
        "AWS_ACCESS_KEY_ID": s3.ACCESS_KEY,
        "AWS_REGION": s3.REGION,
        "AWS_SECRET_ACCESS_KEY": canaries.lay("S3 secret"),
        "OPENAI_API_KEY": canaries.lay("media key"),
        "OPENAI_BASE_URL": provider,
        "ECHO_KEY": canaries.lay("model key"),
        "PURAS_MODELS": str(models),
    }
    with serving(home, env=environment) as served:
        yield served, key, environment


def with_password(url: str, password: str) -> str:
    parts = urlsplit(url)
    user, host = parts.username or "postgres", parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{user}:{quote(password)}@{host}"))


def be_busy(traffic: Traffic, canaries: Canaries, postgres: PostgresServer, database: str) -> None:
    """Do everything that succeeds, everything that fails, and a server's failure."""
    made = traffic.unheard("POST", "/v1/keys", json={"name": "n", "kind": "secret"})
    canaries.lay("another key", made.json()["key"].partition(".")[2])
    assert traffic.ask("POST", "/v1/skillpacks", json={"name": "P", "slug": "p"}).status_code == 201
    secret = {"name": "SKILL_SECRET", "value": canaries.lay("skill secret")}
    files = {"bundle": ("b.zip", bundle())}
    deployed = traffic.ask("POST", "/v1/skillpacks/p/deployments", files=files)
    assert deployed.status_code == 201, deployed.text
    assert traffic.ask("POST", "/v1/jobs", json={"skill": "p/talk"}).status_code == 409
    assert traffic.ask("PUT", "/v1/skillpacks/p/secrets", json=secret).status_code == 200
    endings = {}
    for how in ("well", "raise", "tell", "die", "provider"):
        body = {"skill": "p/talk", "inputs": {"how": how}}
        endings[how] = look_at(traffic, traffic.ask("POST", "/v1/jobs?wait=true", json=body))
    assert endings["well"]["status"] == "succeeded", endings["well"]
    assert {endings[how]["status"] for how in endings if how != "well"} == {"failed"}
    body = {"skill": "p/ask", "inputs": {}}
    asked = look_at(traffic, traffic.ask("POST", "/v1/jobs?wait=true", json=body))
    assert asked["error_code"] == "model_error", asked
    signed = str(endings["well"]["result"]["file"])
    query = parse_qs(urlsplit(signed).query)
    canaries.lay("signature", next(query[name][0] for name in query if "ignature" in name))
    traffic.unheard("GET", signed.removesuffix("x") + "x")  # a signature that does not hold
    for path in ("/v1/keys", "/v1/skillpacks/p/secrets", "/v1/workers", "/v1/models", "/metrics"):
        traffic.ask("GET", path)
    traffic.ask("POST", "/v1/jobs", json={"skill": 7, "inputs": "x"})
    traffic.ask("POST", "/v1/jobs", content=b"{")
    sign_in(traffic, canaries)
    postgres.run("ALTER TABLE keys RENAME TO away", database)
    assert traffic.ask("GET", "/v1/keys").status_code >= 500
    assert traffic.ask("POST", "/v1/jobs", json={"skill": "p/talk"}).status_code >= 500
    postgres.run("ALTER TABLE away RENAME TO keys", database)


def look_at(traffic: Traffic, answer: httpx2.Response) -> dict[str, Any]:
    """Read all that there is of a job; signed URLs are secrets, which its result may have."""
    job: dict[str, Any] = answer.json()
    assert answer.status_code == 201, job
    traffic.heard[-1] = re.sub(r"[?&][^\"]*ignature=[^\"]*", "", traffic.heard[-1])
    for what in ("events", "spans", "costs"):
        traffic.ask("GET", f"/v1/jobs/{job['id']}/{what}")
    traffic.ask("GET", f"/v1/jobs/{job['id']}/stream")
    return job


def sign_in(traffic: Traffic, canaries: Canaries) -> None:
    page = httpx2.Client(base_url=traffic.base, headers={"Origin": traffic.base})
    key = traffic.client.headers["authorization"].removeprefix("Bearer ")
    page.post("/session", json={"key": key}).raise_for_status()
    jar: http.cookiejar.CookieJar = page.cookies.jar
    canaries.lay("session cookie", str(next(iter(jar)).value))
    token = page.post("/session/token", json={}).raise_for_status().json()["token"]
    canaries.lay("session token", token)
    answer = httpx2.get(
        f"{traffic.base}/v1/jobs", headers={"Authorization": f"Bearer {token}"}, timeout=30
    )
    traffic.heard.append(re.sub(r"[?&][^\"]*ignature=[^\"]*", "", answer.text))
    traffic.heard.append(page.get("/session").text)
    page.close()


def texts_in(postgres: PostgresServer, database: str) -> Iterator[tuple[str, str]]:
    names = postgres.run(
        "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()", database
    )
    for (table,) in names:
        for (row,) in postgres.run(f'SELECT "{table}"::text FROM "{table}"', database):
            yield f"a row of {table}", row


def test_no_secret_is_anywhere_but_in_its_place(tmp_path: Path, postgres: PostgresServer) -> None:
    canaries, database = Canaries(), postgres.fresh()
    home = tmp_path / "home"
    with (
        s3.s3_server() as bucket,
        echoing() as provider,
        a_server(home, database, bucket, canaries, provider) as (served, key, environment),
    ):
        traffic = Traffic(served, key)
        be_busy(traffic, canaries, postgres, database)
        doctor = served.puras("admin", "doctor", "--data", str(served.data), env=environment)
        traffic.client.close()
    places: list[tuple[str, str]] = [("an answer", heard) for heard in traffic.heard]
    places += [("the log", (home / "server.log").read_text())]
    places += [("the doctor", doctor.stdout + doctor.stderr)]
    places += list(texts_in(postgres, database))
    places += [
        (f"{path.relative_to(home)}", path.read_bytes().decode("utf-8", "replace"))
        for path in home.rglob("*")
        if path.is_file() and ".puras" not in path.parts
    ]
    assert doctor.stdout
    assert len(canaries.secret) == 11
    seen = [(where, place) for where, text in places for place in canaries.found_in(text)]
    assert seen == []


def new_bucket(address: str) -> str:
    constraint = f"<CreateBucketConfiguration><LocationConstraint>{s3.REGION}</LocationConstraint>"
    made = httpx2.put(
        f"{address}/canaries",
        content=f"{constraint}</CreateBucketConfiguration>",
        headers={"Authorization": f"AWS4-HMAC-SHA256 Credential=x/20260101/{s3.REGION}/s3/x"},
        timeout=90,
    )
    assert made.status_code == 200, made.text
    return "canaries"
