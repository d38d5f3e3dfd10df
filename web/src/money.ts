import type { TICKER } from '@cocoon/protocol'
import { words } from './words/words.ts'

/** The protocol's one constant, by type: its value would bring the whole protocol along before it is needed. */
export const ticker: typeof TICKER = 'GRAM'

/** Nanograms for reading: three significant digits and no more, never in exponents. */
const NANOGRAMS = 1_000_000_000
const formats = new Map<string, Intl.NumberFormat>()

export function grams(nanograms: bigint | string): string {
  const { locale } = words
  let format = formats.get(locale)
  if (!format) {
    format = new Intl.NumberFormat(locale, { maximumSignificantDigits: 3, maximumFractionDigits: 9 })
    formats.set(locale, format)
  }
  return format.format(Number(nanograms) / NANOGRAMS)
}
