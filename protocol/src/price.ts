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
  return (millionthsOf(usage, price) + 999_999n) / 1_000_000n
}

function millionthsOf(usage: Usage, price: Price): bigint {
  let millionths = 0n
  for (const name of classes) {
    const tokens = usage[name]
    if (!Number.isSafeInteger(tokens) || tokens < 0) throw new RangeError(`${name} is not a count of tokens`)
    millionths += BigInt(Math.ceil(tokens / TOKEN_BUCKET) * TOKEN_BUCKET) * price[name]
  }
  return millionths
}

/** Tokens a job takes at most: of its prompt, cached or not, and of its answer, reasoning or not. */
export interface MostTokens {
  readonly prompt: number
  readonly answer: number
}

/**
 * The largest `amountOf` of any usage within `most`, exactly. Classes that share a bound are each rounded up, so one
 * token in the cheaper class can cost a bucket more than all tokens in the dearer one.
 */
export function maximumOf(most: MostTokens, price: Price): bigint {
  let worst: Usage = { prompt: 0, cached: 0, completion: 0, reasoning: 0 }
  for (const [bound, one, other] of [
    [most.prompt, 'prompt', 'cached'],
    [most.answer, 'completion', 'reasoning'],
  ] as const) {
    const [dear, cheap] = price[one] >= price[other] ? [one, other] : [other, one]
    const spilled = Math.min(bound, 1)
    const splits = [
      { ...worst, [dear]: bound },
      { ...worst, [dear]: bound - spilled, [cheap]: spilled },
    ]
    worst = splits.reduce((a, b) => (millionthsOf(a, price) >= millionthsOf(b, price) ? a : b))
  }
  return amountOf(worst, price)
}
