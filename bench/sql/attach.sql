ALTER TABLE engine_message ATTACH PARTITION {name} FOR VALUES FROM (first_message_id('{date}')) TO (first_message_id('{next}'));
ALTER TABLE {name} DROP CONSTRAINT bench_day;
ALTER TABLE {name} OWNER TO signalbox_owner;
REVOKE ALL ON {name} FROM signalbox_web, signalbox_engine;
