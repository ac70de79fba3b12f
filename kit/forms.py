"""How every Django form looks: `FORM_RENDERER = "kit.forms.ConsoleRenderer"` and "django.forms" in INSTALLED_APPS."""

from typing import Any

from django.forms.renderers import TemplatesSetting

from .widgets import writer_of


class ConsoleRenderer(TemplatesSetting):
    """`{{ form }}` has a summary of errors on top; each field its label above, its hint and its error below."""

    form_template_name = "components/django/form.html"
    field_template_name = "components/django/field.html"

    def render(self, template_name: str, context: dict[str, Any], request: Any = None) -> str:
        widget = context.get("widget")
        if write := writer_of(template_name, widget):
            return write(widget)
        return super().render(template_name, context, request)
