"""Days of messages past the platform's retention can go."""

from django.db import migrations

# The floor is a second pair of eyes: whoever gets hold of the engine's login can't wipe last week with it.  Nobody writes
# to a day that is so old, so the SHARE lock waits for nobody; dropping needs the parent for a moment, and rather gives up
# than lets everybody queue behind it.
DAYS_GO = """
CREATE FUNCTION drop_message_partition(day date) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    name text := 'engine_message_' || to_char(day, 'YYYYMMDD');
    is_needed boolean;
BEGIN
    IF to_regclass(name) IS NULL THEN RETURN false; END IF;
    IF day > (now() AT TIME ZONE 'UTC')::date - 7 THEN
        RAISE EXCEPTION 'messages of the last seven days are never dropped' USING ERRCODE = 'insufficient_privilege';
    END IF;
    EXECUTE format('LOCK TABLE ONLY %I IN SHARE MODE', name);
    EXECUTE format('SELECT EXISTS (SELECT FROM ONLY %I WHERE status < 90)', name) INTO is_needed;
    IF is_needed THEN RETURN false; END IF;
    EXECUTE format('DROP TABLE %I', name);
    RETURN true;
END $$;
REVOKE ALL ON FUNCTION drop_message_partition(date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION drop_message_partition(date) TO signalbox_engine;

CREATE FUNCTION message_days() RETURNS SETOF date LANGUAGE sql STABLE AS $$
    SELECT to_date(right(inhrelid::regclass::text, 8), 'YYYYMMDD') AS day
    FROM pg_inherits WHERE inhparent = 'engine_message'::regclass ORDER BY day
$$;

-- Few attempts end like this, and all of them are watched.
CREATE INDEX attempt_unknown ON engine_attempt (started_at) WHERE outcome = 4;
"""

DAYS_STAY = """
DROP INDEX attempt_unknown;
DROP FUNCTION message_days();
DROP FUNCTION drop_message_partition(date);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("engine", "0004_claims"),
    ]

    operations = [
        migrations.RunSQL(DAYS_GO, DAYS_STAY),
    ]
