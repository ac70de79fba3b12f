import gc
import os

from django.core.wsgi import get_wsgi_application
from django.urls import resolve

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings.dev")
django = get_wsgi_application()

from kit.frames import with_room  # noqa: E402
from portal.front import Front  # noqa: E402  (what it knows of the rooms can be read once Django is set up)

application = Front(with_room(django))

# What is loaded by now stays for as long as the process: looking through all of it took 130 ms in the middle of somebody's
# request, every few hundred of them.  What pages leave behind is looked at in portions that take a few milliseconds.
resolve("/")  # loads every room's views
gc.collect()
gc.freeze()
gc.set_threshold(5_000, 20, 20)
