"""Signed URLs of drive files, and of bundles: who has one may read that file until it expires,
without a key.

Those of `LocalSigner` lead to this server,
`<public url>/v1/files/<expiry>.<signature>/<workspace id>/<path>`: the signature is an HMAC over
method, workspace, path and expiry, with a key derived from the first secrets key. The file's name
comes last, so that players and browsers know what they get. A bundle's URL is
`<public url>/v1/bundles/<expiry>.<signature>/<deployment id>.zip`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple, Protocol
from urllib.parse import quote, unquote

from puras.server.clock import SECOND, Clock
from puras.server.home import derived_key
from puras.server.refusals import Refused

if TYPE_CHECKING:
    from puras.server.drive.store import DriveFile

_PREFIX = "/v1/files/"
_BUNDLES_PREFIX = "/v1/bundles/"
_SIGNED_BUNDLE = re.compile(r"([1-9][0-9]{0,11})\.([A-Za-z0-9_-]{43})/([0-9a-f-]{36})\.zip")
_SIGNED = re.compile(r"([1-9][0-9]{0,11})\.([A-Za-z0-9_-]{43})/([^/]+)/(.+)", re.DOTALL)
_HOUR = 3600


class SignedFile(NamedTuple):
    """What a good signature stands for."""

    workspace_id: str
    path: str


class Signer(Protocol):
    """Makes signed URLs and recognises them."""

    @property
    def prefixes(self) -> tuple[str, ...]:
        """How URLs of ours begin; not all that begin so are."""

    async def url(self, file: DriveFile, *, ttl: int) -> str:
        """Sign a file for `ttl` seconds from now."""

    async def result_urls(self, workspace_id: str, paths: Iterable[str]) -> dict[str, str]:
        """Sign the paths in a result: reads within the same hour give the same URLs."""

    def check(self, signed: str) -> SignedFile:
        """Read what follows `/v1/files/`, percent-decoded.

        Raises:
            Refused: `bad_signature`.
        """

    def bundle_url(self, deployment_id: str, *, ttl: int) -> str:
        """Sign a deployment's archive for `ttl` seconds from now."""

    def check_bundle(self, signed: str) -> str:
        """Read what follows `/v1/bundles/`: the id of the deployment that it stands for.

        Raises:
            Refused: `bad_signature`.
        """

    async def open_own(self, url: str) -> SignedFile | None:
        """Return the file behind a URL of ours that is still good; None for any other URL."""


class LocalSigner:
    """Signs with a key of this server. `result_ttl` is the least validity of URLs in results."""

    def __init__(self, secret: bytes, *, public_url: str, clock: Clock, result_ttl: int) -> None:
        self._key = derived_key(secret, "signed-urls")
        self._origin = public_url
        self._clock = clock
        self._result_ttl = result_ttl

    @property
    def prefixes(self) -> tuple[str, ...]:
        return (self._origin + _PREFIX,)

    async def url(self, file: DriveFile, *, ttl: int) -> str:
        return self._url(file.workspace_id, file.path, expires=self._now() + ttl)

    async def result_urls(self, workspace_id: str, paths: Iterable[str]) -> dict[str, str]:
        expires = result_expiry(self._now(), least=self._result_ttl)
        return {path: self._url(workspace_id, path, expires=expires) for path in paths}

    def check(self, signed: str) -> SignedFile:
        match = _SIGNED.fullmatch(signed)
        if match is not None:
            expires, signature, workspace_id, path = match.groups()
            genuine = self._signature(workspace_id, path, expires=int(expires))
            if hmac.compare_digest(signature, genuine) and int(expires) > self._now():
                return SignedFile(workspace_id, path)
        raise _bad_signature()

    def bundle_url(self, deployment_id: str, *, ttl: int) -> str:
        expires = self._now() + ttl
        signature = self._bundle_signature(deployment_id, expires=expires)
        return f"{self._origin}{_BUNDLES_PREFIX}{expires}.{signature}/{deployment_id}.zip"

    def check_bundle(self, signed: str) -> str:
        match = _SIGNED_BUNDLE.fullmatch(signed)
        if match is not None:
            expires, signature, deployment_id = match.groups()
            genuine = self._bundle_signature(deployment_id, expires=int(expires))
            if hmac.compare_digest(signature, genuine) and int(expires) > self._now():
                return deployment_id
        raise _bad_signature()

    async def open_own(self, url: str) -> SignedFile | None:
        start = self._origin + _PREFIX
        if not url.startswith(start):
            return None
        try:
            return self.check(unquote(re.split(r"[?#]", url[len(start) :])[0]))
        except Refused:
            return None

    def _url(self, workspace_id: str, path: str, *, expires: int) -> str:
        signature = self._signature(workspace_id, path, expires=expires)
        return f"{self._origin}{_PREFIX}{expires}.{signature}/{workspace_id}/{quote(path)}"

    def _signature(self, workspace_id: str, path: str, *, expires: int) -> str:
        return self._hmac(f"GET\n{expires}\n{workspace_id}\n{path}")

    def _bundle_signature(self, deployment_id: str, *, expires: int) -> str:
        # No workspace has this for its id, so neither kind of URL stands for one of the other.
        return self._hmac(f"GET\n{expires}\n@bundle\n{deployment_id}")

    def _hmac(self, signed: str) -> str:
        digest = hmac.digest(self._key, signed.encode("utf-8", "surrogatepass"), hashlib.sha256)
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")

    def _now(self) -> int:
        return self._clock() // SECOND


def result_expiry(now: int, *, least: int) -> int:
    """Return the second at which a result's URL expires: the same one for a whole hour."""
    return (now // _HOUR + 1) * _HOUR + least


def _bad_signature() -> Refused:
    return Refused("bad_signature", "this link was changed or has expired: ask for a new one")
