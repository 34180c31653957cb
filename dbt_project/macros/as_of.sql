{#- The as-of date as a date literal. There is no clock in a model: without the variable nothing is built. -#}
{% macro as_of_date() -%}
cast('{{ as_of_text() }}' as date)
{%- endmacro %}

{% macro as_of_text() -%}
{%- set given = var('as_of_date', none) | string -%}
{%- if modules.re.match('^[0-9]{4}-[0-9]{2}-[0-9]{2}$', given) -%}
    {{ return(modules.datetime.date.fromisoformat(given).isoformat()) }}
{%- elif execute -%}
    {{ exceptions.raise_compiler_error(
        "The as-of date is missing or not a date: '" ~ given ~ "'. Run: revlayer build --as-of YYYY-MM-DD") }}
{%- else -%}
    {{ return('1970-01-31') }}
{%- endif -%}
{%- endmacro %}

{#- The last day of the month that lies `months` before the as-of date, as ISO text. -#}
{% macro month_end_before(months) -%}
{%- set day = modules.datetime.date.fromisoformat(as_of_text()) -%}
{%- set count = day.year * 12 + day.month - (months | int) -%}
{%- set first_of_next = modules.datetime.date(count // 12, count % 12 + 1, 1) -%}
{{ return((first_of_next - modules.datetime.timedelta(days=1)).isoformat()) }}
{%- endmacro %}

{#- The first as-of date on or after a day; null when there is none.
    As-of dates are the month ends of the history window and the as-of date itself. -#}
{% macro first_as_of(day) -%}
case
    when {{ day }} > {{ as_of_date() }} then null
    when {{ day }} <= cast('{{ month_end_before(var('history_months')) }}' as date)
        then cast('{{ month_end_before(var('history_months')) }}' as date)
    when {{ dbt.last_day(day, 'month') }} < {{ as_of_date() }} then {{ dbt.last_day(day, 'month') }}
    else {{ as_of_date() }}
end
{%- endmacro %}

{#- Open-ended validity. -#}
{% macro end_of_time() -%}cast('9999-12-31' as date){%- endmacro %}

{% macro reporting_time_zone() -%}
{%- set zone = var('reporting_time_zone') | string -%}
{%- if not modules.re.match('^[A-Za-z0-9_+/-]+$', zone) -%}
    {{ exceptions.raise_compiler_error("reporting_time_zone is not a time zone name: '" ~ zone ~ "'") }}
{%- endif -%}
{{ return(zone) }}
{%- endmacro %}

{% macro reporting_currency() -%}
{%- set code = var('reporting_currency') | string -%}
{%- if not modules.re.match('^[A-Z]{3}$', code) -%}
    {{ exceptions.raise_compiler_error("reporting_currency is not a three-letter code: '" ~ code ~ "'") }}
{%- endif -%}
{{ return("'" ~ code ~ "'") }}
{%- endmacro %}

{#- The month the fiscal year begins in, 1 to 12. -#}
{% macro fiscal_year_start_month() -%}
{%- set month = var('fiscal_year_start_month') | int -%}
{%- if month < 1 or month > 12 -%}
    {{ exceptions.raise_compiler_error("fiscal_year_start_month is a number from 1 to 12, not '" ~ var('fiscal_year_start_month') ~ "'") }}
{%- endif -%}
{{ return(month) }}
{%- endmacro %}

{#- The calendar's first day. -#}
{% macro calendar_start() -%}
{%- set given = var('calendar_start_on') | string -%}
{%- if not modules.re.match('^[0-9]{4}-[0-9]{2}-[0-9]{2}$', given) -%}
    {{ exceptions.raise_compiler_error("calendar_start_on is a date, YYYY-MM-DD, not '" ~ given ~ "'") }}
{%- endif -%}
cast('{{ given }}' as date)
{%- endmacro %}

{#- The day after the calendar's last: five whole years after the as-of date's, for forecasts and renewals. -#}
{% macro calendar_end() -%}
{%- set day = modules.datetime.date.fromisoformat(as_of_text()) -%}
cast('{{ day.year + 6 }}-01-01' as date)
{%- endmacro %}
