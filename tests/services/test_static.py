"""The pages' files as visitors get them: all that templates name is there, hashed and compressed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as current
from django.contrib.staticfiles.storage import staticfiles_storage
from django.template import engines

from webapp import settings as product
from webapp.services.static import collect_if_changed

TEMPLATES = Path(product.BASE_DIR) / "templates"
NAMES = sorted(str(path.relative_to(TEMPLATES)) for path in TEMPLATES.rglob("*.html"))


@pytest.fixture
def collected(settings: Any, tmp_path: Path) -> Path:
    settings.STATIC_ROOT = tmp_path / "static"
    settings.STORAGES = product.STORAGES
    assert collect_if_changed()
    return settings.STATIC_ROOT


def test_every_named_file_exists_hashed_and_our_modules_import_hashed_ones(collected: Path) -> None:
    named = {
        name
        for path in TEMPLATES.rglob("*.html")
        for name in re.findall(r"""\{%\s*static\s+["']([^"']+)["']""", path.read_text())
    }
    assert "plotly/plotly.min.js" in named
    for name in named:
        assert re.fullmatch(r".+\.[0-9a-f]{12}\.\w+", staticfiles_storage.stored_name(name)), name
    script = collected / staticfiles_storage.stored_name("js/upload.js")
    imported = re.findall(r"""from ["']\./([^"']+)["']""", script.read_text())
    assert imported
    for name in imported:
        assert re.fullmatch(r"[\w-]+\.[0-9a-f]{12}\.js", name)
        assert (script.parent / name).exists()
    plotly = collected / staticfiles_storage.stored_name("plotly/plotly.min.js")
    assert plotly.with_suffix(".js.br").stat().st_size < plotly.stat().st_size / 3


def test_nothing_is_done_again_until_something_changed(collected: Path) -> None:
    assert not collect_if_changed()
    (collected / ".collected").write_text("of another version")
    assert collect_if_changed()


@pytest.mark.parametrize("name", NAMES)
def test_template_compiles(name: str) -> None:
    assert engines["django"].get_template(name)


def test_no_template_needs_the_network_or_breaks_the_policy() -> None:
    for path in TEMPLATES.rglob("*.html"):
        text = path.read_text()
        assert not re.search(r"""(?:src|href)=["'](?:https?:)?//""", text), path
        assert not re.search(r"""<[^>]+\s(?:style|onclick|onload|onchange|onsubmit)=["']""", text), path
        assert not re.search(r"<script(?![^>]*(?:src=|nonce=|application/json))[^>]*>", text), path
        assert not re.search(r"<style(?![^>]*nonce=)[^>]*>", text), path
    directives = current.CONTENT_SECURITY_POLICY["DIRECTIVES"]
    assert not any("unsafe" in str(source) for sources in directives.values() for source in sources)
