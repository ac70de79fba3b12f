"""The message table: partitioned by day on its UUIDv7 id.  Days are made ahead by a task, through a function of the owner's."""

from django.db import migrations

MESSAGES_BY_DAY = """
CREATE TABLE engine_message (
    id uuid PRIMARY KEY,
    organisation_id uuid NOT NULL,
    campaign_id uuid,
    api_key_id uuid,
    template_version_id uuid,
    quote_id uuid,
    allowance_id uuid,
    channel_id uuid NOT NULL,
    price bigint NOT NULL CHECK (price >= 0),
    validity_until timestamptz NOT NULL,
    submitted_at timestamptz,
    final_at timestamptz,
    status smallint NOT NULL,
    segments smallint NOT NULL CHECK (segments > 0),
    attempts smallint NOT NULL DEFAULT 0,
    is_unicode boolean NOT NULL,
    is_test boolean NOT NULL DEFAULT false,
    sender varchar(20) NOT NULL,
    recipient varchar(16) NOT NULL,
    country varchar(2) NOT NULL,
    category varchar(14) NOT NULL,
    currency varchar(3) NOT NULL,
    error_code varchar(40) NOT NULL DEFAULT '',
    client_reference varchar(64) NOT NULL DEFAULT '',
    body text NOT NULL,
    CHECK ((status >= 90) = (final_at IS NOT NULL)),
    CHECK (is_test OR quote_id IS NOT NULL)
) PARTITION BY RANGE (id);
CREATE INDEX message_by_organisation ON engine_message (organisation_id, id DESC);
CREATE INDEX message_by_recipient ON engine_message (recipient);
CREATE INDEX message_by_campaign ON engine_message (campaign_id, id) WHERE campaign_id IS NOT NULL;
CREATE INDEX message_by_reference ON engine_message (organisation_id, client_reference) WHERE client_reference <> '';

CREATE FUNCTION first_message_id(day date) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT (lpad(to_hex((extract(epoch FROM day::timestamp) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
$$;

-- Partitions are reached through their parent only, whose policies then hold: nobody has rights on them directly.
CREATE FUNCTION make_message_partition(day date) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
DECLARE
    name text := 'engine_message_' || to_char(day, 'YYYYMMDD');
BEGIN
    IF to_regclass(name) IS NOT NULL THEN RETURN false; END IF;
    EXECUTE format('CREATE TABLE %I PARTITION OF engine_message FOR VALUES FROM (%L) TO (%L) WITH (fillfactor = 80)',
        name, first_message_id(day), first_message_id(day + 1));
    EXECUTE format('REVOKE ALL ON %I FROM signalbox_web, signalbox_engine', name);
    RETURN true;
END $$;
REVOKE ALL ON FUNCTION make_message_partition(date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION make_message_partition(date) TO signalbox_engine;
SELECT make_message_partition((now() AT TIME ZONE 'UTC')::date + ahead) FROM generate_series(-1, 3) AS ahead;
"""

ONE_TABLE_LESS = """
DROP FUNCTION make_message_partition(date);
DROP TABLE engine_message;
DROP FUNCTION first_message_id(date);
"""

QUEUES_CHURN = """
ALTER TABLE engine_queueentry SET (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 2000);
ALTER TABLE engine_deliveryreceipt SET (fillfactor = 80);
ALTER TABLE engine_attempt SET (fillfactor = 80);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("engine", "0001_initial"),
        ("accounts", "0002_walls"),
    ]

    operations = [
        migrations.RunSQL(MESSAGES_BY_DAY, ONE_TABLE_LESS),
        migrations.RunSQL(QUEUES_CHURN, migrations.RunSQL.noop),
    ]
