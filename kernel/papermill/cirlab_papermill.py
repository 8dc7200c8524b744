"""Teaches papermill to write and read parameters in TypeScript.

papermill loads every package that offers it an engine; this one registers a translator when it is loaded, and its
engine is papermill's own.
"""

import json
import math
import re

from papermill.engines import NBClientEngine as engine
from papermill.models import Parameter
from papermill.translators import Translator, papermill_translators

__all__ = ["TypeScriptTranslator", "engine"]

_DECLARATION = re.compile(
    r"^\s*(?:export\s+)?(?:let|var)\s+(?P<name>[A-Za-z_$][\w$]*)\s*(?::\s*(?P<type>[^=]+?))?\s*=\s*(?P<value>.*?)\s*;?"
    r"\s*(?://\s*(?P<help>.*))?$"
)


class TypeScriptTranslator(Translator):
    """Assigns to what the cell tagged `parameters` declares with `let`: its types go on to hold."""

    @classmethod
    def translate(cls, val):
        if isinstance(val, float) and not math.isfinite(val):
            return "NaN" if math.isnan(val) else "Infinity" if val > 0 else "-Infinity"
        if isinstance(val, dict):
            return "{" + ", ".join(f"{json.dumps(str(k))}: {cls.translate(v)}" for k, v in val.items()) + "}"
        if isinstance(val, (list, tuple)):
            return "[" + ", ".join(map(cls.translate, val)) + "]"
        if isinstance(val, int) and not isinstance(val, bool) and abs(val) > 2**53 - 1:
            return f"{val}n"
        return json.dumps(val, ensure_ascii=False, default=str)

    @classmethod
    def comment(cls, cmt_str):
        return f"// {cmt_str}"

    @classmethod
    def assign(cls, name, str_val):
        return f"{name} = {str_val};"

    @classmethod
    def inspect(cls, parameters_cell):
        """What `papermill --help-notebook` lists: one declaration with `let` a line."""
        found = filter(None, map(_DECLARATION.match, parameters_cell["source"].splitlines()))
        return [
            Parameter(
                name=match["name"],
                inferred_type_name=str(match["type"] or "None"),
                default=match["value"],
                help=(match["help"] or "").strip(),
            )
            for match in found
        ]


papermill_translators.register("typescript", TypeScriptTranslator)
