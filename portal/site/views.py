"""Pages of the front door that belong to no room."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.decorators import method_decorator
from django.views.decorators.cache import cache_control
from django.views.generic import TemplateView, View

from accounts.models import Brand

from .brands import host_of

SEND = """curl %smessages \\
  -H "Authorization: Bearer $API_KEY" \\
  -H "Idempotency-Key: order-88213-shipped" \\
  -H "Content-Type: application/json" \\
  -d '{"to": "+447400123456", "template": "Order shipped", "sender": "Meadowlark", "variables": {"order": "88213"}}'"""
READ = """curl %smessages/MESSAGE_ID -H "Authorization: Bearer $API_KEY\""""
REFUSAL = """{
  "error": {
    "code": "insufficient_balance",
    "message": "The wallet does not hold enough.",
    "details": {"needed": "1.20", "available": "0.40", "currency": "GBP"}
  }
}"""


class LandingView(TemplateView):
    """What the product is, for visitors; whoever is signed in goes home."""

    template_name = "site/landing.html"

    def get(self, request: HttpRequest, *args, **kwargs) -> HttpResponse:
        if request.user.is_authenticated:
            return redirect("site:home")
        return super().get(request, *args, **kwargs)


class DocsView(TemplateView):
    """How to send with the API: a page of examples, and the way to the explorer."""

    template_name = "site/docs.html"

    def get_context_data(self, **kwargs):
        base = self.request.build_absolute_uri("/api/v1/")
        return super().get_context_data(send=SEND % base, read=READ % base, refusal=REFUSAL, **kwargs)


@method_decorator(cache_control(public=True, max_age=86_400, immutable=True), name="dispatch")
class LogoView(View):
    """The logo of the brand published under this host name.  Kept by browsers: its address changes with it."""

    def get(self, request: HttpRequest) -> HttpResponse:
        brand = Brand.objects.filter(host=host_of(request)).exclude(logo_type="").first()
        if brand is None:
            raise Http404
        response = HttpResponse(bytes(brand.logo), content_type=brand.logo_type)
        response.headers["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
        return response
