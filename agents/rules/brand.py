"""One colour becomes a whole theme.  Whatever the colour, people can read it: it is darkened or lightened until they can."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields, replace
from functools import lru_cache

from .colours import Oklch, contrast, oklch, to_hex

READABLE = 4.5
WHITE = "#ffffff"
#: What text of the brand's colour may stand on, beside its own soft ground: --surface, --canvas, --surface-2, --sunken.
LIGHT_GROUNDS = (WHITE, "#f6f7f9", "#fafbfc", "#eff1f5")
DARK_GROUNDS = ("#12161d", "#0c0f14", "#171c24", "#1b212b")
#: A button, and the ring around what has the focus, must stand out from the surface.
VISIBLE = 3.0
_STEP = 0.004


@dataclass(frozen=True, slots=True)
class Shades:
    """The five values of static/css/tokens.css a theme may set."""

    brand: str
    brand_hover: str
    brand_text: str
    brand_soft: str
    brand_line: str


@dataclass(frozen=True, slots=True)
class Adjustment:
    """What became of the colour that was asked for: `before` and `after` are its contrasts with white."""

    asked: str
    used: str
    before: float
    after: float

    @property
    def is_changed(self) -> bool:
        return self.asked != self.used


def light_shades(colour: str) -> Shades:
    """The theme on light ground: the colour itself where white can be read on it, else its nearest darker shade."""
    base = oklch(colour)
    fill = _move(base, -_STEP, until=_readable_on(WHITE))
    soft = to_hex(Oklch(0.967, min(base.chroma, 0.018), base.hue))
    return Shades(
        brand=to_hex(fill),
        brand_hover=to_hex(_move(_shifted(fill, -0.05), -_STEP, until=_readable_on(WHITE))),
        brand_text=to_hex(_move(fill, -_STEP, until=_readable_on(*LIGHT_GROUNDS, soft))),
        brand_soft=soft,
        brand_line=to_hex(Oklch(0.865, min(base.chroma, 0.06), base.hue)),
    )


def dark_shades(colour: str) -> Shades:
    """The theme on dark ground: its fill carries white text and still stands out, its text is light."""
    base = oklch(colour)
    visible = _move(base, _STEP, until=lambda shade: contrast(shade, DARK_GROUNDS[0]) >= VISIBLE)
    fill = _move(visible, -_STEP, until=_readable_on(WHITE))
    soft = to_hex(Oklch(0.268, min(base.chroma, 0.05), base.hue))
    lighter = _shifted(fill, 0.04)
    hover = lighter if contrast(to_hex(lighter), WHITE) >= READABLE else _shifted(fill, -0.04)
    text = _shifted(replace(base, chroma=min(base.chroma, 0.13)), max(0.0, 0.78 - base.lightness))
    return Shades(
        brand=to_hex(fill),
        brand_hover=to_hex(hover),
        brand_text=to_hex(_move(text, _STEP, until=_readable_on(*DARK_GROUNDS, soft))),
        brand_soft=soft,
        brand_line=to_hex(Oklch(0.4, min(base.chroma, 0.09), base.hue)),
    )


@lru_cache(maxsize=512)
def brand_css(colour: str) -> str:
    """Whole rules for both themes.  Nothing in them is changed by escaping: no quotes, no angle brackets, no ampersands.

    Raises ValueError for what is not #rrggbb.
    """
    return f":root{{{_declared(light_shades(colour))}}}[data-theme=dark]{{{_declared(dark_shades(colour))}}}"


def adjustment(colour: str) -> Adjustment:
    """What buttons use instead of the colour, and how well white can be read on each."""
    used = light_shades(colour).brand
    return Adjustment(asked=colour, used=used, before=contrast(colour, WHITE), after=contrast(used, WHITE))


def _declared(shades: Shades) -> str:
    return ";".join(f"--{field.name.replace('_', '-')}:{getattr(shades, field.name)}" for field in fields(shades))


def _readable_on(*grounds: str) -> Callable[[str], bool]:
    return lambda shade: _least_contrast(shade, grounds) >= READABLE


def _least_contrast(shade: str, grounds: Iterable[str]) -> float:
    return min(contrast(shade, ground) for ground in grounds)


def _shifted(colour: Oklch, lightness: float) -> Oklch:
    return replace(colour, lightness=min(max(colour.lightness + lightness, 0.0), 1.0))


def _move(colour: Oklch, step: float, *, until: Callable[[str], bool]) -> Oklch:
    """Darker or lighter by small steps until it will do, as the colour is written and so as a screen shows it."""
    while not until(to_hex(colour)) and 0.0 < colour.lightness + step < 1.0:
        colour = _shifted(colour, step)
    return colour
