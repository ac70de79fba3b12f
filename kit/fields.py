"""Column types Django lacks."""

from django.db import models


class LtreeField(models.CharField):
    """A PostgreSQL `ltree` path.  Kept by a trigger, read-only to Python."""

    def __init__(self, *args, **kwargs) -> None:
        kwargs.setdefault("max_length", 65_535)
        kwargs.setdefault("editable", False)
        super().__init__(*args, **kwargs)

    def db_type(self, connection) -> str:
        return "ltree"

    def get_placeholder(self, value, compiler, connection) -> str:
        return "%s::ltree"


@LtreeField.register_lookup
class Below(models.Lookup):
    """`path__below=other`: path is other or lies under it."""

    lookup_name = "below"
    prepare_rhs = False

    def as_sql(self, compiler, connection):
        left, left_params = self.process_lhs(compiler, connection)
        right, right_params = self.process_rhs(compiler, connection)
        return f"{left} <@ ({right})::ltree", [*left_params, *right_params]


@LtreeField.register_lookup
class Above(models.Lookup):
    """`path__above=other`: path is other or lies over it."""

    lookup_name = "above"
    prepare_rhs = False

    def as_sql(self, compiler, connection):
        left, left_params = self.process_lhs(compiler, connection)
        right, right_params = self.process_rhs(compiler, connection)
        return f"{left} @> ({right})::ltree", [*left_params, *right_params]
