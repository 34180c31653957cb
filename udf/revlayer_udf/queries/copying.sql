-- name: copy_out
copy (
    select {columns}
    from ({query}
    ) as rows_to_read
) to stdout (format binary)

-- name: copy_in
copy {table} ({columns}) from stdin (format binary)

-- name: number
coalesce({column}::double precision, 'NaN')

-- name: flag
coalesce({column}::integer::double precision, 'NaN')

-- name: text
coalesce({column}, '')

-- name: group_of_1
{}

-- name: group_of_2
point({}, {})

-- name: group_of_4
lseg(point({}, {}), point({}, {}))

-- name: encoding
select set_config('client_encoding', 'UTF8', true)
