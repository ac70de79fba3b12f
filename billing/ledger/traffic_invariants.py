"""What must hold of the messages whose money the books tell of: none is stuck, sent twice, or sent against a rule.

Read together with the books by `manage.py check_books`.  A minute is given to what is put right by a sweep.
"""

from .invariants import Invariant

TRAFFIC_INVARIANTS = (
    Invariant(
        "A message that waits has its place in the queue, or is in a worker's hands",
        """
        SELECT m.id AS message, m.organisation_id AS organisation, m.channel_id AS channel FROM engine_message m
        WHERE m.status = 20 AND uuid_extract_timestamp(m.id) < now() - interval '1 minute'
            AND NOT EXISTS (SELECT FROM engine_queueentry q WHERE q.message_id = m.id)
            AND NOT EXISTS (SELECT FROM engine_claim c WHERE m.id = ANY (c.message_ids))
        """,
    ),
    Invariant(
        "No worker keeps messages in hand past its lease",
        "SELECT id AS claim, worker, lease_until FROM engine_claim WHERE lease_until < now() - interval '1 minute'",
    ),
    Invariant(
        "Only after a definite no is a message tried again",
        """
        SELECT a.message_id AS message, a.number, a.outcome, b.number AS next_try
        FROM engine_attempt a JOIN engine_attempt b ON b.message_id = a.message_id AND b.number > a.number
        WHERE a.outcome IN (1, 4)
        """,
    ),
    Invariant(
        "What is said to have reached a carrier, or a handset, was handed over",
        """
        SELECT m.id AS message, m.status FROM engine_message m
        WHERE m.status IN (40, 90, 91) AND uuid_extract_timestamp(m.id) > now() - %(kept)s
            AND NOT EXISTS (SELECT FROM engine_attempt a WHERE a.message_id = m.id AND a.outcome IN (1, 4))
        """,
    ),
    Invariant(
        "What belongs to a message belongs to its organisation",
        """
        SELECT m.id AS message, m.organisation_id AS organisation, other.what, other.organisation_id AS of_another
        FROM (
            SELECT message_id, organisation_id, 'attempt' AS what FROM engine_attempt
            UNION ALL SELECT message_id, organisation_id, 'place in the queue' FROM engine_queueentry
            UNION ALL SELECT message_id, organisation_id, 'receipt' FROM engine_deliveryreceipt WHERE message_id IS NOT NULL
        ) other JOIN engine_message m ON m.id = other.message_id
        WHERE m.organisation_id <> other.organisation_id
        """,
    ),
    Invariant(
        "Only approved wording of its own goes out for an organisation, and nobody approved their own",
        """
        SELECT v.id AS version, v.status, v.organisation_id AS organisation, m.messages FROM (
            SELECT template_version_id, organisation_id, count(*) AS messages FROM engine_message
            WHERE template_version_id IS NOT NULL AND NOT is_test GROUP BY 1, 2
        ) m JOIN content_templateversion v ON v.id = m.template_version_id
        WHERE v.organisation_id <> m.organisation_id OR NOT EXISTS (
            SELECT FROM content_review r
            WHERE r.version_id = v.id AND r.decision = 'approved' AND r.decided_by_id <> r.submitted_by_id)
        """,
    ),
    Invariant(
        "No promotion leaves more than five seconds after the person's wish to get none",
        """
        SELECT a.message_id AS message, a.started_at, o.created_at AS opted_out_at
        FROM recipients_optout o
        JOIN engine_message m ON m.organisation_id = o.organisation_id AND m.recipient = o.number
        JOIN engine_attempt a ON a.message_id = m.id
        WHERE m.category = 'promotion' AND a.started_at > o.created_at + interval '5 seconds'
        """,
    ),
    Invariant(
        "A campaign counts its messages",
        """
        SELECT c.id AS campaign, c.accepted, count(m.id) AS messages FROM campaigns_campaign c
        LEFT JOIN engine_message m ON m.campaign_id = c.id
        WHERE c.created_at > now() - %(kept)s GROUP BY c.id HAVING c.accepted <> count(m.id)
        """,
    ),
    Invariant(
        "A receipt whose message is known is applied within a minute",
        """
        SELECT r.id AS receipt, r.reference, r.received_at FROM engine_deliveryreceipt r
        WHERE r.folded_at IS NULL AND r.received_at < now() - interval '1 minute' AND EXISTS (
            SELECT FROM engine_attempt a WHERE a.channel_id = r.channel_id AND a.carrier_reference = r.reference
                AND a.carrier_reference <> '')
        """,
        compares_wholes=False,
    ),
    Invariant(
        "An hour's sum is what its squashed counts say",
        """
        SELECT organisation_id AS organisation, hour, channel_id AS channel, sum(messages) AS missing FROM (
            SELECT t.organisation_id, t.hour, t.channel_id, t.messages FROM accounts_organisation o CROSS JOIN LATERAL (
                SELECT * FROM engine_trafficcount c
                WHERE c.organisation_id = o.id AND c.hour >= date_trunc('hour', now()) - interval '3 days'
                    AND c.hour < (SELECT summed_before FROM traffic_sumprogress)
                    AND c.is_squashed AND (c.status = 20 OR c.status >= 90)
            ) t
            UNION ALL
            SELECT s.organisation_id, s.begins_at, s.channel_id, -(s.accepted + s.delivered + s.failed)
            FROM accounts_organisation o CROSS JOIN LATERAL (
                SELECT * FROM traffic_trafficsum h WHERE h.organisation_id = o.id AND h.unit = 'hour'
                    AND h.begins_at >= date_trunc('hour', now()) - interval '3 days'
            ) s
        ) both_of_them GROUP BY 1, 2, 3 HAVING sum(messages) <> 0
        """,
        compares_wholes=False,
    ),
)
