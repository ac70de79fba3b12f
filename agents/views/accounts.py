"""The tree of accounts, and one account of it."""

from functools import partial
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views import View
from django.views.generic import FormView, TemplateView

from accounts.actions import suspend_organisation
from accounts.choices import COUNTRY_NAMES
from accounts.mail import send_invitation
from accounts.models import Membership, Organisation
from accounts.rules.permissions import Permission
from agents import actions, queries
from agents.folding import Folding
from agents.forms import AccountForm, CommissionForm, CreditForm, ListForm, ReasonForm
from agents.models import CommissionRule
from agents.queries.downline import SHOWN_CATEGORY
from agents.rows import rows_of
from agents.rules.months import Month
from billing.ledger.queries import wallet_of
from kit.errors import DomainError
from kit.formatting import format_count, format_money, format_percent
from kit.htmx import FragmentMixin, is_fragment
from kit.money import units
from kit.spreadsheets import csv_lines

from .support import DownlineMixin, add_refusal, as_file

Kind = Organisation.Kind


def this_month(organisation: Organisation) -> Month:
    return Month.of(timezone.now(), ZoneInfo(organisation.time_zone))


def span_of(organisation: Organisation) -> dict:
    """This month so far, by the organisation's own clock."""
    since, until = this_month(organisation).span(ZoneInfo(organisation.time_zone))
    return {"since": since, "until": until}


def price_shares(organisation: Organisation, cost: int | None, ladder: list[queries.Rung]) -> dict:
    """The price's parts side by side, for a bar: what is paid above, what stays here, what each seller below adds."""
    if not ladder or not ladder[-1].price:
        return {}
    parts = [{"tone": "cost", "begin": 0, "width": cost or 0}]
    for place, rung in enumerate(ladder):
        tone = "you" if rung.organisation == organisation else ("below odd", "below")[place % 2]
        parts.append({"tone": tone, "begin": rung.price - rung.adds, "width": rung.adds})
    return {"whole": ladder[-1].price, "parts": parts}


class AccountsView(DownlineMixin, FragmentMixin, TemplateView):
    permission = Permission.VIEW_ACCOUNTS
    template_name = "agents/accounts.html"
    fragment_template_name = "agents/_accounts.html"

    def get_context_data(self, **kwargs) -> dict:
        tree = queries.downline(self.organisation, **span_of(self.organisation))
        folding = Folding(tree, self.request.GET)
        sells_margin = self.organisation.kind == Kind.AGENT
        context = {
            "tree": tree,
            "folding": folding,
            "rows": rows_of(folding, sells_margin=sells_margin),
            "month": this_month(self.organisation).begin(ZoneInfo(self.organisation.time_zone)),
            "sells_margin": sells_margin,
            "shown_category": SHOWN_CATEGORY.label,
            "shown_country": COUNTRY_NAMES.get(self.organisation.country, self.organisation.country),
        }
        if not is_fragment(self.request):
            context |= self.whole_page(tree)
        return super().get_context_data(**context, **kwargs)

    def whole_page(self, tree: queries.Downline) -> dict:
        zone = ZoneInfo(self.organisation.time_zone)
        months = self.earned_months()
        best = max(tree.walk(), key=lambda one: (one.level, one.figures.margin), default=None)
        ladder = tree.ladder(best) if best else []
        return {
            "kpis": self.kpis(tree, months),
            "months": [(one, one.month.begin(zone)) for one in months],
            "example": best,
            "ladder": ladder,
            "price_shares": price_shares(self.organisation, tree.cost, ladder),
        }

    def earned_months(self) -> list[queries.MonthTotal]:
        """Of a reseller alone: the operator has no statement."""
        if self.organisation.kind != Kind.AGENT:
            return []
        return queries.months_of(self.organisation, until=this_month(self.organisation), count=6)

    def kpis(self, tree: queries.Downline, months: list[queries.MonthTotal]) -> list[dict]:
        currency = self.organisation.currency
        figures = tree.totals.get(currency, queries.Figures())
        found = [
            {"label": _("Segments delivered"), "value": format_count(figures.segments)},
            {"label": _("Revenue"), "value": format_money(figures.revenue, currency)},
        ]
        if months:
            part = _("%(percent)s of revenue") % {"percent": format_percent(figures.margin, figures.revenue)}
            found += [
                {"label": _("Your margin"), "value": format_money(figures.margin, currency), "hint": part},
                {
                    "label": _("Commission this month"),
                    "value": format_money(months[0].commission, currency),
                    "hint": _("%(amount)s last month") % {"amount": format_money(months[1].commission, currency)}
                    if len(months) > 1
                    else "",
                },
            ]
        else:
            everyone = list(tree.walk())
            low = sum(1 for one in everyone if one.is_low or one.is_empty)
            found += [
                {"label": _("Accounts"), "value": format_count(len(everyone))},
                {"label": _("Low or empty wallets"), "value": format_count(low)},
            ]
        return found


