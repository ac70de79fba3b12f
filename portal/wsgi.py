import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings.dev")
django = get_wsgi_application()

from portal.front import Front  # noqa: E402  (what it knows of the rooms can be read once Django is set up)

application = Front(django)
