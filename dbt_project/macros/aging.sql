{#- Buckets of aging: name, first and last day past due; null is open. metrics.ar_aging keeps to the same. -#}
{% macro aging_buckets() -%}
{{ return([
    ('current', none, 0),
    ('overdue_1_30', 1, 30),
    ('overdue_31_60', 31, 60),
    ('overdue_61_90', 61, 90),
    ('overdue_over_90', 91, none),
]) }}
{%- endmacro %}

{#-
  Sums of balances by bucket; they and on_account_amount add up to the balance.
  is_open: the row is a document with something left to pay; the rest is on account.
-#}
{% macro aging_sums(balance, overdue_days, is_open) -%}
{%- for name, first, last in aging_buckets() %}
cast(coalesce(sum({{ balance }}) filter (
    where {{ is_open }}
        {%- if first is not none %} and {{ overdue_days }} >= {{ first }}{% endif %}
        {%- if last is not none %} and {{ overdue_days }} <= {{ last }}{% endif %}
), 0) as {{ type_money() }}) as {{ name }}_amount,
{%- endfor %}
cast(coalesce(sum({{ balance }}) filter (where {{ is_open }}), 0) as {{ type_money() }}) as open_amount,
cast(coalesce(sum({{ balance }}) filter (where {{ is_open }} and {{ overdue_days }} > 0), 0) as {{ type_money() }})
    as overdue_amount,
cast(coalesce(sum({{ balance }}) filter (where not {{ is_open }}), 0) as {{ type_money() }}) as on_account_amount,
cast(count(*) filter (where {{ is_open }}) as bigint) as open_count,
cast(count(*) filter (where {{ is_open }} and {{ overdue_days }} > 0) as bigint) as overdue_count,
min(case when {{ is_open }} then due_on end) as oldest_due_on,
cast(coalesce(max(case when {{ is_open }} and {{ overdue_days }} > 0 then {{ overdue_days }} end), 0) as integer)
    as oldest_overdue_days
{%- endmacro %}
