"""Signed URLs of drive files, and of bundles: who has one may read that file until it expires,
without a key.

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
from typing import NamedTuple
from urllib.parse import quote, unquote

from puras.server.clock import SECOND, Clock
from puras.server.home import derived_key
from puras.server.refusals import Refused

_PREFIX = "/v1/files/"
_BUNDLES_PREFIX = "/v1/bundles/"
_SIGNED_BUNDLE = re.compile(r"([1-9][0-9]{0,11})\.([A-Za-z0-9_-]{43})/([0-9a-f-]{36})\.zip")
_SIGNED = re.compile(r"([1-9][0-9]{0,11})\.([A-Za-z0-9_-]{43})/([^/]+)/(.+)", re.DOTALL)
_HOUR = 3600


class SignedFile(NamedTuple):
    """What a good signature stands for."""

    workspace_id: str
    path: str


class Signer:
    """Makes and checks signed URLs. `result_ttl` is the least validity of URLs in results."""

    def __init__(self, secret: bytes, *, public_url: str, clock: Clock, result_ttl: int) -> None:
        self._key = derived_key(secret, "signed-urls")
        self._origin = public_url
        self._clock = clock
        self._result_ttl = result_ttl

    def url(self, workspace_id: str, path: str, *, ttl: int) -> str:
        """Sign a clean path for `ttl` seconds from now."""
        return self._url(workspace_id, path, expires=self._now() + ttl)

    def result_url(self, workspace_id: str, path: str) -> str:
        """Sign a path in a result: reads within the same hour give the same URL."""
        hour_end = (self._now() // _HOUR + 1) * _HOUR
        return self._url(workspace_id, path, expires=hour_end + self._result_ttl)

    def check(self, signed: str) -> SignedFile:
        """Read what follows `/v1/files/`, percent-decoded.

        Raises:
            Refused: `bad_signature`.
        """
        match = _SIGNED.fullmatch(signed)
        if match is not None:
            expires, signature, workspace_id, path = match.groups()
            genuine = self._signature(workspace_id, path, expires=int(expires))
            if hmac.compare_digest(signature, genuine) and int(expires) > self._now():
                return SignedFile(workspace_id, path)
        raise _bad_signature()

    def bundle_url(self, deployment_id: str, *, ttl: int) -> str:
        """Sign a deployment's archive for `ttl` seconds from now."""
        expires = self._now() + ttl
        signature = self._bundle_signature(deployment_id, expires=expires)
        return f"{self._origin}{_BUNDLES_PREFIX}{expires}.{signature}/{deployment_id}.zip"

    def check_bundle(self, signed: str) -> str:
        """Read what follows `/v1/bundles/`: the id of the deployment that it stands for.

        Raises:
            Refused: `bad_signature`.
        """
        match = _SIGNED_BUNDLE.fullmatch(signed)
        if match is not None:
            expires, signature, deployment_id = match.groups()
            genuine = self._bundle_signature(deployment_id, expires=int(expires))
            if hmac.compare_digest(signature, genuine) and int(expires) > self._now():
                return deployment_id
        raise _bad_signature()

    def open_own(self, url: str) -> SignedFile | None:
        """Return the file behind a URL of ours that is still good; None for any other URL."""
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


def _bad_signature() -> Refused:
    return Refused("bad_signature", "this link was changed or has expired: ask for a new one")
