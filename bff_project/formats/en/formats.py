"""Moments to the second, by 24 hours, as logs and the console's own pages write them; in UTC."""

DATE_FORMAT = "Y-m-d"
TIME_FORMAT = "H:i:s"
DATETIME_FORMAT = "Y-m-d H:i:s"
