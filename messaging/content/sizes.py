"""How many segments a wording takes: with the shortest values, with its examples, with the longest."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .rules.segments import Segments, count_segments, with_sender
from .rules.variables import VariableSpec, compile_body

#: Stands in for a value whose example has not been written yet.
_ANY = "x"


@dataclass(frozen=True, slots=True)
class Sample:
    """A rendered text, and its size."""

    text: str
    size: Segments

    @property
    def segments(self) -> int:
        return self.size.segments


@dataclass(frozen=True, slots=True)
class Sizes:
    """The same wording with three sets of values.  Longest values use the characters of the examples."""

    shortest: Sample
    typical: Sample
    longest: Sample

    @property
    def vary(self) -> bool:
        return self.shortest.segments != self.longest.segments


def sizes_of(body: str, specs: Sequence[VariableSpec], *, signature: str = "") -> Sizes:
    """The sizes of a body with a signature's name in brackets before it, if any.  Raises BodyError."""

    def sample(value_of: Callable[[VariableSpec], str]) -> Sample:
        values = {spec.name: value_of(spec) for spec in specs}
        missing = {name: _ANY for name in compiled.names if name not in values}
        text = with_sender(signature, compiled.render(values | missing))
        return Sample(text, count_segments(text))

    compiled = compile_body(body)
    return Sizes(shortest=sample(_shortest), typical=sample(_typical), longest=sample(_longest))


def _typical(spec: VariableSpec) -> str:
    return spec.example.strip() or _ANY


def _shortest(spec: VariableSpec) -> str:
    return _typical(spec)[0]


def _longest(spec: VariableSpec) -> str:
    example = _typical(spec)
    return (example * (spec.max_length // len(example) + 1))[: spec.max_length].strip() or _ANY
