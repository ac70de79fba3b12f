"""The figures in the database: asked for part by part, each with a time limit, so that a slow one takes only itself away."""

import json
import threading
import time
from collections.abc import Callable, Iterator

from django.db import DatabaseError, InterfaceError, connection, transaction
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from kit import tenancy
from kit.sql import rows, run
from messaging.engine.states import CODES, Lane, Status

from . import broker, processes
from .names import METRICS, PREFIX, Figure, Figures, Metric

#: Two Prometheus servers, or an impatient person, cost no more than one.
KEEP_SECONDS = 5.0
STATEMENT_TIMEOUT = "1500ms"
PARTS = ("traffic", "queue", "claims", "unknown", "binds", "breakers", "receipts", "webhooks", "facts")


class HouseCollector(Collector):
    """Everything about the house that is not about this process's requests."""

    def __init__(self, read: Callable[[], Figures]) -> None:
        self.read = read

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        found = self.read()
        for metric in METRICS:
            yield family_of(metric, found.get(metric.part, []))


def family_of(metric: Metric, figures: list[Figure]) -> CounterMetricFamily | GaugeMetricFamily:
    kind = CounterMetricFamily if metric.is_counter else GaugeMetricFamily
    family = kind(PREFIX + metric.name, metric.help, labels=metric.labels)
    sums: dict[tuple[str, ...], float] = {}
    for figure in figures:
        if figure.name == metric.figure:
            key = tuple(figure.labels[label] for label in metric.labels)
            sums[key] = sums.get(key, 0) + figure.value
    for key, value in sums.items():
        family.add_metric(key, value)
    return family


def read_all() -> Figures:
    """All figures as they are now; a part that can't be read in time is missing and named in `parts`."""
    found: Figures = {"broker": broker.read(), "processes": processes.read(), "parts": []}
    for part in PARTS:
        figures = read_part(part)
        found[part] = figures or []
        found["parts"].append(Figure("failed", {"part": part}, 0 if figures is not None else 1))
    return found


def read_part(part: str) -> list[Figure] | None:
    try:
        with transaction.atomic(), tenancy.as_visitor():
            run(f"SET LOCAL statement_timeout = '{STATEMENT_TIMEOUT}'")
            return [figure_of(part, *row) for row in rows("SELECT name, labels, value FROM house_figures(%s)", [part])]
    except (DatabaseError, InterfaceError):
        if not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()
        return None


def figure_of(part: str, name: str, labels_as_json: str, value: float) -> Figure:
    """Numbers of states and lanes by their names; a fact's name goes with its figure's."""
    labels = json.loads(labels_as_json)
    if part == "facts":
        return Figure(f"{labels['fact']}:{name}", {}, value)
    if "status" in labels:
        labels["status"] = CODES[Status(labels["status"])]
    if "lane" in labels:
        labels["lane"] = Lane(labels["lane"]).name.lower()
    return Figure(name, labels, value)


class Kept:
    """What was read last, for a few seconds."""

    def __init__(self, read: Callable[[], Figures], *, seconds: float = KEEP_SECONDS) -> None:
        self._read, self._seconds = read, seconds
        self._lock = threading.Lock()
        self._until = 0.0
        self._found: Figures = {}

    def __call__(self) -> Figures:
        with self._lock:
            if time.monotonic() >= self._until:
                self._found = self._read()
                self._until = time.monotonic() + self._seconds
            return self._found


kept = Kept(read_all)
