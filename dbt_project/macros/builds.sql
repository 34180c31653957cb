{#-
  Which build each model is of. Every model in intermediate and marts writes its row in the transaction that builds it,
  so a build that stops halfway shows, also one of the same day. Months are closed on whole builds only.
-#}

{% macro remember_model() -%}
{%- if execute and target.type == 'postgres' -%}
with forgotten as (
    delete from intermediate.model_builds where model_name = '{{ model.name }}'
)
insert into intermediate.model_builds (model_name, invocation_id, as_of_date)
values ('{{ model.name }}', '{{ invocation_id }}', {{ as_of_date() }})
{%- endif -%}
{%- endmacro %}

{#- Models that months are closed on, with the half of a run that builds them; of these, all that they are made from. -#}
{% macro models_of_closings() -%}
{%- set found, seen, waiting = [], [], [] -%}
{%- if execute -%}
    {%- for key, node in graph.nodes.items() if node.resource_type == 'model' and node.name == 'accounting_months' -%}
        {%- do waiting.append(key) -%}
    {%- endfor -%}
    {%- for _ in range(graph.nodes | length) if waiting -%}
        {%- set node = graph.nodes[waiting.pop()] -%}
        {%- do found.append((node.name, 'features' if node.fqn[1] != 'marts' or node.fqn[2] == 'core' else 'marts')) -%}
        {%- for key in node.depends_on.nodes if key not in seen and key in graph.nodes -%}
            {%- do seen.append(key) -%}
            {%- if graph.nodes[key].resource_type == 'model' and graph.nodes[key].fqn[1] in ('intermediate', 'marts') -%}
                {%- do waiting.append(key) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
{%- endif -%}
{{ return(found | sort) }}
{%- endmacro %}
