{#- Whose event it is: the customer it names, else the billing customer, else the account. -#}
{% macro event_entity(events) -%}
case
    when {{ events }}.customer_key is not null then 'customer'
    when {{ events }}.billing_customer_key is not null then 'billing_customer'
    when {{ events }}.account_key is not null then 'account'
end
{%- endmacro %}

{% macro event_key(events) -%}
coalesce({{ events }}.customer_key, {{ events }}.billing_customer_key, {{ events }}.account_key)
{%- endmacro %}

{#-
  What history_states takes as entities, for a source that tells what things were when they began.

  entities: relation with <key>, known_on, observed_on and a column per field: the value shown now, as text
  changes: relation as for history_states, with old_value and is_dated
  agreed: fields that hold from the row's own known day. Where the field has a history, it begins with what the
          change known first replaced (a change without a time of its own tells what was so all along).
  observed: fields that begin likewise, but count from the day they were seen

  Yields <key>, known_on, observed_on and observed_<field>; two rows each where there are fields of both kinds.
-#}
{% macro as_agreed(entities, changes, key, agreed, observed=[]) %}
with numbered as (
    select
        {{ key }}, field_name,
        coalesce(old_value, case when not is_dated then new_value end) as first_value,
        row_number() over (
            partition by {{ key }}, field_name order by known_at, occurred_at, change_id
        ) as change_number
    from {{ changes }}
    where field_name in ('{{ (agreed + observed) | join("', '") }}')
)

select
    entities.{{ key }},
    entities.known_on,
    entities.known_on as observed_on,
    {%- for field in agreed %}
    {{ began_as(field) }} as observed_{{ field }}{{ ',' if observed or not loop.last }}
    {%- endfor %}
    {%- for field in observed %}
    {{ dbt.cast('null', dbt.type_string()) }} as observed_{{ field }}{{ ',' if not loop.last }}
    {%- endfor %}
from {{ entities }} as entities
left join numbered on entities.{{ key }} = numbered.{{ key }} and numbered.change_number = 1
group by entities.{{ key }}, entities.known_on
{%- if observed %}

union all

select
    entities.{{ key }},
    entities.known_on,
    greatest(entities.observed_on, entities.known_on) as observed_on,
    {%- for field in agreed %}
    {{ dbt.cast('null', dbt.type_string()) }} as observed_{{ field }},
    {%- endfor %}
    {%- for field in observed %}
    {{ began_as(field) }} as observed_{{ field }}{{ ',' if not loop.last }}
    {%- endfor %}
from {{ entities }} as entities
left join numbered on entities.{{ key }} = numbered.{{ key }} and numbered.change_number = 1
group by entities.{{ key }}, entities.known_on, greatest(entities.observed_on, entities.known_on)
{%- endif %}
{% endmacro %}

{#- What the change known first replaced; what is shown where there is no change. -#}
{% macro began_as(field) -%}
case
    when bool_or(numbered.field_name = '{{ field }}')
        then max(case when numbered.field_name = '{{ field }}' then numbered.first_value end)
    else max(entities.{{ field }})
end
{%- endmacro %}

{#- The day that the as-of date is compared with, as ISO text: customer_change_days before it. -#}
{% macro customer_change_text() -%}
{%- set days = modules.datetime.timedelta(days=day_count('customer_change_days') | int) -%}
{{ return((modules.datetime.date.fromisoformat(as_of_text()) - days).isoformat()) }}
{%- endmacro %}

{#-
  Dates of customer features as ISO text, oldest first: those listed, else ends of months; the as-of date, and the day
  it is compared with.
-#}
{% macro customer_as_of_dates() -%}
{%- set found = [as_of_text(), customer_change_text()] -%}
{%- set listed = var('customer_snapshot_dates') -%}
{%- if listed is string -%}
    {{ exceptions.raise_compiler_error("customer_snapshot_dates is a list of ISO dates, not '" ~ listed ~ "'") }}
{%- endif -%}
{%- for day in ([] if listed is string else listed) -%}
    {%- do found.append(modules.datetime.date.fromisoformat(day | string).isoformat()) -%}
{%- endfor -%}
{%- if not listed -%}
    {%- for number in range(1, (var('customer_snapshot_count') | int) + 1) -%}
        {%- do found.append(month_end_before(number * (var('customer_snapshot_months') | int))) -%}
    {%- endfor -%}
{%- endif -%}
{{ return(found | unique | select('le', as_of_text()) | sort) }}
{%- endmacro %}

{#- A whole number of days given as a variable. -#}
{% macro day_count(name) -%}
{%- set text = var(name) | string -%}
{%- if not modules.re.match('^[0-9]{1,5}$', text) -%}
    {{ exceptions.raise_compiler_error(name ~ " is a whole number of days, not '" ~ text ~ "'") }}
{%- endif -%}
{{ return(text) }}
{%- endmacro %}

{#- Sine or cosine of a place on a circle of so many places. -#}
{% macro on_circle(function, place, places) -%}
{{ function }}(2 * pi() * cast({{ place }} as {{ type_double() }}) / {{ places }})
{%- endmacro %}

{#- Of columns <prefix>0, <prefix>1, …: the number of the greatest, the first of equals; null where all are 0. -#}
{% macro most_frequent(prefix, first, last) -%}
{%- set names = [] -%}
{%- for number in range(first, last + 1) -%}{%- do names.append(prefix ~ number) -%}{%- endfor -%}
case greatest({{ names | join(', ') }})
    when 0 then null
    {%- for number in range(first, last + 1) %}
    when {{ prefix }}{{ number }} then {{ number }}
    {%- endfor %}
end
{%- endmacro %}

{#- Does a subscription run on a day, as known then? Dates win over the status, which counts where there is none. -#}
{% macro is_subscription_running(subscription, day) -%}
case
    when {{ subscription }}.status in {{ subscription_statuses('void') }} then false
    when coalesce({{ subscription }}.ended_on, {{ subscription }}.cancels_on) is not null
        then coalesce({{ subscription }}.ended_on, {{ subscription }}.cancels_on) > {{ day }}
    else coalesce({{ subscription }}.status not in {{ subscription_statuses('ended') }}, true)
end
{%- endmacro %}

{#- Is it in its trial, or paused? -#}
{% macro is_subscription_in(state, subscription, day) -%}
{%- if state == 'trial' -%}
case
    when {{ subscription }}.trial_ended_on is not null
        then {{ day }} < {{ subscription }}.trial_ended_on
            and {{ day }} >= coalesce({{ subscription }}.trial_started_on, {{ subscription }}.started_on)
    else coalesce({{ subscription }}.status in {{ subscription_statuses('trial') }}, false)
end
{%- else -%}
case
    when {{ subscription }}.paused_on is not null
        then {{ day }} >= {{ subscription }}.paused_on
            and not (coalesce({{ subscription }}.resumes_on > {{ subscription }}.paused_on, false)
                and {{ day }} >= {{ subscription }}.resumes_on)
    else coalesce({{ subscription }}.status in {{ subscription_statuses('paused') }}, false)
end
{%- endif -%}
{%- endmacro %}

{#- How regularly a customer with a purchase buys, from its days of purchase (int_customer_order_days). -#}
{% macro behaviour_type(days) -%}
{%- set variation = ratio(days ~ '.interval_std_days', days ~ '.interval_mean_days') -%}
case
    when {{ days }}.order_day_count = 1
        then case
            when {{ days_between(days ~ '.first_order_on', days ~ '.as_of_date') }}
                <= {{ day_count('behaviour_new_days') }} then 'new'
            else 'one_time'
        end
    when {{ days }}.interval_mean_days > {{ day_count('behaviour_long_cycle_days') }} then 'long_cycle'
    when {{ variation }} > {{ var('behaviour_long_cycle_cv') | float }} then 'long_cycle'
    when {{ variation }} < {{ var('behaviour_regular_cv') | float }} then 'regular'
    -- Also after a single interval, which says nothing of regularity.
    else 'irregular'
end
{%- endmacro %}
