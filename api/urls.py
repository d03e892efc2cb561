"""The addresses of the API, its documentation and the health checks."""

from django.urls import include, path

from api import docs, health
from api.v1 import ROOT, api

_health = [path("live", health.live), path("ready", health.ready)]

urlpatterns = [
    path(ROOT, api.urls),
    path("api/docs", docs.page),
    path("api/openapi.json", docs.document),
    path("health/", include((_health, "health"))),
]
