"""Every address of Verbatim; rooms come last, since their labels match almost anything."""

from django.urls import include, path

urlpatterns = [
    path("", include("api.urls")),
    path("", include("web.urls")),
]
handler404 = "web.views.not_found"
handler500 = "web.views.broken"
