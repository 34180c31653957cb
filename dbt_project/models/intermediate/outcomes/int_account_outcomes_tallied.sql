-- Grain: one row per account and as-of date from which its count of closings ever changed.
{{ tally_closings(ref('int_closings'), 'account_id', 'undone_on') }}
