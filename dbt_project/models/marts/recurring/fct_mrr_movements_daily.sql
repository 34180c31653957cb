-- Grain: one row per customer, currency, day, movement and reason; only days with a movement.
-- The same as fct_mrr_movements, measured at the end of every day.
{{ keep_by_customer('customer_id') }}

{{ mrr_movements(ref('int_mrr_parts'), 'day') }}
