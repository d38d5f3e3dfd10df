import { type Bytes, hex } from '../src/index.ts'

/** A part of a target, and who vouches for it; null for bytes that may be written in more than one way. */
export interface Region {
  readonly name: string
  readonly from: number
  readonly to: number
  readonly by: string | null
}

/** Regions one after another, from name, length and who vouches; the last one takes what is left. */
export function layOut(
  bytes: Bytes,
  parts: readonly (readonly [name: string, length: number, by: string])[],
): Region[] {
  let at = 0
  return parts.map(([name, length, by], i) => {
    const from = at
    at = i === parts.length - 1 ? bytes.length : from + length
    return { name, from, to: at, by }
  })
}

const isSpace = (code: number): boolean => (code >= 9 && code <= 13) || code === 0x20

/** PEM from `start` on: line ends are free, everything else is in a certificate that its issuer signed. */
export function pemRegions(bytes: Bytes, start = 0): Region[] {
  const regions: Region[] = []
  for (let at = start; at < bytes.length; at++) {
    const free = isSpace(bytes[at] ?? 0) && !isInMarker(bytes, at)
    const last = regions.at(-1)
    const by = free ? null : 'issuer of the certificate'
    if (last && last.by === by) regions[regions.length - 1] = { ...last, to: at + 1 }
    else regions.push({ name: free ? 'line end' : 'certificate', from: at, to: at + 1, by })
  }
  return regions
}

/** The one space in `-----BEGIN CERTIFICATE-----` belongs to the word. */
const isInMarker = (bytes: Bytes, at: number): boolean => bytes[at] === 0x20 && bytes[at + 1] === 0x43

const latin1 = (bytes: Uint8Array): string => Array.from(bytes, (byte) => String.fromCharCode(byte)).join('')

/** The certificates in PEM; throws where one is not base64. */
function certificatesIn(text: string): string[] {
  const blocks = [...text.matchAll(/-----BEGIN CERTIFICATE-----([^-]*)-----END CERTIFICATE-----/g)]
  return blocks.map(([, body = '']) => atob(body.replaceAll(/\s/g, '')))
}

/**
 * Certificates of another machine that are as good as ours, by theirs: an authority that signs twice gives two
 * certificates for one key, and a chain may hold either. `from` is the first place where that is so.
 */
export function twinsOf(ours: Uint8Array, theirs: Uint8Array, from: number): ReadonlyMap<string, string> {
  const [mine, other] = [certificatesIn(latin1(ours)), certificatesIn(latin1(theirs))]
  return new Map(mine.flatMap((certificate, i) => (i >= from ? [[other[i] ?? certificate, certificate] as const] : [])))
}

/** What PEM says: its certificates, each in place of its twins. PEM that cannot be read says itself. */
export function pemEssence(bytes: Uint8Array, twins?: ReadonlyMap<string, string>): string {
  const text = latin1(bytes)
  try {
    const ders = certificatesIn(text).map((certificate) => twins?.get(certificate) ?? certificate)
    const around = text.replaceAll(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g, '')
    return JSON.stringify([ders, around.trim().replace(/^\0$/, '')])
  } catch {
    return text
  }
}

export const wholeEssence = (bytes: Bytes): string => hex(bytes)
/** Hex may be written in either case. */
export const hexEssence = (bytes: Bytes): string => latin1(bytes).toLowerCase()
/** Exact bytes up to `start`, then PEM. */
export const tailEssence =
  (start: number, twins: ReadonlyMap<string, string>) =>
  (bytes: Bytes): string =>
    hex(bytes.subarray(0, start)) + pemEssence(bytes.subarray(start), twins)
