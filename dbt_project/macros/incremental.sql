{#-
  Tables that are kept by customer: a build recalculates the customers about whom anything changed, and no others.

  int_recurring_fingerprints holds a fingerprint of the source rows of every customer and subscription, and the number
  of the build (changed_in) in which it was last another; int_recurring_generations counts the customers by that number,
  so that every table learns at once how many changed. int_recurring_builds holds, for every such table, the last
  build that it has taken in and the circumstances of it: the as-of date, variables, prices, rates, the models' own
  text. It is written in the transaction of the table itself, so a build that stops halfway is made up for by the next.
  Under other circumstances, and when more than a fifth of the customers changed, a table is rebuilt whole.
  No time decides what is new, so it does not matter when rows were loaded or committed.
-#}

{#- Configures a model as such a table. key: customer_id or subscription_id, a column of the model. indexed_by: columns
    by which a partial build should find rows of a large table; each costs a whole build an index. -#}
{% macro keep_by_customer(key, indexed_by=[]) -%}
{#- Named here, so that dbt builds them first. -#}
{%- set _ = [ref('int_recurring_builds'), ref('int_recurring_fingerprints'), ref('int_recurring_generations'),
    ref('int_recurring_circumstances')] -%}
{%- set indexes = [] -%}
{%- for column in indexed_by if target.type == 'postgres' -%}
{%- do indexes.append({'columns': [column]}) -%}
{%- endfor -%}
{{ config(
    materialized='incremental' if target.type == 'postgres' else 'table',
    incremental_strategy='append' if target.type == 'postgres' else none,
    on_schema_change='fail',
    indexes=indexes,
    meta={'kept_by': key},
    pre_hook=["{{ raise_work_memory() }}", "{{ favour_indexes() }}", "{{ drop_changed('" ~ key ~ "') }}"],
    post_hook="{{ remember_build() }}"
) }}
{%- endmacro %}

{#- The condition that a row is of a customer to be recalculated; all are when the table is built whole. -#}
{% macro is_changed(key, column=none) -%}
{%- if is_incremental() -%}
{{ column or key }} in ({{ changed_keys(key) }})
{%- else -%}
true
{%- endif -%}
{%- endmacro %}

{% macro changed_keys(key) -%}
{%- set changed -%}
select customer_id from {{ ref('int_recurring_fingerprints') }} where changed_in > {{ last_build().generation }}
{%- endset -%}
{%- if key == 'customer_id' -%}
{{ changed }}
{%- else -%}
select subscription_id from {{ ref('int_recurring_fingerprints') }} where customer_id in ({{ changed }})
{%- endif -%}
{%- endmacro %}

{#- What the table has taken in: generation and whether that is enough to go on from. -#}
{% macro last_build() -%}
{%- if not execute -%}
{{ return({'generation': 0, 'goes_on': false}) }}
{%- endif -%}
{%- set found = run_query(
    "select builds.generation,"
    ~ " builds.circumstances = (select max(circumstances) from " ~ ref('int_recurring_circumstances') ~ ")"
    ~ " and 5 * (select coalesce(sum(customer_count), 0) from " ~ ref('int_recurring_generations')
    ~ " where generation > builds.generation)"
    ~ " <= (select coalesce(sum(customer_count), 0) from " ~ ref('int_recurring_generations') ~ ")"
    ~ " from " ~ ref('int_recurring_builds') ~ " as builds where builds.model_name = '" ~ model.name ~ "'"
) -%}
{%- if found.rows | length == 0 -%}
{{ return({'generation': 0, 'goes_on': false}) }}
{%- endif -%}
{{ return({'generation': found.rows[0][0], 'goes_on': found.rows[0][1]}) }}
{%- endmacro %}

{#- Overrides dbt's own: such a table is also rebuilt whole when its last build is no ground to go on from. -#}
{% macro should_full_refresh() -%}
{%- if flags.FULL_REFRESH or config.get('full_refresh') -%}
{{ return(true) }}
{%- endif -%}
{%- if execute and config.get('meta', {}).get('kept_by') -%}
{{ return(not last_build().goes_on) }}
{%- endif -%}
{{ return(false) }}
{%- endmacro %}

{#- The rows of a customer lie close together: few pages are read by an index, and PostgreSQL takes them for many. -#}
{% macro favour_indexes() -%}
{%- if execute and is_incremental() -%}
set local random_page_cost = 1.1
{%- endif -%}
{%- endmacro %}

{% macro drop_changed(key) -%}
{%- if execute and is_incremental() -%}
delete from {{ this }} where {{ is_changed(key) }}
{%- endif -%}
{%- endmacro %}

{% macro remember_build() -%}
{%- if execute and target.type == 'postgres' -%}
with forgotten as (
    delete from {{ ref('int_recurring_builds') }} where model_name = '{{ model.name }}'
)
insert into {{ ref('int_recurring_builds') }} (model_name, generation, circumstances)
select
    '{{ model.name }}',
    (select coalesce(max(generation), 0) from {{ ref('int_recurring_generations') }}),
    (select max(circumstances) from {{ ref('int_recurring_circumstances') }})
{%- endif -%}
{%- endmacro %}

{#- The text that models and macros of recurring revenue are made of: another text gives other tables. -#}
{% macro recurring_text() -%}
{%- set texts = [mrr_movements('parts', 'month'), tracked_spans('changes', 'shown', 'id', ['field']), value_before(),
    periods_per_year('period'), subscription_statuses('ended'), told_later('day', 'id'), to_reporting('a', 'r')] -%}
{%- if execute -%}
    {%- for node in graph.nodes.values() | sort(attribute='unique_id') -%}
        {%- if node.resource_type == 'model' and 'recurring' in node.fqn -%}
            {%- do texts.append(node.raw_code) -%}
        {%- endif -%}
    {%- endfor -%}
{%- endif -%}
{{ return(local_md5(texts | join('\n')) if execute else '') }}
{%- endmacro %}
