-- Rows of the file that name a person or a person number again: the first one counts.
WITH staged AS (
    SELECT ctid AS at, row,
        min(row) OVER (PARTITION BY identity_index) AS first_identity,
        min(row) OVER (PARTITION BY person_number) AS first_number
    FROM import_person
    WHERE job_id = :job_id AND load = :load AND refused IS NULL
), found AS (
    SELECT at, row, "column", code, other
    FROM staged
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
