"""The process that serves pages never loads torch, which takes seconds and hundreds of megabytes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PROGRAM = """
import sys
import django
django.setup()
import webapp.urls
from django.core.handlers.wsgi import WSGIHandler
WSGIHandler()
heavy = {"torch", "torchvision", "timm", "segmentation_models_pytorch"} & set(sys.modules)
sys.exit(f"loaded: {sorted(heavy)}" if heavy else 0)
"""


def test_serving_pages_needs_no_torch() -> None:
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", PROGRAM], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
