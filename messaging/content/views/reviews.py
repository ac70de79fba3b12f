"""The review queue: what waits, one item opened, a decision, the next item."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.views.generic import TemplateView

from accounts.rules.permissions import Permission
from accounts.views_support import OrganisationMixin
from kit.errors import DomainError, Invalid

from .. import actions, queries
from ..dossier import Dossier, Line
from ..errors import AlreadyDecided, ClaimedByAnother, ReasonNeeded
from ..models import Review
from ..reasons import REASONS
from ..timing import short

#: Lines of the queue a page shows; the rest is counted.
SHOWN = 60


class QueueMixin(OrganisationMixin):
    """A page of the operator's reviewers: it reads, and decides about, what every tenant below has submitted."""

    permission = Permission.REVIEW_CONTENT

    def dispatch(self, request: HttpRequest, *args, **kwargs) -> HttpResponse:
        if getattr(request, "organisation", None) is None:
            return super().dispatch(request, *args, **kwargs)
        with request.organisation.downline_scope():
            response = super().dispatch(request, *args, **kwargs)
            return response.render() if hasattr(response, "render") else response

    @property
    def kind(self) -> str:
        """Whether only templates or only senders are looked at."""
        asked = self.request.GET.get("kind", "")
        return asked if asked in ("templates", "senders") else ""

    def address(self, review: Review | None = None, *, kind: str | None = None) -> str:
        """The queue's address, or that of one review in it, keeping the filter."""
        kind = self.kind if kind is None else kind
        path = reverse("messaging:review", args=[review.pk]) if review else reverse("messaging:reviews")
        return f"{path}?{urlencode({'kind': kind})}" if kind else path

    def next_address(self, after: Review | None = None) -> str:
        following = queries.next_review(by=self.request.user, after=after, kind=self.kind)
        return self.address(following)

    def get_context_data(self, **kwargs) -> dict[str, Any]:
        lines = [Line(review, self.request.user) for review in self.waiting[:SHOWN]]
        midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
        state = queries.queue_state(by=self.request.user, day_start=midnight)
        choices = [("", _("All")), ("templates", _("Templates")), ("senders", _("Senders"))]
        return super().get_context_data(
            lines=[(line, self.address(line.review)) for line in lines],
            more=self.waiting.count() - SHOWN if len(lines) == SHOWN else 0,
            state=state,
            oldest=short(state.oldest) if state.oldest is not None else "",
            choices=[{"label": label, "url": self.address(kind=kind), "active": kind == self.kind}
                     for kind, label in choices],
            queue_url=self.address(),
            **kwargs,
        )  # fmt: skip

    @property
    def waiting(self) -> QuerySet[Review]:
        return queries.of_kind(queries.open_reviews(), self.kind)


class QueueView(QueueMixin, TemplateView):
    """The queue, nothing opened yet."""

    template_name = "content/reviews.html"

    def get_context_data(self, **kwargs) -> dict[str, Any]:
        return super().get_context_data(start_url=self.next_address(), **kwargs)


class ReviewView(QueueMixin, TemplateView):
    """One review.  Opening it claims it; deciding opens the next one."""

    template_name = "content/reviews.html"
    http_method_names = ["get", "post"]  # noqa: RUF012

    @cached_property
    def review(self) -> Review:
        return queries.review_by_id(self.kwargs["id"])

    def get(self, request: HttpRequest, *args, **kwargs) -> HttpResponse:
        self.claim()
        return super().get(request, *args, **kwargs)

    def claim(self) -> None:
        """Take it, if it is free and this reader may decide; otherwise the page says why not."""
        if Dossier(self.review, self.request.user).can_decide:
            try:
                actions.claim_review(review=self.review, by=self.request.user)
            except (AlreadyDecided, ClaimedByAnother) as told:
                messages.warning(self.request, str(told))
            del self.review

    def post(self, request: HttpRequest, *args, **kwargs) -> HttpResponse:
        if request.POST.get("action") == "release":
            actions.release_review(review=self.review, by=request.user)
            return HttpResponseRedirect(self.address())
        try:
            decided = self.decide()
        except (AlreadyDecided, ClaimedByAnother) as told:
            messages.warning(request, str(told))
            return HttpResponseRedirect(self.address(self.review))
        except (ReasonNeeded, Invalid) as refusal:
            problems = refusal.details.get("fields", {}).values() or [refusal.message]
            context = self.get_context_data(problem=" ".join(map(str, problems)))
            return self.render_to_response(context, status=422)
        messages.success(request, self.said(decided))
        return HttpResponseRedirect(self.next_address(after=decided))

    def decide(self) -> Review:
        typed, by = self.request.POST, self.request.user
        if typed.get("decision") == "approve":
            return actions.approve(review=self.review, by=by, note=typed.get("note", ""))
        if typed.get("decision") == "reject":
            reasons = typed.getlist("reasons")
            return actions.reject(review=self.review, by=by, reasons=reasons, note=typed.get("note", ""))
        raise DomainError(_("Choose to approve or to reject."))

    def said(self, decided: Review) -> str:
        texts = {"approved": _("%(title)s approved."), "rejected": _("%(title)s rejected.")}
        return texts[decided.decision] % {"title": decided.title}

    def get_context_data(self, **kwargs) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        addresses = [address for _line, address in context["lines"]]
        here = self.address(self.review)
        at = addresses.index(here) if here in addresses else None
        return context | {
            "dossier": Dossier(self.review, self.request.user),
            "here": here,
            "previous_url": addresses[at - 1] if at else "",
            "next_url": addresses[at + 1] if at is not None and at + 1 < len(addresses) else "",
            "position": at + 1 if at is not None else None,
            "reasons": list(REASONS.values()),
            "ticked": self.request.POST.getlist("reasons"),
            "note": self.request.POST.get("note", ""),
        }
