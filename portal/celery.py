"""The Celery application.  Celery is the doorbell, PostgreSQL is the queue: no task carries more than ids."""

import os

from celery import Celery

from portal.watchdog import Kennel

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings.dev")

app = Celery("signalbox")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

#: Every process of a worker has somebody who notices when it stands still.
kennel = Kennel(app)
