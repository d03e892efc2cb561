"""What a process counts, for `/metrics`. Parts keep plain numbers; they become metrics only when somebody asks."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from commands.tally import durations
from commands.writer import Writer
from config import families
from projections.queries import ProjectionStatus, Queries
from realtime.affinity import Affinity
from realtime.hubs import Hubs
from realtime.redis_bus import RedisBus

READ_S = 2.0
"""How long the read database may take to answer; the rest is told without it."""


class Metrics:
    """The metrics of one process, each labelled with its `worker`. A worker without a web has projections alone."""

    def __init__(
        self,
        worker: str,
        queries: Queries,
        *,
        writer: Writer | None = None,
        hubs: Hubs | None = None,
        bus: RedisBus | None = None,
    ) -> None:
        self.refusals: Counter[str] = Counter()
        self.affinity: Affinity | None = None
        self._requests = Counter({"1xx": 0, "2xx": 0, "3xx": 0, "4xx": 0, "5xx": 0})
        self._requests_s = durations()
        self._worker = worker
        self._queries = queries
        self._writer = writer
        self._hubs = hubs
        self._bus = bus
        self._process = ProcessCollector(registry=None)

    def count_request(self, status: int, took_s: float) -> None:
        """An HTTP request was answered."""
        self._requests[f"{status // 100}xx"] += 1
        self._requests_s.add(took_s)

    async def render(self, accept: str) -> tuple[bytes, str]:
        """The body and its media type, in the form that the `Accept` header prefers."""
        registry = CollectorRegistry()
        registry.register(_Scrape(self._worker, [*self._families(await self._statuses()), *self._process.collect()]))
        encode, media_type = choose_encoder(accept)
        return encode(registry), media_type

    async def _statuses(self) -> list[ProjectionStatus] | None:
        try:
            async with asyncio.timeout(READ_S):
                return await self._queries.projections()
        except Exception:  # noqa: BLE001 - whatever it is, the metrics say that the database is away
            return None

    def _families(self, statuses: list[ProjectionStatus] | None) -> Iterator[Metric]:
        yield from families.of_projections(statuses)
        if self._writer:
            yield from families.of_writer(self._writer)
        if self._hubs:
            yield from families.of_sockets(self._hubs)
            yield from families.of_affinity(self.affinity)
            yield from families.of_company(self._hubs.company)
            yield from families.of_refusals(rest=self.refusals, socket=self._hubs.tally.refusals)
            yield from families.of_requests(self._requests, self._requests_s)
        if self._bus:
            yield from families.of_bus(self._bus.state)


class _Scrape(Collector):
    """What one scrape is told: every sample says which worker it is of."""

    def __init__(self, worker: str, metrics: list[Metric]) -> None:
        for metric in metrics:
            metric.samples = [each._replace(labels={"worker": worker, **each.labels}) for each in metric.samples]
        self._metrics = metrics

    def describe(self) -> Iterable[Metric]:
        """Nothing: the registry need not compare names."""
        return ()

    def collect(self) -> Iterable[Metric]:
        return self._metrics
