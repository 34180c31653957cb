-- Grain: one row per owner and as-of date from which its count of closings over the trailing year changed.
{{ tally_closings(ref('int_closings'), 'owner_id', 'leaves_year_on') }}
