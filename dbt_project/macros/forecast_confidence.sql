{#-
  high, medium or low. With a model: by the width of its p10 to p90 interval against the amount in its middle.
  Without one: by how much of closed and stage-weighted revenue is closed or in stages the CRM gives 50 % or more.
-#}
{% macro forecast_confidence() -%}
{%- set share = ratio('closed_amount + likely_weighted_amount', 'closed_amount + open_weighted_amount') -%}
case
    when p50_amount > 0 and p90_amount = p10_amount then 'high'
    when p50_amount is not null
        then case
            when {{ ratio('p90_amount - p10_amount', 'p50_amount') }} <= 0.5 then 'high'
            when {{ ratio('p90_amount - p10_amount', 'p50_amount') }} <= 1 then 'medium'
            else 'low'
        end
    when {{ share }} >= 0.75 then 'high'
    when {{ share }} >= 0.4 then 'medium'
    else 'low'
end
{%- endmacro %}
