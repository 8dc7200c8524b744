"""Reads exports with the programs they are made for: TensorBoard's own reader, Arrow. Prints what it read as JSON.

usage: read-exports.py TENSORBOARD_FOLDER PARQUET_FILE...
"""

import json
import sys

import pyarrow.parquet
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

events = EventAccumulator(sys.argv[1])
events.Reload()
tags = events.Tags()
json.dump(
    {
        "scalars": {tag: [[e.step, e.value, e.wall_time] for e in events.Scalars(tag)] for tag in tags["scalars"]},
        "texts": {
            tag: [[e.step, e.tensor_proto.string_val[0].decode()] for e in events.Tensors(tag)] for tag in tags["tensors"]
        },
        "plugins": {tag: events.SummaryMetadata(tag).plugin_data.plugin_name for tag in tags["tensors"]},
        "tables": [pyarrow.parquet.read_table(path).to_pylist() for path in sys.argv[2:]],
    },
    sys.stdout,
)
