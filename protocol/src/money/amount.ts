import { NANOGRAMS_PER_GRAM } from '../network.ts'

/** Usage becomes an amount here and nowhere else; re-exported so that money has one door. */
export { amountOf, type MostTokens, maximumOf } from '../price.ts'

/** Amounts in signed objects and on chain have 64 bits: 18 thousand million GRAM. */
export const MAX_NANOGRAMS = 2n ** 64n - 1n

/** Nanograms from the wire: decimal digits, no sign, no leading zero. @throws RangeError otherwise */
export function parseNanograms(text: string): bigint {
  if (!/^(?:0|[1-9]\d{0,19})$/.test(text)) throw new RangeError('nanograms are decimal digits without leading zeros')
  const value = BigInt(text)
  if (value > MAX_NANOGRAMS) throw new RangeError('more nanograms than 64 bits hold')
  return value
}

/** Nanograms from what a person typed: `0.5`, `12`, with at most nine digits behind the point. @throws RangeError otherwise */
export function parseGrams(text: string): bigint {
  const parts = /^(\d{1,11})(?:\.(\d{1,9}))?$/.exec(text)
  if (!parts) throw new RangeError('write an amount like 0.5, with at most nine digits behind the point')
  const value = BigInt(parts[1] ?? 0) * NANOGRAMS_PER_GRAM + BigInt((parts[2] ?? '').padEnd(9, '0'))
  if (value > MAX_NANOGRAMS) throw new RangeError('more coins than there can be')
  return value
}

/** Exact, without trailing zeros and without the ticker: 500000000n is `0.5`. */
export function formatGrams(nanograms: bigint): string {
  const sign = nanograms < 0n ? '-' : ''
  const size = nanograms < 0n ? -nanograms : nanograms
  const fraction = (size % NANOGRAMS_PER_GRAM).toString().padStart(9, '0').replace(/0+$/, '')
  return `${sign}${size / NANOGRAMS_PER_GRAM}${fraction === '' ? '' : `.${fraction}`}`
}

/**
 * The broker's fee on everything paid on a lane so far, in nanograms, rounded down. What one claim accrues is the
 * difference of two of these, so splitting claims changes nothing.
 */
export function feeOn(paid: bigint, basisPoints: number): bigint {
  if (!Number.isInteger(basisPoints) || basisPoints < 0 || basisPoints > 10_000) {
    throw new RangeError('a fee has 0 to 10000 basis points')
  }
  return (paid * BigInt(basisPoints)) / 10_000n
}
