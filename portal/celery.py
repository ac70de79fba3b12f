"""The Celery application.  Celery is the doorbell, PostgreSQL is the queue: no task carries more than ids."""

import os

from celery import Celery, Task
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
app.autodiscover_tasks()

#: Every process of a worker has somebody who notices when it stands still.
kennel = Kennel(app)
