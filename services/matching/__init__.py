"""对接服务: the need board. It owns needs and their history, and follows everybody else's facts.

Events in: household_registered, household_updated, village_registered, village_reclassified,
household_employed, household_employment_ended, pv_station_connected, pv_revenue_settled.
Events out: need_published, need_withdrawn.
"""
