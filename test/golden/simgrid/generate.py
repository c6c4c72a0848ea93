"""What SimGrid predicts for all-reduces on stars and fat trees: writes ../simgrid.json.

Made with SimGrid 3.32 (Debian 12: apt-get install g++ libsimgrid-dev), Python 3.11. It needs some minutes.
collectives.cpp says what a case is; its schedules are written independently of normsim's.
"""

import json
import pathlib
import subprocess
import tempfile

HERE = pathlib.Path(__file__).parent
LATENCY, BANDWIDTH = 1e-6, 25e9
ALGORITHMS = ["ring", "recursive-doubling", "rabenseifner"]
# Per level, lowest first: children of a switch, parents of a node below it.
TREES = [
    [[4, 1], [2, 2]],
    [[8, 1], [8, 2]],
    [[16, 1], [16, 4]],
    [[8, 1], [8, 4], [8, 2]],
    [[32, 1], [32, 8]],
]
EIGHT_KIB, ONE_MIB = 2048, 262144
# Ranks next to each other or far apart; all at once or one after another.
ARRANGEMENTS = [(1, 0), (17, 0), (1, 1e-6), (17, 1e-6)]


def ranks_of(tree):
    ranks = 1
    for children, _ in tree:
        ranks *= children
    return ranks


def is_chaotic(stride, skew):
    """A scattered ring that starts one rank after another has no answer to compare with: on the tree of 64
    ranks SimGrid's own goes from 856 to 883 us as surf/precision goes from 1e-9 to 1e-14."""
    return stride > 1 and skew > 0


def cases():
    for ranks in (8, 64, 256, 1024):
        for algorithm in ALGORITHMS:
            for elements in (EIGHT_KIB, ONE_MIB) if ranks < 1024 else (EIGHT_KIB,):
                for stride, skew in ((1, 0), (1, 1e-6)):
                    if ranks == 1024 and algorithm == "ring" and skew > 0:
                        continue
                    yield {"ranks": ranks, "tree": None}, algorithm, elements, stride, skew
    for tree in TREES:
        ranks = ranks_of(tree)
        for algorithm in ALGORITHMS:
            for elements in (EIGHT_KIB, ONE_MIB) if ranks < 512 else (EIGHT_KIB,):
                for stride, skew in ARRANGEMENTS:
                    if algorithm == "ring" and (is_chaotic(stride, skew) or ranks == 1024 and stride == 1):
                        continue
                    yield {"ranks": ranks, "tree": tree}, algorithm, elements, stride, skew


def run(program, topology, algorithm, elements, stride, skew):
    tree = topology["tree"]
    where = f"star={topology['ranks']}" if tree is None else "tree"
    levels = [str(number) for level in tree or [] for number in level]
    words = [where, algorithm, elements, stride, skew, LATENCY, BANDWIDTH, *levels]
    result = subprocess.run([program, *map(str, words)], capture_output=True, text=True, check=True)
    seconds, version, _ = result.stdout.split()
    case = {**topology, "algorithm": algorithm, "elements": elements, "stride": stride, "skewSeconds": skew}
    return {**case, "seconds": float(seconds)}, version


def main():
    with tempfile.TemporaryDirectory() as folder:
        program = f"{folder}/collectives"
        source = str(HERE / "collectives.cpp")
        subprocess.run(["g++", "-std=c++17", "-O2", "-o", program, source, "-lsimgrid"], check=True)
        results = [run(program, *case) for case in cases()]
    golden = {
        "madeBy": f"test/golden/simgrid/generate.py, SimGrid {results[0][1]}",
        "latencySeconds": LATENCY,
        "bandwidthBytesPerSecond": BANDWIDTH,
        "elementBytes": 4,
        "cases": [case for case, _ in results],
    }
    (HERE.parent / "simgrid.json").write_text(json.dumps(golden, indent=1) + "\n")


main()
