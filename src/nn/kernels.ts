/**
 * The handwritten kernels, as text. Each file says in its header what it computes, on which layout and with which grid.
 *
 * @module
 */
import adamCode from "../../kernels/adam.wgsl" with { type: "text" };
import advanceStepCode from "../../kernels/advance_step.wgsl" with { type: "text" };
import denseForwardCode from "../../kernels/dense_forward.wgsl" with { type: "text" };
import denseInputGradientCode from "../../kernels/dense_input_gradient.wgsl" with { type: "text" };
import denseWeightGradientCode from "../../kernels/dense_weight_gradient.wgsl" with { type: "text" };
import evaluationSumsCode from "../../kernels/evaluation_sums.wgsl" with { type: "text" };
import gatherCode from "../../kernels/gather.wgsl" with { type: "text" };
import keepBestCode from "../../kernels/keep_best.wgsl" with { type: "text" };
import maskStatisticsCode from "../../kernels/mask_statistics.wgsl" with { type: "text" };
import selectApplyCode from "../../kernels/select_apply.wgsl" with { type: "text" };
import selectHistogramCode from "../../kernels/select_histogram.wgsl" with { type: "text" };
import selectPickCode from "../../kernels/select_pick.wgsl" with { type: "text" };
import sgdCode from "../../kernels/sgd.wgsl" with { type: "text" };
import softmaxCrossEntropyCode from "../../kernels/softmax_cross_entropy.wgsl" with { type: "text" };
import type { KernelSource } from "../gpu/pipelines.ts";

/** `kernels/adam.wgsl`. */
export const adam: KernelSource = { name: "adam", code: adamCode };
/** `kernels/advance_step.wgsl`. */
export const advanceStep: KernelSource = { name: "advance_step", code: advanceStepCode };
/** `kernels/dense_forward.wgsl`. */
export const denseForward: KernelSource = { name: "dense_forward", code: denseForwardCode };
/** `kernels/dense_input_gradient.wgsl`. */
export const denseInputGradient: KernelSource = { name: "dense_input_gradient", code: denseInputGradientCode };
/** `kernels/dense_weight_gradient.wgsl`. */
export const denseWeightGradient: KernelSource = { name: "dense_weight_gradient", code: denseWeightGradientCode };
/** `kernels/evaluation_sums.wgsl`. */
export const evaluationSums: KernelSource = { name: "evaluation_sums", code: evaluationSumsCode };
/** `kernels/gather.wgsl`. */
export const gather: KernelSource = { name: "gather", code: gatherCode };
/** `kernels/keep_best.wgsl`. */
export const keepBest: KernelSource = { name: "keep_best", code: keepBestCode };
/** `kernels/mask_statistics.wgsl`. */
export const maskStatistics: KernelSource = { name: "mask_statistics", code: maskStatisticsCode };
/** `kernels/select_apply.wgsl`. */
export const selectApply: KernelSource = { name: "select_apply", code: selectApplyCode };
/** `kernels/select_histogram.wgsl`. */
export const selectHistogram: KernelSource = { name: "select_histogram", code: selectHistogramCode };
/** `kernels/select_pick.wgsl`. */
export const selectPick: KernelSource = { name: "select_pick", code: selectPickCode };
/** `kernels/sgd.wgsl`. */
export const sgd: KernelSource = { name: "sgd", code: sgdCode };
/** `kernels/softmax_cross_entropy.wgsl`. */
export const softmaxCrossEntropy: KernelSource = { name: "softmax_cross_entropy", code: softmaxCrossEntropyCode };
