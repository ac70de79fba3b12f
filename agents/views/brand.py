"""The agent's own look, under its own host name."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views import View
from django.views.generic import FormView, TemplateView

from accounts.models import Brand
from accounts.rules.permissions import Permission
from accounts.views_support import OrganisationMixin
from agents import actions
from agents.forms import BrandForm
from agents.rules.brand import adjustment, brand_css
from kit.errors import DomainError

from .support import add_refusal

STANDARD = "#2f4fd0"


def palette(colour: str) -> dict:
    """The colour as asked and what people will see of it.  An unusable colour shows as the standard one."""
    try:
        change = adjustment(colour.lower())
    except ValueError:
        change = adjustment(STANDARD)
    return {"change": change, "digits": change.asked[1:]}


class BrandView(OrganisationMixin, FormView):
    permission = Permission.MANAGE_BRAND
    template_name = "agents/brand.html"
    form_class = BrandForm

    @property
    def brand(self) -> Brand | None:
        return Brand.objects.filter(organisation=self.organisation).defer("logo").first()

    def get_initial(self) -> dict:
        brand = self.brand
        if brand is None:
            return {"name": self.organisation.name, "colour": STANDARD}
        return {name: getattr(brand, name) for name in ("name", "colour", "host", "support_email")}

    def form_valid(self, form: BrandForm) -> HttpResponse:
        fields = {name: form.cleaned_data[name] for name in ("name", "colour", "host", "support_email")}
        try:
            actions.update_brand(organisation=self.organisation, look=actions.Look(**fields, logo=form.logo_bytes()))
        except DomainError as refusal:
            add_refusal(form, refusal)
            return self.form_invalid(form)
        messages.success(self.request, _("The brand is published."))
        return HttpResponseRedirect(reverse("agents:brand"))

    def get_context_data(self, **kwargs) -> dict:
        context = super().get_context_data(brand_row=self.brand, **kwargs)
        form = context["form"]
        shown_name = form["name"].value() or self.organisation.name
        return context | {"shown_name": shown_name, **palette(str(form["colour"].value() or STANDARD))}


class PaletteView(OrganisationMixin, TemplateView):
    """What would become of a colour, while it is being typed."""

    permission = Permission.MANAGE_BRAND
    template_name = "agents/_palette.html"

    def get_context_data(self, **kwargs) -> dict:
        return super().get_context_data(**palette(self.request.GET.get("colour", "")), **kwargs)


class PaletteCssView(OrganisationMixin, View):
    """The theme a colour would give, for the preview alone: a stylesheet of its own, which our own policy lets in."""

    permission = Permission.MANAGE_BRAND

    def get(self, request: HttpRequest, digits: str) -> HttpResponse:
        try:
            css = brand_css(f"#{digits}")
        except ValueError as error:
            raise Http404 from error
        css = css.replace(":root{", ".brand-preview{").replace(
            "[data-theme=dark]{", "[data-theme=dark] .brand-preview{"
        )
        return HttpResponse(css, content_type="text/css", headers={"Cache-Control": "private, max-age=86400"})


class OwnLogoView(OrganisationMixin, View):
    """The agent's own logo, wherever it looks at its brand from; the public one is served by host name."""

    permission = Permission.MANAGE_BRAND

    def get(self, request: HttpRequest) -> HttpResponse:
        brand = Brand.objects.filter(organisation=self.organisation).exclude(logo_type="").first()
        if brand is None:
            raise Http404
        headers = {
            "Cache-Control": "private, max-age=300",
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "X-Content-Type-Options": "nosniff",
        }
        return HttpResponse(bytes(brand.logo), content_type=brand.logo_type, headers=headers)
