-- Grain: one row per deal and as-of date at whose end it was open.
{{ describe_deals(ref('int_deals_opened'), 'deals.as_of_date', 'known_rate') }}
