-- Grain: one row per month at whose end the trailing months end, and breakdown: in total, by segment and by cohort.
-- What customers who paid at the start of the window are worth at its end, at the rates of its start.
{{ retention('trailing') }}
