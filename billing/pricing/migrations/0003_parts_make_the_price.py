"""A quote's parts add up to its price, and none is negative: the database's own last word."""

from django.db import migrations

PARTS_MAKE_THE_PRICE = """
CREATE FUNCTION sum_of_parts(parts bigint[]) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce(sum(part), 0)::bigint FROM unnest(parts) AS part
$$;
ALTER TABLE pricing_quote
    ADD CONSTRAINT quote_parts_make_price CHECK (price = platform_part + sum_of_parts(agent_parts)),
    ADD CONSTRAINT quote_every_agent_a_part CHECK (cardinality(agents) = cardinality(agent_parts)),
    ADD CONSTRAINT quote_no_negative_margin CHECK (0 <= ALL (agent_parts));
"""

PRICE_ALONE = """
ALTER TABLE pricing_quote DROP CONSTRAINT quote_parts_make_price, DROP CONSTRAINT quote_every_agent_a_part,
    DROP CONSTRAINT quote_no_negative_margin;
DROP FUNCTION sum_of_parts(bigint[]);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("pricing", "0002_walls"),
    ]

    operations = [
        migrations.RunSQL(PARTS_MAKE_THE_PRICE, PRICE_ALONE),
    ]
