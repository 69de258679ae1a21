-- A batch of households, each row beside the rest of its household and what the register knows.
WITH staged AS (
    SELECT at, row, refused, village, household_number, person_number, identity_index, relation,
        status, registered_on, members,
        count(*) FILTER (WHERE listed) OVER household AS rows,
        count(*) FILTER (WHERE listed AND relation = 'head') OVER household AS heads,
        min(row) FILTER (WHERE refused IS NULL AND relation = 'head') OVER household AS head_row,
        first_value(row) OVER of_first AS first_row,
        first_value(village) OVER of_first AS first_village,
        first_value(status) OVER of_first AS first_status,
        first_value(registered_on) OVER of_first AS first_registered_on,
        first_value(members) OVER of_first AS first_members
    FROM (
        SELECT ctid AS at, row, refused, village, household_number, person_number, identity_index,
            relation, status, registered_on, members,
            refused IS DISTINCT FROM 'duplicate' AS listed
        FROM import_person
        WHERE load = :load AND household_number > :after AND household_number <= :upto
    ) AS listed_rows
    WINDOW household AS (PARTITION BY household_number),
        of_first AS (PARTITION BY household_number ORDER BY refused IS NOT NULL, row)
), compared AS (
    SELECT at, row, first_row, head_row,
        heads = 0 AS no_head,
        staged.relation = 'head' AND row > head_row AS second_head,
        CASE WHEN staged.relation = 'head' AND head.identity_index <> staged.identity_index
            THEN NOT EXISTS (
                SELECT FROM import_person AS other
                WHERE other.load = :load AND other.household_number = staged.household_number
                    AND other.identity_index = head.identity_index AND other.refused IS NULL
            ) END AS head_stays,
        staged.members <> rows AS members_differ,
        village <> first_village AS village_differs,
        staged.status <> first_status AS status_differs,
        staged.registered_on IS DISTINCT FROM first_registered_on AS registered_on_differs,
        staged.members IS DISTINCT FROM first_members AS members_unlike,
        CASE WHEN entered.division <> village THEN NOT EXISTS (
            SELECT FROM division WHERE code = entered.division AND successor = village
        ) END AS household_elsewhere,
        entered.as_of > :as_of AS household_newer,
        owner.household_id IS DISTINCT FROM entered.id AND owner.id IS NOT NULL
            AS person_elsewhere,
        holder.identity_index <> staged.identity_index AS number_taken
    FROM staged
    LEFT JOIN household AS entered ON entered.number = staged.household_number
    LEFT JOIN person AS head ON head.household_id = entered.id AND head.relation = 'head'
    LEFT JOIN person AS owner ON owner.identity_index = staged.identity_index
    LEFT JOIN person AS holder ON holder.number = staged.person_number
    WHERE refused IS NULL
), faulty AS (
    SELECT * FROM compared
    WHERE no_head OR second_head OR head_stays OR members_differ OR village_differs OR status_differs
        OR registered_on_differs OR members_unlike OR household_elsewhere OR household_newer
        OR person_elsewhere OR number_taken
), told AS (
    INSERT INTO import_issue (job_id, row, "column", code, division, other)
    SELECT :job_id, row, "column", code, :division, other
    FROM faulty
    CROSS JOIN LATERAL (VALUES
        ('relation', 'no_head', no_head, NULL),
        ('relation', 'second_head', second_head, head_row),
        ('relation', 'head_stays', head_stays AND household_elsewhere IS NOT TRUE, NULL),
        ('members', 'members_differ', members_differ, NULL),
        ('village', 'household_differs', village_differs, first_row),
        ('status', 'household_differs', status_differs, first_row),
        ('registered_on', 'household_differs', registered_on_differs, first_row),
        ('members', 'household_differs', members_unlike, first_row),
        ('household_number', 'household_elsewhere', household_elsewhere, NULL),
        ('household_number', 'household_newer', household_newer, NULL),
        ('identity', 'person_elsewhere', person_elsewhere, NULL),
        ('person_number', 'number_taken', number_taken, NULL)
    ) AS fault ("column", code, found, other)
    WHERE found
    ON CONFLICT DO NOTHING
), marked AS (
    UPDATE import_person SET refused = 'judged'
    FROM faulty WHERE import_person.ctid = faulty.at
    RETURNING 1
)
SELECT count(*) FROM marked
