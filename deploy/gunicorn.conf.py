"""How gunicorn serves Pixelwise: few processes, several threads each, as uploads and downloads last."""

from webapp import settings as pixelwise

_host = f"[{pixelwise.PIXELWISE_HOST}]" if ":" in pixelwise.PIXELWISE_HOST else pixelwise.PIXELWISE_HOST
bind = f"{_host}:{pixelwise.PIXELWISE_PORT}"
worker_class = "gthread"
workers = pixelwise.PIXELWISE_WEB_WORKERS
threads = pixelwise.PIXELWISE_WEB_THREADS
timeout = 120
graceful_timeout = 8
keepalive = 15
control_socket_disable = True
