-- Grain: one row per owner and day its state changed (validity is exclusive at its end).
with states as (
    {{ history_states(
        ref('int_owner_changes_identified'), ref('int_owners_identified'), 'owner_id',
        ['team_path', 'is_active']
    ) }}
)

select
    owner_id,
    valid_from_on,
    coalesce(
        lead(valid_from_on) over (partition by owner_id order by valid_from_on), {{ end_of_time() }}
    ) as valid_to_on,
    team_path,
    is_active = 'true' as is_active
from states
