-- Grain: one row per month and breakdown: in total, by segment and by cohort; at constant rates, those of the opening.
{{ retention('month') }}
