-- name: health
select check_name, status, detail, what_to_do from metrics.health
