/** Telegram's theme colours fail WCAG AA. Move a colour's OKLCH lightness, and nothing else, until it reads. */
type Triple = readonly [number, number, number]

const toLinear = (v: number): number => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
const toGamma = (v: number): number => (v <= 0.0031308 ? v * 12.92 : 1.055 * v ** (1 / 2.4) - 0.055)

function channels(hex: string): Triple {
  const value = Number.parseInt(hex.slice(1), 16)
  return [(value >> 16) / 255, ((value >> 8) & 255) / 255, (value & 255) / 255]
}

function toHex(colour: Triple): string {
  const byte = (v: number) => Math.round(Math.min(1, Math.max(0, v)) * 255)
  return `#${colour.map((v) => byte(v).toString(16).padStart(2, '0')).join('')}`
}

/** `#rgb` and `#rrggbb` as `#rrggbb`; null for anything else. */
export function hexColour(text: unknown): string | null {
  if (typeof text !== 'string') return null
  if (/^#[\da-f]{6}$/i.test(text)) return text.toLowerCase()
  return /^#[\da-f]{3}$/i.test(text) ? text.toLowerCase().replace(/[\da-f]/g, '$&$&') : null
}

function toLab(hex: string): Triple {
  const [x, y, z] = channels(hex)
  const [r, g, b] = [toLinear(x), toLinear(y), toLinear(z)]
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b)
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b)
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b)
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ]
}

function fromLab([lightness, a, b]: Triple): string {
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3
  return toHex([
    toGamma(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
    toGamma(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
    toGamma(-0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s),
  ])
}

/** Relative luminance, as WCAG defines it. */
export function luminance(hex: string): number {
  const [r, g, b] = channels(hex)
  return 0.2126 * toLinear(r) + 0.7152 * toLinear(g) + 0.0722 * toLinear(b)
}

export function contrast(one: string, other: string): number {
  const [a, b] = [luminance(one), luminance(other)]
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)
}

export function mix(one: string, other: string, share: number): string {
  const [a, b] = [channels(one), channels(other)]
  const at = (i: 0 | 1 | 2) => a[i] * (1 - share) + b[i] * share
  return toHex([at(0), at(1), at(2)])
}

/** Where black and white contrast alike: grounds below want light text, grounds above dark. */
export const MIDDLE = 0.179
export const isDark = (hex: string): boolean => luminance(hex) < MIDDLE

/** The nearest colour to `colour` that reads on every one of `grounds`. */
export function readable(colour: string, grounds: readonly string[], ratio = 4.5): string {
  const reads = (candidate: string) => grounds.every((ground) => contrast(candidate, ground) >= ratio)
  if (reads(colour)) return colour
  const [lightness, a, b] = toLab(colour)
  for (let step = 1; step <= 200; step++) {
    for (const moved of [lightness - step / 200, lightness + step / 200]) {
      if (moved < 0 || moved > 1) continue
      const candidate = fromLab([moved, a, b])
      if (reads(candidate)) return candidate
    }
  }
  const worst = (candidate: string) => Math.min(...grounds.map((ground) => contrast(candidate, ground)))
  return worst('#000000') > worst('#ffffff') ? '#000000' : '#ffffff'
}
