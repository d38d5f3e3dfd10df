import * as v from 'valibot'
import { nanograms, uint } from './cbor.ts'

/** Tokens of one answer in four disjoint classes: `prompt` leaves out `cached`, `completion` leaves out `reasoning`. */
export const Usage = v.strictObject({ prompt: uint, cached: uint, completion: uint, reasoning: uint })
export type Usage = v.InferOutput<typeof Usage>

/** Nanograms per million tokens, by class. */
export const Price = v.strictObject({
  prompt: nanograms,
  cached: nanograms,
  completion: nanograms,
  reasoning: nanograms,
})
export type Price = v.InferOutput<typeof Price>

const classes = ['prompt', 'cached', 'completion', 'reasoning'] as const
/** Each class is rounded up to this many tokens: exact counts leak almost ten bits an answer, buckets under four. */
export const TOKEN_BUCKET = 64

/**
 * What an answer costs, in nanograms: classes rounded up to 64 tokens, priced, summed, divided once, rounded up.
 * Node, broker and client use this one function.
 */
export function amountOf(usage: Usage, price: Price): bigint {
  let millionths = 0n
  for (const name of classes) {
    const tokens = usage[name]
    if (!Number.isSafeInteger(tokens) || tokens < 0) throw new RangeError(`${name} is not a count of tokens`)
    millionths += BigInt(Math.ceil(tokens / TOKEN_BUCKET) * TOKEN_BUCKET) * price[name]
  }
  return (millionths + 999_999n) / 1_000_000n
}
