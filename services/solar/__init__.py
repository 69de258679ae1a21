"""光伏扶贫: solar stations and what they earn.

Events out: pv_station_connected, pv_revenue_settled.
"""
