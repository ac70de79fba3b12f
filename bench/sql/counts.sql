INSERT INTO engine_trafficcount (
    organisation_id, hour, campaign_id, channel_id, country, category, currency, status, error_code, messages, segments,
    amount, latency_ms, is_squashed
)
SELECT organisation_id, date_trunc('hour', submitted_at), campaign_id, channel_id, country, category, currency, step.status,
    CASE WHEN step.status >= 90 THEN error_code ELSE '' END, count(*), sum(segments), sum(price), count(*) * step.latency, true
FROM {name} m CROSS JOIN LATERAL (VALUES (20, 0), (40, 300), (m.status, 2000)) AS step (status, latency)
WHERE NOT (m.status = 93 AND step.status = 40)
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, step.latency;
DELETE FROM traffic_trafficsum;
DELETE FROM traffic_sumprogress;
