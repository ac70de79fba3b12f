"""How every Django form looks: `FORM_RENDERER = "kit.forms.ConsoleRenderer"` and "django.forms" in INSTALLED_APPS."""

from django.forms.renderers import TemplatesSetting


class ConsoleRenderer(TemplatesSetting):
    """`{{ form }}` has a summary of errors on top; each field its label above, its hint and its error below."""

    form_template_name = "components/django/form.html"
    field_template_name = "components/django/field.html"
