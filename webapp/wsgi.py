"""The web application for gunicorn."""

import os

import scipy.stats  # noqa: F401 - a second of work that no dashboard's first visitor should wait for
from django.conf import settings
from django.core.wsgi import get_wsgi_application

from webapp.services.folder import prepare

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.settings")
# Only web processes share connections between threads; workers are forked, which a pool does not survive.
os.environ.setdefault("PIXELWISE_DATABASE_POOL", "1")

prepare(settings.PIXELWISE_DATA)
application = get_wsgi_application()
