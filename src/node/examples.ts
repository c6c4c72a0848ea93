/** Shown by --help of normsim, and of normsim run. */
export const examples: string = `
Examples:
  normsim run scenarios/quickstart.yaml
  normsim run - --json < my.yaml | jq .normalizers[0].divergence.outputMse
  normsim run my.yaml --dump out     # y, dx and gradients of every rank as .npy`;

/** Shown by --help of normsim sweep. */
export const sweepExamples: string = `
Examples:
  normsim sweep scenarios/group-sweep.yaml --set data.samples=1,2,4,8 --set seed=1,2,3 --csv out.csv
  normsim sweep my.yaml --set mesh.data=2,4,8 --resume --fail-if 'SyncBN: divergence.outputMse.mean > 1e-6'
  normsim sweep my.yaml --set data.samples=1,2,4 --redis redis://localhost   # run by normsim worker`;

/** Shown by --help of normsim estimate. */
export const estimateExamples: string = `
Examples:
  normsim estimate --model resnet50 --cluster dgx-a100 --gpus 64 --microbatch 32
  normsim estimate --model mask-rcnn-r50-fpn --cluster dgx-1-v100 --gpus 8 --microbatch 2 --implementation detectron2
  normsim estimate --model resnet50 --cluster dgx-h100 --gpus 512 --microbatch 32 --step-time 95ms --json`;

/** Shown by --help of normsim collective. */
export const collectiveExamples: string = `
Examples:
  normsim collective all-reduce --cluster dgx-a100 --nodes 2 --bytes 8KiB,1MiB,1GiB
  normsim collective all-gather --cluster dgx-h100 --nodes 8 --gpus-per-node 8 --bytes 64KiB --nccl 2.26 --json`;

/** Of `normsim import`. */
export const importExamples: string = `
Examples:
  normsim import model.onnx > layers.json && normsim estimate --model layers.json --cluster dgx-a100 --gpus 64 --microbatch 32
  normsim import model.onnx --layer layer1.0.bn1 --gpus 8 --microbatch 4 | normsim run -`;
