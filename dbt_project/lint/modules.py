"""What dbt offers to templates as ``modules``."""

import datetime
import re

__all__ = ["datetime", "re"]
