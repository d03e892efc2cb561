"""Every projection that there is."""

from projections.directory import Directory
from projections.history import History
from projections.people import People
from projections.projection import Projection
from projections.proof import Proof

KNOWN: tuple[Projection, ...] = (Directory(), History(), People(), Proof())
