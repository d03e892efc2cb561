"""Plain numbers as Prometheus' metric families: one function for each part that counts."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate

from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from commands.tally import Histogram
from commands.writer import Writer
from projections.queries import ProjectionStatus
from realtime.affinity import Affinity
from realtime.company import Company
from realtime.hubs import Hubs
from realtime.redis_bus import BusState

type Labelled = Mapping[tuple[str], float] | Mapping[tuple[str, str], float]


def of_writer(writer: Writer) -> Iterator[Metric]:
    """Commits: how many, how large, how long, how many wait, and what went wrong."""
    tally = writer.tally
    yield histogram("append_seconds", "How long a commit took, from the batch to its outcome", tally.took_s)
    yield histogram("commit_events", "Events that one commit recorded", tally.events)
    yield counter("commits", "Batches that were committed", sum(tally.events.counts))
    yield counter("events", "Events that were recorded", tally.events.sum)
    yield gauge("queue_length", "Commands that wait for a commit", writer.waiting)
    yield counter("commit_conflicts", "Entries that were decided again", tally.conflicts)
    yield counter("commits_unknown", "Commits that were cut off, and whose outcome the store was asked", tally.unknown)
    yield counter("commits_failed", "Batches that were refused because the store was away", tally.failed)


def of_sockets(hubs: Hubs) -> Iterator[Metric]:
    """Sockets: how many, in how many rooms, what they were sent, how they ended."""
    tally = hubs.tally
    yield gauge("sockets", "Open sockets", by(tally.sockets), ["dialect"])
    yield gauge("rooms", "Rooms with sockets in this process", hubs.rooms)
    sent = {("live",): tally.live, ("catch_up",): tally.caught_up}
    yield counter("deliveries", "Events written to sockets", sent, ["how"])
    yield counter("heals", "Reads from the store of what did not come by the bus", by(tally.heals), ["cause"])
    yield counter("hints_dropped", "Hints that were not opened, since too many waited", tally.hints_dropped)
    yield counter("sockets_behind", "Times a socket did not keep up and went back to catching up", tally.fell_behind)
    yield gauge("tails_bytes", "What is kept of rooms for sockets that come back", hubs.tails.size)
    yield counter("sockets_closed", "Sockets that the server closed", by(tally.closed), ["reason"])


def of_affinity(affinity: Affinity | None) -> Iterator[Metric]:
    """Connections for rooms of other processes: handed over, taken in, or served all the same."""
    if affinity:
        how = {("given",): affinity.given, ("taken",): affinity.taken, ("kept",): affinity.kept}
        yield counter("handovers", "Connections for a room whose home is another process", how, ["how"])


def of_company(company: Company) -> Iterator[Metric]:
    """Presence and typing: how many are where, and what was said of them."""
    presence, typists = company.presence, company.typists
    yield gauge("present_people", "People in rooms of this process, in each room once", presence.people)
    yield gauge("presence_leases", "Rooms in which this process has people", presence.rooms)
    yield counter("presence_claims", "What this process told the others of who is in a room", presence.claims)
    yield counter("presence_news", "What all processes together told this one", presence.news)
    frames = {("presence",): presence.frames, ("typing",): typists.frames}
    yield counter("fleeting_frames", "Frames of presence and typing written to sockets", frames, ["type"])


def of_refusals(**doors: Mapping[str, float]) -> Iterator[Metric]:
    """What was refused, by the contract's codes, at each door."""
    refused = {(door, code): count for door, codes in doors.items() for code, count in codes.items()}
    yield counter("refusals", "Requests and frames that were refused", refused, ["door", "code"])


def of_requests(requests: Mapping[str, float], took_s: Histogram) -> Iterator[Metric]:
    """HTTP requests of all kinds, but none of sockets."""
    yield counter("http_requests", "HTTP requests by the class of their status", by(requests), ["status"])
    yield histogram("http_request_seconds", "How long an HTTP request took, to the end of its answer", took_s)


def of_bus(state: BusState) -> Iterator[Metric]:
    """The bus to the other processes."""
    yield gauge("bus_servers", "Redis servers that are known", state.servers)
    yield gauge("bus_servers_connected", "Redis servers that are connected", state.connected)
    yield gauge("bus_rooms", "Rooms that are to be heard", state.rooms)
    yield gauge("bus_rooms_missing", "Rooms that are not subscribed to yet", state.rooms_missing)
    yield counter("bus_published", "Events that were hinted at", state.published)
    yield counter("bus_received", "Events that others hinted at", state.received)
    yield counter("bus_dropped", "Events that were not hinted at, since a server was away or slow", state.dropped)
    yield counter("bus_refused", "Commands that a server refused", state.refused)
    yield counter("bus_reconnects", "Connections that were made again", state.reconnects)


def of_projections(statuses: Sequence[ProjectionStatus] | None) -> Iterator[Metric]:
    """How far the read models are; nothing but that they cannot be read, when they cannot."""
    yield gauge("read_database_up", "Whether the read models and the log answered", float(statuses is not None))
    if statuses is None:
        return
    of = ["projection"]
    yield gauge("projection_position", "Checkpoint", {(each.name,): each.position for each in statuses}, of)
    yield gauge("projection_lag_events", "Positions behind the log", {(s.name,): s.lag_events for s in statuses}, of)
    yield gauge("projection_lag_seconds", "Age of the first event behind", {(s.name,): s.lag_s for s in statuses}, of)
    beats = {(s.name,): s.heartbeat_age_s for s in statuses if s.heartbeat_age_s is not None}
    yield gauge("projection_heartbeat_age_seconds", "Since somebody last ran it", beats, of)
    yield gauge("parked_rooms", "Rooms set aside", {(s.name,): len(s.parked) for s in statuses}, of)


def counter(name: str, about: str, value: float | Labelled, labels: Sequence[str] = ()) -> Metric:
    """A number that only grows, or one for each value of its labels."""
    return _fill(CounterMetricFamily(f"verbatim_{name}", about, labels=labels), value)


def gauge(name: str, about: str, value: float | Labelled, labels: Sequence[str] = ()) -> Metric:
    """A number of now, or one for each value of its labels."""
    return _fill(GaugeMetricFamily(f"verbatim_{name}", about, labels=labels), value)


def histogram(name: str, about: str, values: Histogram) -> Metric:
    """How values are spread."""
    bounds = [*(str(float(bound)) for bound in values.bounds), "+Inf"]
    buckets = list(zip(bounds, accumulate(values.counts), strict=True))
    return HistogramMetricFamily(f"verbatim_{name}", about, buckets=buckets, sum_value=values.sum)


def by(counts: Mapping[str, float]) -> Labelled:
    """Counts by one name as counts by one label."""
    return {(name,): count for name, count in counts.items()}


def _fill(family: CounterMetricFamily | GaugeMetricFamily, value: float | Labelled) -> Metric:
    samples: Iterable[tuple[tuple[str, ...], float]] = value.items() if isinstance(value, Mapping) else [((), value)]
    for labels, number in samples:
        family.add_metric(labels, number)
    return family
