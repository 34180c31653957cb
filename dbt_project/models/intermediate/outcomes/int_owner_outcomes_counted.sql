-- Grain: one row per owner and as-of date with a closing, or one undone, by then; counts over the trailing year.
{{ count_closings(ref('int_closings'), 'owner_id', 'leaves_year_on') }}
