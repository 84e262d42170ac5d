"""The page at /api/docs: ninja's Swagger assets in our frame, nothing inline, nothing from the network."""

from __future__ import annotations

from ninja.openapi.docs import Swagger


class DocsPage(Swagger):
    template = "api/docs.html"
    default_settings = {
        "layout": "BaseLayout",
        "deepLinking": True,
        "docExpansion": "list",
        "defaultModelsExpandDepth": 0,
        # Swagger asks a server of its makers whether the description is valid, unless told not to.
        "validatorUrl": None,
    }
