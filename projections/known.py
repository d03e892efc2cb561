"""Every projection that there is."""

from projections.directory import Directory
from projections.history import History
from projections.projection import Projection

KNOWN: tuple[Projection, ...] = (Directory(), History())
