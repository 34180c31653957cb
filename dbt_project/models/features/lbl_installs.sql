-- Grain: one row per install of ftr_installs whose window (install_value_window_days) is over by the as-of date.
-- Labels are what is known now of the days between the age of the features and the end of the window.
select
    installs.install_id,
    cast(case
        when coalesce(payments.followed_missing_count, 0) = 0 then coalesce(payments.followed_revenue, 0)
    end as {{ type_double() }}) as revenue,
    greatest(installs.ends_on, payments.followed_known_on) as revenue_known_on,
    case when coalesce(payments.missing_count, 0) = 0 then coalesce(payments.revenue, 0) end as window_revenue
from {{ ref('int_installs_reached') }} as installs
left join {{ ref('int_install_payments') }} as payments on installs.install_id = payments.install_id
where installs.ends_on <= {{ as_of_date() }}
