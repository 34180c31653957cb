{#-
  What of a span of int_revenue_spans is not earned at the end of a day within it, to the cent.
  Eight digits first: what divisions left behind the tenth must not decide on which side a half cent falls.
-#}
{% macro unearned_on(span, day) -%}
cast(round(round(
    {{ span }}.unearned_from_amount
    + ({{ span }}.unearned_to_amount - {{ span }}.unearned_from_amount)
    * ({{ days_between(span ~ '.valid_from_on', day) }} + 1)
    / {{ days_between(span ~ '.valid_from_on', span ~ '.valid_to_on') }}, 8
), 2) as {{ type_money() }})
{%- endmacro %}
