INSERT INTO engine_attempt (
    message_id, number, organisation_id, channel_id, reference, outcome, parts, code, carrier_reference, started_at, ended_at
)
SELECT id, 1, organisation_id, channel_id, 1, CASE WHEN status = 93 THEN 2 ELSE 1 END, segments, CASE WHEN status = 93 THEN error_code ELSE '' END,
    CASE WHEN status = 93 THEN '' ELSE substr(translate(id::text, '-', ''), 1, 24) END,
    submitted_at - interval '20 milliseconds', submitted_at
FROM {name};
INSERT INTO engine_deliveryreceipt (
    channel_id, reference, state, part, error_code, user_reference, recipient, raw, received_at, folded_at, message_id, organisation_id
)
SELECT channel_id, substr(translate(id::text, '-', ''), 1, 24), CASE status WHEN 90 THEN 'delivered' ELSE 'undelivered' END, 0,
    error_code, 1, recipient,
    '',
    final_at, final_at, id, organisation_id
FROM {name} WHERE status IN (90, 91);
