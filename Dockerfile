# syntax=docker/dockerfile:1

FROM python:3.13-slim-bookworm AS build
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never
RUN pip install --no-cache-dir "uv~=0.13.9"
WORKDIR /app
COPY pyproject.toml uv.lock .python-version ./
RUN --mount=type=cache,target=/root/.cache/uv uv sync --locked --no-dev
COPY manage.py ./
COPY commands commands
COPY projections projections
COPY archive archive
COPY api api
COPY realtime realtime
COPY web web
COPY config config
RUN .venv/bin/python -m compileall -q commands projections archive api realtime web config

FROM python:3.13-slim-bookworm
RUN useradd --system --uid 10001 --no-create-home verbatim && install -d -o verbatim -g verbatim -m 700 /data
COPY --from=build /app /app
WORKDIR /app
ENV PATH=/app/.venv/bin:$PATH PYTHONUNBUFFERED=1 DATABASE_URL=sqlite:////data/verbatim.sqlite3
USER verbatim
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen('http://127.0.0.1:' + os.environ.get('PORT', '8000') + '/health/live', timeout=2)"]
CMD ["sh", "-c", "python manage.py migrate --verbosity 0 --skip-checks && exec python manage.py serve --host 0.0.0.0"]
