"""htmx: one view answers with the whole page or, when htmx asks, with the fragment the page includes."""

import json
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.encoding import force_str


def is_fragment(request: HttpRequest) -> bool:
    """Whether htmx wants a part of the page.  A boosted link or a history miss wants all of it."""
    asked = request.headers.get("HX-Request") == "true"
    whole = "true" in (request.headers.get("HX-Boosted"), request.headers.get("HX-History-Restore-Request"))
    return asked and not whole


def toast(response: HttpResponse, message: Any, *, tone: str = "ok") -> HttpResponse:
    """Let the page show a toast when this answer arrives."""
    response["HX-Trigger"] = json.dumps({"toast": {"message": force_str(message), "tone": tone}})
    return response


class FragmentMixin:
    """Answers htmx with `fragment_template_name`, everybody else with `template_name`."""

    fragment_template_name: str

    def get_template_names(self) -> list[str]:
        if is_fragment(self.request):
            return [self.fragment_template_name]
        return super().get_template_names()

    def dispatch(self, request: HttpRequest, *args, **kwargs) -> HttpResponse:
        response = super().dispatch(request, *args, **kwargs)
        response.headers["Vary"] = ", ".join(filter(None, [response.headers.get("Vary"), "HX-Request"]))
        return response
