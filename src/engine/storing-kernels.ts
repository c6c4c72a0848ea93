import type { Kernels } from "../kernels/kernels.ts";
import { isHalf, type NumberFormat } from "../scenario/number-format.ts";

/**
 * Kernels that store y and dx in the storage format: those of a half format are rounded in a second pass,
 * after float32. Others are the kernels themselves.
 *
 * @param onOverflow hears how many finite numbers a store made infinite.
 */
export function storingKernels(
  kernels: Kernels,
  storage: NumberFormat,
  onOverflow: (count: number) => void,
): Kernels {
  if (!isHalf(storage)) return kernels;
  return {
    ...kernels,
    normalize(input, sets, statistics, affine, y) {
      kernels.normalize(input, sets, statistics, affine, y);
      onOverflow(kernels.roundToHalf(y, storage));
    },
    gradient(input, dy, sets, factors, dx) {
      kernels.gradient(input, dy, sets, factors, dx);
      onOverflow(kernels.roundToHalf(dx, storage));
    },
  };
}
