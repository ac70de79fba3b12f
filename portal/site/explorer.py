"""The API described and tried out: our OpenAPI document, and the explorer that reads it, from our own server."""

from django.views.generic import TemplateView
from drf_spectacular.views import SpectacularJSONAPIView

SchemaView = SpectacularJSONAPIView


class ExplorerView(TemplateView):
    template_name = "site/explorer.html"
