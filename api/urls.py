"""The addresses of the API, its documentation, and of what operators ask."""

from django.urls import include, path

from api import docs, health, metrics
from api.v1 import ROOT, api

_operating = [
    path("health/live", health.live),
    path("health/ready", health.ready),
    path("metrics", metrics.scrape),
]

urlpatterns = [
    path(ROOT, api.urls),
    path("api/docs", docs.page),
    path("api/openapi.json", docs.document),
    path("", include((_operating, "operating"))),
]
