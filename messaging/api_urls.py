"""The messaging part of /api/v1/."""

from django.urls import include, path

from messaging.engine.api.views import MessagesView, MessageView

urlpatterns = [
    path("", include("messaging.campaigns.api_urls")),
    path("", include("messaging.content.api_urls")),
    path("messages", MessagesView.as_view(), name="messages"),
    path("messages/<uuid:id>", MessageView.as_view(), name="message"),
]
