import type { SeededRandom } from '../chaos/seeded-random.ts'

const oddTexts = [
  '',
  ' ',
  '\u0000',
  '\ud800',
  '\u202e\u2028',
  '../../etc/passwd',
  '${7*7}',
  "' OR 1=1 --",
  '__proto__',
  'constructor',
  'null',
  '-1',
  '1e999',
  'cocoon-demo',
  '𝕏'.repeat(50),
]
const oddNumbers = [-1, 0, 1, 1.5, -0, 2 ** 31, 2 ** 53, 2 ** 53 + 2, 1e308, -1e308, 8192, 8193, 65_536, 4_294_967_296]

/** A value that is mostly of the wrong type for wherever it stands. */
export function oddValue(random: SeededRandom): unknown {
  switch (random.below(9)) {
    case 0:
      return null
    case 1:
      return random.chance(0.5)
    case 2:
      return random.pick(oddNumbers)
    case 3:
      return random.pick(oddTexts)
    case 4:
      return 'x'.repeat(random.pick([63, 64, 65, 1024, 1025, 8193, 20_000]))
    case 5:
      return []
    case 6:
      return {}
    case 7:
      return Array.from({ length: random.below(12) }, () => random.word(64))
    default:
      return { ['__proto__']: { admin: true }, [random.word(4)]: random.pick(oddNumbers) }
  }
}

/** The same value with one thing changed, missing or added, somewhere inside. */
export function mutateValue(random: SeededRandom, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array || random.chance(0.1)) {
    return mutateLeaf(random, value)
  }
  if (Array.isArray(value)) {
    const list: unknown[] = [...(value as unknown[])]
    if (list.length === 0 || random.chance(0.3)) list.push(oddValue(random))
    else list[random.below(list.length)] = mutateValue(random, random.pick(list))
    return list
  }
  const entries = Object.entries(value)
  if (entries.length === 0) return { [random.word(5)]: oddValue(random) }
  const [name] = random.pick(entries)
  switch (random.below(5)) {
    case 0:
      return Object.fromEntries(entries.filter(([other]) => other !== name))
    case 1:
      return { ...value, [random.pick(['extra', 'toString', random.word(6)])]: oddValue(random) }
    case 2:
      return { ...value, [name]: oddValue(random) }
    default:
      return { ...value, [name]: mutateValue(random, (value as Record<string, unknown>)[name]) }
  }
}

function mutateLeaf(random: SeededRandom, value: unknown): unknown {
  if (value instanceof Uint8Array) return random.chance(0.7) ? mutateBytes(random, value) : oddValue(random)
  if (typeof value === 'string' && value.length > 0 && random.chance(0.6)) {
    const at = random.below(value.length)
    return value.slice(0, at) + random.pick([...oddTexts, 'A', '-', '=']) + value.slice(at + random.below(3))
  }
  if (typeof value === 'number' && random.chance(0.6)) return value + random.pick([-1, 1, 0.5, 1e6, -1e6])
  return oddValue(random)
}

/** The same bytes, damaged in one to three places. */
export function mutateBytes(random: SeededRandom, bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  let out = Uint8Array.from(bytes)
  for (let times = 1 + random.below(3); times > 0; times--) {
    const at = random.below(out.length + 1)
    const length = random.below(8)
    switch (random.below(6)) {
      case 0:
        if (at < out.length) out[at] = (out[at] ?? 0) ^ (1 << random.below(8))
        break
      case 1:
        if (at < out.length) out[at] = random.pick([0, 0x1b, 0x3b, 0x5f, 0x7f, 0x80, 0xff, random.below(256)])
        break
      case 2:
        out = out.slice(0, at)
        break
      case 3:
        out = joined(out.subarray(0, at), random.bytes(length), out.subarray(at))
        break
      case 4:
        out = joined(out.subarray(0, at), out.subarray(at + length))
        break
      default:
        out = joined(out, out.subarray(at, at + 64))
    }
  }
  return out
}

function joined(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.concat(parts))
}

/** JSON text that nests so deep that a careless reader runs out of stack. */
export function deepJson(random: SeededRandom): string {
  const depth = random.pick([100, 5_000, 30_000])
  return random.chance(0.5)
    ? '['.repeat(depth) + ']'.repeat(depth)
    : '{"a":'.repeat(depth / 5) + '1' + '}'.repeat(depth / 5)
}
