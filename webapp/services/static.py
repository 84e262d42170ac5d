"""The pages' files: gathered once per change, compressed, under names that change with their content."""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import brotli
from django.conf import settings
from django.contrib.staticfiles.finders import BaseFinder, get_finders
from django.contrib.staticfiles.storage import HashedFilesMixin
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import FileSystemStorage
from django.core.management import call_command
from whitenoise.compress import Compressor
from whitenoise.storage import CompressedManifestStaticFilesStorage

# The highest quality takes ten times as long for a tenth less.
_BROTLI_QUALITY = 6


class QuickCompressor(Compressor):
    @staticmethod
    def compress_brotli(data: bytes) -> bytes:
        return brotli.compress(data, quality=_BROTLI_QUALITY)


class HashedStorage(CompressedManifestStaticFilesStorage):
    """Also rewrites the imports between our own JavaScript modules; other packages' files stay as they are."""

    support_js_module_import_aggregation = True
    _js_module_import_aggregation_patterns = (
        "js/*.js",
        HashedFilesMixin._js_module_import_aggregation_patterns[1],  # type: ignore[attr-defined]
    )

    def create_compressor(self, **kwargs: Any) -> Compressor:
        return QuickCompressor(**kwargs)


class PlotlyFinder(BaseFinder):
    """plotly/plotly.min.js: the one file that the pages need of a package that carries 5 MB more."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        spec = importlib.util.find_spec("plotly")
        if spec is None or spec.origin is None:
            raise ImproperlyConfigured("Expected the package plotly, found none. Run `make run` to install it.")
        self.storage = FileSystemStorage(Path(spec.origin).parent / "package_data")
        self.storage.prefix = "plotly"  # type: ignore[attr-defined]
        super().__init__(*args, **kwargs)

    def find(self, path: str, find_all: bool = False, **kwargs: Any) -> Any:
        found = [self.storage.path("plotly.min.js")] if path == "plotly/plotly.min.js" else []
        return found if find_all else next(iter(found), None)

    def list(self, ignore_patterns: Iterable[str] | None) -> Iterator[tuple[str, FileSystemStorage]]:
        yield "plotly.min.js", self.storage


def collect_if_changed() -> bool:
    """Gather the files into STATIC_ROOT unless what lies there is up to date. Returns whether it did."""
    root = Path(settings.STATIC_ROOT)
    root.mkdir(parents=True, exist_ok=True)
    stamp = root / ".collected"
    wanted = _fingerprint()
    with (root / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if stamp.exists() and stamp.read_text() == wanted:
            return False
        call_command("collectstatic", interactive=False, verbosity=0)
        stamp.write_text(wanted)
    return True


def _fingerprint() -> str:
    """Changes with any file that the finders know: its name, size or time."""
    digest = hashlib.sha256()
    for finder in get_finders():
        for name, storage in sorted(finder.list([]), key=lambda found: str(found[0])):
            state = Path(storage.path(name)).stat()
            digest.update(f"{name}\0{state.st_size}\0{state.st_mtime_ns}\n".encode())
    return digest.hexdigest()
