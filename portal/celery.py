"""The Celery application.  Celery is the doorbell, PostgreSQL is the queue: no task carries more than ids."""

import gc
import os
import sys

from celery import Celery, Task, signals
from django.db import close_old_connections
from kombu.exceptions import OperationalError as BrokerAway
from redis.exceptions import RedisError

from kit import breaker
from portal.watchdog import Kennel

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings.dev")


class Rung(Task):
    """A task is only rung while somebody may be listening: a broker that did not answer is left alone for a moment."""

    abstract = True

    def apply_async(self, *args, **kwargs):
        if self.app.conf.task_always_eager:
            return super().apply_async(*args, **kwargs)
        with breaker.BROKER.around(BrokerAway, RedisError, OSError, away=BrokerAway("left alone for a moment")):
            return super().apply_async(*args, **kwargs)


app = Celery("signalbox", task_cls=Rung)
app.config_from_object("django.conf:settings", namespace="CELERY")
# Celery would connect to the database anew for every task, which costs more than most tasks do.  Instead connections
# are kept as Django keeps them for requests: for a while, and looked at before each task.
app.conf.update(CELERY_DB_REUSE_MAX=sys.maxsize)
app.autodiscover_tasks()


@signals.task_prerun.connect
def look_at_connections(task, **kwargs) -> None:
    """Drop a connection that broke or grew old; the task's first statement makes another."""
    if not task.request.is_eager:
        close_old_connections()


@signals.worker_before_create_process.connect
def share_what_is_loaded(**kwargs) -> None:
    """Keep the garbage collector away from what a worker has loaded before its processes part from it.

    They share its memory page by page until one of them writes to it, and the collector's look at an object is a
    write: as soon as there was work, a worker and its process had 40 MiB more between them, and nothing to show for it.
    """
    gc.collect()
    gc.freeze()


#: Every process of a worker has somebody who notices when it stands still.
kennel = Kennel(app)
