"""The API described and tried out: our OpenAPI document, and the explorer that reads it, from our own server."""

from csp.decorators import csp_replace
from django.utils.decorators import method_decorator
from django.views.generic import TemplateView
from drf_spectacular.views import SpectacularJSONAPIView

SchemaView = SpectacularJSONAPIView


# The explorer's bundle writes style attributes of its own; scripts stay ours alone.
@method_decorator(csp_replace({"style-src": ["'self'", "'unsafe-inline'"]}), name="dispatch")
class ExplorerView(TemplateView):
    template_name = "site/explorer.html"
