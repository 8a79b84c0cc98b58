"""How much is measured."""

from typing import NamedTuple


class Sizes(NamedTuple):
    """Of a run; what is a row of a table is a tuple."""

    #: Worker processes, and seconds of work for them.
    processes: tuple[int, ...] = (1, 2, 4, 8)
    seconds: float = 2.5
    #: Jobs that stand in the queue behind those that are drained, and how many these are.
    depths: tuple[int, ...] = (1_000, 10_000, 100_000, 1_000_000)
    slice: int = 5_000
    #: Slots of each of the batches that make such a queue: those of a small one all stand in it.
    small: int = 200
    #: Workers that wait when one job comes; seconds for which one comes after the other, and those
    #: from a result to the next. What workers do anyway comes round in ten seconds.
    waiting: tuple[int, ...] = (10, 100, 500)
    coming: float = 10
    gap: float = 0.02
    #: Worker processes that share jobs; how many jobs, and the seconds that each sleeps.
    sharing: tuple[int, ...] = (2, 4, 8)
    shared: int = 1_000
    nap: float = 0.01
    #: Workers that have nothing to do; how many are a process each; seconds of watching.
    idle: tuple[int, ...] = (0, 10, 100)
    idle_processes: int = 10
    watched: float = 10
    #: Jobs after which memory is read, and jobs of a batch.
    marks: tuple[int, ...] = (100_000, 500_000, 1_000_000)
    batch: int = 100_000
    #: Workers that a process has, where a process each would be too many.
    a_process: int = 25
    #: A cell that takes longer is given up.
    most: float = 300


QUICK = Sizes(
    processes=(1, 2),
    seconds=0.4,
    depths=(1_000, 10_000),
    slice=3_000,
    waiting=(10, 50),
    coming=2,
    sharing=(2,),
    idle=(0, 10),
    idle_processes=2,
    watched=2,
    marks=(5_000, 25_000, 50_000),
    batch=5_000,
    most=60,
)
