"""Model cards on a page: the Markdown that programs and people write into a model folder."""

from __future__ import annotations

from django import template
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

register = template.Library()

HEADINGS_BELOW = 2
"""A card's first heading stands under the page's own first and second."""

# Anyone may have written the card of a model that was brought here: no HTML of its own, no pictures from elsewhere.
_PARSER = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")


@register.filter
def card(text: str) -> SafeString:
    """CommonMark with tables as HTML; tags in it are shown, not obeyed, and links lead nowhere a script runs."""
    tokens = _PARSER.parse(text)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, int(token.tag[1]) + HEADINGS_BELOW)}"
        elif token.type == "table_open":
            token.attrSet("class", "table compact")
    return mark_safe(_PARSER.renderer.render(tokens, _PARSER.options, {}))  # noqa: S308 - made by the renderer
