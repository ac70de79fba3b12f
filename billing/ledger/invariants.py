"""What must hold in the books at every commit, as SQL: each query finds the rows that break it, so none must come back.

Tests and production run the same list (`manage.py check_books`).  Each is one statement and so sees one moment of a
system at work.  A query's rows are read by people: it names ids and both sides of what should be equal.
The tables of rooms above are read by name, because the books are only right together with what was sold.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Invariant:
    """`name` says what holds; `sql` finds what breaks it.  Most compare whole tables; some look up a few rows by an index."""

    name: str
    sql: str
    compares_wholes: bool = True


INVARIANTS = (
    Invariant(
        "A cached balance is the sum of the account's transfers",
        """
        SELECT a.id AS account, a.organisation_id AS organisation, a.kind, a.currency, a.balance,
            coalesce(i.total, 0) - coalesce(o.total, 0) AS transfers
        FROM ledger_account a
        LEFT JOIN (SELECT target_id, sum(amount) AS total FROM ledger_transfer GROUP BY 1) i ON i.target_id = a.id
        LEFT JOIN (SELECT source_id, sum(amount) AS total FROM ledger_transfer GROUP BY 1) o ON o.source_id = a.id
        WHERE a.has_floor AND a.balance IS DISTINCT FROM coalesce(i.total, 0) - coalesce(o.total, 0)
        """,
    ),
    Invariant(
        "No account lies below its floor",
        "SELECT id AS account, organisation_id AS organisation, kind, balance, floor FROM ledger_account"
        " WHERE has_floor AND balance < floor",
    ),
    Invariant(
        "Only a wallet and a hold have a floor, and a hold's is zero",
        "SELECT id AS account, kind, has_floor, floor FROM ledger_account"
        " WHERE has_floor <> (kind IN ('wallet', 'hold')) OR (kind <> 'wallet' AND floor <> 0)",
    ),
    Invariant(
        "A transfer has one currency on both sides, and names the accounts' own organisations",
        """
        SELECT t.id AS transfer, t.currency, s.currency AS source_currency, d.currency AS target_currency
        FROM ledger_transfer t JOIN ledger_account s ON s.id = t.source_id JOIN ledger_account d ON d.id = t.target_id
        WHERE t.currency <> s.currency OR t.currency <> d.currency
            OR t.organisation_id <> s.organisation_id OR t.target_organisation_id <> d.organisation_id
        """,
    ),
    Invariant(
        "What is set aside is the price of the messages on their way",
        """
        SELECT coalesce(h.organisation_id, m.organisation_id) AS organisation, coalesce(h.currency, m.currency) AS currency,
            coalesce(h.balance, 0) AS held, coalesce(m.price, 0) AS on_their_way
        FROM (SELECT organisation_id, currency, balance FROM ledger_account WHERE kind = 'hold') h
        FULL JOIN (
            SELECT organisation_id, currency, sum(price)::bigint AS price FROM engine_message
            WHERE status < 90 AND allowance_id IS NULL AND NOT is_test GROUP BY 1, 2
        ) m ON m.organisation_id = h.organisation_id AND m.currency = h.currency
        WHERE coalesce(h.balance, 0) <> coalesce(m.price, 0)
        """,
    ),
    Invariant(
        "A message costs its segments by its quote, or nothing when an allowance pays",
        """
        SELECT m.id AS message, m.price, m.segments, q.price AS quoted, m.allowance_id AS allowance
        FROM engine_message m LEFT JOIN pricing_quote q ON q.id = m.quote_id
        WHERE NOT m.is_test AND (q.id IS NULL OR q.organisation_id <> m.organisation_id OR m.currency <> q.currency
            OR m.price <> CASE WHEN m.allowance_id IS NULL THEN m.segments * q.price ELSE 0 END)
        """,
    ),
    Invariant(
        "A settlement moved exactly its amount",
        """
        SELECT s.id AS settlement, s.amount, coalesce(sum(t.amount), 0) AS transfers
        FROM engine_settlement s LEFT JOIN ledger_transfer t ON t.subject = 'settlement:' || s.id
        GROUP BY s.id HAVING s.amount <> coalesce(sum(t.amount), 0)
        """,
    ),
    Invariant(
        "A settlement's amount is its segments by its quote, or nothing when an allowance paid",
        """
        SELECT s.id AS settlement, s.amount, s.segments, q.price AS quoted, s.allowance_id AS allowance
        FROM engine_settlement s LEFT JOIN pricing_quote q ON q.id = s.quote_id
        WHERE q.id IS NULL OR s.amount <> CASE WHEN s.allowance_id IS NULL THEN s.segments * q.price ELSE 0 END
        """,
    ),
    Invariant(
        "A delivered settlement pays the house and every agent above their part of the quote",
        """
        WITH owed AS (
            SELECT s.id, part.organisation, part.kind, sum(s.segments * part.micros) AS micros
            FROM engine_settlement s JOIN pricing_quote q ON q.id = s.quote_id
            CROSS JOIN LATERAL (
                SELECT q.platform_id AS organisation, 'revenue' AS kind, q.platform_part AS micros
                UNION ALL SELECT agent, 'margin', micros FROM unnest(q.agents, q.agent_parts) AS a (agent, micros)
            ) AS part
            WHERE s.status = 90 AND s.allowance_id IS NULL GROUP BY 1, 2, 3
        ), paid AS (
            SELECT s.id, a.organisation_id AS organisation, a.kind, sum(t.amount) AS micros
            FROM engine_settlement s JOIN ledger_transfer t ON t.subject = 'settlement:' || s.id
            JOIN ledger_account a ON a.id = t.target_id
            WHERE s.status = 90 AND s.allowance_id IS NULL GROUP BY 1, 2, 3
        )
        SELECT coalesce(owed.id, paid.id) AS settlement, coalesce(owed.organisation, paid.organisation) AS organisation,
            coalesce(owed.kind, paid.kind) AS kind, coalesce(owed.micros, 0) AS owed, coalesce(paid.micros, 0) AS paid
        FROM owed FULL JOIN paid
            ON paid.id = owed.id AND paid.organisation = owed.organisation AND paid.kind = owed.kind
        WHERE coalesce(owed.micros, 0) <> coalesce(paid.micros, 0)
        """,
    ),
    Invariant(
        "What was not delivered went back to the customer's own wallet",
        """
        SELECT s.id AS settlement, t.id AS transfer, t.reason FROM engine_settlement s
        JOIN ledger_transfer t ON t.subject = 'settlement:' || s.id
        JOIN ledger_account a ON a.id = t.target_id
        WHERE s.status <> 90 AND (a.kind <> 'wallet' OR a.organisation_id <> s.organisation_id)
        """,
    ),
    Invariant(
        "A quote's price is the sum of its parts, and no part is negative",
        """
        SELECT id AS quote, price, platform_part, agent_parts FROM pricing_quote
        WHERE price <> platform_part + (SELECT coalesce(sum(part), 0) FROM unnest(agent_parts) AS part)
            OR platform_part < 0 OR cardinality(agents) <> cardinality(agent_parts)
            OR EXISTS (SELECT FROM unnest(agent_parts) AS part WHERE part < 0)
        """,
    ),
    Invariant(
        "What was taken from an allowance is what its uses say",
        """
        SELECT a.id AS allowance, a.taken, coalesce(sum(u.segments), 0) AS uses
        FROM packages_allowance a LEFT JOIN packages_allowanceuse u ON u.allowance_id = a.id
        GROUP BY a.id HAVING a.taken <> coalesce(sum(u.segments), 0)
        """,
    ),
    Invariant(
        "What was taken from an allowance is the segments of its messages that went, or are on their way",
        # Messages older than what is kept are gone, so only allowances younger than that can be compared.
        """
        SELECT a.id AS allowance, a.taken, coalesce(m.segments, 0) AS messages FROM packages_allowance a
        LEFT JOIN (
            SELECT allowance_id, sum(segments) AS segments FROM engine_message
            WHERE allowance_id IS NOT NULL AND status <= 90 AND NOT is_test GROUP BY 1
        ) m ON m.allowance_id = a.id
        WHERE a.taken <> coalesce(m.segments, 0) AND a.created_at > now() - %(kept)s
        """,
    ),
    Invariant(
        "A paid purchase has exactly one transfer of exactly its amount, and an unpaid one none",
        """
        SELECT p.id AS purchase, p.kind, p.status, p.amount, count(t.id) AS transfers, coalesce(sum(t.amount), 0) AS moved
        FROM packages_purchase p
        LEFT JOIN ledger_transfer t ON t.subject = 'purchase:' || p.id AND t.reason IN ('package_sale', 'top_up')
        GROUP BY p.id
        HAVING (count(t.id), coalesce(sum(t.amount), 0)) IS DISTINCT FROM
            CASE WHEN p.status IN ('paid', 'refunded') THEN (1::bigint, p.amount::numeric) ELSE (0::bigint, 0::numeric) END
        """,
    ),
    Invariant(
        "A refund moved back exactly what the purchase says was refunded",
        """
        SELECT p.id AS purchase, p.refunded_amount, coalesce(sum(t.amount), 0) AS moved FROM packages_purchase p
        LEFT JOIN ledger_transfer t ON t.subject = 'purchase:' || p.id AND t.reason = 'refund'
        GROUP BY p.id HAVING p.refunded_amount <> coalesce(sum(t.amount), 0)
            OR (p.status = 'refunded') <> (p.refunded_amount = p.amount)
        """,
    ),
    Invariant(
        "A paid package has its allowance, and nothing else has one",
        """
        SELECT p.id AS purchase, p.kind, p.status, a.id AS allowance FROM packages_purchase p
        LEFT JOIN packages_allowance a ON a.purchase_id = p.id
        WHERE (a.id IS NOT NULL) <> (p.kind = 'package' AND p.status IN ('paid', 'refunded'))
            OR (p.status = 'refunded' AND a.withdrawn_at IS NULL AND a.id IS NOT NULL)
        """,
    ),
    Invariant(
        "A day's earnings by a customer are what its transfers and commission say",
        """
        SELECT organisation_id AS organisation, customer_id AS customer, currency, day, sum(segments) AS missing_segments,
            sum(margin) AS missing_margin, sum(on_traffic) AS missing_on_traffic, sum(on_packages) AS missing_on_packages,
            sum(taken_back) AS missing_taken_back
        FROM (
            SELECT pot.organisation_id, t.organisation_id AS customer_id, t.currency,
                date_trunc('day', t.created_at, 'UTC') AS day, coalesce(s.segments, 0) AS segments, t.amount AS margin,
                0 AS on_traffic, 0 AS on_packages, 0 AS taken_back
            FROM ledger_transfer t JOIN ledger_account pot ON pot.id = t.target_id
            LEFT JOIN engine_settlement s ON t.subject = 'settlement:' || s.id
            WHERE (pot.kind, t.reason) IN (('margin', 'margin'), ('revenue', 'settle'))
                AND t.created_at < (SELECT summed_before FROM agents_sumprogress)
            UNION ALL
            SELECT organisation_id, customer_id, currency, date_trunc('day', earned_at, 'UTC'), 0, 0,
                amount * (sale_reference ^@ 'settlement:')::int, amount * (sale_reference ^@ 'purchase:')::int,
                amount * (sale_reference ^@ 'refund:')::int
            FROM agents_commissionentry WHERE earned_at < (SELECT summed_before FROM agents_sumprogress)
            UNION ALL
            SELECT organisation_id, customer_id, currency, begins_at, -segments, -margin, -on_traffic, -on_packages, -taken_back
            FROM agents_earningsum WHERE NOT is_total
        ) of_both GROUP BY 1, 2, 3, 4
        HAVING (sum(segments), sum(margin), sum(on_traffic), sum(on_packages), sum(taken_back)) <> (0, 0, 0, 0, 0)
        """,
    ),
    Invariant(
        "A day's earnings in all are those by its customers",
        """
        SELECT organisation_id AS organisation, currency, begins_at AS day, sum(segments * side) AS missing_segments,
            sum(margin * side) AS missing_margin, sum(on_traffic * side) AS missing_on_traffic,
            sum(on_packages * side) AS missing_on_packages, sum(taken_back * side) AS missing_taken_back
        FROM (SELECT *, CASE WHEN is_total THEN -1 ELSE 1 END AS side FROM agents_earningsum) sums GROUP BY 1, 2, 3
        HAVING (sum(segments * side), sum(margin * side), sum(on_traffic * side), sum(on_packages * side),
            sum(taken_back * side)) <> (0, 0, 0, 0, 0)
        """,
    ),
    Invariant(
        "A day's spending is what its settlements say",
        """
        SELECT organisation_id AS organisation, day, sum(messages) AS missing, sum(segments) AS missing_segments,
            sum(amount) AS missing_amount
        FROM (
            SELECT organisation_id, date_trunc('day', created_at, 'UTC') AS day, messages, segments, amount
            FROM engine_settlement WHERE status = 90 AND created_at < (SELECT summed_before FROM agents_sumprogress)
            UNION ALL
            SELECT organisation_id, begins_at, -messages, -segments, -amount FROM agents_spendingsum
        ) both_of_them GROUP BY 1, 2 HAVING sum(messages) <> 0 OR sum(segments) <> 0 OR sum(amount) <> 0
        """,
    ),
    Invariant(
        "A tenant got trial credit at most once",
        """
        SELECT target_organisation_id AS organisation, count(*) AS times FROM ledger_transfer
        WHERE reason = 'trial' GROUP BY 1 HAVING count(*) > 1
        """,
    ),
)
