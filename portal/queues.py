"""Celery's queues.  Each has a set of worker processes of its own, so that slow work never holds up quick work."""

DISPATCH = "dispatch"  # holds the carriers' binds: drains channels
ENGINE = "engine"  # receipts, settlement, sweeping, counters
CAMPAIGNS = "campaigns"  # reading files, accepting batches
HOOKS = "hooks"  # webhooks to customers
DEFAULT = "default"  # payments, mail, statements, housekeeping

#: Queue name to the number of worker processes the embedded default starts for it.
QUEUES = {DISPATCH: 1, ENGINE: 1, CAMPAIGNS: 1, HOOKS: 1, DEFAULT: 1}

ROUTES = {
    "messaging.engine.tasks.drain_channel": {"queue": DISPATCH},
    "messaging.engine.tasks.ask_carriers": {"queue": DISPATCH},
    "messaging.engine.tasks.*": {"queue": ENGINE},
    "messaging.traffic.tasks.*": {"queue": ENGINE},
    "messaging.campaigns.tasks.*": {"queue": CAMPAIGNS},
    "messaging.hooks.tasks.collect_settled": {"queue": ENGINE},  # quick, and never behind a slow endpoint
    "messaging.hooks.tasks.*": {"queue": HOOKS},
}

#: Tasks that claim and commit batch after batch: one that does neither for long while work waits stands still.
CLAIMING = {
    "messaging.engine.tasks.drain_channel",
    "messaging.engine.tasks.fold_receipts",
    "messaging.campaigns.tasks.accept_batches",
}
