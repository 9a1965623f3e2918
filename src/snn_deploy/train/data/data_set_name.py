"""data_set_name: the type of a data set's option that names another data set: no place, and checked as a name is."""

from typing import NewType

DataSetName = NewType("DataSetName", str)
