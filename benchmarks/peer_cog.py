"""Cog as a contestant: what its server runs, in an environment of its own.

PORT=5000 COG_PREDICT_TYPE_STUB=peer_cog.py:Nothing python -m cog.server.http
"""

from __future__ import annotations

from cog import BaseRunner


class Nothing(BaseRunner):
    async def run(self) -> str:
        return ""
