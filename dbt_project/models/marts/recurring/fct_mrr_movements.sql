-- Grain: one row per customer, currency, month, movement and reason.
-- In each currency the opening recurring revenue and the month's movements add up to the closing. What a customer
-- gains and loses within a month nets before it is called expansion or contraction; the reasons may pull both ways.
{{ keep_by_customer('customer_id') }}

{{ mrr_movements(ref('int_mrr_parts'), 'month') }}
