-- Grain: one row per segment and as-of date from which its count of closings over the trailing year changed.
{{ tally_closings(ref('int_closings'), 'segment_id', 'leaves_year_on') }}
