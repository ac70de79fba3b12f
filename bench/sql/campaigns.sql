UPDATE campaigns_campaign c SET recipients = m.messages, accepted = m.messages, cursor = m.messages
FROM (SELECT campaign_id, count(*) AS messages FROM engine_message WHERE campaign_id IS NOT NULL GROUP BY 1) m
WHERE m.campaign_id = c.id;
DELETE FROM campaigns_campaign c USING bench_campaign b WHERE b.id = c.id AND c.accepted = 1;
