# One image for web, workers and clock; docker-compose.yml says which of them a container is.
FROM python:3.11-slim-bookworm AS packages
WORKDIR /app
COPY pyproject.toml constraints.txt ./
# CPU-only machines save several GB with --build-arg TORCH_INDEX=https://download.pytorch.org/whl/cpu
ARG TORCH_INDEX=""
RUN python -m venv /venv \
 && python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["dependencies"], sep="\n")' > /tmp/requirements.txt \
 && /venv/bin/pip install --no-cache-dir -c constraints.txt ${TORCH_INDEX:+--extra-index-url "$TORCH_INDEX"} -r /tmp/requirements.txt

FROM python:3.11-slim-bookworm
RUN useradd --uid 10001 --create-home pixelwise \
 && install --directory --owner pixelwise --group pixelwise --mode 0700 /data
COPY --from=packages /venv /venv
WORKDIR /app
COPY manage.py pyproject.toml ./
COPY deploy deploy
COPY segmentation segmentation
COPY analytics analytics
COPY webapp webapp
COPY templates templates
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PIXELWISE_DATA=/data \
    PIXELWISE_HOST=0.0.0.0
RUN python manage.py collectstatic --no-input
USER pixelwise
VOLUME /data
EXPOSE 8000
CMD ["gunicorn", "webapp.wsgi", "--config", "deploy/gunicorn.conf.py"]
