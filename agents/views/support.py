"""What every page of a reseller stands on."""

from collections.abc import Iterable

from django import forms
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils.encoding import force_str

from accounts.models import Organisation
from accounts.queries import in_downline
from accounts.views_support import OrganisationMixin
from kit.errors import DomainError, Invalid


class _InDownlineScope:
    """Answers, template included, inside the organisation's downline scope."""

    def dispatch(self, request: HttpRequest, *args, **kwargs) -> HttpResponse:
        with self.organisation.downline_scope():
            response = super().dispatch(request, *args, **kwargs)
            if hasattr(response, "render"):  # templates read lazily: they must find the scope they were promised
                response.render()
        return response


class DownlineMixin(OrganisationMixin, _InDownlineScope):
    """A page of a reseller or the operator that reaches what lies below.  Customers have no such page: 404."""

    def account(self) -> Organisation:
        """The account the address names.  Raises NotFound unless it lies below."""
        return in_downline(self.organisation, self.kwargs["id"])


def add_refusal(form: forms.Form, refusal: DomainError, *, field: str | None = None) -> None:
    """Show a refusal where it belongs: at the fields it names, else at `field`, else above the form."""
    named = refusal.details.get("fields", {}) if isinstance(refusal, Invalid) else {}
    for name, problem in named.items():
        form.add_error(name if name in form.fields else None, force_str(problem))
    if not named:
        form.add_error(field, force_str(refusal.message))


def as_file(name: str, lines: Iterable[str]) -> StreamingHttpResponse:
    """A CSV file to keep, made of lines that are ready."""
    return StreamingHttpResponse(
        lines,
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
    )
