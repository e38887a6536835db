"""The HTTP API of a platform, and its dashboard: all in one ASGI application."""

from __future__ import annotations

from typing import Final

from puras.server import health
from puras.server.approvals.routes import routes as approvals
from puras.server.billing.routes import routes as billing
from puras.server.budgets.routes import routes as budgets
from puras.server.cards.routes import routes as cards
from puras.server.catalog.routes import routes as models
from puras.server.deployments.pull import routes as pull
from puras.server.deployments.routes import routes as deployments
from puras.server.deployments.showing import routes as showing
from puras.server.drive.routes import routes as drive
from puras.server.endpoint import Routes
from puras.server.evals.routes import routes as evals
from puras.server.feedback.routes import routes as feedback
from puras.server.http import Http
from puras.server.jobs.costs import routes as costs
from puras.server.jobs.routes import routes as jobs
from puras.server.keys.routes import routes as keys
from puras.server.mcp.routes import routes as mcp
from puras.server.metrics.routes import routes as metrics
from puras.server.pages.built import BuiltFiles
from puras.server.pages.front import Pages
from puras.server.platform import Platform
from puras.server.secrets.routes import routes as secrets
from puras.server.sessions.routes import routes as sessions
from puras.server.skillpacks.routes import routes as skillpacks
from puras.server.spans.routes import routes as spans
from puras.server.workers.routes import routes as workers

ROUTES: Final[tuple[Routes, ...]] = (
    health.routes,
    metrics,
    jobs,
    costs,
    spans,
    approvals,
    feedback,
    skillpacks,
    deployments,
    pull,
    showing,
    secrets,
    cards,
    evals,
    drive,
    keys,
    billing,
    budgets,
    mcp,
    models,
    sessions,
    workers,
)


def create_app(platform: Platform) -> Http:
    """Serve every endpoint on a platform, and the dashboard. Close the application before the
    platform."""
    pages = Pages(BuiltFiles(), file_urls=platform.signer.prefixes)
    return Http(platform, ROUTES, pages=pages)
