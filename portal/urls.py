"""Every address of the house.  Each room brings its own: pages in `urls.py`, its part of the API in `api_urls.py`."""

from django.urls import include, path
from django.views.generic import RedirectView

from accounts.views.people import switch_language
from accounts.views.sessions import SessionsView
from portal.operations.metrics.page import metrics
from portal.site.explorer import SchemaView
from portal.site.health import healthz

handler400 = "portal.site.errors.bad_request"
handler403 = "portal.site.errors.permission_denied"
handler404 = "portal.site.errors.page_not_found"
handler500 = "portal.site.errors.server_error"

api = [
    path("", include("billing.api_urls")),
    path("", include("messaging.api_urls")),
    path("openapi.json", SchemaView.as_view(), name="openapi"),
    path("docs", RedirectView.as_view(pattern_name="site:explorer"), name="docs"),
]

urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("metrics", metrics, name="metrics"),
    path("i18n/setlang/", switch_language, name="set_language"),
    path("accounts/sessions/", SessionsView.as_view(), name="usersessions_list"),  # before allauth's own
    path("accounts/", include("allauth.urls")),
    path("", include("portal.site.urls", namespace="site")),
    path("", include("accounts.urls", namespace="accounts")),
    path("", include("billing.urls", namespace="billing")),
    path("", include("messaging.urls", namespace="messaging")),
    path("", include("agents.urls", namespace="agents")),
    path("api/v1/", include((api, "api"))),
]
