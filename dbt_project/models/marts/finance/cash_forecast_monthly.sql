-- Grain: one row per month after the as-of date, and one, without an end, for what comes later.
-- Rounded so that the rows add up to what is owed, to the cent.
{{ cash_forecast('month') }}
