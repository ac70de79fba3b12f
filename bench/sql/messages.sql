INSERT INTO {name} (
    id, organisation_id, campaign_id, api_key_id, template_version_id, quote_id, channel_id, price, validity_until,
    submitted_at, final_at, status, segments, attempts, is_unicode, sender, recipient, country, category, currency,
    error_code, client_reference, body
)
SELECT (lpad(to_hex(ms), 12, '0') || '7' || substr(h, 1, 3) || '8' || substr(h, 4, 15))::uuid,
    o.id, c.id, CASE WHEN c.id IS NULL THEN o.key_id END, o.template_version_id, o.quote_id, o.channel_id,
    segments * o.price, at + interval '24 hours', at + interval '300 milliseconds',
    at + interval '1500 milliseconds' + interval '1 millisecond' * (r2 % 1000),
    CASE WHEN luck < 93 THEN 90 WHEN luck < 97 THEN 91 WHEN luck < 99 THEN 92 ELSE 93 END,
    segments, 1, is_unicode, 'Meadowlark', '+86139' || lpad((r2 % 3000000)::text, 8, '0'), 'CN',
    CASE WHEN c.id IS NOT NULL THEN 'promotion' WHEN r3 % 3 = 0 THEN 'verification' ELSE 'notice' END, o.currency,
    CASE WHEN luck BETWEEN 93 AND 96 THEN (ARRAY['001', '011', '027', '034'])[1 + r2 % 4] WHEN luck = 99 THEN '0x0B'
        WHEN luck > 96 THEN 'no_receipt_in_time' ELSE '' END,
    CASE WHEN c.id IS NULL AND r3 / 2000 % 2 = 0 THEN 'order-' || n ELSE '' END,
    CASE WHEN is_unicode THEN '【百灵零售】您的订单' || lpad(n::text, 8, '0') || '已发出，预计明天送达，请留意电话。'
        ELSE 'Your order ' || lpad(n::text, 8, '0') || ' has left our house and should be with you tomorrow. Meadowlark' END
FROM (
    SELECT n, h, r1, r2, r3, r3 % 100 AS luck, r3 / 100 % 2 = 0 AS is_unicode, CASE WHEN r3 / 200 % 10 = 0 THEN 2 ELSE 1 END AS segments,
        ms, to_timestamp(ms / 1000.0) AS at,
        CASE WHEN r1 % 4 = 0 THEN 0 ELSE 1 + r1 / 4 % 49 END AS place,
        r2 / 7 % 10 < 7 AS is_of_campaign, ({first} - n) * 4 / ({first} - {last} - 1) AS quarter
    FROM (
        SELECT n, md5(n::text) AS h, {begin} + ((n - {first}) * {step})::bigint AS ms FROM generate_series({first}::bigint, {last}::bigint) AS n
    ) numbered
    CROSS JOIN LATERAL (
        SELECT ('x' || substr(h, 1, 8))::bit(32)::bigint AS r1, ('x' || substr(h, 9, 8))::bit(32)::bigint AS r2,
            ('x' || substr(h, 17, 8))::bit(32)::bigint AS r3
    ) dice
) drawn
JOIN bench_organisation o ON o.place = drawn.place
LEFT JOIN bench_campaign c ON is_of_campaign
    AND c.place = CASE WHEN drawn.place = 0 THEN {day} * 4 + quarter ELSE 40 + drawn.place - 1 + 49 * ({day} % 3) END
ORDER BY n;
