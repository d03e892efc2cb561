"""Django's settings, from the environment (docs: README, "Settings")."""

import os
from pathlib import Path

from config import environment
from web.assets import static_url

BASE_DIR = Path(__file__).resolve().parent.parent
VAR = BASE_DIR / "var"

DATABASE_URL = os.environ.get("DATABASE_URL") or "sqlite:///var/verbatim.sqlite3"
DATABASES = {"default": environment.database(DATABASE_URL, BASE_DIR)}
ON_SQLITE = DATABASE_URL.startswith("sqlite:")
DIRECT_DATABASE_URL = os.environ.get("DIRECT_DATABASE_URL") or None
REDIS_URL = os.environ.get("REDIS_URL") or None
BUS_FAULT = os.environ.get("BUS_FAULT") or None
if ON_SQLITE:
    VAR = Path(DATABASES["default"]["NAME"]).parent

SECRET_KEY = environment.secret("SECRET_KEY", VAR, required=not ON_SQLITE)
MASTER_KEY = environment.master_key(environment.secret("MASTER_KEY", VAR, required=not ON_SQLITE))
SIGNING_KEY = environment.signing_key(os.environ.get("SIGNING_KEY"), MASTER_KEY)
DEBUG = environment.flag("DEBUG", default=False)
ALLOWED_HOSTS = environment.names("ALLOWED_HOSTS", default="localhost,127.0.0.1,[::1]")
PORT = environment.port("PORT", 8000)
LIMITS_ON = environment.flag("LIMITS", default=True)
MAX_SOCKETS = environment.count("MAX_SOCKETS", default=20_000)
GUESTS = environment.guests()
ROOMS_AUTOCREATE = environment.flag("ROOMS_AUTOCREATE", default=True)
ROOM_AFFINITY = environment.flag("ROOM_AFFINITY", default=True)

WORKER = int(os.environ.get("VERBATIM_WORKER") or 0)
LOG_FORMAT = environment.log_format()
METRICS_TOKEN = os.environ.get("METRICS_TOKEN") or None
METRICS_HOST = os.environ.get("METRICS_HOST") or "127.0.0.1"
METRICS_PORT = environment.port("METRICS_PORT", None)
SLOW_REQUEST_S = environment.seconds("SLOW_REQUEST_S", default=1.0)
READY_HEARTBEAT_S = environment.seconds("READY_HEARTBEAT_S", default=8.0)
READY_LAG_S = environment.seconds("READY_LAG_S", default=10.0)
TREE_HEAD_EVERY_S = environment.seconds("TREE_HEAD_EVERY_S", default=10.0)

INSTALLED_APPS = ["config", "projections", "api", "web", "ninja", "django.contrib.staticfiles"]
MIDDLEWARE: list[str] = []
ROOT_URLCONF = "config.urls"
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
STATIC_URL = static_url()

USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
USE_I18N = False
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CSRF_COOKIE_SAMESITE = "Lax"
DATA_UPLOAD_MAX_MEMORY_SIZE = 64 * 1024
LOGGING_CONFIG = None