class AccountsCsvView(DownlineMixin, View):
    """Every account of the tree, as a file."""

    permission = Permission.VIEW_ACCOUNTS

    def get(self, request: HttpRequest) -> HttpResponse:
        tree = queries.downline(self.organisation, **span_of(self.organisation))
        header = [
            _("Account"), _("Kind"), _("Below"), _("Level"), _("Currency"), _("Pays a segment"), _("Segments"),
            _("Revenue"), _("Your margin"), _("Balance"), _("Stopped"), _("Account's id"),
        ]  # fmt: skip
        rows = [
            (
                one.organisation.name,
                one.organisation.get_kind_display(),
                one.seller_name,
                one.level,
                one.organisation.currency,
                "" if one.price is None else units(one.price),
                one.figures.segments,
                units(one.figures.revenue),
                units(one.figures.margin) if self.organisation.kind == Kind.AGENT else "",
                units(one.balance),
                _("yes") if one.organisation.is_stopped else "",
                one.organisation.pk,
            )
            for one in tree.walk()
        ]
        return as_file(f"accounts-{this_month(self.organisation)}.csv", csv_lines(rows, header=header))


class AccountNewView(DownlineMixin, FormView):
    permission = Permission.MANAGE_ACCOUNTS
    template_name = "agents/account_new.html"
    form_class = AccountForm

    def get_initial(self) -> dict:
        return {name: getattr(self.organisation, name) for name in ("country", "currency", "locale", "time_zone")}

    def get_form_kwargs(self) -> dict:
        may_transfer = self.may(Permission.TRANSFER_CREDIT)
        return {"agent": self.organisation, "may_transfer": may_transfer, **super().get_form_kwargs()}

    def form_valid(self, form: AccountForm) -> HttpResponse:
        fields = {**form.cleaned_data, "opening_credit": form.cleaned_data.get("opening_credit") or 0}
        try:
            made = actions.create_sub_account(agent=self.organisation, by=self.request.user, **fields)
        except DomainError as refusal:
            add_refusal(form, refusal, field="opening_credit" if fields["opening_credit"] else None)
            return self.form_invalid(form)
        link = self.request.build_absolute_uri(reverse("accounts:invitation", args=[made.token]))
        transaction.on_commit(partial(send_invitation, made.invitation, link=link), robust=True)
        text = _("%(name)s is open. The invitation is on its way to %(email)s.")
        messages.success(self.request, text % {"name": made.organisation, "email": made.invitation.email})
        return HttpResponseRedirect(reverse("agents:account", args=[made.organisation.pk]))


class AccountView(DownlineMixin, TemplateView):
    """One account: what it does, what it pays, what it has."""

    permission = Permission.VIEW_ACCOUNTS
    template_name = "agents/account.html"

    def get_context_data(self, **forms) -> dict:
        organisation = self.account()
        tree, account = queries.account_of(self.organisation, organisation.pk, **span_of(self.organisation))
        is_direct = organisation.parent_id == self.organisation.pk
        ladder = tree.ladder(account)
        context = {
            "account": account,
            "ladder": ladder,
            "price_shares": price_shares(self.organisation, tree.cost, ladder),
            "team": Membership.objects.filter(organisation=organisation).count(),
            "pots": wallet_of(organisation),
            "tree": tree,
            "is_direct": is_direct,
            "sells_margin": self.organisation.kind == Kind.AGENT,
            "credit_form": self.credit_form(organisation),
            "returnable": actions.returnable_credit(agent=self.organisation, account=organisation),
            "reason_form": ReasonForm(),
            "list_form": self.list_form(organisation) if is_direct else None,
            "commission_form": self.commission_form(organisation),
        }
        return super().get_context_data(**{**context, **forms})

    def credit_form(self, account: Organisation) -> CreditForm | None:
        may = self.may(Permission.TRANSFER_CREDIT) and account.currency == self.organisation.currency
        return CreditForm() if may else None

    def list_form(self, account: Organisation) -> ListForm | None:
        if not self.may(Permission.MANAGE_ACCOUNTS):
            return None
        lists = queries.price_lists_of(self.organisation).filter(currency=account.currency)
        book = lists.filter(assignments__organisation=account).first() or lists.filter(is_default=True).first()
        return ListForm(agent=self.organisation, account=account, initial={"book": book and book.pk})

    def commission_form(self, account: Organisation) -> CommissionForm | None:
        if account.parent_id != self.organisation.pk or account.kind != Kind.AGENT:
            return None
        if not self.may(Permission.MANAGE_ACCOUNTS):
            return None
        rules = CommissionRule.objects.filter(organisation=account, ended_at=None)
        return CommissionForm(initial={"traffic": 0, "packages": 0} | {one.basis: one.percent for one in rules})


