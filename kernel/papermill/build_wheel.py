"""Makes the wheel with the standard library alone, so that pip needs no network (PEP 517)."""

import zipfile
from pathlib import Path

NAME, VERSION = "cirlab_papermill", "0.1.0"
INFO = f"{NAME}-{VERSION}.dist-info"


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    module = Path(__file__).with_name(f"{NAME}.py").read_text("utf-8")
    files = {
        f"{NAME}.py": module,
        f"{INFO}/METADATA": f"Metadata-Version: 2.1\nName: cirlab-papermill\nVersion: {VERSION}\n"
        "Summary: Parameters of TypeScript notebooks for papermill\nRequires-Dist: papermill>=2.4\n",
        f"{INFO}/WHEEL": "Wheel-Version: 1.0\nGenerator: cirlab\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{INFO}/entry_points.txt": f"[papermill.engine]\ncirlab = {NAME}:engine\n",
    }
    record = "".join(f"{name},,\n" for name in [*files, f"{INFO}/RECORD"])
    wheel = f"{NAME}-{VERSION}-py3-none-any.whl"
    with zipfile.ZipFile(Path(wheel_directory) / wheel, "w") as archive:
        for name, text in {**files, f"{INFO}/RECORD": record}.items():
            archive.writestr(name, text)
    return wheel
