"""The addresses of the pages. A room's label comes last: it matches almost any word."""

from django.urls import path, re_path

from web import views

app_name = "web"
urlpatterns = [
    path("", views.front, name="front"),
    path("new/", views.new, name="new"),
    path("accounts/handle/", views.handle, name="handle"),
    re_path(r"^(?P<label>[A-Za-z0-9_-]{1,50})/$", views.room, name="room"),
    re_path(r"^(?P<label>[A-Za-z0-9_-]{1,50})$", views.to_room),
]
