-- Rows of the file that name a person or a person number again: the first one counts.
-- `IS TRUE` keeps the lookups hashed, however many there are of them.
WITH staged AS (
    SELECT ctid AS at, row, identity_index, person_number
    FROM import_person
    WHERE load = :load AND refused IS NULL
        AND ((identity_index IN (
                SELECT identity_index FROM import_person WHERE load = :load AND refused IS NULL
                GROUP BY identity_index HAVING count(*) > 1
            )) IS TRUE
            OR (person_number IN (
                SELECT person_number FROM import_person WHERE load = :load AND refused IS NULL
                GROUP BY person_number HAVING count(*) > 1
            )) IS TRUE)
), found AS (
    SELECT at, row, "column", code, other
    FROM (
        SELECT at, row,
            min(row) OVER (PARTITION BY identity_index) AS first_identity,
            min(row) OVER (PARTITION BY person_number) AS first_number
        FROM staged
    ) AS again
    CROSS JOIN LATERAL (VALUES
        ('identity', 'duplicate_identity', first_identity),
        ('person_number', 'duplicate_number', first_number)
    ) AS fault ("column", code, other)
    WHERE other < row
), told AS (
    INSERT INTO import_issue (job_id, row, "column", code, division, other)
    SELECT :job_id, row, "column", code, :division, other FROM found
    ON CONFLICT DO NOTHING
), marked AS (
    UPDATE import_person SET refused = 'duplicate'
    FROM (SELECT DISTINCT at FROM found) AS again
    WHERE import_person.ctid = again.at
    RETURNING 1
)
SELECT count(*) FROM marked
