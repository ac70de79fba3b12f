"""Every gauge and counter besides those of HTTP: where it comes from and what it means.  Dashboards and alarms use these names."""

from typing import Final, NamedTuple

PREFIX: Final = "signalbox_"


class Metric(NamedTuple):
    """`part` and `figure` are where `house_figures` (or another source) has it."""

    part: str
    figure: str
    name: str
    help: str
    labels: tuple[str, ...] = ()
    is_counter: bool = False


class Figure(NamedTuple):
    """One value found, under the name its source gives it."""

    name: str
    labels: dict[str, str]
    value: float


#: By part.
Figures = dict[str, list[Figure]]

METRICS: Final = (
    Metric("traffic", "messages", "messages", "Messages that came into a status since midnight UTC; accepted ones as queued",
        ("status", "category"), is_counter=True),
    Metric("queue", "waiting", "queue_messages", "Messages in the queue of a channel, ripe or not", ("channel", "lane")),
    Metric("queue", "ripe", "queue_ripe_messages", "Messages that could leave now", ("channel", "lane")),
    Metric("queue", "oldest_ripe", "queue_oldest_ripe_seconds", "How long the oldest ripe message has waited", ("channel", "lane")),
    Metric("claims", "in_flight", "in_flight_messages", "Messages a worker has in hand, on their way to a carrier", ("channel",)),
    Metric("unknown", "last_hour", "unknown_last_hour", "Attempts of the last hour whose outcome nobody knows"),
    Metric("binds", "held", "binds", "Connections workers hold or try to hold", ("channel",)),
    Metric("binds", "up", "binds_up", "Connections that are bound", ("channel",)),
    Metric("breakers", "open", "breaker_open", "1 while a channel is left alone because its carrier is in trouble", ("channel",)),
    Metric("breakers", "open_for", "breaker_open_seconds", "How long the channel has been left alone", ("channel",)),
    Metric("receipts", "unfolded", "receipts_unfolded", "Receipts that are stored and not applied yet"),
    Metric("receipts", "oldest", "receipts_oldest_unfolded_seconds", "How long the oldest of them has waited"),
    Metric("receipts", "lag", "settle_lag_seconds", "From a receipt's arrival to its message being settled, the slowest lately"),
    Metric("webhooks", "due", "webhooks_due", "Events that could be delivered to customers now"),
    Metric("webhooks", "oldest", "webhooks_oldest_due_seconds", "How long the oldest of them has waited"),
    Metric("facts", "beat_ticked:age", "beat_last_tick_seconds", "Since beat last rang and a worker heard it"),
    Metric("facts", "books_checked:age", "books_last_check_seconds", "Since the books were last checked"),
    Metric("facts", "books_checked:value", "books_problems", "Rows that broke the books at the last check"),
    Metric("broker", "length", "celery_queue_length", "Rings waiting in a Celery queue", ("queue",)),
    Metric("broker", "up", "broker_up", "1 while the broker answers"),
    Metric("processes", "resident", "process_resident_bytes", "Memory of a process and its children", ("process",)),
    Metric("parts", "failed", "figures_failed", "1 for a part that could not be read in time", ("part",)),
)  # fmt: skip
