/** Nanograms for reading: three significant digits and no more, never in exponents. */
const NANOGRAMS = 1_000_000_000
const format = new Intl.NumberFormat('en', { maximumSignificantDigits: 3, maximumFractionDigits: 9 })

export function grams(nanograms: bigint | string): string {
  return format.format(Number(nanograms) / NANOGRAMS)
}
