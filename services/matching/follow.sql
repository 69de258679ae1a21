-- What follows from the facts for the touched households; reconcile.py says by which rule.
WITH touched AS (
    SELECT unnest(CAST(:households AS uuid[])) AS household_id
), running AS (
    SELECT household_id, count(id) FILTER (WHERE ended_on IS NULL) AS working
    FROM touched LEFT JOIN work USING (household_id)
    GROUP BY household_id
), counted AS (
    INSERT INTO situation (household_id, working, version)
    SELECT household_id, working, 0 FROM running
    ON CONFLICT (household_id) DO UPDATE SET working = excluded.working
    WHERE situation.working <> excluded.working
), facts AS (
    SELECT need.id,
        array_agg(work.event_id ORDER BY work.event_time, work.id) FILTER (WHERE runs) AS met_by,
        array_agg(work.event_type ORDER BY work.event_time, work.id) FILTER (WHERE runs) AS met_type,
        max(work.event_time) FILTER (WHERE ended) AS ended_at,
        (array_agg(work.event_id ORDER BY work.event_time DESC, work.id) FILTER (WHERE ended))[1] AS ended_by,
        (array_agg(work.event_type ORDER BY work.event_time DESC, work.id) FILTER (WHERE ended))[1] AS ended_type
    FROM need JOIN touched USING (household_id)
    LEFT JOIN work USING (household_id)
    CROSS JOIN LATERAL (
        SELECT work.ended_on IS NULL AND work.event_time > coalesce(need.overruled_at, '-infinity') AS runs,
            work.ended_on IS NOT NULL AS ended
    ) AS judged
    WHERE need.category = 'job' AND need.stage <> 'withdrawn'
    GROUP BY need.id
), wanted AS (
    SELECT need.id, need.state AS was, staged.stage, shown.*
    FROM need JOIN facts USING (id)
    CROSS JOIN LATERAL (
        SELECT cardinality(facts.met_by) >= need.quantity AS met,
            CASE WHEN facts.ended_at > need.verified_at THEN 'draft' ELSE need.stage END AS stage
    ) AS staged
    CROSS JOIN LATERAL (
        SELECT CASE WHEN met THEN 'met' ELSE staged.stage END AS state,
            met AND need.state <> 'met' AS meets
    ) AS became
    CROSS JOIN LATERAL (
        SELECT became.state,
            CASE WHEN meets THEN 'meet' ELSE 'return' END AS verb,
            CASE WHEN meets THEN facts.met_by[need.quantity] ELSE facts.ended_by END AS cause_id,
            CASE WHEN meets THEN facts.met_type[need.quantity] ELSE facts.ended_type END AS cause_type
    ) AS shown
    WHERE (need.stage, need.state) <> (staged.stage, shown.state) AND cause_id IS NOT NULL
), changed AS (
    UPDATE need SET stage = wanted.stage, state = wanted.state, version = need.version + 1
    FROM wanted WHERE need.id = wanted.id
    RETURNING need.id, need.division, wanted.was, wanted.state, wanted.verb, wanted.cause_id, wanted.cause_type
)
INSERT INTO need_history (id, need_id, division, at, was, became, verb, cause_id, cause_type)
SELECT uuidv7(), id, division, :at, was, state, verb, cause_id, cause_type FROM changed
