"""Slugs that no workspace can have: the first segments of paths that the server and the dashboard
have for themselves, now or soon. A skill's page is at `/{workspace}/{skillpack}/{skill}`."""

from __future__ import annotations

from typing import Final

RESERVED_SLUGS: Final = frozenset(
    {
        # what the server answers
        *("v1", "v2", "health", "ready", "metrics", "mcp", "session", "assets", "static", "api"),
        # pages of the dashboard
        *("login", "logout", "docs", "jobs", "skills", "skillpacks", "playground", "evals"),
        *("approvals", "keys", "money", "billing", "budgets", "workers", "sessions", "settings"),
        *("drive", "files", "models", "deploy", "new", "public", "admin", "dashboard", "help"),
    }
)
