-- Grain: one row per segment and as-of date with a closing, or one undone, by then; counts over the trailing year.
{{ count_closings(ref('int_closings'), 'segment_id', 'leaves_year_on') }}
