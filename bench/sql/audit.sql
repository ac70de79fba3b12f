INSERT INTO accounts_auditentry (
    id, organisation_id, at, actor_label, action, target_type, target_id, before, after, address, request_id
)
SELECT uuidv7(at - clock_timestamp()), o.id, at, 'Jo Meadow', 'message.number_revealed', 'message', gen_random_uuid()::text,
    '{{}}', '{{}}', '127.0.0.1', gen_random_uuid()::text
FROM (
    SELECT n, now() - interval '11 days' + interval '10 days' * n / {entries} AS at FROM generate_series(1, {entries}) AS n
) moments
JOIN bench_organisation o ON o.place = CASE WHEN n % 5 = 0 THEN 0 ELSE 1 + n % 49 END;
