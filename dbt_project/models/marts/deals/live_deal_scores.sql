-- Grain: one row per deal open at the as-of date. A view: the functions in the database score as it is read.
{%- set predictors = var('installed_predictors', []) %}
{{ config(materialized='view', enabled='deal_win' in predictors) }}

with deals as (
    select * from {{ ref('ftr_deals') }} where as_of_date = {{ as_of_date() }}
)

select
    deals.deal_id,
    deals.as_of_date,
    deals.account_id,
    deals.owner_id,
    deals.team_path,
    deals.segment_id,
    deals.stage_name,
    wins.win_probability,
    {% if 'deal_value' in predictors -%}
        cast(amounts.value as {{ type_money() }}) as value_amount
    {%- else -%}
        cast(null as {{ type_money() }}) as value_amount
    {%- endif %}
from deals
{{ joined_prediction('deal_win', 'deals', 'wins') }}
{% if 'deal_value' in predictors %}{{ joined_prediction('deal_value', 'deals', 'amounts') }}{% endif %}