class AccountChangeView(AccountView):
    """A form of the account's page: sent well, back to the page; otherwise the page again with what is wrong."""

    http_method_names = ["post"]
    #: Under which name the page's template knows the form.
    form_name: str
    #: Where a refusal that names no field is shown.
    refusal_field: str | None = None

    def post(self, request: HttpRequest, *args, **kwargs) -> HttpResponse:
        account = self.account()
        form = self.make_form(account)
        if form.is_valid():
            try:
                messages.success(request, self.do(account, form))
                return HttpResponseRedirect(reverse("agents:account", args=[account.pk]))
            except DomainError as refusal:
                add_refusal(form, refusal, field=self.refusal_field)
        return self.render_to_response(self.get_context_data(**{self.form_name: form}), status=422)

    def make_form(self, account: Organisation):
        raise NotImplementedError

    def do(self, account: Organisation, form) -> str:
        """Do it and say in one sentence what is so now."""
        raise NotImplementedError


class CreditView(AccountChangeView):
    permission = Permission.TRANSFER_CREDIT
    form_name = "credit_form"
    refusal_field = "amount"

    def make_form(self, account: Organisation) -> CreditForm:
        return CreditForm(self.request.POST)

    def do(self, account: Organisation, form: CreditForm) -> str:
        amount, gives = form.cleaned_data["amount"], form.cleaned_data["direction"] == "give"
        move = actions.give_credit if gives else actions.take_credit
        move(
            agent=self.organisation, account=account, amount=amount, by=self.request.user,
            reference=str(form.cleaned_data["token"]),
        )  # fmt: skip
        words = {"amount": format_money(amount, account.currency), "name": account}
        if gives:
            return _("%(amount)s went to %(name)s.") % words
        return _("%(amount)s came back from %(name)s.") % words


class ListView(AccountChangeView):
    permission = Permission.MANAGE_ACCOUNTS
    form_name = "list_form"
    refusal_field = "book"

    def make_form(self, account: Organisation) -> ListForm:
        return ListForm(self.request.POST, agent=self.organisation, account=account)

    def do(self, account: Organisation, form: ListForm) -> str:
        book = form.cleaned_data["book"]
        actions.assign_price_list(agent=self.organisation, account=account, book=book)
        return _("%(name)s now buys by %(list)s.") % {"name": account, "list": book}


class CommissionView(AccountChangeView):
    permission = Permission.MANAGE_ACCOUNTS
    form_name = "commission_form"

    def make_form(self, account: Organisation) -> CommissionForm:
        return CommissionForm(self.request.POST)

    def do(self, account: Organisation, form: CommissionForm) -> str:
        with transaction.atomic():
            for basis, basis_points in form.rates().items():
                actions.set_commission_rule(
                    seller=self.organisation, agent=account, basis=basis, basis_points=basis_points
                )
        return _("The commission of %(name)s holds for what is sold from now on.") % {"name": account}


class SuspendView(AccountChangeView):
    """Stops an account.  With JavaScript the account's page asks why in a dialog, without it this page does."""

    http_method_names = ["get", "post"]
    permission = Permission.MANAGE_ACCOUNTS
    template_name = "agents/account_reason.html"
    form_name = "reason_form"
    refusal_field = "reason"
    is_stopping = True

    def get_context_data(self, **forms) -> dict:
        return super().get_context_data(is_stopping=self.is_stopping, **forms)

    def make_form(self, account: Organisation) -> ReasonForm:
        return ReasonForm(self.request.POST)

    def do(self, account: Organisation, form: ReasonForm) -> str:
        suspend_organisation(organisation=account, by=self.request.user, reason=form.cleaned_data["reason"])
        return _("%(name)s and everything below it is stopped.") % {"name": account}


class ResumeView(SuspendView):
    is_stopping = False

    def do(self, account: Organisation, form: ReasonForm) -> str:
        actions.resume_account(
            agent=self.organisation, account=account, by=self.request.user, reason=form.cleaned_data["reason"]
        )
        return _("%(name)s can work again.") % {"name": account}
