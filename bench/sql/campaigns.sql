UPDATE campaigns_campaign c SET recipients = m.messages, accepted = m.messages, cursor = m.messages,
    started_at = m.first, all_accepted_at = m.last, ended_at = m.last
FROM (
    SELECT campaign_id, count(*) AS messages, min(submitted_at) AS first, max(final_at) AS last
    FROM engine_message WHERE campaign_id IS NOT NULL GROUP BY 1
) m
WHERE m.campaign_id = c.id;
INSERT INTO campaigns_campaignminute (organisation_id, campaign_id, at, handed_over, delivered)
SELECT organisation_id, campaign_id, at, sum(messages) OVER come, sum(arrived) OVER come
FROM (
    SELECT organisation_id, campaign_id, date_trunc('minute', submitted_at) AS at, count(*) AS messages,
        count(*) FILTER (WHERE status = 90) AS arrived
    FROM engine_message WHERE campaign_id IS NOT NULL GROUP BY 1, 2, 3
) minutes
WINDOW come AS (PARTITION BY campaign_id ORDER BY at);
DELETE FROM campaigns_campaign c USING bench_campaign b WHERE b.id = c.id AND c.accepted = 1;
