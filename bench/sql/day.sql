DROP TABLE IF EXISTS {name};
CREATE TABLE {name} (LIKE engine_message INCLUDING DEFAULTS INCLUDING CONSTRAINTS) WITH (fillfactor = 80);
ALTER TABLE {name} ADD CONSTRAINT bench_day CHECK (id >= first_message_id('{date}') AND id < first_message_id('{next}'));
