"""Price lists: what an agent pays itself, what it asks, and what is between."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.views.generic import FormView, TemplateView

from accounts.choices import COUNTRY_NAMES, countries
from accounts.models import Organisation
from accounts.rules.permissions import Permission
from agents import actions, queries
from agents.forms import NewListForm, PricesForm, field_name
from agents.price_rows import PriceRows
from billing.pricing.errors import NegativeMargin
from billing.pricing.models import PriceBook
from kit.errors import DomainError

from .support import DownlineMixin, add_refusal


class PricesView(DownlineMixin, TemplateView):
    """One list of the agent's, the first unless the address names another; changes are shown before they are published."""

    permission = Permission.VIEW_ACCOUNTS
    template_name = "agents/prices.html"

    @cached_property
    def lists(self) -> list[PriceBook]:
        return list(queries.price_lists_of(self.organisation))

    @cached_property
    def book(self) -> PriceBook | None:
        if "id" in self.kwargs:
            return queries.price_list_of(self.organisation, self.kwargs["id"])
        return self.lists[0] if self.lists else None

    @cached_property
    def added(self) -> list[str]:
        """Countries the person wants to give prices of their own."""
        return [code for code in self.request.GET.getlist("country") if code in COUNTRY_NAMES]

    def get_context_data(self, form: PricesForm | None = None, **kwargs) -> dict:
        buys = self.organisation.kind == Organisation.Kind.AGENT
        context = {"lists": self.lists, "book": self.book, "countries": countries(), "added": self.added, "buys": buys}
        if self.book:
            form = form or self.form()
            rows = PriceRows(
                currency=self.book.currency, buys=buys, may_change=self.may(Permission.MANAGE_ACCOUNTS)
            ).html(form.rows())
            context |= {"form": form, "rows": rows}
        return super().get_context_data(**context, **kwargs)

    def form(self, data=None) -> PricesForm:
        lines = queries.price_lines(self.organisation, self.book, countries=self.added)
        return PricesForm(
            data,
            lines=lines,
            currency=self.book.currency,
            initial={field_name(line): line.price for line in lines},
        )


class PublishView(PricesView):
    """The same page, with changes filled in: shown first, then published."""

    permission = Permission.MANAGE_ACCOUNTS
    http_method_names = ["post"]

    def post(self, request: HttpRequest, *args, **kwargs) -> HttpResponse:
        form = self.form(request.POST)
        if not form.is_valid():
            return self.render_to_response(self.get_context_data(form=form), status=422)
        if request.POST.get("do") != "publish" or not form.changes():
            return self.render_to_response(self.get_context_data(form=form, shows_changes=True))
        try:
            actions.publish_prices(
                book=self.book, prices=form.asked(), effective_from=form.cleaned_data["effective_from"]
            )
        except NegativeMargin as refusal:
            place = refusal.details["country"] or "other"
            add_refusal(form, refusal, field=f"{place}-{refusal.details['category']}")
        except DomainError as refusal:
            add_refusal(form, refusal)
        if form.errors:
            return self.render_to_response(self.get_context_data(form=form), status=422)
        messages.success(request, _("The prices of %(list)s are published.") % {"list": self.book})
        return HttpResponseRedirect(reverse("agents:price_list", args=[self.book.pk]))


class NewListView(DownlineMixin, FormView):
    permission = Permission.MANAGE_ACCOUNTS
    template_name = "agents/price_list_new.html"
    form_class = NewListForm

    def get_initial(self) -> dict:
        return {"currency": self.organisation.currency}

    def form_valid(self, form: NewListForm) -> HttpResponse:
        book = actions.create_price_list(agent=self.organisation, **form.cleaned_data)
        return HttpResponseRedirect(reverse("agents:price_list", args=[book.pk]))
