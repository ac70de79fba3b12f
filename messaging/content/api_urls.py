"""The addresses of this room under /api/v1/.  Included by messaging.api_urls."""

from django.urls import path

from .api import SendersView, TemplatesView, TemplateView

urlpatterns = [
    path("templates", TemplatesView.as_view(), name="templates"),
    path("templates/<uuid:id>", TemplateView.as_view(), name="template"),
    path("senders", SendersView.as_view(), name="senders"),
]
