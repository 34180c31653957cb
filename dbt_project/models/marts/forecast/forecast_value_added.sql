-- Grain: one row per origin, period type, segment, months ahead, predictor, category and author.
-- Every predictor is held against naive and the model on the very forecasts that it made itself.
with compared as (
    select * from {{ ref('forecast_comparisons') }}
),

paired as (
    select
        compared.*,
        abs(compared.error_amount) as absolute_error,
        abs(naive.error_amount) as naive_absolute_error,
        abs(model.error_amount) as model_absolute_error
    from compared
    {%- for name in ['naive', 'model'] %}
    inner join compared as {{ name }}
        on compared.origin = {{ name }}.origin and compared.as_of_date = {{ name }}.as_of_date
        and compared.period_type = {{ name }}.period_type and compared.period_start_on = {{ name }}.period_start_on
        and compared.segment_id = {{ name }}.segment_id and {{ name }}.predictor = '{{ name }}'
    {%- endfor %}
),

summed as (
    select
        origin,
        period_type,
        segment_id,
        months_ahead,
        predictor,
        category,
        author,
        count(*) as forecast_count,
        count(distinct period_start_on) as period_count,
        min(as_of_date) as first_as_of_date,
        max(as_of_date) as last_as_of_date,
        count(*) filter (where is_entered_later) as entered_later_count,
        count(*) filter (where is_entered_afterwards) as entered_afterwards_count,
        sum(actual_amount) as actual_amount,
        sum(error_amount) as error_amount,
        sum(absolute_error) as absolute_error_amount,
        sum(naive_absolute_error) as naive_absolute_error_amount,
        sum(model_absolute_error) as model_absolute_error_amount
    from paired
    group by origin, period_type, segment_id, months_ahead, predictor, category, author
)

select
    origin,
    period_type,
    segment_id,
    months_ahead,
    predictor,
    category,
    author,
    {{ reporting_currency() }} as reporting_currency_code,
    forecast_count,
    period_count,
    first_as_of_date,
    last_as_of_date,
    entered_later_count,
    entered_afterwards_count,
    {%- for name in ['actual', 'error', 'absolute_error', 'naive_absolute_error', 'model_absolute_error'] %}
    cast({{ name }}_amount as {{ type_money() }}) as {{ name }}_amount,
    {%- endfor %}
    cast(naive_absolute_error_amount - absolute_error_amount as {{ type_money() }}) as value_added_amount,
    cast(model_absolute_error_amount - absolute_error_amount as {{ type_money() }}) as value_added_to_model_amount,
    {{ ratio('absolute_error_amount', 'actual_amount') }} as wape_rate,
    {{ ratio('error_amount', 'actual_amount') }} as bias_rate,
    {{ ratio('naive_absolute_error_amount - absolute_error_amount', 'actual_amount') }} as value_added_rate,
    {{ ratio('model_absolute_error_amount - absolute_error_amount', 'actual_amount') }} as value_added_to_model_rate
from summed
