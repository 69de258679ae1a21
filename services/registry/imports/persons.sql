-- The persons of a batch: entered, or changed where a clear value is another; what the file has no
-- column for stays as it is. Unless some are `known`, all are new.
WITH next AS (
    SELECT person.id, staged.id AS new_id, household.id AS household_id, staged.village AS division,
        staged.person_number AS number, staged.name, staged.sex, staged.birth_on,
        staged.identity_sealed, staged.identity_index, staged.identity_note, staged.relation,
        staged.phone_sealed AS new_phone_sealed,
        CASE WHEN person.id IS NULL OR 'phone' = ANY (:given)
            THEN staged.phone_index ELSE person.phone_index END AS phone_index,
        CASE WHEN person.id IS NULL OR 'able' = ANY (:given)
            THEN staged.able ELSE person.able END AS able,
        CASE WHEN person.id IS NULL OR 'working' = ANY (:given)
            THEN staged.working ELSE person.working END AS working,
        CASE WHEN person.id IS NULL OR 'subsistence' = ANY (:given)
            THEN staged.subsistence ELSE person.subsistence END AS subsistence,
        CASE WHEN person.id IS NULL OR 'cadre' = ANY (:given)
            THEN staged.cadre ELSE person.cadre END AS cadre,
        CASE WHEN person.id IS NULL OR 'cadre_family' = ANY (:given)
            THEN staged.cadre_family ELSE person.cadre_family END AS cadre_family
    FROM import_person AS staged
    JOIN household ON household.number = staged.household_number
    LEFT JOIN person ON :known AND person.identity_index = staged.identity_index
    WHERE load = :load AND refused IS NULL
        AND household_number > :after AND household_number <= :upto
), added AS (
    INSERT INTO person (id, household_id, division, number, name, sex, birth_on, identity_sealed,
        identity_index, identity_note, phone_sealed, phone_index, relation, able, working,
        subsistence, cadre, cadre_family, as_of, version)
    SELECT new_id, household_id, division, number, name, sex, birth_on, identity_sealed,
        identity_index, identity_note, new_phone_sealed, phone_index, relation, able, working,
        subsistence, cadre, cadre_family, :as_of, 1
    FROM next WHERE id IS NULL
    RETURNING 1
), changed AS (
    UPDATE person SET household_id = next.household_id, division = next.division,
        number = next.number, name = next.name, sex = next.sex, birth_on = next.birth_on,
        identity_note = next.identity_note, relation = next.relation,
        phone_sealed = CASE WHEN person.phone_index IS DISTINCT FROM next.phone_index
            THEN next.new_phone_sealed ELSE person.phone_sealed END,
        phone_index = next.phone_index, able = next.able, working = next.working,
        subsistence = next.subsistence, cadre = next.cadre, cadre_family = next.cadre_family,
        as_of = :as_of, version = person.version + 1
    FROM next
    WHERE person.id = next.id
        AND (person.household_id, person.division, person.number, person.name, person.sex,
            person.birth_on, person.identity_note, person.relation, person.phone_index,
            person.able, person.working, person.subsistence, person.cadre, person.cadre_family)
        IS DISTINCT FROM (next.household_id, next.division, next.number, next.name, next.sex,
            next.birth_on, next.identity_note, next.relation, next.phone_index,
            next.able, next.working, next.subsistence, next.cadre, next.cadre_family)
    RETURNING 1
)
SELECT (SELECT count(*) FROM added) AS persons_added, (SELECT count(*) FROM changed) AS persons_changed
