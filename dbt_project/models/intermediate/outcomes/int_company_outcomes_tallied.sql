-- Grain: one row per company and as-of date from which its count of closings over the trailing year changed.
{{ tally_closings(ref('int_closings'), 'company_id', 'leaves_year_on') }}
