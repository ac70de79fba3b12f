"""The pages of the messaging rooms, all in one namespace."""

from django.urls import include, path

app_name = "messaging"

urlpatterns = [
    path("", include("messaging.campaigns.urls")),
    path("", include("messaging.content.urls")),
    path("", include("messaging.engine.urls")),
    path("", include("messaging.hooks.urls")),
    path("", include("messaging.channels.urls")),
]
