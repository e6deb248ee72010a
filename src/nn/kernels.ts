/**
 * The handwritten kernels, as text. Each file says in its header what it computes, on which layout and with which grid.
 *
 * @module
 */
import adamCode from "../../kernels/adam.wgsl" with { type: "text" };
import addReluCode from "../../kernels/add_relu.wgsl" with { type: "text" };
import advanceStepCode from "../../kernels/advance_step.wgsl" with { type: "text" };
import batchNormFinishCode from "../../kernels/batch_norm_finish.wgsl" with { type: "text" };
import batchNormForwardCode from "../../kernels/batch_norm_forward.wgsl" with { type: "text" };
import batchNormGradientFinishCode from "../../kernels/batch_norm_gradient_finish.wgsl" with { type: "text" };
import batchNormGradientSumsCode from "../../kernels/batch_norm_gradient_sums.wgsl" with { type: "text" };
import batchNormInputGradientCode from "../../kernels/batch_norm_input_gradient.wgsl" with { type: "text" };
import batchNormStatisticsCode from "../../kernels/batch_norm_statistics.wgsl" with { type: "text" };
import compactConvolutionForwardCode from "../../kernels/compact_convolution_forward.wgsl" with { type: "text" };
import compactConvolutionInputGradientCode from "../../kernels/compact_convolution_input_gradient.wgsl" with {
  type: "text",
};
import compactConvolutionWeightGradientCode from "../../kernels/compact_convolution_weight_gradient.wgsl" with {
  type: "text",
};
import compactForwardCode from "../../kernels/compact_forward.wgsl" with { type: "text" };
import compactInputGradientCode from "../../kernels/compact_input_gradient.wgsl" with { type: "text" };
import compactWeightGradientCode from "../../kernels/compact_weight_gradient.wgsl" with { type: "text" };
import convolutionForwardCode from "../../kernels/convolution_forward.wgsl" with { type: "text" };
import convolutionForwardWorkgroupCode from "../../kernels/convolution_forward_workgroup.wgsl" with { type: "text" };
import convolutionInputGradientCode from "../../kernels/convolution_input_gradient.wgsl" with { type: "text" };
import convolutionInputGradientWorkgroupCode from "../../kernels/convolution_input_gradient_workgroup.wgsl" with {
  type: "text",
};
import convolutionWeightGradientCode from "../../kernels/convolution_weight_gradient.wgsl" with { type: "text" };
import convolutionWeightGradientWorkgroupCode from "../../kernels/convolution_weight_gradient_workgroup.wgsl" with {
  type: "text",
};
import denseForwardCode from "../../kernels/dense_forward.wgsl" with { type: "text" };
import denseForwardSumCode from "../../kernels/dense_forward_sum.wgsl" with { type: "text" };
import denseForwardWorkgroupCode from "../../kernels/dense_forward_workgroup.wgsl" with { type: "text" };
import denseInputGradientCode from "../../kernels/dense_input_gradient.wgsl" with { type: "text" };
import denseInputGradientSumCode from "../../kernels/dense_input_gradient_sum.wgsl" with { type: "text" };
import denseInputGradientWorkgroupCode from "../../kernels/dense_input_gradient_workgroup.wgsl" with { type: "text" };
import denseWeightGradientCode from "../../kernels/dense_weight_gradient.wgsl" with { type: "text" };
import denseWeightGradientWorkgroupCode from "../../kernels/dense_weight_gradient_workgroup.wgsl" with { type: "text" };
import dropoutCode from "../../kernels/dropout.wgsl" with { type: "text" };
import evaluationSumsCode from "../../kernels/evaluation_sums.wgsl" with { type: "text" };
import gatherCode from "../../kernels/gather.wgsl" with { type: "text" };
import globalAveragePoolCode from "../../kernels/global_average_pool.wgsl" with { type: "text" };
import globalAveragePoolGradientCode from "../../kernels/global_average_pool_gradient.wgsl" with { type: "text" };
import keepBestCode from "../../kernels/keep_best.wgsl" with { type: "text" };
import maskStatisticsCode from "../../kernels/mask_statistics.wgsl" with { type: "text" };
import maxPoolCode from "../../kernels/max_pool.wgsl" with { type: "text" };
import maxPoolGradientCode from "../../kernels/max_pool_gradient.wgsl" with { type: "text" };
import selectApplyCode from "../../kernels/select_apply.wgsl" with { type: "text" };
import selectHistogramCode from "../../kernels/select_histogram.wgsl" with { type: "text" };
import selectPickCode from "../../kernels/select_pick.wgsl" with { type: "text" };
import sgdCode from "../../kernels/sgd.wgsl" with { type: "text" };
import softmaxCrossEntropyCode from "../../kernels/softmax_cross_entropy.wgsl" with { type: "text" };
import sumPartialsCode from "../../kernels/sum_partials.wgsl" with { type: "text" };
import transposeWeightsCode from "../../kernels/transpose_weights.wgsl" with { type: "text" };
import type { KernelSource } from "../gpu/pipelines.ts";

