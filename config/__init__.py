"""The composition root: settings, and the only place that knows every part (`node`)."""
