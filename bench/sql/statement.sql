DELETE FROM agents_earningsum;
DELETE FROM agents_spendingsum;
DELETE FROM agents_sumprogress;
WITH pots AS (
    SELECT o.id AS organisation_id, w.id AS wallet, h.id AS hold, r.id AS revenue, c.id AS clearing, r.organisation_id AS operator_id, w.currency
    FROM bench_organisation o
    JOIN ledger_account w ON w.organisation_id = o.id AND w.kind = 'wallet' AND w.currency = o.currency
    JOIN ledger_account h ON h.organisation_id = o.id AND h.kind = 'hold' AND h.currency = o.currency
    JOIN ledger_account r ON r.kind = 'revenue' AND r.currency = o.currency
    JOIN ledger_account c ON c.kind = 'clearing' AND c.currency = o.currency AND c.organisation_id = r.organisation_id
    WHERE o.place = 0
), moves AS (
    SELECT n, now() - interval '11 days' + interval '10 days' * n / {movements} AS at FROM generate_series(0, {movements}) AS n
)
INSERT INTO ledger_transfer (
    id, source_id, target_id, organisation_id, target_organisation_id, amount, currency, reason, reference, subject, created_at
)
SELECT uuidv7(at - clock_timestamp()),
    CASE WHEN n = 0 THEN clearing WHEN n % 2 = 1 THEN wallet ELSE hold END,
    CASE WHEN n = 0 THEN wallet WHEN n % 2 = 1 THEN hold ELSE revenue END,
    CASE WHEN n = 0 THEN operator_id ELSE organisation_id END, CASE WHEN n > 0 AND n % 2 = 0 THEN operator_id ELSE organisation_id END,
    CASE WHEN n = 0 THEN 13500000::bigint * ({movements} / 2) ELSE 13500000 END, currency,
    CASE WHEN n = 0 THEN 'top_up' WHEN n % 2 = 1 THEN 'hold' ELSE 'settle' END, 'stored:' || n, '', at
FROM moves CROSS JOIN pots;
