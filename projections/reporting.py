"""What a verification comes to: differences, seqs and heads are put together, and become findings."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from commands.treehead import SignedHead
from projections import findings
from projections.differing import Difference, with_swaps
from projections.evidence import Extent, Heads
from projections.findings import Finding
from projections.judging import Judgement
from projections.seqs import Missing, Seqs
from projections.tiles import WIDTH

MAX_NAMED = 1000
"""So many findings, and so many differences, are named; of more, the number."""


class Report(NamedTuple):
    """What was verified, and what is wrong with it; `unnamed` is how much more is wrong than could be named.

    `signed` is the number of events under the last head that holds.
    """

    events: int
    rooms: int
    position: int
    heads: int
    signed: int
    last_head: SignedHead | None
    findings: Sequence[Finding]
    unnamed: int

    @property
    def holds(self) -> bool:
        return not self.findings and not self.unnamed

    @property
    def unsigned(self) -> int:
        return max(0, self.events - self.signed)


@dataclass
class Observed:
    """What a verification has seen until now. `beyond_tree` are the events that came after those in the tree."""

    seqs: Seqs = field(default_factory=Seqs)
    judgement: Judgement = field(default_factory=Judgement)
    differences: list[Difference] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    unnamed: int = 0
    events: int = 0
    beyond_tree: int = 0
    last_head: SignedHead | None = None

    def find(self, finding: Finding) -> None:
        """Keep a finding in mind, as far as it will be named."""
        if len(self.findings) < MAX_NAMED:
            self.findings.append(finding)
        else:
            self.unnamed += 1

    def differ(self, found: Iterator[Difference]) -> None:
        """Keep differences in mind, as far as they will be named."""
        for each in found:
            if len(self.differences) < MAX_NAMED:
                self.differences.append(each)
            else:
                self.unnamed += max(1, len(each.leaves))


async def conclude(observed: Observed, heads: Heads, extent: Extent) -> Report:
    """Say what was found. Raises: Unavailable."""
    judgement, seqs = observed.judgement, observed.seqs
    found = list(observed.findings)
    named = _Named(seqs.missing)
    denied = {each.leaf_index // WIDTH for each in observed.differences if _is_of_the_tree(each, judgement)}
    found += [findings.of_tree(number, "are not those of the events, which are as signed") for number in sorted(denied)]
    for each in with_swaps([each for each in observed.differences if not _is_of_the_tree(each, judgement)]):
        covering = await heads.covering(each.leaf_index) if each.leaf_index < judgement.upto else None
        at_end = not observed.beyond_tree and each.leaf_index + len(each.leaves) == extent.tree_size
        found.append(findings.of_difference(each, covering, named.gone(each), at_end=at_end))
    if judgement.tree_is_denied and not any(each.kind == "tree" for each in found):
        found.append(findings.of_tree(judgement.kept_upto // WIDTH, "are not those that were signed"))
    found += _of_heads(judgement)
    found += map(findings.of_missing, _runs(named.left()))
    swapped = {event.stream for each in observed.differences for event in each.events}
    found += [findings.of_misplaced(event) for event in seqs.misplaced if event.stream not in swapped]
    return Report(
        events=observed.events,
        rooms=seqs.rooms,
        position=extent.last_position,
        heads=judgement.heads,
        signed=min(judgement.upto, observed.events),
        last_head=observed.last_head,
        findings=found,
        unnamed=observed.unnamed + seqs.uncounted,
    )


class _Named:
    """The seqs that rooms lack, which may give what was removed its name."""

    def __init__(self, missing: Sequence[Missing]) -> None:
        self._missing = missing
        self._used: set[Missing] = set()

    def gone(self, found: Difference) -> Sequence[Missing]:
        """The events that are missing where these leaves are left, if they can only be these."""
        if found.kind != "removed":
            return ()
        fitting = [each for each in self._missing if each.after < found.before and each.before > found.after]
        if len(fitting) != len(found.leaves) or self._used.intersection(fitting):
            return ()
        self._used.update(fitting)
        return fitting

    def left(self) -> list[Missing]:
        """Those that gave no name."""
        return [each for each in self._missing if each not in self._used]


def _runs(missing: Sequence[Missing]) -> Iterator[list[Missing]]:
    """The same, those together that follow each other."""
    run: list[Missing] = []
    for each in sorted(missing):
        if run and (each.room, each.seq) != (run[-1].room, run[-1].seq + 1):
            yield run
            run = []
        run.append(each)
    if run:
        yield run


def _is_of_the_tree(found: Difference, judgement: Judgement) -> bool:
    """Whether heads say that the events are right, and what was kept of them is wrong."""
    return judgement.kept_upto <= found.leaf_index < judgement.stored_upto


def _of_heads(judgement: Judgement) -> Iterator[Finding]:
    """Of the heads that fit nothing the first one, and the largest that covers more than there is."""
    stored = judgement.stored_size
    beyond = [each for each in judgement.unmatched if each.head.head.tree_size > stored]
    within = [each for each in judgement.unmatched if each.head.head.tree_size <= stored]
    if within:
        yield findings.of_mismatch(within[0].head.head, within[0].before, others=len(within) - 1)
    if beyond:
        yield findings.of_truncated(beyond[-1].head.head, stored)