/** `kernels/adam.wgsl`. */
export const adam: KernelSource = { name: "adam", code: adamCode };
/** `kernels/advance_step.wgsl`. */
export const advanceStep: KernelSource = { name: "advance_step", code: advanceStepCode };
/** `kernels/compact_convolution_forward.wgsl`. */
export const compactConvolutionForward: KernelSource = {
  name: "compact_convolution_forward",
  code: compactConvolutionForwardCode,
};
/** `kernels/compact_convolution_input_gradient.wgsl`. */
export const compactConvolutionInputGradient: KernelSource = {
  name: "compact_convolution_input_gradient",
  code: compactConvolutionInputGradientCode,
};
/** `kernels/compact_convolution_weight_gradient.wgsl`. */
export const compactConvolutionWeightGradient: KernelSource = {
  name: "compact_convolution_weight_gradient",
  code: compactConvolutionWeightGradientCode,
};
/** `kernels/compact_forward.wgsl`. */
export const compactForward: KernelSource = { name: "compact_forward", code: compactForwardCode };
/** `kernels/compact_input_gradient.wgsl`. */
export const compactInputGradient: KernelSource = { name: "compact_input_gradient", code: compactInputGradientCode };
/** `kernels/compact_weight_gradient.wgsl`. */
export const compactWeightGradient: KernelSource = { name: "compact_weight_gradient", code: compactWeightGradientCode };
/** `kernels/convolution_forward.wgsl`. */
export const convolutionForward: KernelSource = { name: "convolution_forward", code: convolutionForwardCode };
/** `kernels/convolution_forward_workgroup.wgsl`. */
export const convolutionForwardWorkgroup: KernelSource = {
  name: "convolution_forward_workgroup",
  code: convolutionForwardWorkgroupCode,
};
/** `kernels/convolution_input_gradient.wgsl`. */
export const convolutionInputGradient: KernelSource = {
  name: "convolution_input_gradient",
  code: convolutionInputGradientCode,
};
/** `kernels/convolution_input_gradient_workgroup.wgsl`. */
export const convolutionInputGradientWorkgroup: KernelSource = {
  name: "convolution_input_gradient_workgroup",
  code: convolutionInputGradientWorkgroupCode,
};
/** `kernels/convolution_weight_gradient.wgsl`. */
export const convolutionWeightGradient: KernelSource = {
  name: "convolution_weight_gradient",
  code: convolutionWeightGradientCode,
};
/** `kernels/convolution_weight_gradient_workgroup.wgsl`. */
export const convolutionWeightGradientWorkgroup: KernelSource = {
  name: "convolution_weight_gradient_workgroup",
  code: convolutionWeightGradientWorkgroupCode,
};
/** `kernels/dense_forward.wgsl`. */
export const denseForward: KernelSource = { name: "dense_forward", code: denseForwardCode };
/** `kernels/dense_forward_sum.wgsl`. */
export const denseForwardSum: KernelSource = { name: "dense_forward_sum", code: denseForwardSumCode };
/** `kernels/dense_forward_workgroup.wgsl`. */
export const denseForwardWorkgroup: KernelSource = { name: "dense_forward_workgroup", code: denseForwardWorkgroupCode };
/** `kernels/dense_input_gradient.wgsl`. */
export const denseInputGradient: KernelSource = { name: "dense_input_gradient", code: denseInputGradientCode };
/** `kernels/dense_input_gradient_sum.wgsl`. */
export const denseInputGradientSum: KernelSource = {
  name: "dense_input_gradient_sum",
  code: denseInputGradientSumCode,
};
/** `kernels/dense_input_gradient_workgroup.wgsl`. */
export const denseInputGradientWorkgroup: KernelSource = {
  name: "dense_input_gradient_workgroup",
  code: denseInputGradientWorkgroupCode,
};
/** `kernels/dense_weight_gradient.wgsl`. */
export const denseWeightGradient: KernelSource = { name: "dense_weight_gradient", code: denseWeightGradientCode };
/** `kernels/dense_weight_gradient_workgroup.wgsl`. */
export const denseWeightGradientWorkgroup: KernelSource = {
  name: "dense_weight_gradient_workgroup",
  code: denseWeightGradientWorkgroupCode,
};
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
/** `kernels/add_relu.wgsl`. */
export const addRelu: KernelSource = { name: "add_relu", code: addReluCode };
/** `kernels/batch_norm_finish.wgsl`. */
export const batchNormFinish: KernelSource = { name: "batch_norm_finish", code: batchNormFinishCode };
/** `kernels/batch_norm_forward.wgsl`. */
export const batchNormForward: KernelSource = { name: "batch_norm_forward", code: batchNormForwardCode };
/** `kernels/batch_norm_gradient_finish.wgsl`. */
export const batchNormGradientFinish: KernelSource = {
  name: "batch_norm_gradient_finish",
  code: batchNormGradientFinishCode,
};
/** `kernels/batch_norm_gradient_sums.wgsl`. */
export const batchNormGradientSums: KernelSource = {
  name: "batch_norm_gradient_sums",
  code: batchNormGradientSumsCode,
};
/** `kernels/batch_norm_input_gradient.wgsl`. */
export const batchNormInputGradient: KernelSource = {
  name: "batch_norm_input_gradient",
  code: batchNormInputGradientCode,
};
/** `kernels/batch_norm_statistics.wgsl`. */
export const batchNormStatistics: KernelSource = { name: "batch_norm_statistics", code: batchNormStatisticsCode };
/** `kernels/dropout.wgsl`. */
export const dropout: KernelSource = { name: "dropout", code: dropoutCode };
/** `kernels/global_average_pool.wgsl`. */
export const globalAveragePool: KernelSource = { name: "global_average_pool", code: globalAveragePoolCode };
/** `kernels/global_average_pool_gradient.wgsl`. */
export const globalAveragePoolGradient: KernelSource = {
  name: "global_average_pool_gradient",
  code: globalAveragePoolGradientCode,
};
/** `kernels/max_pool.wgsl`. */
export const maxPool: KernelSource = { name: "max_pool", code: maxPoolCode };
/** `kernels/max_pool_gradient.wgsl`. */
export const maxPoolGradient: KernelSource = { name: "max_pool_gradient", code: maxPoolGradientCode };
/** `kernels/sum_partials.wgsl`. */
export const sumPartials: KernelSource = { name: "sum_partials", code: sumPartialsCode };
/** `kernels/transpose_weights.wgsl`. */
export const transposeWeights: KernelSource = { name: "transpose_weights", code: transposeWeightsCode };
