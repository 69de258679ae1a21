-- What follows from the facts for the touched households; reconcile.py says by which rule.
WITH touched AS (
    SELECT unnest(CAST(:households AS uuid[])) AS household_id
), heard AS (
    SELECT household_id,
        coalesce(array_agg(id ORDER BY id) FILTER (WHERE id IS NOT NULL AND ended_on IS NULL), '{}') AS running,
        coalesce(array_agg(id ORDER BY id) FILTER (WHERE ended_on IS NOT NULL), '{}') AS ended
    FROM touched LEFT JOIN work USING (household_id)
    GROUP BY household_id
), kept AS (
    -- Until registry is heard of, a household is where its needs were captured.
    INSERT INTO situation (household_id, division, running, ended, version)
    SELECT household_id, (SELECT max(division) FROM need WHERE need.household_id = heard.household_id),
        running, ended, 0
    FROM heard
    ON CONFLICT (household_id) DO UPDATE SET running = excluded.running, ended = excluded.ended,
        division = coalesce(situation.division, excluded.division)
    WHERE (situation.running, situation.ended) <> (excluded.running, excluded.ended)
), news AS (
    SELECT need.id,
        ARRAY(SELECT job FROM unnest(heard.running) AS job WHERE job <> ALL (need.overruled)) AS meeting,
        ARRAY(SELECT job FROM unnest(heard.ended) AS job WHERE job <> ALL (need.acknowledged)) AS lost
    FROM need JOIN heard USING (household_id)
    WHERE need.category = 'job' AND need.stage <> 'withdrawn'
), wanted AS (
    SELECT need.id, need.state AS was, staged.stage, became.state,
        CASE WHEN meets THEN 'meet' ELSE 'return' END AS verb,
        CASE WHEN meets THEN meeting[need.quantity] ELSE lost[cardinality(lost)] END AS job
    FROM need JOIN news USING (id)
    CROSS JOIN LATERAL (
        SELECT cardinality(meeting) >= need.quantity AS met,
            CASE WHEN cardinality(lost) > 0 THEN 'draft' ELSE need.stage END AS stage
    ) AS staged
    CROSS JOIN LATERAL (
        SELECT CASE WHEN met THEN 'met' ELSE staged.stage END AS state,
            met AND need.state <> 'met' AS meets
    ) AS became
    WHERE (need.stage, need.state) <> (staged.stage, became.state)
), changed AS (
    UPDATE need SET stage = wanted.stage, state = wanted.state, version = need.version + 1
    FROM wanted JOIN work ON work.id = wanted.job
    WHERE need.id = wanted.id
    RETURNING need.id, need.division, wanted.was, wanted.state, wanted.verb, work.event_id, work.event_type
)
INSERT INTO need_history (id, need_id, division, at, was, became, verb, cause_id, cause_type)
SELECT uuidv7(), id, division, :at, was, state, verb, event_id, event_type FROM changed
