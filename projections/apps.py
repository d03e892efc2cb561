"""The read side as a Django app: its tables and their migrations."""

from django.apps import AppConfig


class ProjectionsConfig(AppConfig):
    """Tables that projections write and queries read."""

    name = "projections"
