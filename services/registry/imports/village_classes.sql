-- Classes given to villages from a day on; where the class in force is another now, an event.
WITH given AS (
    SELECT * FROM jsonb_to_recordset(:rows)
        AS given (village text, class text, since date, source text)
), added AS (
    INSERT INTO village_class (division, since, class, source)
    SELECT village, since, class, source FROM given
    ON CONFLICT (division, since) DO NOTHING
    RETURNING *
), before AS (
    SELECT DISTINCT ON (division) division, class
    FROM village_class WHERE division IN (SELECT village FROM given) AND since <= :as_of
    ORDER BY division, since DESC
), after AS (
    SELECT DISTINCT ON (division) division, class, since
    FROM (
        SELECT division, class, since FROM village_class
        WHERE division IN (SELECT village FROM given)
        UNION ALL
        SELECT division, class, since FROM added
    ) AS every
    WHERE since <= :as_of
    ORDER BY division, since DESC
), changed AS (
    UPDATE village SET version = village.version + 1
    FROM after LEFT JOIN before USING (division)
    WHERE village.division = after.division AND after.class IS DISTINCT FROM before.class
    RETURNING village.id, village.version, village.division, after.class, after.since
), emitted AS (
    INSERT INTO outbox (event_id, topic, key, type, time, data)
    SELECT uuidv7(), :topic, changed.division, :type, :at, convert_to(row_to_json(data)::text, 'UTF8')
    FROM changed
    CROSS JOIN LATERAL (SELECT id AS aggregate_id, version, division, class AS village_class, since)
        AS data
    RETURNING 1
)
SELECT (SELECT count(*) FROM added) AS classes_added,
    (SELECT count(*) FROM emitted) AS villages_reclassified
