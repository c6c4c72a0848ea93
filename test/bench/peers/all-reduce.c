/*
 * MPI_Allreduce of float32 between processes on one machine: the peer of the all-reduce between threads.
 *
 * Arguments: elements, warm-up calls, windows, calls of a window. Every rank sums from a buffer of its own into another;
 * rank 0 prints the wall seconds of one call in its median window.
 */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>

static int ascending(const void *a, const void *b) {
  double difference = *(const double *)a - *(const double *)b;
  return (difference > 0) - (difference < 0);
}

int main(int argc, char **argv) {
  MPI_Init(&argc, &argv);
  if (argc != 5) MPI_Abort(MPI_COMM_WORLD, 2);
  int elements = atoi(argv[1]), warmUp = atoi(argv[2]), windows = atoi(argv[3]), calls = atoi(argv[4]), rank;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  float *own = malloc(elements * sizeof *own), *sum = malloc(elements * sizeof *sum);
  double *seconds = malloc(windows * sizeof *seconds);
  for (int i = 0; i < elements; i++) own[i] = (float)(rank + i % 7);
  for (int call = 0; call < warmUp; call++)
    MPI_Allreduce(own, sum, elements, MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD);
  for (int window = 0; window < windows; window++) {
    double begun = MPI_Wtime();
    for (int call = 0; call < calls; call++)
      MPI_Allreduce(own, sum, elements, MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD);
    seconds[window] = (MPI_Wtime() - begun) / calls;
  }
  qsort(seconds, windows, sizeof *seconds, ascending);
  if (rank == 0) printf("%.9f\n", seconds[windows / 2]);
  MPI_Finalize();
  return 0;
}
