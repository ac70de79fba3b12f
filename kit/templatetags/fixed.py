"""{% fixed %}…{% endfixed %}: a part of a page that is the same for everybody, rendered once a language and process."""

from django import template
from django.template.base import NodeList, Parser, Token
from django.template.context import Context
from django.utils.safestring import SafeString
from django.utils.translation import get_language

register = template.Library()


class Fixed(template.Node):
    """Sees nothing of the page around it, so nothing of a person or an organisation can stay in it."""

    def __init__(self, nodelist: NodeList) -> None:
        self.nodelist = nodelist
        self.rendered: dict[str | None, SafeString] = {}

    def render(self, context: Context) -> SafeString:
        language = get_language()
        if language not in self.rendered:
            self.rendered[language] = self._render_alone(context)
        return self.rendered[language]

    def _render_alone(self, context: Context) -> SafeString:
        nothing = Context()
        with nothing.bind_template(context.template), nothing.render_context.push_state(context.template):
            return self.nodelist.render(nothing)


@register.tag
def fixed(parser: Parser, token: Token) -> Fixed:
    nodelist = parser.parse(("endfixed",))
    parser.delete_first_token()
    return Fixed(nodelist)
