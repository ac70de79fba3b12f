"""Every address of the house.  Each room brings its own: pages in `urls.py`, its part of the API in `api_urls.py`."""

from django.urls import include, path

from portal.site.health import healthz

handler400 = "portal.site.errors.bad_request"
handler403 = "portal.site.errors.permission_denied"
handler404 = "portal.site.errors.page_not_found"
handler500 = "portal.site.errors.server_error"

urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("i18n/", include("django.conf.urls.i18n")),
    path("accounts/", include("allauth.urls")),
    path("", include("portal.site.urls", namespace="site")),
    path("", include("accounts.urls", namespace="accounts")),
    path("", include("billing.urls", namespace="billing")),
    path("", include("messaging.urls", namespace="messaging")),
    path("api/v1/", include(("messaging.api_urls", "api"))),
]
