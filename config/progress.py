"""A progress bar: one line that changes on a terminal, a line now and then elsewhere."""

import time

from django.core.management.base import OutputWrapper

from projections.rebuilding import Progress

WIDTH = 24
ON_A_TERMINAL_EVERY_S = 0.2
ELSEWHERE_EVERY_S = 10.0


class Bar:
    """Shows how far a rebuild has come."""

    def __init__(self, out: OutputWrapper, what: str) -> None:
        self._out = out
        self._what = what
        self._every_s = ON_A_TERMINAL_EVERY_S if out.isatty() else ELSEWHERE_EVERY_S
        self._shown_at = time.monotonic()
        self._last: Progress | None = None

    def show(self, progress: Progress) -> None:
        """Show this, if it is time to."""
        self._last = progress
        if time.monotonic() - self._shown_at >= self._every_s:
            self._shown_at = time.monotonic()
            self._write(progress, end="")

    def end(self) -> None:
        """Show where it ended."""
        if self._last:
            self._write(self._last, end="\n")

    def _write(self, progress: Progress, *, end: str) -> None:
        text = line(self._what, progress)
        if self._out.isatty():
            self._out.write(f"\r\x1b[K{text}", ending=end)
        else:
            self._out.write(text)
        self._out.flush()


def line(what: str, progress: Progress) -> str:
    """How far something has come, how fast, and how long it may still take."""
    share = min(1.0, progress.position / progress.target) if progress.target else 1.0
    bar = "█" * int(share * WIDTH)
    left = "" if progress.eta_s is None else f", {_duration(progress.eta_s)} left"
    return (
        f"{what} ▕{bar:<{WIDTH}}▏ {share:4.0%}  {progress.position:,} of {progress.target:,} events, "
        f"{progress.events_per_s:,.0f}/s{left}"
    )


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
