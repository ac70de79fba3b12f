"""What the house knows about itself, and a function that counts for /metrics without showing anybody a tenant's row."""

from django.db import migrations, models

# The function runs as the tables' owner, who is under the policies too and so sees nothing; inside it, and nowhere else,
# `app.figures` is on: the next migration lets it in.  It gives sums by channel and state only.
FIGURES = """
CREATE FUNCTION house_figures(part text) RETURNS TABLE (name text, labels jsonb, value double precision)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM set_config('app.figures', 'on', true);
    CASE part
    WHEN 'traffic' THEN RETURN QUERY
        SELECT 'messages'::text, jsonb_build_object('status', t.status, 'category', t.category), sum(t.messages)::float8
        FROM engine_trafficcount t WHERE t.hour >= date_trunc('day', now(), 'UTC') GROUP BY t.status, t.category;
    WHEN 'queue' THEN RETURN QUERY
        SELECT figure.name, jsonb_build_object('channel', c.name, 'lane', q.lane), figure.value
        FROM (SELECT channel_id, e.lane, count(*) AS waiting,
                    count(*) FILTER (WHERE due_at <= now()) AS ripe, min(due_at) AS oldest
                FROM engine_queueentry e GROUP BY channel_id, e.lane) q
        JOIN channels_channel c ON c.id = q.channel_id
        CROSS JOIN LATERAL (VALUES ('waiting'::text, q.waiting::float8), ('ripe', q.ripe::float8),
            ('oldest_ripe', greatest(0, extract(epoch FROM now() - q.oldest))::float8)) AS figure (name, value);
    WHEN 'claims' THEN RETURN QUERY
        SELECT 'in_flight'::text, jsonb_build_object('channel', c.name), sum(cardinality(l.message_ids))::float8
        FROM engine_claim l JOIN channels_channel c ON c.id = l.channel_id GROUP BY c.name;
    WHEN 'unknown' THEN RETURN QUERY
        SELECT 'last_hour'::text, '{}'::jsonb, count(*)::float8 FROM engine_attempt a
        WHERE a.outcome = 4 AND a.started_at > now() - interval '1 hour';
    WHEN 'binds' THEN RETURN QUERY
        SELECT figure.name, jsonb_build_object('channel', c.name), figure.value
        FROM channels_channel c
        LEFT JOIN channels_bind b ON b.channel_id = c.id AND b.updated_at > now() - interval '15 seconds'
        CROSS JOIN LATERAL (VALUES ('held'::text, (b.id IS NOT NULL)::int::float8), ('up', (b.state = 'bound')::int::float8))
            AS one (name, value)
        CROSS JOIN LATERAL (SELECT one.name, coalesce(one.value, 0) AS value) AS figure
        WHERE c.is_active;
    WHEN 'receipts' THEN RETURN QUERY
        SELECT figure.name, '{}'::jsonb, figure.value
        FROM (SELECT count(*) AS unfolded, min(received_at) AS oldest FROM engine_deliveryreceipt WHERE folded_at IS NULL) r,
            (SELECT coalesce(extract(epoch FROM max(folded_at - received_at)), 0) AS lag
                FROM (SELECT folded_at, received_at FROM engine_deliveryreceipt ORDER BY id DESC LIMIT 1000) last
                WHERE folded_at > now() - interval '5 minutes') s
        CROSS JOIN LATERAL (VALUES ('unfolded'::text, r.unfolded::float8),
            ('oldest', coalesce(extract(epoch FROM now() - r.oldest), 0)::float8), ('lag', s.lag::float8)) AS figure (name, value);
    WHEN 'webhooks' THEN RETURN QUERY
        SELECT figure.name, '{}'::jsonb, figure.value
        FROM (SELECT count(*) FILTER (WHERE due_at <= now()) AS due, min(due_at) AS oldest
            FROM hooks_webhookdelivery WHERE status = 'waiting') d
        CROSS JOIN LATERAL (VALUES ('due'::text, d.due::float8),
            ('oldest', greatest(0, coalesce(extract(epoch FROM now() - d.oldest), 0))::float8)) AS figure (name, value);
    WHEN 'facts' THEN RETURN QUERY
        SELECT figure.name, jsonb_build_object('fact', f.name), figure.value FROM operations_housefact f
        CROSS JOIN LATERAL (VALUES ('value'::text, f.value), ('age', extract(epoch FROM now() - f.at)::float8))
            AS figure (name, value);
    END CASE;
    PERFORM set_config('app.figures', '', true);
END $$;
REVOKE ALL ON FUNCTION house_figures(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION house_figures(text) TO signalbox_web, signalbox_engine;
REVOKE INSERT, UPDATE, DELETE ON operations_housefact FROM signalbox_web;
"""


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("channels", "0002_walls"),
        ("engine", "0004_claims"),
        ("hooks", "0002_walls"),
    ]

    operations = [
        migrations.CreateModel(
            name="HouseFact",
            fields=[
                ("name", models.CharField(max_length=40, primary_key=True, serialize=False)),
                ("at", models.DateTimeField()),
                ("value", models.FloatField(default=0)),
            ],
        ),
        migrations.RunSQL(FIGURES, "DROP FUNCTION house_figures(text)"),
    ]
