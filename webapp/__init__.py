"""People, files and jobs: the Django side of Pixelwise."""

from webapp.celery import app as celery_app

__all__ = ["celery_app"]
