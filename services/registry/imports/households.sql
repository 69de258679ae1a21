-- A batch of households as file and register have them together: entered or changed, with events.
WITH staged AS (
    SELECT household_number AS number, village, status, registered, registered_on, synthetic,
        household_id, event_id,
        working, able, subsistence,
        refused IS NULL AS good,
        refused IS NOT NULL AND refused <> 'duplicate' AS missing,
        CASE WHEN refused IS NULL THEN identity_index END AS identity_index
    FROM import_person
    WHERE load = :load
        AND household_number > :after AND household_number <= :upto
), stored AS (
    SELECT listed.number, identity_index, working, person.able, person.subsistence
    FROM (SELECT DISTINCT number FROM staged) AS listed
    JOIN household USING (number)
    JOIN person ON person.household_id = household.id
    WHERE :known
), member AS (
    SELECT coalesce(staged.number, stored.number) AS number,
        village, status, registered, registered_on, synthetic, good, missing,
        staged.household_id, event_id,
        good IS TRUE OR stored.identity_index IS NOT NULL AS counted,
        CASE WHEN stored.identity_index IS NULL OR good AND 'working' = ANY (:given)
            THEN staged.working ELSE stored.working END AS working,
        CASE WHEN stored.identity_index IS NULL OR good AND 'able' = ANY (:given)
            THEN staged.able ELSE stored.able END AS able,
        CASE WHEN stored.identity_index IS NULL OR good AND 'subsistence' = ANY (:given)
            THEN staged.subsistence ELSE stored.subsistence END AS subsistence
    FROM staged FULL JOIN stored ON stored.identity_index = staged.identity_index
), summed AS (
    SELECT number,
        min(village) FILTER (WHERE good) AS division,
        min(status) FILTER (WHERE good) AS status,
        bool_and(registered) FILTER (WHERE good) AS registered,
        min(registered_on) FILTER (WHERE good) AS registered_on,
        bool_or(synthetic) FILTER (WHERE good) IS TRUE AS synthetic,
        any_value(household_id) AS new_id,
        any_value(event_id) AS event_id,
        bool_or(missing) IS TRUE AS incomplete,
        count(*) FILTER (WHERE counted) AS members,
        count(*) FILTER (WHERE counted AND working) AS workers,
        count(*) FILTER (WHERE counted AND working IS NULL) AS workers_unknown,
        count(*) FILTER (WHERE counted AND able IN ('ordinary', 'skilled', 'weak')) AS able,
        count(*) FILTER (WHERE counted AND able IS NULL) AS able_unknown,
        count(*) FILTER (WHERE counted AND subsistence) AS supported,
        count(*) FILTER (WHERE counted AND NOT subsistence) AS unsupported
    FROM member
    GROUP BY number
    HAVING bool_or(good)
), next AS (
    SELECT summed.number, summed.division, summed.status, summed.registered, summed.synthetic,
        summed.members::integer AS members,
        -- What a refused row would have said is unknown: nobody is counted as out of work by it.
        CASE WHEN NOT incomplete AND workers_unknown = 0 THEN summed.workers::integer END AS workers,
        CASE WHEN NOT incomplete AND able_unknown = 0 THEN summed.able::integer END AS able,
        CASE WHEN supported > 0 AND unsupported > 0 THEN 'partial'
            WHEN incomplete OR supported + unsupported < summed.members THEN NULL
            WHEN supported > 0 THEN 'whole' ELSE 'none' END AS subsistence,
        CASE WHEN household.id IS NULL OR 'registered_on' = ANY (:given)
            THEN summed.registered_on ELSE household.registered_on END AS registered_on,
        household.id, new_id, event_id
    FROM summed LEFT JOIN household ON :known AND household.number = summed.number
), added AS (
    INSERT INTO household (id, division, number, registered, registered_on, status, subsistence,
        members, workers, able, as_of, synthetic, version, updated_at)
    SELECT new_id, division, number, registered, registered_on, status, subsistence,
        members, workers, able, :as_of, synthetic, 1, :at
    FROM next WHERE id IS NULL
    RETURNING 1
), changed AS (
    UPDATE household SET division = next.division, status = next.status,
        registered = next.registered, registered_on = next.registered_on,
        subsistence = next.subsistence, members = next.members, workers = next.workers,
        able = next.able, as_of = :as_of, version = household.version + 1, updated_at = :at
    FROM next
    WHERE household.id = next.id
        AND (household.division, household.status, household.registered, household.registered_on,
            household.subsistence, household.members, household.workers, household.able)
        IS DISTINCT FROM (next.division, next.status, next.registered, next.registered_on,
            next.subsistence, next.members, next.workers, next.able)
    RETURNING household.*,
        (old.division, old.status, old.registered, old.members, old.workers, old.able)
        IS DISTINCT FROM
        (new.division, new.status, new.registered, new.members, new.workers, new.able) AS told
), fact AS (
    SELECT event_id, :registered_type AS type, new_id AS id, 1 AS version, division, status,
        registered, members, workers, able
    FROM next WHERE id IS NULL
    UNION ALL
    SELECT uuidv7(), :updated_type, id, version, division, status, registered, members, workers,
        able
    FROM changed WHERE told
), emitted AS (
    INSERT INTO outbox (event_id, topic, key, type, time, data)
    SELECT event_id, :topic, fact.id::text, fact.type, :at,
        convert_to(row_to_json(data)::text, 'UTF8')
    FROM fact
    CROSS JOIN LATERAL (SELECT fact.id AS aggregate_id, version, fact.id AS household_id, division,
        status, registered, members, workers, able, '{}'::text[] AS attributes,
        false AS rights_kept) AS data
    RETURNING 1
)
SELECT (SELECT count(*) FROM added) AS households_added,
    (SELECT count(*) FROM changed) AS households_changed,
    (SELECT count(*) FROM emitted) AS events
