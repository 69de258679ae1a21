-- Divisions as given; villages among them that are in force are registered, each with its event.
WITH given AS (
    SELECT * FROM jsonb_to_recordset(:rows) AS given (code text, parent text, level text, name text,
        since date, until date, successor text, synthetic boolean, village_id uuid)
), written AS (
    INSERT INTO division (code, parent, level, name, since, until, successor, synthetic)
    SELECT code, parent, level, name, since, until, successor, synthetic FROM given
    ON CONFLICT (code) DO UPDATE SET name = excluded.name, until = excluded.until,
        successor = excluded.successor, synthetic = excluded.synthetic
    WHERE (division.name, division.until, division.successor, division.synthetic)
        IS DISTINCT FROM
        (excluded.name, excluded.until, excluded.successor, excluded.synthetic)
    RETURNING old.code IS NULL AS added
), registered AS (
    INSERT INTO village (division, id, version)
    SELECT code, village_id, 1 FROM given
    WHERE level = 'village' AND (until IS NULL OR until > :as_of)
    ON CONFLICT (division) DO NOTHING
    RETURNING *
), emitted AS (
    INSERT INTO outbox (event_id, topic, key, type, time, data)
    SELECT uuidv7(), :topic, registered.division, :type, :at, convert_to(row_to_json(data)::text, 'UTF8')
    FROM registered
    CROSS JOIN LATERAL (SELECT id AS aggregate_id, version, division, NULL::text AS village_class,
        NULL::date AS since) AS data
    RETURNING 1
)
SELECT (SELECT count(*) FROM written WHERE added) AS divisions_added,
    (SELECT count(*) FROM written WHERE NOT added) AS divisions_changed,
    (SELECT count(*) FROM emitted) AS villages_registered
