-- Whether a batch has to be judged: a household at odds with itself, or one that is entered already.
-- Without either its people are taken for new, and the unique indexes speak where they are not.
SELECT EXISTS (
    SELECT FROM (
        SELECT household_number AS number,
            count(*) FILTER (WHERE refused IS DISTINCT FROM 'duplicate') AS rows,
            count(*) FILTER (WHERE refused IS DISTINCT FROM 'duplicate' AND relation = 'head')
                AS heads,
            count(members) AS counted,
            min(members) AS fewest, max(members) AS most,
            min(village) AS first_village, max(village) AS last_village,
            min(status) AS first_status, max(status) AS last_status,
            count(registered_on) AS dated,
            min(registered_on) AS first_day, max(registered_on) AS last_day
        FROM import_person
        WHERE load = :load AND household_number > :after AND household_number <= :upto
        GROUP BY household_number
    ) AS listed
    LEFT JOIN household AS entered USING (number)
    WHERE entered.id IS NOT NULL OR heads <> 1
        OR fewest <> rows OR most <> rows OR counted NOT IN (0, rows)
        OR first_village <> last_village OR first_status <> last_status
        OR first_day <> last_day OR dated NOT IN (0, rows)
)
