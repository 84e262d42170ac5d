"""The REST API: `urls` hangs in at api/. One module per noun, its shapes in `schemas`."""

from webapp.api.routes import api

urls = api.urls

__all__ = ["api", "urls"]
