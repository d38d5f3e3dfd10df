import type { TICKER } from '@cocoon/protocol'

/** The protocol's one constant, by type: its value would bring the whole protocol along before it is needed. */
export const ticker: typeof TICKER = 'GRAM'

/** Nanograms for reading: three significant digits and no more, never in exponents. */
const NANOGRAMS = 1_000_000_000
const format = new Intl.NumberFormat('en', { maximumSignificantDigits: 3, maximumFractionDigits: 9 })

export function grams(nanograms: bigint | string): string {
  return format.format(Number(nanograms) / NANOGRAMS)
}
