-- A batch of households, each row beside the rest of its household and what the register knows.
WITH staged AS (
    SELECT s.ctid AS at, s.*,
        count(*) FILTER (WHERE listed) OVER household AS rows,
        count(*) FILTER (WHERE listed AND relation = 'head') OVER household AS heads,
        min(row) FILTER (WHERE refused IS NULL AND relation = 'head') OVER household AS head_row,
        min(row) FILTER (WHERE refused IS NULL) OVER household AS first_row,
        first_value(s.village) OVER of_first AS first_village,
        first_value(s.status) OVER of_first AS first_status,
        first_value(s.registered_on) OVER of_first AS first_registered_on,
        first_value(s.members) OVER of_first AS first_members
    FROM import_person AS s
    CROSS JOIN LATERAL (SELECT s.refused IS DISTINCT FROM 'duplicate' AS listed) AS counted
    WHERE job_id = :job_id AND load = :load
        AND household_number > :after AND household_number <= :upto
    WINDOW household AS (PARTITION BY household_number),
        of_first AS (PARTITION BY household_number ORDER BY refused IS NOT NULL, row)
), known AS (
    SELECT staged.*,
        household.id AS household_id,
        household.division AS entered_in,
        household.as_of AS entered_on,
        owner.household_id AS lives_in,
        holder.identity_index AS number_of
    FROM staged
    LEFT JOIN household ON household.number = staged.household_number
    LEFT JOIN person AS owner ON owner.identity_index = staged.identity_index
    LEFT JOIN person AS holder ON holder.number = staged.person_number
    WHERE refused IS NULL
), found AS (
    SELECT at, row, "column", code, other
    FROM known
    CROSS JOIN LATERAL (VALUES
        ('relation', 'no_head', heads = 0, NULL),
        ('relation', 'second_head', relation = 'head' AND row > head_row, head_row),
        ('members', 'members_differ', members <> rows, NULL),
        ('village', 'household_differs', village <> first_village, first_row),
        ('status', 'household_differs', status <> first_status, first_row),
        ('registered_on', 'household_differs',
            registered_on IS DISTINCT FROM first_registered_on, first_row),
        ('members', 'household_differs', members IS DISTINCT FROM first_members, first_row),
        ('household_number', 'household_elsewhere',
            entered_in <> village AND NOT EXISTS (
                SELECT FROM division WHERE code = entered_in AND successor = village), NULL),
        ('household_number', 'household_newer', entered_on > :as_of, NULL),
        ('identity', 'person_elsewhere', lives_in IS DISTINCT FROM household_id
            AND lives_in IS NOT NULL, NULL),
        ('person_number', 'number_taken', number_of <> identity_index, NULL)
    ) AS fault ("column", code, bad, other)
    WHERE bad
), told AS (
    INSERT INTO import_issue (job_id, row, "column", code, division, other)
    SELECT :job_id, row, "column", code, :division, other FROM found
    ON CONFLICT DO NOTHING
), marked AS (
    UPDATE import_person SET refused = 'judged'
    FROM (SELECT DISTINCT at FROM found) AS faulty
    WHERE import_person.ctid = faulty.at
    RETURNING 1
)
SELECT count(*) FROM marked
